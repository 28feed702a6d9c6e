"""The order of all parameters, and of their derivatives, in a flat list.

Layer by layer: first the weights, then the biases, then the gains if the layer has a norm. Weights
are ordered by input: w_00, w_10, ... (from input 0 to every output), then those of input 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Matrix = list[list[float]]
Row = list[float]
Targets = Sequence[float | Row]  # (n,) labels or targets, or (n, n_targets)


def flatten(
    W: Sequence[Matrix], b: Sequence[list[float]], g: Sequence[list[float]] = ()
) -> list[float]:
    """Return W, b and g of all layers as one flat list.

    W[layer] is (n_out, n_in); b[layer] and g[layer] are (n_out,).

    A layer without gains has an empty g; if no layer has gains, g may be omitted.
    """
    flat: list[float] = []
    for W_layer, b_layer, g_layer in zip(W, b, g or [[]] * len(b), strict=True):
        for column in zip(*W_layer, strict=True):  # the weights that leave one input
            flat.extend(column)
        flat.extend(b_layer)
        flat.extend(g_layer)
    return flat


def unflatten(
    theta: Sequence[float], layers: Sequence[int], norms: Sequence[str | None]
) -> tuple[list[Matrix], list[list[float]], list[list[float]]]:
    """Undo `flatten` for a network with these layer sizes and norms."""
    W: list[Matrix] = []
    b: list[list[float]] = []
    g: list[list[float]] = []
    start = 0
    for (n_in, n_out), norm in zip(pairwise(layers), norms, strict=True):
        end = start + n_in * n_out
        W.append([list(theta[start + j : end : n_out]) for j in range(n_out)])
        b.append(list(theta[end : end + n_out]))
        start = end + n_out
        g.append([] if norm is None else list(theta[start : start + n_out]))
        start += len(g[-1])
    return W, b, g
