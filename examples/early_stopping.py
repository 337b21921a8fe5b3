"""Handwritten digits: early stopping with validation data, scores and limits of one's own.

Run it from anywhere: ``python examples/early_stopping.py``. It takes a few seconds.
"""

import numpy as np
from sklearn import config_context
from sklearn.datasets import load_digits
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import fastnet


def report(name, net, X_test, y_test):
    best, accuracy = net.best_validation_score_, net.score(X_test, y_test)
    print(f"{name:44}{net.n_iter_:7}{best:12.4f}{accuracy:11.4f}  {net.stop_reason_}")


def network(**params):
    return fastnet.MLPClassifier((64,), early_stopping=True, learning_rate_init=0.01, random_state=0, **params)


def main():
    X, y = load_digits(return_X_y=True)
    X_train, X_rest, y_train, y_rest = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
    X_val, X_test, y_val, y_test = train_test_split(X_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=0)
    scaler = StandardScaler().fit(X_train)
    own = {"X_val": scaler.transform(X_val), "y_val": y_val}
    X_train_scaled, test = scaler.transform(X_train), (scaler.transform(X_test), y_test)

    print(f"{'what early stopping watches':44}{'epochs':>7}{'best score':>12}{'test acc.':>11}  why it ended")
    report("accuracy on a tenth, held out", network().fit(X_train_scaled, y_train), *test)
    report("accuracy on X_val", network().fit(X_train_scaled, y_train, **own), *test)
    report("loss on X_val", network(scoring="loss").fit(X_train_scaled, y_train, **own), *test)
    report("recall of the worst digit", network(scoring=worst_recall).fit(X_train_scaled, y_train, **own), *test)

    # Each writer wrote several digits: none shall be in both parts. (The digits come without their writers: invented.)
    writers = np.arange(len(y_train)) // 30
    by_writer = network(validation_split=GroupShuffleSplit(1, test_size=0.1, random_state=0))
    report("accuracy on writers held out", by_writer.fit(X_train_scaled, y_train, groups=writers), *test)

    in_time = network(scoring="loss", max_time=0.05, max_iter=10_000, n_iter_no_change=None)
    report("loss on X_val, for 50 milliseconds", in_time.fit(X_train_scaled, y_train, **own), *test)

    # A pipeline scales X_val as it scales X, if metadata routing is on.
    with config_context(enable_metadata_routing=True):
        net = network(scoring="loss").set_fit_request(X_val=True, y_val=True)
        pipeline = Pipeline([("scale", StandardScaler()), ("net", net)], transform_input=["X_val"])
        pipeline.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    report("loss on X_val, in a pipeline", pipeline[-1], *test)


def worst_recall(estimator, X, y):
    """A scorer like any other: a fitted estimator, samples and labels."""
    right = estimator.predict(X) == y
    return min(right[y == label].mean() for label in estimator.classes_)


if __name__ == "__main__":
    main()
