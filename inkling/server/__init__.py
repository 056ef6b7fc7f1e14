"""Serve the page to untrusted clients: process set-up, request limits, queue, login, clean-up."""
