"""Jacobian: the derivative of every output with respect to every input."""

from __future__ import annotations

from .backward import backward, dC_dX, delta_of_output
from .forward import forward
from .layers import Layers
from .theta import Matrix


def jacobian(net: Layers, X: Matrix) -> list[Matrix]:
    """Return da/dx of every sample, each (n_outputs, n_features).

    Row j is dC/dx for C = a_j, so there is one backward pass per output.
    """
    trace = forward(net, X)
    n_outputs = net.layers[-1]
    by_output = []
    for j in range(n_outputs):
        G = [[1.0 if k == j else 0.0 for k in range(n_outputs)] for _ in X]
        by_output.append(dC_dX(net, trace, backward(net, trace, delta_of_output(net, trace, G))))
    return [list(rows) for rows in zip(*by_output, strict=True)]
