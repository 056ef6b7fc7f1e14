"""Explain a glyph's classification: evidence, counterfactuals, feature maps, similar digits."""
