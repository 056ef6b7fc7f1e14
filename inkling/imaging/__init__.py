"""Any picture becomes ink in MNIST's frame."""
