"""Parameters: symbols such as w_jk^(l), and their indices in theta."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .._checks.shown import shown
from .._network import Network
from ._symbols import unit, weight

Path = tuple[int, int, int]
WORKED: Path = (2, 2, 2)  # the weight of the worked example in the lecture, W_22^(2)


class Parameter(NamedTuple):
    """A weight, or a bias if `k` is None, with indices from 0."""

    layer: int
    j: int
    k: int | None

    @property
    def symbol(self) -> str:
        """The symbol in the lecture, "w_22^(2)" or "b_2^(2)"."""
        layer, j = self.layer + 1, self.j + 1
        return unit("b", layer, j) if self.k is None else weight(layer, j, self.k + 1)

    def of(self, W: Sequence[Any], b: Sequence[Any]) -> Any:
        """Return the entry of the parameter in W[layer] or b[layer]."""
        return b[self.layer][self.j] if self.k is None else W[self.layer][self.j][self.k]


def place_in_theta(layers: Sequence[int], parameter: Parameter) -> int:
    """Return the index of the parameter in theta."""
    layer, j, k = parameter
    before = sum((n_in + 1) * n_out for n_in, n_out in pairwise(layers[: layer + 1]))
    row = layers[layer] if k is None else k  # the biases follow the weights of the last input
    return before + row * layers[layer + 1] + j


def at_place(layers: Sequence[int], i: int) -> Parameter:
    """Return the parameter at index i of theta."""
    layer = 0
    while i >= (layers[layer] + 1) * layers[layer + 1]:
        i -= (layers[layer] + 1) * layers[layer + 1]
        layer += 1
    k, j = divmod(i, layers[layer + 1])
    return Parameter(layer, j, k if k < layers[layer] else None)


def parse_parameter(net: Network, weight: object, bias: object) -> Parameter:
    """Return the parameter for (layer, to, from) or (layer, unit), from 1.

    Raises
    ------
    TypeError, ValueError
        The argument does not have this form, or the parameter does not exist.
    """
    if bias is None:
        layer, j, k = _indices("weight", weight, ("layer", "to", "from"))
        n_out, n_in = _sizes(net, "weight", (layer, j, k))
        if not (1 <= j <= n_out and 1 <= k <= n_in):
            raise ValueError(
                f"weight: got {(layer, j, k)}, expected j in 1..{n_out}, k in 1..{n_in}, because "
                f"W^({layer}) is {n_out} × {n_in}"
            )
        return Parameter(layer - 1, j - 1, k - 1)
    if weight != WORKED:
        raise ValueError(
            f"weight: got {shown(weight)} with bias={shown(bias)}, expected one of the two"
        )
    layer, j = _indices("bias", bias, ("layer", "unit"))
    n_out, _ = _sizes(net, "bias", (layer, j))
    if not 1 <= j <= n_out:
        raise ValueError(
            f"bias: got {(layer, j)}, expected j in 1..{n_out}, because b^({layer}) has {n_out}"
            " numbers"
        )
    return Parameter(layer - 1, j - 1, None)


def _indices(name: str, value: object, parts: tuple[str, ...]) -> list[int]:
    expected = f"({', '.join(parts)}), counted from 1"
    if not isinstance(value, tuple | list | np.ndarray) or len(value) != len(parts):
        error = ValueError if isinstance(value, tuple | list | np.ndarray) else TypeError
        raise error(f"{name}: got {shown(value)}, expected {expected}")
    whole = int | np.integer
    if any(isinstance(i, bool | np.bool_) or not isinstance(i, whole) for i in value):
        raise TypeError(f"{name}: got {shown(value)}, expected integers {expected}")
    return [int(i) for i in value]


def _sizes(net: Network, name: str, indices: tuple[int, ...]) -> tuple[int, int]:
    """Return (n_out, n_in) of the weight layer of these indices, which count from 1."""
    layer, last = indices[0], len(net.layers) - 1
    if not 1 <= layer <= last:
        letter = "W" if name == "weight" else "b"
        existing = f"{letter}^(1)" if last == 1 else f"{letter}^(1) to {letter}^({last})"
        raise ValueError(
            f"{name}: got {indices}, expected an index of {existing}; layers count from 1"
        )
    return net.layers[layer], net.layers[layer - 1]
