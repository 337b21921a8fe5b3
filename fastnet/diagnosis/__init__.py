"""Between training and estimators: what is wrong with a trained network, and what helps. Knows no estimators."""
