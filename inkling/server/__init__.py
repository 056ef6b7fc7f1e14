"""How strangers reach the page, and what they cannot do there."""
