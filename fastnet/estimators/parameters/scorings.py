"""Several scores at once, in the parameter ``scoring``."""

from sklearn.metrics import get_scorer_names

from ...ops.numbers import shown
from .constraints import CALIBRATED_LOG_LOSS


def check_scorings(asked, constraints):
    """Raise ValueError if a ``scoring`` that is a sequence or a dict holds something else than scores."""
    scoring, own = asked.scoring, ["loss"]
    if not isinstance(scoring, (list, tuple, dict)):
        return
    if any(CALIBRATED_LOG_LOSS in getattr(one, "options", ()) for one in constraints["scoring"]):
        own.append(CALIBRATED_LOG_LOSS)
    if not scoring:
        raise ValueError(f"scoring={shown(scoring)} holds no score: give one or more, or None.")
    known = {*own, *get_scorer_names()}
    values = scoring.values() if isinstance(scoring, dict) else scoring
    for one in values:
        is_score = isinstance(one, str) and one in known or isinstance(scoring, dict) and callable(one)
        if not is_score or isinstance(one, type):
            functions = ", or functions (estimator, X, y)" if isinstance(scoring, dict) else "; functions go in a dict"
            raise ValueError(
                f"scoring must be made of scores, which {shown(one)} is not: give names, {' or '.join(map(repr, own))} "
                f"or those of sklearn.metrics.get_scorer_names(){functions}."
            )
    names = list(scoring)
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise ValueError(f"scoring={shown(scoring)} must hold each score once, and name it by a string.")
