"""Ink becomes glyphs, and glyphs become a reading."""
