"""What `fastnet.diagnose` gives: a report that prints as a table."""

from dataclasses import dataclass
from typing import Any

from .findings import Findings
from .illnesses import NAMES, Illness


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What is wrong with a fitted network, and what to do. It prints as a table.

    Attributes
    ----------
    illnesses : tuple of Illness
        What was found, with ``name``, ``symptom``, ``cause`` and ``remedy``; what causes the others comes first. Empty
        for a healthy network.
    findings : Findings
        What was measured: ``learnt``, ``predictable``, ``loss``, ``constant_loss`` and, of each hidden layer,
        ``layers[i].dead``, ``.saturated`` and ``.delta``.
    """

    illnesses: tuple[Illness, ...]
    findings: Findings

    @property
    def is_healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.illnesses

    def to_frame(self) -> Any:
        """Get a row for each illness that is looked for.

        Needs pandas.

        Returns
        -------
        DataFrame
            By the illness's name: whether it was found, and its symptom, cause and remedy.
        """
        import pandas as pd

        found = {one.name: (True, one.symptom, one.cause, one.remedy) for one in self.illnesses}
        rows = [found.get(name, (False, "", "", "")) for name in NAMES]
        return pd.DataFrame(
            rows, index=pd.Index(NAMES, name="illness"), columns=["found", "symptom", "cause", "remedy"]
        )

    def __repr__(self) -> str:
        found = {one.name: one for one in self.illnesses}
        measured = self.findings
        told = f"learnt: {measured.learnt:.0%} of what separates a constant from a perfect prediction"
        if measured.learnt < 0.8:
            share = f"at least {measured.predictable:.0%}" if measured.predictable else "nothing, as far as can be seen"
            told += f"; predictable: {share}"
        lines = [told, ""]
        if measured.layers:
            lines.append("hidden layer  units   dead  saturated  derivatives, beside those by the outputs")
            for number, layer in enumerate(measured.layers, 1):
                ratio = layer.delta / measured.output_delta if measured.output_delta > 0 else float("nan")
                lines.append(f"{number:12}  {layer.n_units:5}  {layer.dead:5.0%}  {layer.saturated:9.0%}  {ratio:.3g}")
            lines.append("")
        width = max(map(len, NAMES))
        for name in NAMES:
            lines.append(f"{name:{width}}  {'yes' if name in found else 'no'}")
            if name in found:
                one = found[name]
                lines += [f"    symptom: {one.symptom}", f"    cause:   {one.cause}", f"    remedy:  {one.remedy}"]
        return "\n".join(lines)
