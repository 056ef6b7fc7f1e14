"""Draw the pictures of training and evaluation. The product loads the sheets.

stroke_styles.txt: ways of writing digits, as pen paths
pen_strokes.py: parse and interpolate pen paths
styles.py: draw and sample the styles for the page, which loads styles.png and styles.safetensors
handwriting_fonts.py: strokes traced from fonts and scripts; held-out split
pen_variation.py: vary and rasterise pen paths
pen_slips.py: writing errors: hooks, ligatures, pinched loops, gaps
pen_digits.py: drawn digits, framed and degraded
held_out_handwriting.py: drawings of held-out handwriting and scripts
random_shapes.py: shapes and printed letters
non_digits.py: outliers: fragments, several digits, characters, shapes
"""
