"""What the page shows of a visit."""
