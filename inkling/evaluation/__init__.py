"""Compute the figures of a checkpoint, and write the evaluation report.

metrics.py: accuracy, calibration, confusion, rejection
plots.py: points and ticks of plots
report.py: write the report, one HTML page
templates: the report, its confusion matrix and plots
"""
