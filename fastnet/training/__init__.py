"""Floor 4: trainers, whose steps are epochs: order of samples, schedules, validation, history; L-BFGS."""
