"""Small networks that learn the flowers, or patients, in a moment: for tests of what works around an estimator."""

import fastnet


def classifier(**params):
    params = {"hidden_layer_sizes": (12,), "max_iter": 30, "learning_rate_init": 0.02, "random_state": 0, **params}
    return fastnet.MLPClassifier(**params)


def regressor(**params):
    params = {"hidden_layer_sizes": (8,), "max_iter": 40, "learning_rate_init": 0.02, "random_state": 0, **params}
    return fastnet.MLPRegressor(**params)
