"""Convert pictures and sketches to ink in MNIST's frame.

sketch.py: parse the pad's strokes; rasterise them
image_formats.py: supported formats, by signature and suffix
decompression_limits.py: size, pixel and tag limits; `PictureError`
isolated_decoding.py: decode TIFF and AVIF in a limited subprocess
open_image.py: open an untrusted file as an upright 8-bit picture
grayscale.py: convert to grayscale along the axis of most contrast
illumination.py: flat-field correction
binarize.py: Otsu ink; remove specks
underline.py: erase lines under a number
mnist_frame.py: crop, thicken and frame a glyph to 28 x 28
"""
