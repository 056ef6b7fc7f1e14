"""A reading is explained: evidence, layers, and the map of digits."""
