"""Parameters of parameters: ``set_params(solver__beta_1=0.8)``."""

from dataclasses import replace
from typing import Any, Self

from ...ops.registry import Value
from .unknown import meant


class NestedValues:
    """Mixin before ``BaseEstimator``: ``set_params`` reaches into frozen objects by replacing them."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params : dict
            ``name=value``; ``name__parameter=value`` changes one parameter of the object that ``name`` holds, or
            gets in the same call: the object, being frozen, is replaced by a new one.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If there is no such parameter, or the object refuses its value.
        """
        own = {key: value for key, value in params.items() if "__" not in key}
        try:
            super().set_params(**own)
        except ValueError as error:
            names = self.get_params(deep=False)
            found = next((meant(name, names) for name in own if name not in names), None)
            if found is None:
                raise
            raise ValueError(f"{error} Did you mean {found}?") from None
        changes, valid = {}, self.get_params(deep=False)
        for key in params.keys() - own.keys():
            name, _, inner = key.partition("__")
            value = valid.get(name)
            if isinstance(value, Value):
                if inner not in value.get_params():
                    raise ValueError(
                        f"Invalid parameter {inner!r} of {name}={value!r}. "
                        f"Valid parameters are: {list(value.get_params())!r}."
                    )
            elif hasattr(value, "set_params"):
                super().set_params(**{key: params[key]})
                continue
            elif name in valid:
                several = isinstance(value, (list, tuple))
                raise ValueError(
                    f"{key!r} needs an object with a parameter {inner!r}, got {name}={value!r}. "
                    f"{'Set the whole sequence' if several else 'Pass an object instead of its name'}."
                )
            else:
                super().set_params(**{key: params[key]})  # raises, with the valid names
            changes.setdefault(name, {})[inner] = params[key]
        # Together, so that parameters which must fit each other can change at once.
        new = {name: replace(valid[name], **inner) for name, inner in changes.items()}
        return super().set_params(**new)
