"""Convert pictures and sketches to ink in MNIST's frame."""
