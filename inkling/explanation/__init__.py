"""Explain a glyph's classification.

occlusion.py: contrastive occlusion map and its sentence
counterfactual.py: smallest change to another digit
activations.py: feature maps, receptive fields, top digits
gallery.py: nearest test digits; position on a 2-D map
"""
