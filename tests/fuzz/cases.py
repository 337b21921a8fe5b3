"""Whole examples: an estimator with legal parameters, and data to train it on."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from tables import SPARSE_FORMS, Table, Targets, tables, targets
from vocabulary import HIDDEN, POSITIVE_LOSSES, n_hidden, parameters

from fastnet import MLPClassifier, MLPRegressor
from fastnet.optimizers import Rprop

METHODS = ("fit", "fit", "fit", "partial_fit")
# Refused with 'lbfgs', so an example with that takes few of them.
STOCHASTIC_ONLY = {
    "learning_rate", "warmup", "scoring", "validation_split", "clip_value", "clip_norm", "max_norm", "ema_decay",
    "dropout", "input_dropout", "drop_connect", "input_noise", "rate_factors", "bias_rate_factor", "dropout_schedule",
    "decay_schedule",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """An estimator and its training data."""

    classifier: bool
    parameters: dict
    table: Table
    targets: Targets
    weights: str | None = None
    n_validation: int | None = None
    method: str = "fit"

    def estimator(self, **changes):
        """A new estimator."""
        return (MLPClassifier if self.classifier else MLPRegressor)(**{**self.parameters, **changes})

    def X(self):
        return self.table.given()

    def y(self):
        return self.targets.given(self.table.rows)

    def sample_weight(self):
        """Weights of the samples, or None."""
        rng = np.random.default_rng(self.table.seed)
        whole = rng.integers(0, 3, self.table.rows)
        whole[0] = 1
        drawn = {"whole": whole, "real": rng.uniform(0.1, 2.0, self.table.rows), "ones": np.ones(self.table.rows)}
        return drawn.get(self.weights)

    def arguments(self):
        """Keyword arguments of the method beside X and y."""
        arguments = {} if self.weights is None else {"sample_weight": self.sample_weight()}
        if self.method == "partial_fit":
            return {**arguments, **({"classes": self.targets.classes()} if self.classifier else {})}
        if self.n_validation is not None:
            numbers = Table(self.n_validation, self.table.columns, seed=99, form=self.table.form)
            arguments |= {"X_val": numbers.given(), "y_val": self.targets.given(self.n_validation, seed=1)}
        return arguments

    def train(self, estimator):
        """Train the estimator on the data."""
        return getattr(estimator, self.method)(self.X(), self.y(), **self.arguments())

    def involved(self):
        """Names that a refusal may give as its reason."""
        by_itself = {"X", "y", "n_samples", "learning_rate_init", "validation_fraction", "hidden_layer_sizes"}
        return by_itself | set(self.parameters) | set(self.arguments())


@st.composite
def cases(draw, *, few=False, methods=METHODS, table=None, most=70, always=None, most_set=9):
    """Examples of legal training: parameters that go together, mostly."""
    always = always or {}
    classifier = draw(st.booleans())
    hidden = always.get("hidden_layer_sizes", draw(HIDDEN))
    space = parameters(n_hidden(hidden), classifier, few)
    chosen = draw(st.lists(st.sampled_from(sorted(set(space) - {"solver"})), unique=True, max_size=most_set))
    values = {"solver": draw(space["solver"]), "max_iter": 2, "random_state": 0}
    if values["solver"] == "lbfgs" and draw(st.integers(0, 9)):
        chosen = [name for name in chosen if name not in STOCHASTIC_ONLY]
    values |= {name: draw(space[name]) for name in chosen} | {"hidden_layer_sizes": hidden}
    values |= always
    method = draw(st.sampled_from(methods))
    if values["solver"] in ("lbfgs", "rprop") or isinstance(values["solver"], Rprop):
        method = "fit"
    watches = values["solver"] != "lbfgs" and {"scoring", "validation_split", "calibration"} & set(chosen)
    if watches and method == "fit" and draw(st.integers(0, 9)):
        values |= {"early_stopping": True, **always}
    n_validation = None
    if (values.get("early_stopping") or values.get("calibration")) and method == "fit" and draw(st.booleans()):
        n_validation = draw(st.integers(2, 20))
    description = draw(tables() if table is None else table)
    if values.get("input_noise") and description.form in SPARSE_FORMS:
        values["input_noise"] = 0.0
    if description.form in SPARSE_FORMS:
        values = {name: value for name, value in values.items() if name not in ("features", "input_scale")}
    loss = values.get("loss")
    positive = loss in POSITIVE_LOSSES or type(loss).__name__ == "Tweedie"
    return Case(
        classifier, values, description, draw(targets(classifier, positive=positive, most=most)),
        draw(st.sampled_from([None, None, "whole", "real", "ones"])), n_validation, method,
    )  # fmt: skip
