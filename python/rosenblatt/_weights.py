"""Initialisers: the distributions of initial weights and biases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeAlias, TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike

from ._checks import arguments
from ._checks.shown import shown

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
NAMES: tuple[InitialiserName, ...] = get_args(InitialiserName)
BiasInitialiserName = Literal["auto", "zeros", "uniform"]
BIAS_NAMES: tuple[BiasInitialiserName, ...] = get_args(BiasInitialiserName)


class InitialWeights(NamedTuple):
    """An initialiser in the form that the core accepts."""

    name: str
    parameter: float


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
        limit is not a finite number above 0.

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
        object.__setattr__(self, "limit", arguments.positive("limit", self.limit))

    @property
    def parameter(self) -> float:
        """The number passed to the core."""
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
        deviation is not a finite number above 0.

    Notes
    -----
    The method is that of G. E. P. Box, M. E. Muller, *A note on the generation of random normal
    deviates*, Ann. Math. Statist. 29, 1958; docs/arithmetic.md specifies the operations.

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
        object.__setattr__(self, "deviation", arguments.positive("deviation", self.deviation))

    @property
    def parameter(self) -> float:
        """The number passed to the core."""
        return self.deviation


@dataclass(frozen=True)
class Orthogonal:
    """Random weights with orthogonal rows, or columns if n_out > n_in.

    W W^T = gain^2 I, or W^T W = gain^2 I if n_out > n_in.

    Parameters
    ----------
    gain : float, default 1.0
        The length of the orthogonal rows or columns, above 0.

    Raises
    ------
    TypeError, ValueError
        gain is not a finite number above 0.

    Notes
    -----
    A. M. Saxe, J. L. McClelland, S. Ganguli, *Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks*, ICLR 2014. The distribution over these matrices is uniform.

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
        object.__setattr__(self, "gain", arguments.positive("gain", self.gain))

    @property
    def parameter(self) -> float:
        """The number passed to the core."""
        return self.gain


Initialiser: TypeAlias = InitialiserName | Uniform | Normal | Orthogonal
Weights: TypeAlias = Initialiser | Sequence[Initialiser | ArrayLike]
Biases: TypeAlias = BiasInitialiserName | Sequence[BiasInitialiserName | ArrayLike]

WITH_PARAMETER = (Uniform, Normal, Orthogonal)
INITIALISERS = (str, *WITH_PARAMETER)

Rule = TypeVar("Rule")


class Initial(NamedTuple, Generic[Rule]):
    """The initial W or b of one weight layer."""

    rule: Rule  # how the core draws it
    user_values: Any = None  # W (n_out, n_in) or b (n_out,), which replaces the drawn values


def weights_of_layers(
    weights: object, n_layers: int, dtype: np.dtype[Any]
) -> list[Initial[InitialWeights]]:
    """Return the initial weights of each layer.

    Raises
    ------
    TypeError
        `weights` or an element of it is neither a name nor an initialiser nor an array.
    ValueError
        A name is unknown, the number of elements differs from the number of weight layers, or
        `dtype` cannot represent the weights.
    """

    def initial(name: str, value: Any) -> Initial[InitialWeights]:
        if isinstance(value, INITIALISERS):
            return Initial(_rule(name, value, dtype))
        accepted = "a name, an initialiser or an array (n_out, n_in)"
        return Initial(_rule(name, "zeros", dtype), _check_array(name, value, accepted))

    if isinstance(weights, INITIALISERS):
        return [initial("weights", weights)] * n_layers
    accepted = "a name, an initialiser, or a sequence of these or arrays W, one per weight layer"
    return _per_layer("weights", weights, n_layers, initial, accepted)


def biases_of_layers(biases: object, n_layers: int) -> list[Initial[str]]:
    """Return the initial biases of each layer.

    Raises
    ------
    TypeError
        `biases` or an element of it is neither a name nor an array.
    ValueError
        A name is unknown, or the number of elements differs from the number of weight layers.
    """

    def initial(name: str, value: Any) -> Initial[str]:
        if isinstance(value, str):
            return Initial(arguments.choice(name, value, BIAS_NAMES))
        return Initial("zeros", _check_array(name, value, "a name or an array (n_out,)"))

    if isinstance(biases, str):
        return [initial("biases", biases)] * n_layers
    accepted = "a name, or a sequence of names or arrays b, one per weight layer"
    return _per_layer("biases", biases, n_layers, initial, accepted)


def draws_nothing(
    weights: Sequence[Initial[InitialWeights]], biases: Sequence[Initial[str]]
) -> bool:
    """Return whether a seed has no effect, because nothing is drawn."""
    all_arrays = all(W.user_values is not None for W in weights)
    return all_arrays and all(b.rule != "uniform" for b in biases)


def _per_layer(
    name: str,
    values: object,
    n_layers: int,
    initial: Callable[[str, Any], Initial[Rule]],
    accepted: str,
) -> list[Initial[Rule]]:
    if not isinstance(values, Sequence) or isinstance(values, bytes):
        raise TypeError(f"{name}: got {shown(values)}, expected {accepted}")
    if len(values) != n_layers:
        raise ValueError(f"{name}: got {len(values)}, expected {n_layers}: one per weight layer")
    return [initial(f"{name}[{layer}]", each) for layer, each in enumerate(values)]


def _check_array(name: str, value: object, accepted: str) -> Any:
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, bytes):
        raise TypeError(f"{name}: got {shown(value)}, expected {accepted}")
    return value


def _rule(
    name: str, value: str | Uniform | Normal | Orthogonal, dtype: np.dtype[Any]
) -> InitialWeights:
    if isinstance(value, WITH_PARAMETER):
        bound = 9 * value.parameter  # normal numbers stay within 8.6 deviations
        if bound > float(np.finfo(dtype).max):
            raise ValueError(f"{name}: got {value}, expected weights that {dtype} can represent")
        return InitialWeights(value.name, value.parameter)
    chosen = arguments.choice(name, value, NAMES)
    return InitialWeights(chosen, Orthogonal().gain if chosen == "orthogonal" else 0.0)
