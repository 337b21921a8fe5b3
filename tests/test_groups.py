"""Parameter groups: each has its own factors of the learning rate and of the decoupled weight decay."""

import numpy as np
import pytest
from naive_optimizers import SGD, AdamW
from problems import Problem, distance

from fastnet.engine import Session
from fastnet.network.architecture import Architecture
from fastnet.network.layers import UNDECAYED, WEIGHTS, Group
from fastnet.ops import optimizers
from fastnet.ops.activations import ACTIVATIONS
from fastnet.ops.losses import LOSSES

SLOW, FAST, STILL = Group(rate=0.5, decay=3.0), Group(rate=2.0, decay=0.5), Group(rate=0.0)
RULES = {"sgd": (optimizers.SGD(), SGD, 0.1), "adamw": (optimizers.AdamW(weight_decay=0.3), AdamW, 0.0)}


class ByGroup:
    """The twin of an optimizer for parameters of several groups: one for each parameter."""

    def __init__(self, rule, op, params, groups):
        self.t, self._groups, self._twins = 0, groups, []
        for p, group in zip(params, groups, strict=True):
            options = op.get_params()
            if "weight_decay" in options:
                options["weight_decay"] *= group.decay
            self._twins.append(rule([p], **options))

    def step(self, params, grads, rate):
        self.t += 1
        pairs = zip(self._twins, params, grads, self._groups, strict=True)
        steps = [twin.step([p], [g], rate * group.rate) for twin, p, g, group in pairs]
        return [new[0] for new, _ in steps], [length[0] for _, length in steps]


@pytest.mark.parametrize("weight_groups", [(SLOW, WEIGHTS, WEIGHTS), (SLOW, FAST, SLOW), (UNDECAYED,) * 3])
@pytest.mark.parametrize(
    "options", [{}, {"clip_norm": 1e9}, {"n_jobs": 2}], ids=["plain", "steps deferred", "two threads"]
)
@pytest.mark.parametrize("solver", RULES)
def test_groups_have_their_own_rate_and_decay(solver, options, weight_groups):
    op, rule, l1 = RULES[solver]
    problem = Problem(3, (7, 37, 19, 2), "tanh")
    params = problem.coefs, problem.intercepts
    order, twin = np.arange(23)[::-1], ByGroup(rule, op, sum(params, []), [*weight_groups, *[UNDECAYED] * 3])
    with Session(
        problem.architecture(weight_groups=weight_groups), problem.X, problem.y, dtype=np.float64, optimizer=op,
        batch_size=6, l1=l1, **options,
    ) as session:  # fmt: skip
        session.set_parameters(*params)
        for _ in range(3):
            session.run_epoch(order, 0.05)
            *params, _ = problem.train_epoch(*params, order, optimizer=twin, rate=0.05, batch_size=6, l1=l1)
        assert distance(sum(session.get_parameters(), []), sum(params, [])) < 1e-13


@pytest.mark.parametrize("op", [optimizers.Adam(), optimizers.ScheduleFreeAdamW()], ids=repr)
def test_the_matrices_of_a_layer_are_in_its_group_and_its_vectors_are_not(op):
    net = Problem(1, (5, 9, 7, 3), "prelu", normalization="layer", residual="projection",
                  weight_groups=(WEIGHTS, STILL, WEIGHTS))  # fmt: skip
    with net.session(optimizer=op, batch_size=23) as session:
        session.run_epoch(np.arange(23), 0.1)
        matrices, vectors = session.get_parameters()
    moved = [not np.array_equal(a, b) for a, b in zip(matrices, net.matrices, strict=True)]
    assert net.architecture().matrix_layers() == (0, 1, 2, 1) and moved == [True, False, True, False]
    assert not any(np.array_equal(a, b) for a, b in zip(vectors, net.vectors, strict=True))


def test_an_architecture_tells_its_groups_once():
    units, op, loss = (4, 3, 2), ACTIVATIONS["relu"], LOSSES["squared_error"]
    assert Architecture(units, op, loss).groups == (WEIGHTS, UNDECAYED)
    assert Architecture(units, op, loss, weight_groups=(WEIGHTS, FAST)).groups == (WEIGHTS, FAST, UNDECAYED)
    assert Architecture(units, op, loss, weight_groups=(UNDECAYED,) * 2).groups == (UNDECAYED,)
    with pytest.raises(ValueError, match="1 weight_groups do not go with 2 layer"):
        Architecture(units, op, loss, weight_groups=(WEIGHTS,))
