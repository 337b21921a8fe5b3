"""Docstrings of everything public, as scikit-learn validates its own: numpydoc's rules, and nothing undocumented."""

import inspect

import numpy as np
import pytest
from sklearn.utils._testing import check_docstring_parameters

import fastnet
import fastnet.activations
import fastnet.callbacks
import fastnet.initializers
import fastnet.inspection
import fastnet.losses
import fastnet.optimizers
import fastnet.schedules
from fastnet.estimators.inspect import LayerPass, Pass
from fastnet.estimators.summary import LayerSummary, Summary

numpydoc = pytest.importorskip("numpydoc")
validate = pytest.importorskip("numpydoc.validate").validate

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [fastnet.MLPClassifier, fastnet.MLPRegressor]
TABULAR = [fastnet.TabularMLPClassifier, fastnet.TabularMLPRegressor, fastnet.TabularPreprocessor]
DISPLAYS = [getattr(fastnet.inspection, name) for name in fastnet.inspection.__all__]
VOCABULARIES = [
    fastnet.activations, fastnet.features, fastnet.losses, fastnet.optimizers, fastnet.schedules, fastnet.initializers
]  # fmt: skip
VOCABULARY = sorted(
    {getattr(m, name) for m in VOCABULARIES for name in m.__all__}, key=lambda cls: (cls.__qualname__, cls.__module__)
)

# scikit-learn's own choice. RT02: the result may have a name. GL01, GL02: where the first and the last line begin.
NEVER = {"RT02", "GL01", "GL02"}
# Only the docstring of a class needs an extended summary, "See Also" and an example.
OF_CLASSES = {"ES01", "SA01", "EX01"}
# A word of the vocabulary begins with its formula, has its use and source below and stands in a table of its kind.
FORMULA_FIRST = {"SS06"}


def errors(path, ignored):
    return [(code, message) for code, message in validate(path)["errors"] if code not in ignored]


def path_of(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


def public_methods(cls):
    return [name for name, member in inspect.getmembers(cls) if not name.startswith("_") and callable(member)]


METHODS = [(cls, name) for cls in ESTIMATORS + TABULAR for name in public_methods(cls)]


@pytest.mark.parametrize("cls", ESTIMATORS + TABULAR)
def test_the_docstring_of_an_estimator(cls):
    assert not errors(path_of(cls), NEVER)


@pytest.mark.parametrize(("cls", "name"), METHODS)
def test_the_docstring_of_a_method(cls, name):
    assert not errors(f"{path_of(cls)}.{name}", NEVER | OF_CLASSES)


def test_the_docstring_of_inspect_and_its_results():
    assert not errors("fastnet.estimators.inspect.inspect", NEVER)
    for cls in (Pass, LayerPass, Summary, LayerSummary):  # results: attributes, but no parameters
        assert not errors(path_of(cls), NEVER | OF_CLASSES | {"PR01"})


@pytest.mark.parametrize("cls", DISPLAYS)
def test_the_docstring_of_a_display(cls):
    assert not errors(path_of(cls), NEVER)
    assert check_docstring_parameters(cls.__init__, numpydoc.docscrape.ClassDoc(cls)) == []
    for name in public_methods(cls):
        assert not errors(f"{path_of(cls)}.{name}", NEVER | OF_CLASSES)
        assert check_docstring_parameters(getattr(cls, name)) == [], name


@pytest.mark.parametrize("name", fastnet.callbacks.__all__)
def test_the_docstring_of_a_callback(name):
    cls = getattr(fastnet.callbacks, name)
    # the history is a result, which nobody constructs
    assert not errors(path_of(cls), NEVER | OF_CLASSES | ({"PR01", "PR02"} if name == "History" else set()))
    for method in ("on_fit_begin", "on_epoch_end", "on_fit_end", "to_frame"):
        if method in vars(cls):
            assert not errors(f"{path_of(cls)}.{method}", NEVER | OF_CLASSES)


def test_the_docstrings_of_checkpoints():
    assert not errors("fastnet.Checkpoint", NEVER) and not errors("fastnet.resume", NEVER)
    for method in ("on_fit_begin", "on_epoch_end", "on_fit_end"):
        assert not errors(f"fastnet.Checkpoint.{method}", NEVER | OF_CLASSES)


@pytest.mark.parametrize("cls", VOCABULARY, ids=path_of)
def test_the_docstring_of_a_word(cls):
    assert not errors(path_of(cls), NEVER | OF_CLASSES | FORMULA_FIRST)
    assert not errors(f"{path_of(cls)}.get_params", NEVER | OF_CLASSES)


@pytest.mark.parametrize("cls", ESTIMATORS + TABULAR)
def test_parameters_are_documented_in_their_order(cls):
    assert check_docstring_parameters(cls.__init__, numpydoc.docscrape.ClassDoc(cls)) == []
    for name in public_methods(cls):
        assert check_docstring_parameters(getattr(cls, name)) == [], name


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_documented_attributes_are_those_that_fits_set(cls, digits):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(digits[0], columns=[f"pixel {i}" for i in range(64)])
    params = {"max_iter": 2, "random_state": 0, "hidden_layer_sizes": (5, 4)}
    source = cls(**params).fit(*digits)
    fitted = set()
    for own in (
        {"early_stopping": True, "init": source, "clip_norm": 1.0, "ema_decay": 0.9, "dropout": 0.1},
        {"solver": "lbfgs", "input_scale": True},
        {"normalization": "batch", "residual": "projection", "activation": "prelu"},
        {"early_stopping": True, **({"calibration": "temperature"} if "calibration" in vars(source) else {})},
        {"target_scaling": True} if "target_scaling" in vars(source) else {},
    ):
        fitted |= {name for name in vars(cls(**params, **own).fit(X, digits[1])) if name.endswith("_")}
    names = [name for p in numpydoc.docscrape.ClassDoc(cls)["Attributes"] for name in p.name.split(", ")]
    assert len(names) == len(set(names))
    assert set(names) == fitted


@pytest.mark.parametrize("cls", ESTIMATORS + TABULAR)
def test_documented_defaults_are_the_defaults(cls):
    signature = inspect.signature(cls).parameters
    for parameter in numpydoc.docscrape.ClassDoc(cls)["Parameters"]:
        kind, _, default = parameter.type.rpartition("default=")
        assert kind, parameter.name
        value = signature[parameter.name].default
        told = eval(default, {"inf": np.inf})  # the text of our own docstring
        assert told == value and type(told) is type(value), parameter.name
