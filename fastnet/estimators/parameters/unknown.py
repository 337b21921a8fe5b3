"""Arguments that there are not: what they are called here."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from ...ops.suggestions import close_name

_Method = TypeVar("_Method", bound=Callable[..., Any])

# Other libraries' words for parameters, as `close_name` reads them, and what is written here instead.
_PARAMETERS = {
    "learning_rate_init": ["lr", "eta", "alpha_init", "learningrate", "lr0", "base_lr", "max_lr"],
    "max_iter": ["epochs", "n_epochs", "num_epochs", "max_epochs", "nb_epoch", "n_iter", "iterations", "n_estimators"],
    "solver": ["optimizer", "optim", "optimiser", "algorithm"],
    "loss": ["criterion", "loss_function", "loss_fn", "objective"],
    "hidden_layer_sizes": [
        "hidden_layers", "hidden_sizes", "hidden_units", "hidden", "layers", "units", "n_hidden", "hidden_dim",
        "hidden_dims", "layer_sizes", "n_units", "width", "dim_hidden",
    ],
    "activation": ["activations", "activation_function", "act", "nonlinearity", "activation_fn"],
    "alpha": ["weight_decay", "l2", "l2_reg", "reg_lambda", "lambda", "lambda_", "regularization", "decay", "wd"],
    "l1_ratio": ["l1", "reg_alpha", "l1_reg"],
    "random_state": ["seed", "random_seed", "rng", "random", "manual_seed"],
    "n_iter_no_change": ["patience", "early_stopping_rounds", "n_iter_no_improvement", "early_stopping_patience"],
    "batch_size": ["batch", "minibatch", "minibatch_size", "bs", "train_batch_size"],
    "init": ["kernel_initializer", "initializer", "weight_init", "weights_init", "initialization"],
    "bias_init": ["bias_initializer"],
    "use_bias": ["bias", "fit_intercept"],
    "dropout": ["dropout_rate", "p_drop", "drop", "p_dropout", "dropout_p", "dropout_prob"],
    "n_jobs": ["n_threads", "nthread", "num_threads", "threads", "num_workers", "workers", "thread_count"],
    "beta_1 and beta_2": ["betas"],
    "epsilon": ["eps"],
    "nesterovs_momentum": ["nesterov"],
    "validation_fraction": ["val_fraction", "val_size", "validation_size", "val_split", "test_size", "train_split"],
    "learning_rate": ["scheduler", "lr_scheduler", "lr_schedule", "schedule", "learning_rate_schedule"],
    "clip_norm": ["clipnorm", "max_grad_norm", "gradient_clip_val", "grad_clip", "gradient_clipping"],
    "clip_value": ["clipvalue"],
    "normalization": ["batch_norm", "batchnorm", "use_bn", "norm", "layer_norm", "batch_normalization"],
    "scoring": ["eval_metric", "metric", "metrics", "scorer"],
    "class_weight": ["class_weights", "scale_pos_weight"],
    "ema_decay": ["ema", "use_ema"],
    "target_scaling": ["scale_y", "normalize_y", "standardize_y", "scale_targets"],
    "max_time": ["time_limit", "timeout", "time_budget"],
}  # fmt: skip
_ARGUMENTS = {
    "X_val and y_val": [
        "validation_data", "eval_set", "X_valid", "y_valid", "X_validation", "y_validation", "X_test", "y_test",
        "valid_sets", "validation_set",
    ],
    "sample_weight": ["sample_weights", "weight", "weights"],
    "sample_weight_val": ["sample_weight_eval_set", "sample_weights_val"],
}  # fmt: skip


def _by_alias(table):
    return {"".join(filter(str.isalnum, a.lower())): name for name, aliases in table.items() for a in aliases}


_OF_PARAMETERS, _OF_ARGUMENTS = _by_alias(_PARAMETERS), _by_alias(_ARGUMENTS)


def meant(name, parameters):
    """The parameters that an unknown one stands for, as a text; None if nothing is like it."""
    # Two names at once stand in no list of parameters.
    aliases = {alias: new for alias, new in _OF_PARAMETERS.items() if all(n in parameters for n in new.split(" and "))}
    names = [*parameters, *(new for new in aliases.values() if " and " in new)]
    return close_name(name, names, aliases)


def refusal(estimator_name, name, parameters, arguments=None):
    """The message about an argument that there is not, of the constructor or, with its arguments, of a method."""
    if arguments is None:
        found = meant(name, parameters)
        said = f"{estimator_name} has no parameter {name!r}"
        return (
            f"{said}: did you mean {found}?"
            if found
            else f"{said}. Its parameters are {', '.join(sorted(parameters))}."
        )
    known = [a for a in arguments if a != "self"]
    aliases = {alias: new for alias, new in _OF_ARGUMENTS.items() if new.split(" and ")[0] in known}
    found, of_estimator = close_name(name, [*known, *aliases.values()], aliases), meant(name, parameters)
    said = f"{estimator_name} has no argument {name!r}"
    if found:
        return f"{said}: say {found}."
    if of_estimator:
        return f"{said}: it is a parameter of the estimator, say {of_estimator} in its constructor or in set_params."
    return f"{said}. Its arguments are {', '.join(known)}."


def names_unknown_parameters(init: _Method) -> _Method:
    """Decorator of a constructor: a parameter that there is not is refused with the name that it has here."""
    known = tuple(inspect.signature(init).parameters)[1:]

    @wraps(init)
    def checked(self, *args, **kwargs):
        for name in kwargs:
            if name not in known:
                raise TypeError(refusal(type(self).__name__, name, known))
        init(self, *args, **kwargs)

    return checked  # type: ignore[return-value]


def names_unknown_arguments(method: _Method) -> _Method:
    """Decorator of a method of an estimator: the same for its arguments."""
    known = tuple(inspect.signature(method).parameters)

    @wraps(method)
    def checked(self, *args, **kwargs):
        for name in kwargs:
            if name not in known:
                caller = f"{type(self).__name__}.{method.__name__}"
                raise TypeError(refusal(caller, name, tuple(self._get_param_names()), known))
        return method(self, *args, **kwargs)

    return checked  # type: ignore[return-value]
