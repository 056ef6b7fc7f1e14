"""Data sets of digits and non-digits, as ink with labels.

mnist.py: load MNIST; download it if it is missing
stroke_styles.txt: ways of writing digits, as pen paths
handwriting_fonts.py: strokes traced from fonts and scripts; held-out split
pen_strokes.py: parse, vary and rasterise pen paths
pen_slips.py: writing errors: hooks, ligatures, pinched loops, gaps
pen_digits.py: drawn digits, framed and degraded
held_out_handwriting.py: drawings of held-out handwriting and scripts
random_shapes.py: shapes and printed letters
non_digits.py: outliers: fragments, several digits, characters, shapes
prepared.py: load the pre-rendered sheets of the quick recipe
augment.py: random shifts and affine distortion
image_folder.py: labelled pictures from folders 0 to 9
"""
