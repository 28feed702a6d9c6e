"""Forward: z = W a + b and a = f(z), layer after layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .arithmetic import NumberType, sum_of_products
from .dropout import apply
from .theta import Matrix

if TYPE_CHECKING:
    from .network import Network


class Trace(NamedTuple):
    """What the forward pass computed."""

    Z: tuple[Matrix, ...]  # Z[layer], (n, n_out): W[layer] a + b[layer]
    A: tuple[Matrix, ...]  # A[0] is X; A[layer + 1], (n, n_out): f(Z[layer])
    masks: tuple[Matrix | None, ...]  # of dropout, on A[layer] as it goes into the layer

    def A_in(self, T: NumberType, layer: int) -> Matrix:
        """Return what went into a layer, (n, n_in): A[layer], or what dropout left of it."""
        mask = self.masks[layer]
        return self.A[layer] if mask is None else apply(T, mask, self.A[layer])


def forward(net: Network, X: Matrix, masks: Sequence[Matrix | None] | None = None) -> Trace:
    """Compute z and a of every layer for the samples X, (n, n_features); dropout has `masks`."""
    trace = Trace((), (X,), tuple(masks) if masks else (None,) * len(net.functions))
    for layer, f in enumerate(net.functions):
        Z = [weighted_inputs(net, layer, a) for a in trace.A_in(net.T, layer)]
        A = [f.forward(net.T, z) for z in Z]
        trace = Trace((*trace.Z, Z), (*trace.A, A), trace.masks)
    return trace


def weighted_inputs(net: Network, layer: int, a: list[float]) -> list[float]:
    """Return z_j = b_j + sum_k w_jk a_k for every output j of this layer, for one sample."""
    W, b = net.W[layer], net.b[layer]
    return [
        sum_of_products(net.T, b_j, W_j, a, n_results=len(b)) for W_j, b_j in zip(W, b, strict=True)
    ]
