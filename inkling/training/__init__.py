"""Train networks on the data sets, and write checkpoints."""
