"""The one order in which all parameters, and their derivatives, lie in a flat list.

Layer after layer, the weights before the biases; the weights by input: w_00, w_10, ... (input 0 to
every output), then those of input 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Matrix = list[list[float]]


def flatten(W: Sequence[Matrix], b: Sequence[list[float]]) -> list[float]:
    """Return the flat list of W[layer], (n_out, n_in), and b[layer], (n_out,)."""
    flat: list[float] = []
    for W_layer, b_layer in zip(W, b, strict=True):
        for column in zip(*W_layer, strict=True):  # the weights that leave one input
            flat.extend(column)
        flat.extend(b_layer)
    return flat


def unflatten(
    theta: Sequence[float], layers: Sequence[int]
) -> tuple[list[Matrix], list[list[float]]]:
    """Undo `flatten` for a network of these layer sizes."""
    W: list[Matrix] = []
    b: list[list[float]] = []
    start = 0
    for n_in, n_out in pairwise(layers):
        end = start + n_in * n_out
        W.append([list(theta[start + j : end : n_out]) for j in range(n_out)])
        b.append(list(theta[end : end + n_out]))
        start = end + n_out
    return W, b
