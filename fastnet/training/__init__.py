"""Floor 4: an epoch: order of samples, schedules, validation, early stopping, history; L-BFGS."""
