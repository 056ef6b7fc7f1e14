"""Data sets of digits and non-digits, as ink with labels."""
