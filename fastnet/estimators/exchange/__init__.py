"""Estimators that leave: pickles, and the way to scikit-learn's."""
