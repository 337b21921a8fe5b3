"""The example of fastnet/ops/README.md is what it says: the registered leaky ReLU."""

import re
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.testing import assert_array_equal

from fastnet.ops.activations import ACTIVATIONS, Activation
from fastnet.ops.registry import number, register


def test_the_readmes_leaky_relu_is_the_registered_one():
    text = (Path(__file__).parents[1] / "fastnet" / "ops" / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    entered = {}
    names = {"ACTIVATIONS": entered, "Activation": Activation, "dataclass": dataclass, "number": number,
             "register": register, "__name__": __name__}  # fmt: skip
    exec(code, names)
    (name,) = entered
    theirs, ours = entered[name], ACTIVATIONS[name]
    assert repr(theirs) == repr(ours) and theirs.derivative_of == ours.derivative_of
    assert [(f.name, f.default, f.metadata) for f in fields(theirs)] == [
        (f.name, f.default, f.metadata) for f in fields(ours)
    ]
    grid = [*np.linspace(-4, 4, 33).tolist(), -np.inf, np.inf, np.nan, -1e-300]
    for slope in (0.01, 0.3, 1.0, 2.5):
        for formula in ("function", "derivative"):
            a, b = ([getattr(op, formula)(z, (slope,)) for z in grid] for op in (theirs, ours))
            assert_array_equal(a, b)
