"""A fit: where it starts, what it watches, how it ends."""
