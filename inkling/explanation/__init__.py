"""Explain a glyph's classification.

occlusion.py: contrastive occlusion map and its sentence
counterfactual.py: smallest change to another digit
activations.py: feature maps, receptive fields, top digits
cell_sum.py: the sum behind a cell, and the trail from it to the ink
ablation.py: switch off maps, prune weights, and their cost
gallery.py: nearest test digits; position on a 2-D map
"""
