"""Row kernels, compiled from formulas."""
