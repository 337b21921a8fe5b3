"""Of what is measured, what is wrong: each illness with its symptom, its likely cause and the remedy."""

from dataclasses import dataclass

import numpy as np

from .case import DEFAULT_START, SCALE, UNSCALED_CAUSE, Case


@dataclass(frozen=True)
class Illness:
    """What is wrong with a training.

    Attributes
    ----------
    name : str
        One of `NAMES`.
    symptom, cause, remedy : str
        What is seen, why probably, and what to do, as sentences without a full stop.
    """

    name: str
    symptom: str
    cause: str
    remedy: str


# In the order in which they explain what comes after them.
NAMES = (
    "penalty too large", "unscaled inputs", "unscaled targets", "starting values too large",
    "rate too large", "dead units", "saturated units",
    "exploding gradients", "vanishing gradients", "rate too small", "underfitting", "overfitting",
)  # fmt: skip


def illnesses_of(findings, settings, curve):
    """All that is wrong with a training, the cause of the others first.

    Parameters
    ----------
    findings : Findings
        What is measured.
    settings : Settings
        What the training was asked for.
    curve : list of float
        Training loss of each epoch of the fit; empty for L-BFGS.

    Returns
    -------
    list of Illness
    """
    case = Case(findings, settings, np.asarray(curve, np.float64))
    found = [check(case) for check in _CHECKS]
    return _explained([illness for illness in found if illness is not None])


def _unscaled_inputs(case):
    sizes = case.findings.column_sizes
    if not (case.is_unscaled and (case.is_poor or case.blew_up or sizes.max() > 1000)):
        return None
    symptom = f"columns of X have sizes (root mean squares) from {sizes.min():.3g} to {sizes.max():.3g}"
    return Illness("unscaled inputs", symptom, UNSCALED_CAUSE, SCALE)


def _unscaled_targets(case):
    found, settings = case.findings, case.settings
    mean, std = found.target_mean, found.target_std
    if settings.loss.is_classification or settings.target_scaling or not settings.loss.takes_scaled_targets:
        return None
    is_far = mean > 10 * max(std, 1.0) or std > 10
    if not (case.is_poor and (is_far or std < 0.01)):
        return None
    return Illness(
        "unscaled targets",
        f"y has the mean {mean:.3g} and the standard deviation {std:.3g}",
        "targets that outputs reach only after many steps" if is_far else "targets that are small beside first outputs",
        "set target_scaling=True, which learns standardised targets and predicts in their own unit",
    )


def _starting_values(case):
    if not (case.starts_wrong and (case.is_poor or case.blew_up)):
        return None
    symptom = (
        f"training began with {case.start}, at a loss of {case.curve[0] if len(case.curve) else case.findings.loss:.3g}"
    )
    return Illness("starting values too large", symptom, f"the starting values, {case.start}", DEFAULT_START)


def _rate_too_large(case):
    found, curve = case.findings, case.curve
    if case.rate is None or len(curve) < 2 or case.starts_wrong:
        return None
    late = curve[len(curve) // 2 :]
    rises = np.diff(late) / np.maximum(np.abs(late[:-1]), 1e-6)
    jumps = len(late) >= 5 and np.mean(rises > 0.1) > 0.25
    is_worse = found.learnt < -0.5 and case.blew_up
    diverged = is_worse or (case.blew_up and case.is_poor)
    if not (diverged or (case.is_poor and (jumps or case.has_large_rate))):
        return None
    symptom = f"the loss went from {curve[0]:.3g} to {curve[-1]:.3g}"
    if diverged:
        symptom += f", outputs of 0 have {found.start_loss:.3g}"
    elif jumps:
        symptom += ", up and down"
    return Illness("rate too large", symptom, "steps that are too large", case.lower_rate)


def _dead(case):
    found = case.findings
    if any(case.settings.l1) and not found.fails:
        return None  # asked for: L1 switches units off
    worst = max((layer.dead for layer in found.layers), default=0.0)
    # Where a network has learnt well, deep rectifiers may be off for many of few rows.
    if found.share("dead") <= (0.5 if case.is_poor else 0.75) and worst < 0.95:
        return None
    cause, remedy = case.standing_still
    symptom = f"{found.share('dead'):.0%} of the hidden units are dead: their activation is constant, whatever X is"
    return Illness("dead units", symptom, cause, remedy)


def _saturated(case):
    found = case.findings
    worst = max((layer.saturated for layer in found.layers), default=0.0)
    if found.share("saturated") <= 0.5 and not (worst > 0.9 and case.is_poor):
        return None
    cause, remedy = case.standing_still
    symptom = (
        f"{found.share('saturated'):.0%} of the hidden units are saturated: their activation hardly changes with X"
    )
    return Illness("saturated units", symptom, cause, remedy)


def _ratio(case):
    """How large derivatives by the first layer's z are beside those by the outputs."""
    layers, found = case.findings.layers, case.findings
    if len(layers) < 2 or not found.output_delta > 0:
        return None
    return layers[0].delta / found.output_delta


def _exploding(case):
    ratio = _ratio(case)
    if ratio is None or ratio < 10 or not case.is_poor:
        return None
    remedy = "set normalization='layer', or clip_norm=1"
    if case.starts_unscaled:
        remedy = DEFAULT_START
    return Illness(
        "exploding gradients",
        f"derivatives grow on their way back through the layers: those of the first are {ratio:.2g} times those of the "
        "outputs",
        "weights that are large for so many layers",
        remedy,
    )


def _vanishing(case):
    ratio = _ratio(case)
    if ratio is None or ratio > 1e-3 or not case.is_poor:
        return None
    names = {type(a).__name__.lower() for a in case.settings.activations[:-1]}
    slow = names & {"logistic", "hardsigmoid", "tanh", "hardtanh", "softplus"}
    change = "use activation='relu' with normalization='layer'" if slow else "set normalization='layer'"
    return Illness(
        "vanishing gradients",
        f"derivatives shrink on their way back through the layers: those of the first are {ratio:.1g} times those of "
        "the outputs",
        "many layers that each pass on a part only",
        f"{change}, or take fewer layers",
    )


def _penalty_too_large(case):
    found, settings = case.findings, case.settings
    decay = getattr(settings.optimizer, "weight_decay", 0.0)
    strongest = max(*settings.l1, *settings.l2, decay)
    outweighs = strongest >= 0.1 and found.penalty > 2 * abs(found.constant_loss) and not case.has_large_rate
    if not (case.is_poor and (outweighs or found.weight_size < 0.1 and strongest > 1e-3)):
        return None
    what = "weight_decay" if decay == strongest else "alpha"
    return Illness(
        "penalty too large",
        f"the penalty adds {found.penalty:.3g} to a loss of {found.loss:.3g}, and weights have at most "
        f"{found.weight_size:.2g} times the usual size",
        f"{what}={strongest:g}, which outweighs the loss",
        f"lower {what}, such as to {min(1e-4, strongest / 100):g}",
    )


def _rate_too_small(case):
    found, curve = case.findings, case.curve
    if case.rate is None or len(curve) < 10 or not case.is_poor or case.blew_up:
        return None
    # Still falling: the last fifth of the epochs brought a good part of what all brought.
    fifth = max(len(curve) // 5, 2)
    whole, last = curve[0] - curve[-1], curve[-fifth] - curve[-1]
    falls = np.mean(np.diff(curve) < 0) > 0.7 and whole > 0 and last > 0.08 * whole
    moves = whole > 0.3 * abs(found.constant_loss)
    if not falls and (case.rate >= 0.01 * case.usual_rate or moves):
        return None
    return Illness(
        "rate too small",
        f"the loss fell from {curve[0]:.3g} to {curve[-1]:.3g} in {len(curve)} epochs, and was still falling",
        "steps that are too small for so few epochs",
        f"raise learning_rate_init, which was {case.rate:g}, such as to "
        f"{max(10 * case.rate, min(case.usual_rate, 100 * case.rate)):g}, or raise max_iter and lower tol",
    )


def _underfitting(case):
    found = case.findings
    if not (found.predictable > 0 and found.learnt < 0.6 * found.predictable):
        return None
    remedy = "raise hidden_layer_sizes"
    if any(case.settings.dropout) or case.settings.input_dropout or any(case.settings.drop_connect):
        remedy = "lower dropout"
    elif max(*case.settings.l1, *case.settings.l2) > 1e-2:
        remedy = "lower alpha"
    elif len(case.curve) < 50:
        remedy = "train for more epochs: raise max_iter"
    return Illness(
        "underfitting",
        f"{max(found.learnt, 0):.0%} of what separates a constant from a perfect prediction was learnt, "
        f"{found.predictable:.0%} can be",
        "a network that is too small, or held back, or not trained for long enough",
        remedy,
    )


def _overfitting(case):
    found = case.findings
    if found.learnt_in_training is None or found.learnt_in_training - max(found.learnt, -1) < 0.3:
        return None
    if case.blew_up and found.learnt_in_training < 0.3:
        return None
    return Illness(
        "overfitting",
        f"in training the network had learnt {found.learnt_in_training:.0%} of what there is, on these samples "
        f"{max(found.learnt, 0):.0%}",
        "samples that are learnt by heart",
        "set early_stopping=True or dropout=0.2, raise alpha, or train on more samples",
    )


_CHECKS = (
    _penalty_too_large, _unscaled_inputs, _unscaled_targets, _starting_values, _rate_too_large, _dead, _saturated,
    _exploding, _vanishing, _rate_too_small, _underfitting, _overfitting,
)  # fmt: skip

# What an illness brings about is not told once more as an illness of its own.
_EXPLAINS = {
    "unscaled inputs": {"rate too large", "rate too small", "underfitting", "exploding gradients"},
    "unscaled targets": {"rate too large", "rate too small", "underfitting", "exploding gradients"},
    "starting values too large": {
        "underfitting",
        "rate too small",
        "rate too large",
        "exploding gradients",
        "vanishing gradients",
    },
    "rate too large": {"underfitting", "rate too small", "exploding gradients", "vanishing gradients"},
    "dead units": {"underfitting", "rate too small", "vanishing gradients"},
    "saturated units": {"underfitting", "rate too small", "vanishing gradients"},
    "exploding gradients": {"underfitting", "rate too small"},
    "vanishing gradients": {"underfitting", "rate too small"},
    "penalty too large": {
        "underfitting",
        "rate too small",
        "rate too large",
        "vanishing gradients",
        "dead units",
        "saturated units",
    },
    "rate too small": {"underfitting"},
    "overfitting": {"underfitting"},
}


def _explained(illnesses):
    names = {one.name for one in illnesses}
    known = set().union(*(_EXPLAINS.get(name, set()) for name in names))
    if "overfitting" in names and names & {"rate too large", "unscaled inputs", "unscaled targets"}:
        known.add("overfitting")
    return [one for one in illnesses if one.name not in known]
