"""Settings: checks of estimator parameters, and their translation to `rb.train`."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from .. import _activation, _core, _loss, _scaling, schedules
from .._activation import Activation
from .._checks import arguments, arrays
from .._checks.shown import shown
from .._loss import WITH_PARAMETERS
from .._optimizer import LBFGS, OPTIMIZERS, SGD, Adam, Check, Optimizer
from .._training.callbacks import Callback

SCALABLE_LOSSES = tuple(_core.number_losses())

SCHEDULES = (
    schedules.StepDecay,
    schedules.Exponential,
    schedules.InverseScaling,
    schedules.Cosine,
    schedules.OneCycle,
    schedules.ReduceOnPlateau,
    schedules.WarmUp,
    schedules.PerEpoch,
)

# The parameters of scikit-learn come first, in its order, some with a wider range.
CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(arguments.ACTIVATIONS)), Activation, list, tuple],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"}), *OPTIMIZERS],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither"), *SCHEDULES, callable],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "loss": [StrOptions(set(arguments.LOSSES)), *WITH_PARAMETERS, callable],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "input_dropout": [Interval(Real, 0, 1, closed="left")],
    "norm": [StrOptions({"batch", "layer"}), list, tuple, None],
    "skip": ["boolean", list, tuple],
    "scale_inputs": [StrOptions(set(_scaling.KINDS)), None],
    "coefs_init": ["array-like", None],
    "intercepts_init": ["array-like", None],
    "callback": [Callback, list, tuple, callable, None],
    "dtype": [StrOptions({"float32", "float64"}), None],
    "grow": ["boolean"],
    "threads": [Interval(Integral, 1, None, closed="left"), None],
}


# The parameters that determine the optimiser and its learning rate.
OPTIMIZER_PARAMETERS = (
    "solver",
    "learning_rate",
    "learning_rate_init",
    "power_t",
    "momentum",
    "nesterovs_momentum",
    "beta_1",
    "beta_2",
    "epsilon",
)


class Momentum(SGD):
    """Gradient descent with a momentum of up to 1, which scikit-learn allows."""

    checks: ClassVar[dict[str, Check]] = SGD.checks | {"momentum": arguments.not_negative}


def hidden_layers(hidden_layer_sizes: Any) -> list[int]:
    """Return the sizes of the hidden layers.

    Raises
    ------
    ValueError
        A size is not a whole number above 0.
    """
    one_layer = not isinstance(hidden_layer_sizes, Iterable)
    sizes = [hidden_layer_sizes] if one_layer else list(hidden_layer_sizes)
    if any(isinstance(size, bool) or not isinstance(size, Integral) or size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {shown(sizes)}.")
    return [int(size) for size in sizes]


def activations(activation: Any, n_hidden: int) -> list[Any]:
    """Return the activation of each hidden layer.

    If one name is given, the list has at least one element, even without hidden layers.

    Raises
    ------
    TypeError, ValueError
        The number of names is wrong, or a name is unknown.
    """
    one = isinstance(activation, str | Activation)
    return _activation.of_layers(activation, "identity", max(n_hidden, 1) if one else n_hidden)[:-1]


def require_named_loss(loss: Any) -> Any:
    """Return a loss if it is not a custom function.

    Raises
    ------
    ValueError
        The loss is a custom function.
    """
    if callable(loss):
        raise ValueError("loss: got a custom function, expected a named loss")
    return loss


def check_same(name: str, wanted: Any, fitted: Any) -> None:
    """Check that a parameter describes the network from which a warm start continues.

    Raises
    ------
    ValueError
        `wanted` differs from `fitted`; the message names both.
    """
    if wanted != fitted:
        raise ValueError(
            f"{name}: got {shown(wanted)}, expected {shown(fitted)} as in the last fit, because "
            "warm_start=True continues with its network; set warm_start=False for a new network"
        )


def of_optimizer(estimator: Any) -> SimpleNamespace:
    """Return the current values of the parameters that determine the optimiser.

    As in scikit-learn, an existing optimiser keeps them when `set_params` changes a parameter.
    """
    return SimpleNamespace(**{name: getattr(estimator, name) for name in OPTIMIZER_PARAMETERS})


def minimises(estimator: Any) -> bool:
    """Whether the solver minimises the cost of all samples, without steps on batches."""
    return isinstance(estimator.solver, LBFGS) or bool(estimator.solver == "lbfgs")


def optimizer_of(estimator: Any, rate: Any) -> Optimizer:
    """Return the optimiser of an estimator.

    `rate` is the learning rate of "sgd" and "adam".
    """
    solver = estimator.solver
    if not isinstance(solver, str):
        return solver  # type: ignore[no-any-return]
    if solver == "sgd":
        momentum = float(estimator.momentum)
        nesterov = bool(estimator.nesterovs_momentum) and momentum > 0
        return Momentum(rate, momentum=momentum, nesterov=nesterov)
    return Adam(
        rate,
        beta1=float(estimator.beta_1),
        beta2=float(estimator.beta_2),
        eps=float(estimator.epsilon),
        eps_hat=True,
    )


def changes_between_epochs(estimator: Any) -> bool:
    """Whether the learning rate is "invscaling" or "adaptive"."""
    return bool(estimator.solver == "sgd" and estimator.learning_rate != "constant")


def check_combinations(estimator: Any, validation: Any = None) -> None:
    """Refuse incompatible parameters.

    Raises
    ------
    ValueError
        Two parameters are incompatible; the message names both.
    """
    if changes_between_epochs(estimator) and not isinstance(estimator.learning_rate_init, Real):
        raise ValueError(
            f"learning_rate: got {shown(estimator.learning_rate)} with a schedule as "
            "learning_rate_init, expected 'constant'"
        )
    if estimator.solver == "lbfgs" and any_dropout(estimator):
        raise ValueError("dropout: got a rate with solver='lbfgs', expected 'sgd' or 'adam'")
    if estimator.solver == "lbfgs" and not (validation is None and estimator.callback is None):
        raise ValueError(
            "validation, callback: got one with solver='lbfgs', expected 'sgd', 'adam' or an "
            "optimiser such as rosenblatt.LBFGS()"
        )
    if estimator.solver == "lbfgs" and "batch" in np.atleast_1d(estimator.norm):
        raise ValueError("norm: got 'batch' with solver='lbfgs', expected 'sgd' or 'adam'")
    if (estimator.coefs_init is None) != (estimator.intercepts_init is None):
        raise ValueError("coefs_init, intercepts_init: got one of them, expected both or neither")


def scalings(estimator: Any) -> dict[str, Any]:
    """Return the kinds of scalings to fit, as arguments of `rb.train`."""
    return {name: getattr(estimator, name, None) for name in ("scale_inputs", "scale_targets")}


def check_scalings(estimator: Any, X: Any) -> None:
    """Refuse scalings that cannot be fitted.

    Raises
    ------
    ValueError
        X is sparse, or the loss does not support scaled targets.
    """
    asked = scalings(estimator)
    if asked["scale_inputs"] is not None and arrays.is_sparse(X):
        raise ValueError(
            f"scale_inputs: got {shown(asked['scale_inputs'])} with a sparse X, expected None, "
            "because an offset would make X dense; use scikit-learn's MaxAbsScaler instead"
        )
    loss = estimator.loss
    if asked["scale_targets"] is not None and (
        callable(loss) or _loss.rule(loss).name not in SCALABLE_LOSSES
    ):
        raise ValueError(
            f"scale_targets: got {shown(asked['scale_targets'])} with loss={shown(loss)}, expected "
            f"None or one of the losses {', '.join(SCALABLE_LOSSES)}"
        )


def any_dropout(estimator: Any) -> bool:
    """Whether a dropout rate is above 0."""
    return bool(np.any(np.asarray(estimator.dropout) > 0)) or estimator.input_dropout > 0


def batch_size_of(estimator: Any, n_samples: int, *, stacklevel: int) -> int:
    """Return the batch size; warn if it is clipped.

    "auto" is at most 200, as in scikit-learn.
    """
    if estimator.batch_size == "auto":
        return min(200, n_samples)
    if estimator.batch_size > n_samples:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=stacklevel,
        )
    return int(np.clip(estimator.batch_size, 1, n_samples))
