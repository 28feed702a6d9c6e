"""Forward: z = W a + b and a = f(z), layer by layer.

With a norm z = g u_hat + b, where u_hat is u = W a normalised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .arithmetic import NumberType, sum_of_products
from .dropout import apply
from .layers import Layers
from .normalisation import Normalised, normalise, scale_and_shift
from .theta import Matrix


class Trace(NamedTuple):
    """The result of the forward pass."""

    Z: tuple[Matrix, ...]  # Z[layer], (n, n_out): W[layer] a + b[layer]
    F: tuple[Matrix, ...]  # F[layer], (n, n_out): f(Z[layer])
    A: tuple[Matrix, ...]  # A[0] is X; A[layer + 1], (n, n_out): F[layer] (+ A_in with a skip)
    masks: tuple[Matrix | None, ...]  # of dropout, multiplied with A[layer]
    normalised: tuple[Normalised | None, ...]  # of the layers with a norm

    def A_in(self, T: NumberType, layer: int) -> Matrix:
        """Return the input of a layer, (n, n_in), with dropout."""
        mask = self.masks[layer]
        return self.A[layer] if mask is None else apply(T, mask, self.A[layer])


def forward(
    net: Layers,
    X: Matrix,
    masks: Sequence[Matrix | None] | None = None,
    *,
    of_batch: bool = False,
) -> Trace:
    """Compute z and a of every layer for the samples X, (n, n_features).

    With `of_batch`, batch norm uses the statistics of these samples, as in a training step.
    """
    trace = Trace((), (), (X,), tuple(masks) if masks else (None,) * len(net.functions), ())
    for layer, f in enumerate(net.functions):
        A_in = trace.A_in(net.T, layer)
        of = None
        if net.norms[layer] is None:
            Z = [weighted_inputs(net, layer, a) for a in A_in]
        else:
            U = [sums(net, layer, [0.0] * len(net.b[layer]), a) for a in A_in]
            of = normalise(net, layer, U, of_batch)
            Z = scale_and_shift(net, layer, of.u_hat)
        F = [f.forward(net.T, z) for z in Z]
        A = add(net.T, F, A_in) if net.skips[layer] else F
        trace = Trace(
            (*trace.Z, Z), (*trace.F, F), (*trace.A, A), trace.masks, (*trace.normalised, of)
        )
    return trace


def weighted_inputs(net: Layers, layer: int, a: list[float]) -> list[float]:
    """Return z_j = b_j + sum_k w_jk a_k for every output j of this layer, for one sample."""
    return sums(net, layer, net.b[layer], a)


def sums(net: Layers, layer: int, start: list[float], a: list[float]) -> list[float]:
    """Return start_j + sum_k w_jk a_k for every output j of this layer, for one sample."""
    pairs = zip(net.W[layer], start, strict=True)
    return [sum_of_products(net.T, c, W_j, a, n_results=len(start)) for W_j, c in pairs]


def add(T: NumberType, M: Matrix, N: Matrix) -> Matrix:
    """Return M + N."""
    return [
        [T.round(m + n) for m, n in zip(m_row, n_row, strict=True)]
        for m_row, n_row in zip(M, N, strict=True)
    ]
