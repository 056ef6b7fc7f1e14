"""Explain a glyph's classification.

occlusion.py: contrastive occlusion map, and the parts that it names
counterfactual.py: fewest strokes to another digit
strokes.py: skeletons, loops, pen paths, and their names
activations.py: feature maps, receptive fields, top digits
cell_sum.py: the sum behind a cell, and the trail from it to the ink
ablation.py: switch off maps, prune weights, and their cost
gallery.py: nearest test digits; position on a 2-D map
"""
