"""Initialisers: how the weights and biases of a new network are drawn by the core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeAlias, TypeVar

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
BiasInitialiserName = Literal["auto", "zeros", "uniform"]
BIAS_NAMES: tuple[BiasInitialiserName, ...] = ("auto", "zeros", "uniform")


class InitialWeights(NamedTuple):
    """An initialiser as the core takes it."""

    name: str
    parameter: float


def _positive(name: str, value: object) -> float:
    expected = "a finite number above 0"
    number = arguments.real(name, value, expected)
    if number <= 0:
        raise ValueError(f"{name}: got {number}, expected {expected}")
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
Biases: TypeAlias = BiasInitialiserName | Sequence[BiasInitialiserName | ArrayLike]

WITH_PARAMETER = (Uniform, Normal, Orthogonal)
INITIALISERS = (str, *WITH_PARAMETER)

Rule = TypeVar("Rule")


class Initial(NamedTuple, Generic[Rule]):
    """How the W or the b of one weight layer begins."""

    rule: Rule  # how the core draws it
    given: Any = None  # W (n_out, n_in) or b (n_out,) itself, which is copied over what is drawn


def weights_of_layers(
    weights: object, n_layers: int, dtype: np.dtype[Any]
) -> list[Initial[InitialWeights]]:
    """Return how the weights of each layer begin, from one rule for all layers or one for each.

    Raises
    ------
    TypeError
        `weights`, or one of several, is neither a name nor an initialiser nor an array.
    ValueError
        A name is unknown, their number is not that of the weight layers, or `dtype` cannot hold
        the weights.
    """

    def initial(name: str, value: Any) -> Initial[InitialWeights]:
        if isinstance(value, INITIALISERS):
            return Initial(_rule(name, value, dtype))
        accepted = "a name, an initialiser or an array (n_out, n_in)"
        return Initial(_rule(name, "zeros", dtype), _given(name, value, accepted))

    if isinstance(weights, INITIALISERS):
        return [initial("weights", weights)] * n_layers
    accepted = "a name, an initialiser, or one of these or an array W for each weight layer"
    return _of_each_layer("weights", weights, n_layers, initial, accepted)


def biases_of_layers(biases: object, n_layers: int) -> list[Initial[str]]:
    """Return how the biases of each layer begin, from one rule for all layers or one for each.

    Raises
    ------
    TypeError
        `biases`, or one of several, is neither a name nor an array.
    ValueError
        A name is unknown, or their number is not that of the weight layers.
    """

    def initial(name: str, value: Any) -> Initial[str]:
        if isinstance(value, str):
            return Initial(arguments.choice(name, value, BIAS_NAMES))
        return Initial("zeros", _given(name, value, "a name or an array (n_out,)"))

    if isinstance(biases, str):
        return [initial("biases", biases)] * n_layers
    accepted = "a name, or a name or an array b for each weight layer"
    return _of_each_layer("biases", biases, n_layers, initial, accepted)


def draws_nothing(
    weights: Sequence[Initial[InitialWeights]], biases: Sequence[Initial[str]]
) -> bool:
    """Return whether all weights are given and no biases are drawn, so that no seed is needed."""
    return all(W.given is not None for W in weights) and all(b.rule != "uniform" for b in biases)


def _of_each_layer(
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


def _given(name: str, value: object, accepted: str) -> Any:
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, bytes):
        raise TypeError(f"{name}: got {shown(value)}, expected {accepted}")
    return value


def _rule(
    name: str, value: str | Uniform | Normal | Orthogonal, dtype: np.dtype[Any]
) -> InitialWeights:
    if isinstance(value, WITH_PARAMETER):
        farthest = 9 * value.parameter  # no normal number that is drawn is beyond 8.6 deviations
        if farthest > float(np.finfo(dtype).max):
            raise ValueError(f"{name}: got {value}, expected weights that {dtype} can hold")
        return InitialWeights(value.name, value.parameter)
    chosen = arguments.choice(name, value, NAMES)
    return InitialWeights(chosen, Orthogonal().gain if chosen == "orthogonal" else 0.0)
