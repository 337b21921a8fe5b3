"""X, y and weights on their way into the engine."""
