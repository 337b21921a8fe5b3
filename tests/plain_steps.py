"""Training steps in plain NumPy with clipping, bounded norms and averaged weights: what `naive.train_epoch` has not."""

import naive
import numpy as np


def train(problem, intercepts, twin, rate, order, *, batch_size, l1=0.0, l2=0.0, n_frozen=0, use_bias=True,
          clip_value=None, clip_norm=None, max_norm=None, ema_decay=None):  # fmt: skip
    """Parameters after one epoch, their weighted average, and the gradients' norms before clipping.

    The average of w_1 ... w_t has weights in proportion to ema_decay**(t - i).
    """
    params, depth, norms, seen = problem.coefs + intercepts, len(problem.coefs), [], []
    trained = [n_frozen <= i < depth or (use_bias and depth + n_frozen <= i) for i in range(2 * depth)]
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        weight = np.ones(len(rows)) if problem.sample_weight is None else problem.sample_weight[rows]
        coefs, biases = params[:depth], params[depth:]
        grads = sum(naive.gradient(
            coefs, biases, problem.X[rows], problem.y[rows], problem.activation, problem.loss, l2=l2,
            sample_weight=weight,
        ), [])  # fmt: skip
        norms.append(np.sqrt(sum((g**2).sum() for g, is_trained in zip(grads, trained, strict=True) if is_trained)))
        if clip_value is not None:
            grads = [np.clip(g, -clip_value, clip_value) for g in grads]
        if clip_norm is not None:
            grads = [g * min(1, clip_norm / norms[-1]) for g in grads]
        new, steps = twin.step(params, grads, rate)
        if l1:
            new = [naive.soft(p, s * l1 / weight.sum()) if i < depth else p
                   for i, (p, s) in enumerate(zip(new, steps, strict=True))]  # fmt: skip
        if max_norm is not None:
            lengths = [np.linalg.norm(W, axis=0) for W in new[:depth]]
            new[:depth] = [W * np.minimum(1, max_norm / n) for W, n in zip(new[:depth], lengths, strict=True)]
        params = [n if is_trained else p for p, n, is_trained in zip(params, new, trained, strict=True)]
        seen.append(params)
    if ema_decay is not None:
        shares = ema_decay ** np.arange(len(seen))[::-1]
        average = [sum(c * p for c, p in zip(shares, ps, strict=True)) / shares.sum() for ps in zip(*seen, strict=True)]
        return params, average, norms
    return params, params, norms
