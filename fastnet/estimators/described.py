"""How an estimator describes itself: its summary, and its diagram in a notebook."""

import reprlib
from contextlib import suppress
from html import escape

from sklearn.utils._repr_html.params import ParamsDict
from sklearn.utils.validation import check_is_fitted

from ..network.cost import layer_parameters
from ..ops.activations import ACTIVATIONS
from .parameters import hidden_units, layer_activations, plain_parameters
from .summary import Summary, summarise
from .text import activation_names, chain_of_layers, word_of


class ParametersBelowLayers(ParamsDict):
    """scikit-learn's table of all parameters, below the layers and the parameters that differ from their defaults.

    Parameters
    ----------
    layers : list of (str, str)
        Name of each layer, and what there is to say of it.
    **parameters : dict
        What scikit-learn's own table takes.
    """

    def __init__(self, layers, **parameters):
        super().__init__(**parameters)
        self.layers = layers

    def _repr_html_inner(self):
        changed = [(name, reprlib.repr(self[name])) for name in self.non_default]
        tables = [("Layers", "default", self.layers), ("Differs from the defaults", "user-set", changed)]
        return "".join(_table(*table) for table in tables if table[-1]) + super()._repr_html_inner()


def _table(title, kind, rows):
    """A table of names and values in the look of scikit-learn's."""
    lines = (
        f'<tr class="{kind}"><td class="param">{escape(name)}</td><td class="value">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return (
        f'<div class="estimator-table"><details open><summary>{title}</summary><table class="parameters-table">'
        f"<tbody>{''.join(lines)}</tbody></table></details></div>"
    )


class Described:
    """Mixin before ``BaseEstimator``: the summary, and the architecture in the diagram."""

    def summary(self) -> Summary:
        """Tell what the fitted network is made of and costs.

        Returns
        -------
        Summary
            Prints as a table: layers, shapes, parameters, memory, floating-point operations; below it, how long the
            last fit took and which share of the machine's peak it reached. All of these are attributes.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.

        Examples
        --------
        >>> from fastnet import MLPRegressor
        >>> net = MLPRegressor(hidden_layer_sizes=5, max_iter=1, n_iter_no_change=None, random_state=0)
        >>> summary = net.fit([[0.0], [1.0]], [0.0, 1.0]).summary()
        >>> summary.chain, summary.n_parameters
        ('1 → 5 relu → 1 identity', 16)
        """
        check_is_fitted(self)
        return summarise(self)

    def _sk_visual_block_(self):
        """What scikit-learn's diagrams show of the estimator, here and in pipelines: the layers below its name."""
        from sklearn.utils._repr_html.estimator import _VisualBlock

        return _VisualBlock(
            "single", self, names=type(self).__name__, name_details=str(self), name_caption=self._chain()
        )

    def _chain(self):
        """The layers in a line, as far as they are known."""
        if hasattr(self, "coefs_"):
            architecture = self._architecture()
            return chain_of_layers(architecture.layer_units, activation_names(architecture))
        asked = plain_parameters(self)
        hidden = hidden_units(asked.hidden_layer_sizes)
        activations = layer_activations(asked.activation, len(hidden))[: len(hidden)]
        return chain_of_layers(
            ["features", *hidden, "outputs"], [*(word_of(ACTIVATIONS, op) for op in activations), ""]
        )

    def _get_params_html(self, deep=True, doc_link=""):
        params = super()._get_params_html(deep, doc_link)
        layers = []
        with suppress(AttributeError, ValueError):  # not fitted, or edited to what is no network
            architecture = self._network()[0]
            names, counts = activation_names(architecture), layer_parameters(architecture)
            for number, (name, count, layer) in enumerate(zip(names, counts, architecture.layers, strict=True), 1):
                layers.append((f"{number} {name}", f"{layer.fan_in} × {layer.units}, {count:,} parameters"))
        return ParametersBelowLayers(
            layers, params=params.data, non_default=params.non_default, estimator_class=params.estimator_class,
            doc_link=params.doc_link,
        )  # fmt: skip
