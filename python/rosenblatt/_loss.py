"""Losses with parameters, and the form in which the core accepts a loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np

from ._checks import arguments
from ._checks.shown import shown

LossName = Literal[
    "squared_error",
    "absolute_error",
    "huber",
    "quantile",
    "log_cosh",
    "log_loss",
    "kl_divergence",
    "hinge",
    "squared_hinge",
    "poisson",
    "gaussian_nll",
    "focal",
    "cosine",
]


class LossRule(NamedTuple):
    """A loss in the form that the core accepts."""

    name: str
    parameters: tuple[float, ...]


@dataclass(frozen=True)
class Huber:
    """The Huber loss: quadratic near the target, linear far from it.

    It is less sensitive to outliers than the squared error.

    c = sum_j 1/2 d_j^2 if abs(d_j) <= delta, otherwise delta (abs(d_j) - delta / 2); d = a - y.

    Parameters
    ----------
    delta : float, default 1.0
        The distance at which the loss becomes linear, above 0, in the unit of the targets.

    Raises
    ------
    TypeError, ValueError
        delta is not a finite number above 0.

    Notes
    -----
    P. J. Huber, *Robust estimation of a location parameter*, Ann. Math. Statist. 35, 1964.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.Huber(delta=2.0)
    Huber(delta=2.0)
    """

    delta: float = 1.0
    name: ClassVar[str] = "huber"

    def __post_init__(self) -> None:
        object.__setattr__(self, "delta", arguments.positive("delta", self.delta))

    @property
    def parameters(self) -> tuple[float, ...]:
        """The numbers passed to the core."""
        return (self.delta,)


@dataclass(frozen=True)
class Quantile:
    """The pinball loss: each output learns a quantile of its target.

    c = sum_j level_j (y_j - a_j) if a_j is below y_j, otherwise (1 - level_j) (a_j - y_j).

    Parameters
    ----------
    levels : float or sequence of float, default 0.5
        Between 0 and 1; one level for all outputs, or one per output.

    Raises
    ------
    TypeError, ValueError
        A level is not a number between 0 and 1, or `levels` is empty.

    Notes
    -----
    R. Koenker, G. Bassett, *Regression quantiles*, Econometrica 46, 1978.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.Quantile(levels=(0.1, 0.5, 0.9))
    Quantile(levels=(0.1, 0.5, 0.9))
    """

    levels: float | Sequence[float] = 0.5
    name: ClassVar[str] = "quantile"

    def __post_init__(self) -> None:
        value: object = self.levels
        if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes):
            if len(value) == 0 or (isinstance(value, np.ndarray) and value.ndim != 1):
                raise ValueError(
                    f"levels: got {shown(value)}, expected one level or one per output"
                )
            levels = tuple(
                arguments.between_0_and_1(f"levels[{i}]", each) for i, each in enumerate(value)
            )
            object.__setattr__(self, "levels", levels)
        else:
            object.__setattr__(self, "levels", arguments.between_0_and_1("levels", value))

    @property
    def parameters(self) -> tuple[float, ...]:
        """The numbers passed to the core."""
        return self.levels if isinstance(self.levels, tuple) else (float(self.levels),)  # type: ignore[arg-type]


@dataclass(frozen=True)
class LogLoss:
    """The log loss (cross-entropy) with label smoothing.

    Every target becomes (1 - label_smoothing) y + label_smoothing / K, where K is the number of
    classes of a softmax output and 2 for a logistic output.

    Parameters
    ----------
    label_smoothing : float, default 0.0
        From 0 to below 1.

    Raises
    ------
    TypeError, ValueError
        label_smoothing is not a number from 0 to below 1.

    Notes
    -----
    C. Szegedy and others, *Rethinking the Inception architecture*, CVPR 2016.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.LogLoss(label_smoothing=0.1)
    LogLoss(label_smoothing=0.1)
    """

    label_smoothing: float = 0.0
    name: ClassVar[str] = "log_loss"

    def __post_init__(self) -> None:
        smoothing = arguments.below_one("label_smoothing", self.label_smoothing)
        object.__setattr__(self, "label_smoothing", smoothing)

    @property
    def parameters(self) -> tuple[float, ...]:
        """The numbers passed to the core."""
        return (self.label_smoothing,)


@dataclass(frozen=True)
class Poisson:
    """The negative log-likelihood of counts under a Poisson distribution.

    c = sum_j e^a_j - y_j a_j with log_rate, and c = sum_j a_j - y_j ln a_j without it. The term
    ln y! is left out, because it does not depend on the output.

    Parameters
    ----------
    log_rate : bool, default True
        Whether the output is the logarithm of the rate (output "identity"), or the rate itself
        (an output above 0, such as "logistic").

    Raises
    ------
    TypeError
        log_rate is not a bool.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.Poisson()
    Poisson(log_rate=True)
    """

    log_rate: bool = True
    name: ClassVar[str] = "poisson"

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_rate", arguments.flag("log_rate", self.log_rate))

    @property
    def parameters(self) -> tuple[float, ...]:
        """The numbers passed to the core."""
        return (float(self.log_rate),)


@dataclass(frozen=True)
class Focal:
    """The log loss with less weight on samples that are already classified well.

    The log loss of a class with probability a is multiplied by (1 - a)^gamma.

    Parameters
    ----------
    gamma : float, default 2.0
        At least 0; 0 gives the log loss.

    Raises
    ------
    TypeError, ValueError
        gamma is not a finite number of at least 0.

    Notes
    -----
    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, *Focal loss for dense object detection*,
    ICCV 2017.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.Focal(gamma=1.0)
    Focal(gamma=1.0)
    """

    gamma: float = 2.0
    name: ClassVar[str] = "focal"

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma", arguments.not_negative("gamma", self.gamma))

    @property
    def parameters(self) -> tuple[float, ...]:
        """The numbers passed to the core."""
        return (self.gamma,)


Loss: TypeAlias = LossName | Huber | Quantile | LogLoss | Poisson | Focal

# (outputs A (n, n_outputs) of a batch, its rows of the user's Y) -> (cost C, dC/dA)
CustomLoss: TypeAlias = Callable[[Any, Any], tuple[float, Any]]

WITH_PARAMETERS = (Huber, Quantile, LogLoss, Poisson, Focal)
_DEFAULTS = {each.name: each().parameters for each in WITH_PARAMETERS}


def rule(loss: object) -> LossRule:
    """Return the loss in the form that the core accepts.

    A name selects the default parameters.

    Raises
    ------
    TypeError
        `loss` is neither a name nor a loss.
    ValueError
        The name is unknown.
    """
    if isinstance(loss, WITH_PARAMETERS):
        return LossRule(loss.name, loss.parameters)
    if not isinstance(loss, str):
        classes = ", ".join(f"rosenblatt.{each.__name__}" for each in WITH_PARAMETERS)
        raise TypeError(
            f"loss: got {shown(loss)}, expected a name such as 'log_loss', or one of {classes}"
        )
    name = arguments.choice("loss", loss, arguments.LOSSES)
    return LossRule(name, _DEFAULTS.get(name, ()))
