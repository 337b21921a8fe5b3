"""The penalised loss over all samples as a function of one vector, for SciPy's L-BFGS-B.

An L1 penalty is smooth on the split w = u - v with u, v >= 0, where abs(w) is u + v; L-BFGS-B's bounds keep u
and v there, so that weights become exactly zero (Schmidt, Fung, Rosales: "Fast Optimization Methods for L1
Regularization", ECML 2007, section 2.3). Biases are not penalised and not split.
"""

import numpy as np
import scipy.optimize


class OutOfTime(Exception):
    """The deadline has passed, perhaps in the middle of an evaluation."""


class Stopped(Exception):
    """A callback has ended the training."""


class Objective:
    """The penalised loss of a flat vector: matrix by matrix (u, then v, with L1), then the other vectors.

    What is not trained is kept out of the vector, and its weights out of the penalty.
    """

    def __init__(self, session, matrices, vectors, l1):
        self.session, self.all_parameters = session, (matrices, vectors)
        self.trained = session.architecture.trained()
        matrices, vectors = self.only_trained(matrices, vectors)
        self.shapes = [p.shape for p in (*matrices, *vectors)]
        self.n_matrices = len(matrices)
        self.n_weights = sum(w.size for w in matrices)
        l1 = [strength for strength, trained in zip(l1, self.trained[0], strict=True) if trained]
        # Of each weight; None without L1.
        self.l1 = np.repeat(l1, [w.size for w in matrices]) if any(l1) else None
        flat = np.concatenate([p.ravel() for p in (*matrices, *vectors)], dtype=np.float64)
        weights, others = np.split(flat, [self.n_weights])
        if self.l1 is not None:
            # A weight without L1, in a layer of alpha 0, is a free u, and its v stays 0.
            split, free = self.l1 > 0, np.full(others.size, np.inf)
            u, v = np.where(split, np.maximum(weights, 0), weights), np.where(split, np.maximum(-weights, 0), 0)
            self.start = np.concatenate([u, v, others])
            lower = np.concatenate([np.where(split, 0, -np.inf), np.zeros(self.n_weights), -free])
            upper = np.concatenate([np.full(self.n_weights, np.inf), np.where(split, np.inf, 0), free])
            self.bounds = scipy.optimize.Bounds(lower, upper)
        else:
            self.start, self.bounds = flat, None
        # Where an interruption leaves us: the last iterate, at first the start.
        self.n_iter, self.x, self.value = 0, self.start, None
        self._evaluated = None

    def only_trained(self, matrices, vectors):
        """Those of the arrays that are trained, as two lists."""
        # What is merely measured comes last among the vectors.
        pairs = zip((matrices, vectors), self.trained, strict=True)
        return [[a for a, t in zip(arrays, trained, strict=False) if t] for arrays, trained in pairs]

    def unpack(self, x):
        """The lists of all matrices and vectors, with those in ``x``."""
        if self.l1 is not None:
            u, v, others = np.split(x, [self.n_weights, 2 * self.n_weights])
            x = np.concatenate([u - v, others])
        ends = np.cumsum([np.prod(shape, dtype=int) for shape in self.shapes])[:-1]
        parts = [p.reshape(s) for p, s in zip(np.split(x, ends), self.shapes, strict=True)]
        filled = []
        given = parts[: self.n_matrices], parts[self.n_matrices :]
        for arrays, trained, new in zip(self.all_parameters, self.trained, given, strict=True):
            arrays, new = list(arrays), iter(new)
            for i, is_trained in enumerate(trained):
                arrays[i] = next(new) if is_trained else arrays[i]
            filled.append(arrays)
        return filled

    def __call__(self, x):
        if self.value is not None and self.session.is_out_of_time:
            raise OutOfTime
        self._evaluated = None
        self.session.set_parameters(*self.unpack(x))
        evaluated = self.session.loss_and_gradient()
        if evaluated is None:
            raise OutOfTime
        self._evaluated = x.copy()
        value, *gradients = evaluated
        gradients = sum(self.only_trained(*gradients), [])
        gradient = np.concatenate([g.ravel() for g in gradients], dtype=np.float64)
        if self.l1 is not None:
            weights, others = np.split(gradient, [self.n_weights])
            gradient = np.concatenate([weights + self.l1, self.l1 - weights, others])
            u, v, _ = np.split(x, [self.n_weights, 2 * self.n_weights])
            value += self.l1 @ (u + v)
        if self.value is None:
            self.value = float(value)
        return value, gradient

    def evaluate_at(self, x):
        """Let the session have the parameters of ``x``, and the statistics that go with them: mostly it has."""
        if self._evaluated is None or not np.array_equal(self._evaluated, x):
            self(x)

    def loss(self):
        """The penalised loss of the last iterate, None before the first evaluation."""
        if self.l1 is None or self.value is None:
            return self.value
        # Before the end u and v of a weight may both be above 0: its cost is that of its size.
        u, v, _ = np.split(self.x, [self.n_weights, 2 * self.n_weights])
        return self.value - float(self.l1 @ (u + v - np.abs(u - v)))

    def after_iteration(self, intermediate_result):
        self.n_iter += 1
        self.x, self.value = intermediate_result.x.copy(), float(intermediate_result.fun)
