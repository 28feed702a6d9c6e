"""Forward: z = W a + b and a = f(z), layer after layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .activation import ACTIVATIONS
from .arithmetic import sum_of_products
from .theta import Matrix

if TYPE_CHECKING:
    from .network import Network


class Trace(NamedTuple):
    """What the forward pass computed."""

    Z: tuple[Matrix, ...]  # Z[layer], (n, n_out): W[layer] a + b[layer]
    A: tuple[Matrix, ...]  # A[0] is X; A[layer + 1], (n, n_out): f(Z[layer])


def forward(net: Network, X: Matrix) -> Trace:
    """Compute z and a of every layer for the samples X, (n, n_features)."""
    Z: list[Matrix] = []
    A: list[Matrix] = [X]
    for layer, name in enumerate(net.activations):
        f = ACTIVATIONS[name].forward
        Z.append([weighted_inputs(net, layer, a) for a in A[-1]])
        A.append([f(net.T, z) for z in Z[-1]])
    return Trace(tuple(Z), tuple(A))


def weighted_inputs(net: Network, layer: int, a: list[float]) -> list[float]:
    """Return z_j = b_j + sum_k w_jk a_k for every output j of this layer, for one sample."""
    W, b = net.W[layer], net.b[layer]
    return [
        sum_of_products(net.T, b_j, W_j, a, n_results=len(b)) for W_j, b_j in zip(W, b, strict=True)
    ]
