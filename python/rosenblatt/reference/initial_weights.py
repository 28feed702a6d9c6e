"""Initial weights and biases: uniform, normal, orthogonal or zero.

Each parameter uses the random number of its index, so an initialiser does not depend on the order
of the draws, and the biases do not change the weights. Everything is computed in float64 and
rounded once at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import NamedTuple, Protocol

from .activation import ACTIVATIONS
from .arithmetic import Float64, NumberType, chain
from .math import cos, log, sin
from .rng import INITIAL_BIASES, INITIAL_WEIGHTS, uniform
from .theta import Matrix

WeightOf = Callable[[int, int], float]  # (k, j) -> the weight from input k to output j


class InitialWeights(NamedTuple):
    """An initialiser and its parameter, which is 0 for initialisers without one."""

    name: str
    parameter: float = 0.0


class NamedInitialiser(Protocol):
    """An initialiser with a parameter: InitialWeights, or a class of the package."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def parameter(self) -> float:
        """The parameter."""


class WeightLayer(NamedTuple):
    """The sizes of a weight layer and its stream of random numbers, one per weight."""

    seed: int
    number: int  # from 0
    n_in: int
    n_out: int

    def at(self, k: int, j: int) -> int:
        """Return the index of the weight from input k to output j."""
        return k * self.n_out + j

    def uniform(self, index: int) -> float:
        """Return a float64 in [0, 1)."""
        return uniform(self.seed, INITIAL_WEIGHTS, self.number, index)

    def normal(self, index: int) -> float:
        """Return a standard normal number; two neighbours share a radius and an angle.

        G. E. P. Box, M. E. Muller, Ann. Math. Statist. 29, 1958.
        """
        first = index - index % 2
        radius = sqrt(-2 * log(Float64, 1 - self.uniform(first)))
        angle = 2 * pi * self.uniform(first + 1)
        return radius * (cos(Float64, angle) if index % 2 == 0 else sin(Float64, angle))


DEFAULTS = {"orthogonal": 1.0}  # gain
BIASES = ("auto", "zeros", "uniform")


def draw(
    T: NumberType, layer: WeightLayer, activation: str, weights: str | NamedInitialiser
) -> Matrix:
    """Return W, (n_out, n_in), of a layer with this activation."""
    name, parameter = initialiser(weights)
    if name == "auto":
        f = ACTIVATIONS.get(activation)
        name = "glorot_uniform" if f is None else f.initialiser
    weight_of = weights_by(name, parameter, layer)
    return [[T.round(weight_of(k, j)) for k in range(layer.n_in)] for j in range(layer.n_out)]


def draw_biases(T: NumberType, layer: WeightLayer, biases: str) -> list[float]:
    """Draw b, (n_out,): "zeros" or "uniform".

    "uniform" is between -1 / sqrt(n_in) and 1 / sqrt(n_in).

    The bound is that of PyTorch's `Linear`.
    """
    if biases == "zeros":
        return [0.0] * layer.n_out
    limit = sqrt(1 / layer.n_in)
    numbers = (
        uniform(layer.seed, INITIAL_BIASES, layer.number, j) * 2 - 1 for j in range(layer.n_out)
    )
    return [T.round(number * limit) for number in numbers]


def biases_for(biases: str, *, hidden: bool, norm: str | None, weights: str) -> str:
    """Return the initialiser of the biases of a layer; "auto" chooses one.

    If all biases are 0 and f is odd, like tanh, then z(-x) = -z(x). For samples x of class 1 and -x
    of class 0 the gradients of the biases then cancel, and the biases stay 0. Hidden layers
    therefore start with random biases, unless the weights are 0 or a norm follows, whose shift
    starts at 0.
    """
    if biases not in BIASES:
        raise ValueError(f"biases: got {biases!r}, expected one of {', '.join(BIASES)}")
    if biases != "auto":
        return biases
    return "uniform" if hidden and norm is None and weights != "zeros" else "zeros"


def initialiser(weights: str | NamedInitialiser) -> InitialWeights:
    """Return the initialiser with its parameter.

    A name alone selects the default parameter.
    """
    if isinstance(weights, str):
        return InitialWeights(weights, DEFAULTS.get(weights, 0.0))
    return InitialWeights(weights.name, weights.parameter)


def weights_by(name: str, parameter: float, layer: WeightLayer) -> WeightOf:
    """Return the function that computes each weight, in float64."""
    if name == "zeros":
        return lambda k, j: 0.0
    if name == "orthogonal":
        Q = orthogonal(layer)
        return lambda k, j: Q[k][j] * parameter
    n_in, n_out = layer.n_in, layer.n_out
    sizes: dict[str, float] = {
        "glorot_uniform": sqrt(6 / (n_in + n_out)),
        "glorot_normal": sqrt(2 / (n_in + n_out)),
        "he_uniform": sqrt(6 / n_in),
        "he_normal": sqrt(2 / n_in),
        "lecun_uniform": sqrt(3 / n_in),
        "lecun_normal": sqrt(1 / n_in),
        "uniform": parameter,
        "normal": parameter,
    }
    if name not in sizes:
        raise ValueError(f"weights: got {name!r}, expected an initialiser of docs/arithmetic.md")
    size = sizes[name]
    if name.endswith("normal"):
        return lambda k, j: layer.normal(layer.at(k, j)) * size
    return lambda k, j: (layer.uniform(layer.at(k, j)) * 2 - 1) * size


def orthogonal(layer: WeightLayer) -> Matrix:
    """Return a matrix (n_in, n_out) with orthonormal columns.

    If there are fewer rows than columns, the rows are orthonormal.

    Saxe, McClelland, Ganguli, ICLR 2014. The directions are uniform, because the distribution of
    normal numbers is invariant under rotation.
    """
    X = [[layer.normal(layer.at(k, j)) for j in range(layer.n_out)] for k in range(layer.n_in)]
    if layer.n_out > layer.n_in:
        return orthonormal(X)
    columns = orthonormal([list(column) for column in zip(*X, strict=True)])
    return [list(row) for row in zip(*columns, strict=True)]


def orthonormal(V: Matrix) -> Matrix:
    """Orthonormalise the rows of V by modified Gram-Schmidt.

    V has n rows of m >= n numbers.
    """
    V = [list(v) for v in V]
    for i, v in enumerate(V):
        length = sqrt(chain(Float64, 0.0, v, v))
        V[i] = q = [v_t / length for v_t in v]
        for j in range(i + 1, len(V)):
            along = chain(Float64, 0.0, V[j], q)
            V[j] = [Float64.fma(-along, q_t, v_t) for q_t, v_t in zip(q, V[j], strict=True)]
    return V
