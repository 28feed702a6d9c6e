"""Sample gradients: the gradient of the loss of each sample."""

from __future__ import annotations

from .backward import backward
from .forward import forward
from .layers import Layers
from .loss import NamedLoss, cost_and_delta
from .theta import Matrix, Targets


def sample_gradients(net: Layers, X: Matrix, Y: Targets, loss: str | NamedLoss) -> Matrix:
    """Return dc_i/dtheta of every sample i, (n, n_params), in the order of theta.py."""
    rows = []
    for x, y in zip(X, Y, strict=True):
        trace = forward(net, [x])
        _, delta = cost_and_delta(net, trace, [y], loss)
        rows.append(backward(net, trace, delta).grad)
    return rows
