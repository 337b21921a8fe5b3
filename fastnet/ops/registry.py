"""What every op is: a frozen value with a name, parameters and plain scalar functions."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Op:
    """Base of activations, losses and optimizers: values that compare, hash, pickle and print as written.

    An op never holds an address: machine code is found again from the op's class and the dtype.
    """

    def get_params(self, deep=True):
        """Parameters of the op.

        Parameters
        ----------
        deep : bool, default=True
            Without effect: parameters of ops are numbers.

        Returns
        -------
        dict
            Name to value.
        """
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def values(self):
        """The parameters as a tuple of floats, in the order of the fields."""
        return tuple(float(v) for v in self.get_params().values())


def register(registry, name):
    """Class decorator: enter an instance with default parameters into ``registry`` under ``name``."""

    def enter(cls):
        registry[name] = cls()
        return cls

    return enter
