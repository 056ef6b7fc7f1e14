"""Draw the pictures of training and evaluation. The product loads the sheets in `data/prepared/`.

handwriting_fonts.py: strokes traced from fonts and scripts; held-out split
pen_variation.py: vary and rasterise pen paths
pen_slips.py: writing errors: hooks, ligatures, pinched loops, gaps
pen_digits.py: drawn digits, framed and degraded
held_out_handwriting.py: drawings of held-out handwriting and scripts
random_shapes.py: shapes and printed letters
non_digits.py: outliers: fragments, several digits, characters, shapes
"""
