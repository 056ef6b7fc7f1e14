"""Data sets of digits, and of what is no digit, become ink and labels."""
