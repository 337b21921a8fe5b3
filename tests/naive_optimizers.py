"""The optimizers in plain NumPy, written as their papers state them; SGD and Adam as scikit-learn has them.

``step(params, grads, rate)`` gives new parameters and, for each, the length of step that L1's shrinkage has to
use: the step per unit of a gradient that never changes. ``decays`` says which parameters decoupled decay shrinks.
"""

import numpy as np


class Rule:
    """Applies `one` to each parameter; `n_states` arrays of zeros belong to each."""

    n_states = 1

    def __init__(self, params, **options):
        vars(self).update(options)
        self.t, self.decays = 0, [True] * len(params)
        self.states = [[np.zeros_like(p) for p in params] for _ in range(self.n_states)]

    def step(self, params, grads, rate):
        self.t += 1
        self.begin(rate)
        new, lengths = [], []
        for i, (p, g) in enumerate(zip(params, grads, strict=True)):
            change, length, *states = self.one(p, g, rate, *(s[i] for s in self.states))
            if self.decays[i]:
                change = change - rate * getattr(self, "weight_decay", 0.0) * p
            for s, value in zip(self.states, states, strict=True):
                s[i] = value
            new.append(p + change)
            lengths.append(length * np.ones_like(p))
        return new, lengths

    def begin(self, rate):
        pass


class SGD:
    """v <- momentum v - rate g, then w += v; Nesterov as in scikit-learn: w += momentum v - rate g.

    Or averaged: v <- momentum v + (1 - momentum) g, then w -= rate v.
    """

    def __init__(self, params, momentum=0.9, nesterov=True, averaged=False):
        self.momentum, self.nesterov, self.averaged, self.t = momentum, nesterov, averaged, 0
        self.states = [[np.zeros_like(p) for p in params]]

    def step(self, params, grads, rate):
        """New params, and for each the length of step that L1's shrinkage has to use."""
        self.t += 1
        of_g, of_step = (1 - self.momentum, -rate) if self.averaged else (-rate, 1)
        v = [self.momentum * v + of_g * g for v, g in zip(self.states[0], grads, strict=True)]
        self.states = [v]
        if self.nesterov:
            v = [self.momentum * v + of_g * g for v, g in zip(v, grads, strict=True)]
        # where the gradient stands still, momentum adds up to rate / (1 - momentum)
        length = rate if self.averaged else rate / (1 - self.momentum)
        return [p + of_step * d for p, d in zip(params, v, strict=True)], [np.full_like(p, length) for p in params]


class Adam:
    """Kingma & Ba (2014), with the bias corrections moved into the rate, as in scikit-learn."""

    def __init__(self, params, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.beta_1, self.beta_2, self.epsilon, self.t = beta_1, beta_2, epsilon, 0
        self.states = [[np.zeros_like(p) for p in params] for _ in range(2)]

    def step(self, params, grads, rate):
        self.t += 1
        b1, b2 = self.beta_1, self.beta_2
        m = [b1 * m + (1 - b1) * g for m, g in zip(self.states[0], grads, strict=True)]
        v = [b2 * v + (1 - b2) * g**2 for v, g in zip(self.states[1], grads, strict=True)]
        self.states = [m, v]
        rate_t = rate * np.sqrt(1 - b2**self.t) / (1 - b1**self.t)
        steps = [rate_t / (np.sqrt(v) + self.epsilon) for v in v]
        return [p - s * m for p, s, m in zip(params, steps, m, strict=True)], steps


class AdaGrad(Rule):
    def one(self, p, g, rate, s):
        s = s + g**2
        length = rate / (np.sqrt(s) + self.epsilon)
        return -length * g, length, s


class Adadelta(Rule):
    n_states = 2

    def one(self, p, g, rate, v, u):
        v = self.rho * v + (1 - self.rho) * g**2
        ratio = np.sqrt(u + self.epsilon) / np.sqrt(v + self.epsilon)
        u = self.rho * u + (1 - self.rho) * (ratio * g) ** 2
        return -rate * ratio * g, rate * ratio, v, u


class RMSProp(Rule):
    def __init__(self, params, rho=0.9, epsilon=1e-8, momentum=0.0, centred=False):
        self.n_states = 3 if centred else 2 if momentum else 1
        super().__init__(params, rho=rho, epsilon=epsilon, momentum=momentum, centred=centred)

    def one(self, p, g, rate, v, *more):
        squares = v + more[0] ** 2 if self.centred else v  # its state is the variance
        v = self.rho * squares + (1 - self.rho) * g**2
        states = [v]
        if self.centred:
            mean = self.rho * more[0] + (1 - self.rho) * g
            states = [np.maximum(v - mean**2, 0), mean]
        scaled = g / (np.sqrt(states[0]) + self.epsilon)
        length = rate / (np.sqrt(states[0]) + self.epsilon) / (1 - self.momentum)
        if not more:
            return -rate * scaled, length, *states
        states.append(self.momentum * more[-1] + scaled)
        return -rate * states[-1], length, *states


class AdamW(Rule):
    n_states = 2

    def one(self, p, g, rate, m, v):
        m = self.beta_1 * m + (1 - self.beta_1) * g
        v = self.beta_2 * v + (1 - self.beta_2) * g**2
        length = rate / (1 - self.beta_1**self.t) / (np.sqrt(v / (1 - self.beta_2**self.t)) + self.epsilon)
        return -length * m, length, m, v


class AMSGrad(Rule):
    n_states = 3

    def one(self, p, g, rate, m, v, largest):
        m = self.beta_1 * m + (1 - self.beta_1) * g
        v = self.beta_2 * v + (1 - self.beta_2) * g**2
        largest = np.maximum(largest, v)
        root = np.sqrt(largest / (1 - self.beta_2**self.t))
        length = rate / (1 - self.beta_1**self.t) / (root + self.epsilon)
        return -length * m, length, m, v, largest


class AdaMax(Rule):
    n_states = 2

    def one(self, p, g, rate, m, u):
        m = self.beta_1 * m + (1 - self.beta_1) * g
        u = np.maximum(self.beta_2 * u, np.abs(g) + self.epsilon)
        length = rate / (1 - self.beta_1**self.t) / u
        return -length * m, length, m, u


class NAdam(Rule):
    n_states = 2
    product = 1.0

    def mu(self, t):
        return self.beta_1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))

    def begin(self, rate):
        self.product *= self.mu(self.t)

    def one(self, p, g, rate, m, v):
        m = self.beta_1 * m + (1 - self.beta_1) * g
        v = self.beta_2 * v + (1 - self.beta_2) * g**2
        root = np.sqrt(v / (1 - self.beta_2**self.t)) + self.epsilon
        ahead = self.mu(self.t + 1)
        of_m, of_g = ahead / (1 - self.product * ahead), (1 - self.mu(self.t)) / (1 - self.product)
        return -rate * (of_m * m + of_g * g) / root, rate * (of_m + of_g) / root, m, v


class Lion(Rule):
    def one(self, p, g, rate, m):
        sign = np.sign(self.beta_1 * m + (1 - self.beta_1) * g)
        return -rate * sign, 0, self.beta_2 * m + (1 - self.beta_2) * g


class Rprop(Rule):
    n_states = 2

    def one(self, p, g, rate, sign, size):
        if self.t == 1:
            size = np.full_like(p, rate)
        turned = np.sign(g) * sign
        size = np.where(turned > 0, self.grow * size, np.where(turned < 0, self.shrink * size, size))
        size = np.clip(size, self.smallest, self.largest)
        sign = np.where(turned < 0, 0, np.sign(g))
        return -sign * size, 0, sign, size


class ScheduleFreeAdamW(Rule):
    """The parameters are y; `averages`, the last state, are x."""

    n_states = 4

    def step(self, params, grads, rate):
        if self.t == 0:
            self.averages = self.states[3]
            self.averages[:] = [p.copy() for p in params]
            self.states[0] = [p.copy() for p in params]
        self.t += 1
        new = []
        for i, (y, g) in enumerate(zip(params, grads, strict=True)):
            z, v, total, _ = (s[i] for s in self.states)
            v = self.beta_2 * v + (1 - self.beta_2) * g**2
            z = z - rate * g / (np.sqrt(v / (1 - self.beta_2**self.t)) + self.epsilon)
            z = z - rate * (self.weight_decay if self.decays[i] else 0.0) * y
            total = total + rate**2
            c = rate**2 / total
            self.averages[i] = (1 - c) * self.averages[i] + c * z
            for s, value in zip(self.states, (z, v, total, self.averages[i]), strict=True):
                s[i] = value
            new.append((1 - self.beta_1) * z + self.beta_1 * self.averages[i])
        return new, [np.zeros_like(p) for p in params]
