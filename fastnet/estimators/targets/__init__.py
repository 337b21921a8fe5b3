"""What a classifier learns: labels, their kinds, their weights."""
