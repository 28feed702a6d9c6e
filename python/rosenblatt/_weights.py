"""Initialisers: how the weights of a new network are drawn, and how that travels to the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from . import _arguments

InitialiserName = Literal[
    "auto",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
    "zeros",
]
NAMES: tuple[InitialiserName, ...] = (
    "auto",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
    "zeros",
)


class InitialWeights(NamedTuple):
    """An initialiser as the core takes it."""

    name: str
    parameter: float


def _positive(name: str, value: object) -> float:
    needed = "a finite number above 0"
    number = _arguments.real(name, value, needed)
    if number <= 0:
        raise ValueError(f"{name}: got {number}, needed {needed}")
    return number


@dataclass(frozen=True)
class Uniform:
    """Weights uniform between -limit and limit.

    Parameters
    ----------
    limit : float
        Above 0.

    Raises
    ------
    TypeError, ValueError
        limit is no finite number above 0.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> net = rb.Network([3, 2], weights=rb.Uniform(0.1), random_state=0)
    >>> bool(abs(net.W[0]).max() <= 0.1)
    True
    """

    limit: float
    name: ClassVar[str] = "uniform"

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", _positive("limit", self.limit))

    @property
    def parameter(self) -> float:
        """What goes to the core."""
        return self.limit


@dataclass(frozen=True)
class Normal:
    """Weights normally distributed with mean 0.

    Parameters
    ----------
    deviation : float
        The standard deviation, above 0.

    Raises
    ------
    TypeError, ValueError
        deviation is no finite number above 0.

    Notes
    -----
    The numbers are drawn as G. E. P. Box and M. E. Muller do, *A note on the generation of random
    normal deviates*, Ann. Math. Statist. 29, 1958; docs/arithmetic.md has the operations.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> net = rb.Network([30, 20], weights=rb.Normal(0.01), random_state=0)
    >>> bool(0.008 < net.W[0].std() < 0.012)
    True
    """

    deviation: float
    name: ClassVar[str] = "normal"

    def __post_init__(self) -> None:
        object.__setattr__(self, "deviation", _positive("deviation", self.deviation))

    @property
    def parameter(self) -> float:
        """What goes to the core."""
        return self.deviation


@dataclass(frozen=True)
class Orthogonal:
    """Weights with W W^T = gain^2 I, or W^T W where there are fewer inputs than outputs.

    Parameters
    ----------
    gain : float, default 1.0
        The length of the orthogonal rows or columns, above 0.

    Raises
    ------
    TypeError, ValueError
        gain is no finite number above 0.

    Notes
    -----
    A. M. Saxe, J. L. McClelland, S. Ganguli, *Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks*, ICLR 2014. Of all such matrices each is equally likely.

    Examples
    --------
    >>> import numpy as np
    >>> import rosenblatt as rb
    >>> net = rb.Network([5, 3], weights=rb.Orthogonal(gain=2.0), random_state=0)
    >>> bool(np.abs(net.W[0] @ net.W[0].T - 4 * np.eye(3)).max() < 1e-5)
    True
    """

    gain: float = 1.0
    name: ClassVar[str] = "orthogonal"

    def __post_init__(self) -> None:
        object.__setattr__(self, "gain", _positive("gain", self.gain))

    @property
    def parameter(self) -> float:
        """What goes to the core."""
        return self.gain


Initialiser: TypeAlias = InitialiserName | Uniform | Normal | Orthogonal
Weights: TypeAlias = Initialiser | Sequence[Initialiser | ArrayLike]

WITH_PARAMETER = (Uniform, Normal, Orthogonal)
INITIALISERS = (str, *WITH_PARAMETER)


class LayerWeights(NamedTuple):
    """What `weights` says of one weight layer."""

    rule: InitialWeights
    given: Any  # W itself, (n_out, n_in), or None: the rule says how it is drawn


def of_layers(weights: object, n_layers: int, dtype: np.dtype[Any]) -> list[LayerWeights]:
    """Return what `weights` says of each of `n_layers` weight layers: one for all, or one for each.

    Raises
    ------
    TypeError
        `weights`, or one of several, is neither a name nor an initialiser nor an array.
    ValueError
        A name is unknown, their number is not that of the weight layers, or `dtype` cannot hold
        the weights.
    """
    if isinstance(weights, INITIALISERS):
        return [LayerWeights(_rule("weights", weights, dtype), None)] * n_layers
    needed = "a name, an initialiser, or one of these or an array W for each weight layer"
    if not isinstance(weights, Sequence) or isinstance(weights, bytes):
        raise TypeError(f"weights: got {_shown(weights)}, needed {needed}")
    if len(weights) != n_layers:
        raise ValueError(f"weights: got {len(weights)}, needed {n_layers}: one per weight layer")
    return [_of_layer(f"weights[{layer}]", each, dtype) for layer, each in enumerate(weights)]


def _of_layer(name: str, value: object, dtype: np.dtype[Any]) -> LayerWeights:
    if isinstance(value, INITIALISERS):
        return LayerWeights(_rule(name, value, dtype), None)
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, bytes):
        raise TypeError(
            f"{name}: got {_shown(value)}, needed a name, an initialiser or an array (n_out, n_in)"
        )
    return LayerWeights(_rule(name, "zeros", dtype), value)


def _rule(
    name: str, value: str | Uniform | Normal | Orthogonal, dtype: np.dtype[Any]
) -> InitialWeights:
    if isinstance(value, WITH_PARAMETER):
        farthest = 9 * value.parameter  # no normal number that is drawn is beyond 8.6 deviations
        if farthest > float(np.finfo(dtype).max):
            raise ValueError(f"{name}: got {value}, needed weights that {dtype} can hold")
        return InitialWeights(value.name, value.parameter)
    chosen = _arguments.choice(name, value, NAMES)
    return InitialWeights(chosen, Orthogonal().gain if chosen == "orthogonal" else 0.0)


def _shown(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return repr(value)
