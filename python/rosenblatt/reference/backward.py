"""Backward: delta of every layer from the output's delta, and from them every derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .activation import dC_dz
from .arithmetic import NumberType, chain, sum_of_products
from .dropout import apply
from .forward import Trace
from .theta import Matrix, flatten

if TYPE_CHECKING:
    from .network import Network


class Derivatives(NamedTuple):
    """What the backward pass computed."""

    dW: tuple[Matrix, ...]  # dW[layer], (n_out, n_in): dC/dW
    db: tuple[list[float], ...]  # db[layer], (n_out,): dC/db
    delta: tuple[Matrix, ...]  # delta[layer], (n, n_out): dC/dz


class Gradients(NamedTuple):
    """The cost and all its derivatives."""

    cost: float
    dW: tuple[Matrix, ...]  # dW[layer], (n_out, n_in): dC/dW
    db: tuple[list[float], ...]  # db[layer], (n_out,): dC/db
    dX: Matrix  # (n, n_features): dC/dX
    delta: tuple[Matrix, ...]  # delta[layer], (n, n_out): dC/dz

    @property
    def grad(self) -> list[float]:
        """Return dC/dtheta, in the order of theta.py."""
        return flatten(self.dW, self.db)


def backward(net: Network, trace: Trace, delta_output: Matrix) -> Derivatives:
    """Return dC/dW, dC/db and dC/dz of every layer from the output's delta, (n, n_outputs)."""
    delta = [delta_output]
    for layer in range(len(net.W) - 1, 0, -1):
        delta.insert(0, delta_before(net, trace, layer, delta[0]))
    return Derivatives(
        tuple(dC_dW(net.T, d, trace.A_in(net.T, layer)) for layer, d in enumerate(delta)),
        tuple(dC_db(net.T, d) for d in delta),
        tuple(delta),
    )


def delta_of_output(net: Network, trace: Trace, G: Matrix) -> Matrix:
    """Return delta of the output from G = dC/dA, (n, n_outputs): dC/da times f'."""
    f = net.functions[-1]
    rows = zip(trace.Z[-1], trace.A[-1], G, strict=True)
    return [dC_dz(net.T, f, z, a, g) for z, a, g in rows]


def delta_before(net: Network, trace: Trace, layer: int, delta: Matrix) -> Matrix:
    """Return delta of the layer before this one: (W^T delta) times f', 0 for what was dropped."""
    f = net.functions[layer - 1]
    G, mask = dC_dA(net, layer, delta), trace.masks[layer]
    if mask is not None:
        G = apply(net.T, mask, G)
    rows = zip(trace.Z[layer - 1], trace.A[layer], G, strict=True)
    return [dC_dz(net.T, f, z, a, g) for z, a, g in rows]


def dC_dA(net: Network, layer: int, delta: Matrix) -> Matrix:
    """Return dC/da_k = sum_j w_jk delta_j for every input k of this layer: (n, n_in)."""
    W_T = list(zip(*net.W[layer], strict=True))  # row k: the weights that leave input k
    return [[sum_of_products(net.T, 0.0, W_k, d, n_results=len(W_T)) for W_k in W_T] for d in delta]


def dC_dW(T: NumberType, delta: Matrix, A: Matrix) -> Matrix:
    """Return dC/dw_jk = sum over the samples of delta_j a_k: (n_out, n_in)."""
    inputs = list(zip(*A, strict=True))  # inputs[k] and outputs[j] are (n,)
    outputs = zip(*delta, strict=True)
    return [[chain(T, 0.0, delta_j, a_k) for a_k in inputs] for delta_j in outputs]


def dC_db(T: NumberType, delta: Matrix) -> list[float]:
    """Return dC/db_j = sum over the samples of delta_j: (n_out,)."""
    db = [0.0] * len(delta[0])
    for row in delta:
        db = [T.round(db_j + delta_j) for db_j, delta_j in zip(db, row, strict=True)]
    return db
