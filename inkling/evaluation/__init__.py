"""A checkpoint becomes figures and a report."""
