"""Normalised layers, learnt slopes and projections in the engine: by hand, their gradients, and against PyTorch."""

from itertools import product

import naive
import numpy as np
import pytest
import scipy.sparse as sp
from marks import crossed, exhaustive
from numpy.testing import assert_allclose
from problems import KINDS, RESIDUALS, SOME, Problem, away_from_kinks, described, distance

from fastnet.engine import Session, forward
from fastnet.network.architecture import Architecture
from fastnet.ops.activations import ACTIVATIONS, PReLU
from fastnet.ops.losses import LOSSES
from fastnet.ops.optimizers import SGD, Adam

EVERY = list(product(KINDS, RESIDUALS, ACTIVATIONS))
ALL = pytest.mark.parametrize(("normalization", "residual", "activation"), EVERY, ids=str)
FIRST_SOME = pytest.mark.parametrize(
    ("normalization", "residual", "activation"), [*SOME, *exhaustive([case for case in EVERY if case not in SOME])],
    ids=str,
)  # fmt: skip
SOME = pytest.mark.parametrize(("normalization", "residual", "activation"), SOME, ids=str)


# ---- by hand ------------------------------------------------------------------------------------------


def values(architecture, matrices, vectors, X, y=None):
    """Outputs of training and of prediction, of the reference and of the engine, which must be the same."""
    X = np.array(X, float)
    y = np.zeros((len(X), architecture.layer_units[-1])) if y is None else np.array(y, float)
    matrices, vectors = ([np.array(p, float) for p in ps] for ps in (matrices, vectors))
    with Session(architecture, X, y, dtype=np.float64, keep_z=True) as session:
        session.set_parameters(matrices, vectors)
        results = session.loss_and_gradient()
        trained = session.arrays()[-1]["z"]
        predicted = session.predict_rows(np.arange(len(X)))
    net = described(architecture)
    reference = [naive.forward(matrices, vectors, X, **net, n_running=n)[0][-1] for n in (0, 99)]
    assert_allclose(trained, reference[0], rtol=1e-14)
    assert_allclose(forward(architecture, matrices, vectors, X), reference[1], rtol=1e-14)
    if architecture.normalization != "batch":
        assert_allclose(predicted, trained, rtol=1e-14)
    return reference, results


def test_batch_normalisation_by_hand():
    # z = 3, 7: mean 5, variance 4. Running mean 1, variance 2.
    architecture = Architecture((1, 1, 1), (ACTIVATIONS["identity"],), LOSSES["squared_error"], normalization="batch")
    vectors = [[0.5], [0], [3], [1], [2]]  # shift, the output's bias, gain, running mean and variance
    (trained, predicted), (loss, matrix_grads, vector_grads) = values(
        architecture, [[[2]], [[1]]], vectors, [[1.5], [3.5]], [[1.0], [2.0]]
    )
    unit = 2 / np.sqrt(4 + naive.EPSILON)
    assert_allclose(trained[:, 0], [0.5 - 3 * unit, 0.5 + 3 * unit])
    assert_allclose(predicted[:, 0], 0.5 + 3 * np.array([2, 6]) / np.sqrt(2 + naive.EPSILON))
    errors = trained[:, 0] - [1, 2]
    assert_allclose(loss, (errors**2).sum() / 4)
    assert_allclose(np.ravel(vector_grads), [errors.mean(), errors.mean(), unit * (errors[1] - errors[0]) / 2])
    # two values are always as far from their mean: but for epsilon the weight does not matter
    assert_allclose(matrix_grads[1], [[(errors * trained[:, 0]).mean()]])
    assert abs(matrix_grads[0][0, 0]) < 1e-5 and matrix_grads[0][0, 0] != 0


@pytest.mark.parametrize(("kind", "expected"), [("layer", (-1, 1)), ("rms", (1 / np.sqrt(5), 3 / np.sqrt(5)))])
def test_normalised_rows_by_hand(kind, expected):
    # z = 1, 3: mean 2, variance 1, mean square 5
    square = 1 if kind == "layer" else 5
    architecture = Architecture((1, 2, 2), (ACTIVATIONS["identity"],), LOSSES["squared_error"], normalization=kind)
    (trained, _), _ = values(architecture, [[[1, 3]], np.eye(2)], [[0.5, -1], [0, 0], [2, 10]], [[1]])
    expected = np.array(expected) / np.sqrt(1 + naive.EPSILON / square)
    assert_allclose(trained, [[0.5 + 2 * expected[0], 10 * expected[1] - 1]])


def test_learnt_slopes_by_hand():
    architecture = Architecture((1, 2, 1), (PReLU(),), LOSSES["squared_error"])
    # z = -2, 3 and 2, -3, slopes 0.25 and -0.5
    (trained, _), (_, matrix_grads, vector_grads) = values(
        architecture, [[[1, -1]], [[2], [10]]], [[0, 1], [0], [0.25, -0.5]], [[-2], [4]], [[28], [22]]
    )
    assert_allclose(trained, [[-1 + 30], [8 + 15]])  # errors 1 and 1
    assert_allclose(vector_grads[2], [2 * -2 / 2, 10 * -3 / 2])
    assert_allclose(vector_grads[0], [(0.25 * 2 + 2) / 2, (10 + 10 * -0.5) / 2])
    assert_allclose(matrix_grads[0], [[(-2 * 0.25 * 2 + 4 * 2) / 2, (-2 * 10 + 4 * -0.5 * 10) / 2]])


def test_a_projection_by_hand():
    # a1 = 2 x, a2 = 3 a1 + (7 + 0) a1, a layer of two units for one, output 5 and 0 times a2
    op, loss = ACTIVATIONS["identity"], LOSSES["squared_error"]
    architecture = Architecture((1, 1, 2, 1), (op, op), loss, residual="projection")
    assert architecture.matrix_shapes() == ((1, 1), (1, 2), (2, 1), (1, 2))
    matrices = [[[2]], [[3, 11]], [[5], [0]], [[7, 13]]]
    (trained, _), (_, matrix_grads, _) = values(architecture, matrices, [[0], [0, 0], [0]], [[1]], [[99]])
    assert_allclose(trained, [[100]])
    for ours, by_hand in zip(matrix_grads, [[[5 * 10]], [[5 * 2, 0]], [[20], [48]], [[5 * 2, 0]]], strict=True):
        assert_allclose(ours, by_hand)


def test_a_projection_never_skips_the_first_hidden_layer_and_stands_only_where_widths_differ():
    op, loss = ACTIVATIONS["relu"], LOSSES["squared_error"]
    architecture = Architecture((7, 9, 9, 5, 5, 8, 8), (op,) * 5, loss, residual="projection")
    assert architecture.projections() == (2, 4)
    skips = [None, "identity", "projection", "identity", "projection", None]
    assert [layer.skip for layer in architecture.layers] == skips


# ---- gradients ----------------------------------------------------------------------------------------


def check_gradients(net, tolerance=1e-11, l2=0.0, X=None, **kw):
    """Loss and gradient of the engine are those of the plain network."""
    with net.session(l2=l2, X=X, **kw) as session:
        loss, *gradients = session.loss_and_gradient()
    value = net.objective(net.matrices, net.vectors, l2=l2)
    assert_allclose(loss, value, rtol=2e-6 if net.dtype == np.float32 else 1e-12)
    expected = net.gradient(l2=l2)
    assert distance(*(sum(arrays, []) for arrays in (gradients, expected))) < tolerance
    size = max(np.abs(g).max() for g in sum(expected, []))
    for ours, theirs in zip(sum(gradients, []), sum(expected, []), strict=True):
        assert np.abs(ours - theirs).max() < 10 * tolerance * size


@ALL
def test_gradients_are_those_of_the_plain_network(normalization, residual, activation):
    options = {"weights": True, "normalization": normalization, "residual": residual}
    net = Problem(3, (6, 9, 9, 5, 70, 4), activation, "log_loss", **options)
    for n_jobs in (1, 2):
        check_gradients(net, l2=0.3, n_jobs=n_jobs)


@pytest.mark.parametrize(("normalization", "residual"), crossed(KINDS, RESIDUALS), ids=str)
def test_gradients_equal_central_differences(normalization, residual):
    """The same from outside the plain network's backward pass."""
    names = ["prelu", "hard_tanh", "silu"]
    net = away_from_kinks(2, (4, 6, 6, 5, 3), names, "log_loss", 9, True, normalization=normalization,
                          residual=residual)  # fmt: skip
    with net.session(l2=0.3) as session:
        _, *gradients = session.loss_and_gradient()
    numeric = []
    for parameter in net.trained:
        numeric.append(np.empty(parameter.shape))
        for at in np.ndindex(parameter.shape):
            kept, sides = parameter[at], []
            for parameter[at] in (kept + 1e-6, kept - 1e-6):
                sides.append(net.objective(net.matrices, net.vectors, l2=0.3))
            parameter[at] = kept
            numeric[-1][at] = (sides[0] - sides[1]) / 2e-6
    assert distance(sum(gradients, []), numeric) < 1e-7


@pytest.mark.parametrize("n_samples", [1, 2, 1100])
@SOME
@pytest.mark.paths
def test_gradients_of_few_rows_and_of_chunks(normalization, residual, activation, n_samples):
    net = Problem(4, (4, 7, 12, 12, 3), activation, "log_loss", n_samples, normalization=normalization,
                  residual=residual)  # fmt: skip
    with net.session() as session:
        assert (session.tables.record["steps"]["chunks"] == 1) == (n_samples < 1100 or normalization == "batch")
    # two rows are normalised to -1 and 1 wherever they are: what is left of the gradient has cancelled
    check_gradients(net, 1e-9 if n_samples == 2 else 1e-11)


@FIRST_SOME
@pytest.mark.paths
def test_gradients_in_single_precision_are_near(normalization, residual, activation):
    # the rounding of z may cross a kink, and a derivative that jumps is not near
    net = away_from_kinks(5, (20, 33, 40, 40, 3), activation, "log_loss", 40, distance=1e-5, dtype=np.float32,
                          normalization=normalization, residual=residual)  # fmt: skip
    check_gradients(net, 1e-5)


@pytest.mark.parametrize("n_samples", [15, 1500])
@SOME
def test_sparse_input_gives_the_gradients_of_dense_input(normalization, residual, activation, n_samples):
    net = Problem(6, (40, 7, 20, 3), activation, "log_loss", n_samples, weights=True, normalization=normalization,
                  residual=residual)  # fmt: skip
    net.X *= np.random.default_rng(0).random(net.X.shape) < 0.1
    check_gradients(net, X=sp.csr_array(net.X))
    results = []
    for X in (net.X, sp.csr_array(net.X)):
        with net.session(X=X, optimizer=Adam(), batch_size=11) as session:
            losses = [session.run_epoch(np.arange(n_samples), 0.01)]
            results.append([*sum(session.get_parameters(), []), np.array(losses)])
    assert distance(*results) < 1e-10


@pytest.mark.parametrize("normalization", KINDS)
def test_a_constant_layer_has_finite_gradients(normalization):
    # all rows and all units alike: variance 0
    net = Problem(7, (3, 4, 2), "relu", n_samples=6, normalization=normalization)
    net.X[:], net.matrices[0][:] = 1.0, 0.5
    check_gradients(net)


def test_rows_without_weight_do_not_count_in_a_batch():
    net = Problem(8, (5, 6, 2), "tanh", n_samples=12, weights=True, normalization="batch")
    net.sample_weight[5:] = 0
    check_gradients(net)
    with net.session() as session:
        expected = session.loss_and_gradient()
    net.X[5:] *= 100
    with net.session() as session:
        loss, *gradients = session.loss_and_gradient()
    assert_allclose(loss, expected[0], rtol=1e-14)
    assert distance(sum(gradients, []), expected[1] + expected[2]) < 1e-13


# ---- PyTorch ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("residual", RESIDUALS)
@pytest.mark.parametrize("normalization", KINDS)
@pytest.mark.parametrize("activation", ["prelu", "silu"])
@pytest.mark.oracle
def test_training_equals_pytorchs(normalization, residual, activation):
    import torch

    units = (6, 12, 12, 7, 3)
    net = Problem(24, units, activation, "log_loss", 32, normalization=normalization, residual=residual)
    architecture = net.architecture()
    of_matrices = [torch.tensor(p, requires_grad=True) for p in net.matrices]
    of_vectors = {key: torch.tensor(p) for key, p in zip(architecture.vectors(), net.vectors, strict=True)}
    n_trained = len(net.trained) - len(net.matrices)
    for kind, layer in list(of_vectors)[:n_trained]:
        of_vectors[kind, layer].requires_grad_()
    projections = dict(zip(architecture.projections(), of_matrices[4:], strict=True))
    nn, functional = torch.nn, torch.nn.functional

    def outputs(a):
        for i in range(3):
            z = a @ of_matrices[i]
            n, bias, gain = (units[i + 1],), of_vectors["bias", i], of_vectors.get(("gain", i))
            if normalization == "batch":
                z = functional.batch_norm(z, None, None, gain, bias, training=True, eps=1e-5)
            elif normalization == "layer":
                z = functional.layer_norm(z, n, gain, bias, eps=1e-5)
            elif normalization == "rms":
                z = nn.functional.rms_norm(z, n, gain, eps=1e-5) + bias
            else:
                z = z + bias
            act = functional.prelu(z, of_vectors["slope", i]) if activation == "prelu" else functional.silu(z)
            if i in projections:
                act = act + a @ projections[i]
            elif residual and i == 1:
                act = act + a
            a = act
        return a @ of_matrices[3] + of_vectors["bias", 3]

    trained = of_matrices + list(of_vectors.values())[: n_trained]
    loss = functional.cross_entropy(outputs(torch.tensor(net.X)), torch.tensor(net.y[:, 0]).long())
    loss.backward()
    with net.session() as session:
        value, *gradients = session.loss_and_gradient()
    assert_allclose(value, loss.item(), rtol=1e-12)
    assert distance(sum(gradients, []), [p.grad.numpy() for p in trained]) < 1e-11

    # and steps, with a last batch that is smaller
    optimizer = torch.optim.SGD(trained, lr=0.1, momentum=0.9)
    with net.session(optimizer=SGD(0.9, False), batch_size=10) as session:
        session.run_epoch(np.arange(30), 0.1)
        session.run_epoch(np.arange(26), 0.1)
        ours = session.get_parameters()
    for start, stop in ((0, 10), (10, 20), (20, 30), (0, 10), (10, 20), (20, 26)):
        optimizer.zero_grad()
        logits = outputs(torch.tensor(net.X[start:stop]))
        functional.cross_entropy(logits, torch.tensor(net.y[start:stop, 0]).long()).backward()
        optimizer.step()
    for a, b in zip(ours[0] + ours[1][: n_trained], trained, strict=True):
        assert_allclose(a, b.detach().numpy(), rtol=1e-8, atol=1e-10)


@pytest.mark.oracle
def test_prediction_equals_pytorchs_batch_normalisation():
    import torch

    net = Problem(25, (6, 12, 3), "tanh", "log_loss", 32, normalization="batch")
    named = {kind: torch.tensor(v) for (kind, layer), v in zip(net.architecture().vectors(), net.vectors, strict=True)
             if layer == 0}  # fmt: skip
    module = torch.nn.BatchNorm1d(12, dtype=torch.float64).eval()
    module.weight.data, module.bias.data = named["gain"], named["bias"]
    module.running_mean, module.running_var = named["mean"], named["variance"]
    hidden = torch.tanh(module(torch.tensor(net.X @ net.matrices[0]))).detach().numpy()
    logits = forward(net.architecture(), net.matrices, net.vectors, net.X, link=False)
    assert_allclose(logits, hidden @ net.matrices[1] + net.vectors[1], rtol=1e-11)
