"""What is compared: each library as a class whose ``turn(epochs)`` trains anew and times its epochs."""

import contextlib
import importlib.util
import io
import time
import warnings
from functools import partial

import numpy as np

ALPHA, RATE, BETA_1, BETA_2, EPSILON = 1e-4, 1e-3, 0.9, 0.999, 1e-8


class EpochLines(io.TextIOBase):
    """Takes what an estimator prints and notes the time of every epoch's line."""

    def __init__(self):
        self.times = []

    def write(self, text):
        if text.startswith("Iteration"):
            self.times.append(time.perf_counter())
        return len(text)


class Estimator:
    """fastnet's or scikit-learn's classifier. ``turn`` is what every library has."""

    def __init__(self, problem, threads, library, dtype):
        self.X, self.y = problem.X.astype(dtype, copy=False), problem.y
        self.parameters = dict(
            hidden_layer_sizes=problem.sizes[1:-1],
            batch_size=problem.batch,
            alpha=ALPHA,
            random_state=0,
            verbose=True,
        )
        if library == "fastnet":
            from fastnet import MLPClassifier

            self.parameters |= dict(n_jobs=threads, dtype=dtype)
        else:
            from sklearn.neural_network import MLPClassifier
        self.make = MLPClassifier

    def turn(self, epochs):
        """Train anew; returns the mean time of the epochs after the first, and the last one's loss."""
        model = self.make(**self.parameters, max_iter=epochs + 1, n_iter_no_change=epochs + 1)
        lines = EpochLines()
        with contextlib.redirect_stdout(lines), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the number of epochs is fixed: no convergence
            model.fit(self.X, self.y)
        return (lines.times[-1] - lines.times[0]) / epochs, model.loss_


class Torch:
    """PyTorch, eager or compiled."""

    def __init__(self, problem, threads, compiled):
        import torch

        self.torch, self.problem = torch, problem
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        layers = []
        for fan_in, fan_out in zip(problem.sizes, problem.sizes[1:], strict=False):
            layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        self.layers = layers[::2]

        def loss(x, y):
            return torch.nn.functional.cross_entropy(model(x), y)

        if compiled:
            torch.compiler.reset()  # else the networks of a process soon exceed its limit of compilations
        self.loss = torch.compile(loss, dynamic=False) if compiled else loss
        self.X, self.y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)

    def epoch(self, optimizer):
        losses = []
        for rows in self.torch.randperm(self.problem.rows).split(self.problem.batch):
            optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.X.index_select(0, rows), self.y.index_select(0, rows))
            loss.backward()
            optimizer.step()
            losses.append(loss.detach() * len(rows))
        return float(self.torch.stack(losses).sum()) / self.problem.rows

    def turn(self, epochs):
        torch = self.torch
        with torch.no_grad():
            for layer, w, b in zip(self.layers, *self.problem.weights(), strict=True):
                layer.weight.copy_(torch.from_numpy(w.T))
                layer.bias.copy_(torch.from_numpy(b))
        groups = [
            {"params": [layer.weight for layer in self.layers], "weight_decay": ALPHA / self.problem.batch},
            {"params": [layer.bias for layer in self.layers]},
        ]
        optimizer = torch.optim.Adam(groups, lr=RATE, betas=(BETA_1, BETA_2), eps=EPSILON, fused=True)
        self.epoch(optimizer)
        start = time.perf_counter()
        for _ in range(epochs):
            loss = self.epoch(optimizer)
        return (time.perf_counter() - start) / epochs, loss


class Jax:
    """JAX: an epoch is one jitted call."""

    def __init__(self, problem, threads):
        import jax

        self.jax, self.problem = jax, problem
        self.rng = np.random.default_rng(0)
        self.X = jax.numpy.asarray(problem.X)
        # One-hot targets: the gradient of a look-up would be a scatter, slow on the CPU.
        self.targets = jax.numpy.eye(problem.sizes[-1], dtype="float32")[problem.y]
        self.epoch = jax.jit(partial(_jax_epoch, jax, problem.batch), donate_argnums=0)

    def turn(self, epochs):
        jnp, tree = self.jax.numpy, self.jax.tree
        parameters = [jnp.array(p) for p in sum(self.problem.weights(), [])]
        state = (parameters, tree.map(jnp.zeros_like, parameters), tree.map(jnp.zeros_like, parameters), jnp.zeros(()))
        for i in range(epochs + 1):
            order = self.rng.permutation(self.problem.rows).astype(np.int32)
            state, loss = self.epoch(state, self.X, self.targets, order)  # returns before it has run
            if i == 0:
                self.jax.block_until_ready(state)
                start = time.perf_counter()
        self.jax.block_until_ready((state, loss))
        return (time.perf_counter() - start) / epochs, float(loss)


def _jax_epoch(jax, batch, state, X, targets, order):
    jnp = jax.numpy

    def mean_loss(parameters, x, t):
        coefs, intercepts = parameters[: len(parameters) // 2], parameters[len(parameters) // 2 :]
        for w, b in zip(coefs[:-1], intercepts[:-1], strict=True):
            x = jnp.maximum(x @ w + b, 0)
        return -jnp.mean(jnp.sum(t * jax.nn.log_softmax(x @ coefs[-1] + intercepts[-1]), axis=1))

    def step(state, rows):
        parameters, means, squares, count = state
        x, t = (a.at[rows].get(mode="promise_in_bounds") for a in (X, targets))
        loss, gradient = jax.value_and_grad(mean_loss)(parameters, x, t)
        gradient = [g + ALPHA / len(rows) * p if p.ndim == 2 else g for p, g in zip(parameters, gradient, strict=True)]
        count += 1
        rate = RATE * jnp.sqrt(1 - BETA_2**count) / (1 - BETA_1**count)
        means = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, means, gradient)
        squares = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, squares, gradient)
        move = partial(jax.tree.map, lambda p, m, v: p - rate * m / (jnp.sqrt(v) + EPSILON))
        return (move(parameters, means, squares), means, squares, count), loss * len(rows)

    whole = len(order) // batch * batch
    state, losses = jax.lax.scan(step, state, order[:whole].reshape(-1, batch))
    total = losses.sum()
    if whole < len(order):
        state, loss = step(state, order[whole:])
        total += loss
    return state, total / len(order)


# name: (module that must be there, title, how to make it from a problem and a number of threads)
LIBRARIES = {
    "fastnet": ("fastnet", "fastnet", partial(Estimator, library="fastnet", dtype="float32")),
    "sklearn64": ("sklearn", "scikit-learn, float64", partial(Estimator, library="sklearn", dtype="float64")),
    "sklearn32": ("sklearn", "scikit-learn, float32", partial(Estimator, library="sklearn", dtype="float32")),
    "torch": ("torch", "PyTorch, eager", partial(Torch, compiled=False)),
    "torch-compile": ("torch", "PyTorch, torch.compile", partial(Torch, compiled=True)),
    "jax": ("jax", "JAX", Jax),
}


def installed(name):
    """Whether a library of that name can run here."""
    return importlib.util.find_spec(LIBRARIES[name][0]) is not None
