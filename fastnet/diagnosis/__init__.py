"""Floor 5: what is wrong with a training, and which learning rate serves. Looks at a trained network; no estimators."""
