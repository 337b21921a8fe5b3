"""The annotations of the public API: all there, of types that exist, and of use to a type checker."""

import inspect
import typing

import pytest

import fastnet
import fastnet.callbacks

VOCABULARY = (fastnet.activations, fastnet.losses, fastnet.optimizers, fastnet.schedules, fastnet.initializers)
CLASSES = [getattr(module, name) for module in VOCABULARY for name in module.__all__]
CLASSES += [fastnet.MLPClassifier, fastnet.MLPRegressor]
CLASSES += [getattr(fastnet.callbacks, name) for name in fastnet.callbacks.__all__ if name != "History"]
CLASSES += [fastnet.TabularMLPClassifier, fastnet.TabularMLPRegressor, fastnet.TabularPreprocessor]


def functions_of(cls):
    """Name to function of every public method, property and formula that is written in fastnet, and of __init__."""
    for name in dir(cls):
        found = inspect.getattr_static(cls, name)
        found = getattr(found, "fget", None) or getattr(found, "__func__", None) or found
        if not inspect.isfunction(found):
            found = getattr(cls, name)  # such as a method that is only there for some parameters
        is_public = name == "__init__" or not name.startswith("_")
        if is_public and inspect.isfunction(found) and found.__module__.startswith("fastnet."):
            yield name, found


PUBLIC = {f"{cls.__module__}.{cls.__name__}.{name}": f for cls in CLASSES for name, f in functions_of(cls)}
PUBLIC |= {"fastnet.inspect": fastnet.inspect, "fastnet.from_sklearn": fastnet.from_sklearn}


def test_every_public_function_is_annotated():
    for name, public in PUBLIC.items():
        function = inspect.unwrap(public)
        hints = typing.get_type_hints(function)  # raises if a type does not exist
        parameters = [p for p in inspect.signature(function).parameters if p not in ("self", "cls")]
        assert [p for p in [*parameters, "return"] if p not in hints] == [], name


def test_nothing_public_is_missed():
    for cls in (fastnet.MLPClassifier, fastnet.MLPRegressor):
        found = {name for name, _ in functions_of(cls)}
        assert found >= {"__init__", "fit", "partial_fit", "predict", "set_params", "to_sklearn"}
    of_classifier = dict(functions_of(fastnet.MLPClassifier)).keys()
    assert of_classifier >= {"predict_proba", "predict_log_proba", "decision_function", "score"}
    assert {"function", "derivative", "get_params"} <= dict(functions_of(fastnet.activations.Tanh)).keys()
    assert len(PUBLIC) > 300


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_fields_are_annotated_with_types_that_exist(cls):
    hints = typing.get_type_hints(cls)
    assert set(getattr(cls, "__dataclass_fields__", {})) <= set(hints)


def test_type_checkers_see_the_names_of_the_vocabulary():
    for module in VOCABULARY:
        lines = inspect.getsource(module).splitlines()
        source = next(line.split()[1] for line in lines if line.startswith("    from ") and "import *" in line)
        static = vars(__import__(f"fastnet{source}", fromlist=["x"]))
        assert [name for name in module.__all__ if static.get(name) is not getattr(module, name)] == []
