"""Data sets become a network, and its checkpoint."""
