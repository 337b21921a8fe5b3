"""Floor 1: a row of numbers: activations, losses, optimizers, schedules. See README.md in this folder."""
