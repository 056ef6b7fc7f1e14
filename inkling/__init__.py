"""The rooms that a picture passes on its way to an answer, and what makes them."""
