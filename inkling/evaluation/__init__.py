"""Compute the figures of a checkpoint, and write the evaluation report."""
