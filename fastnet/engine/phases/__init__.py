"""The two phases of a mini-batch, and the forward pass alone."""
