"""Backward: the delta of every layer, and all derivatives."""

from __future__ import annotations

from typing import NamedTuple

from .activation import dC_dz
from .arithmetic import NumberType, chain, sum_of_products
from .dropout import apply
from .forward import Trace, add
from .layers import Layers
from .normalisation import dC_dg, dC_du
from .theta import Matrix, flatten


class Derivatives(NamedTuple):
    """The result of the backward pass."""

    dW: tuple[Matrix, ...]  # dW[layer], (n_out, n_in): dC/dW
    db: tuple[list[float], ...]  # db[layer], (n_out,): dC/db
    delta: tuple[Matrix, ...]  # delta[layer], (n, n_out): dC/dz
    dg: tuple[list[float], ...]  # dg[layer], (n_out,): dC/dg, empty if the layer has no norm
    dU: tuple[Matrix, ...]  # dU[layer], (n, n_out): dC/du of u = W a; delta without a norm
    G: Matrix  # (n, n_out): dC/da of the first layer, empty if it is the output layer

    @property
    def grad(self) -> list[float]:
        """Return dC/dtheta, in the order of theta.py."""
        return flatten(self.dW, self.db, self.dg)


class Gradients(NamedTuple):
    """The cost and all its derivatives."""

    cost: float
    dW: tuple[Matrix, ...]  # dW[layer], (n_out, n_in): dC/dW
    db: tuple[list[float], ...]  # db[layer], (n_out,): dC/db
    dX: Matrix  # (n, n_features): dC/dX
    delta: tuple[Matrix, ...]  # delta[layer], (n, n_out): dC/dz
    dg: tuple[list[float], ...]  # dg[layer], (n_out,): dC/dg, empty if the layer has no norm

    @property
    def grad(self) -> list[float]:
        """Return dC/dtheta, in the order of theta.py."""
        return flatten(self.dW, self.db, self.dg)


def backward(net: Layers, trace: Trace, delta_output: Matrix) -> Derivatives:
    """Return dC/dW, dC/db and dC/dz of every layer.

    `delta_output`, (n, n_outputs), is the delta of the output.
    """
    T, last = net.T, len(net.W) - 1
    delta, dU = [delta_output], [delta_output]
    G: Matrix = []  # dC/da of the current layer; the output has no skip
    for layer in range(last, 0, -1):
        G = through_layer(net, trace, layer, dU[0], G)
        delta.insert(0, delta_before(net, trace, layer, G))
        of = trace.normalised[layer - 1]
        dU.insert(0, delta[0] if of is None else dC_du(net, layer - 1, of, delta[0]))
    return Derivatives(
        tuple(dC_dW(T, d, trace.A_in(T, layer)) for layer, d in enumerate(dU)),
        tuple(dC_db(T, d) for d in delta),
        tuple(delta),
        tuple(
            [] if of is None else dC_dg(T, d, of.u_hat)
            for d, of in zip(delta, trace.normalised, strict=True)
        ),
        tuple(dU),
        G,
    )


def dC_dX(net: Layers, trace: Trace, derivatives: Derivatives) -> Matrix:
    """Return dC/dX, (n, n_features), with respect to the scaled X."""
    return through_layer(net, trace, 0, derivatives.dU[0], derivatives.G)


def delta_of_output(net: Layers, trace: Trace, G: Matrix) -> Matrix:
    """Return delta of the output from G = dC/dA, (n, n_outputs): dC/da times f'."""
    f = net.functions[-1]
    rows = zip(trace.Z[-1], trace.F[-1], G, strict=True)
    return [dC_dz(net.T, f, z, a, g) for z, a, g in rows]


def through_layer(net: Layers, trace: Trace, layer: int, dU: Matrix, G_out: Matrix) -> Matrix:
    """Return dC/da of the input of a layer.

    It is W^T dC/du, plus the skip, times the dropout mask.

    `dU` is dC/du of u = W a, which is delta unless the layer has a norm. `G_out` is dC/da of the
    output of the layer.
    """
    G, mask = dC_dA(net, layer, dU), trace.masks[layer]
    if net.skips[layer]:
        G = add(net.T, G, G_out)
    return G if mask is None else apply(net.T, mask, G)


def delta_before(net: Layers, trace: Trace, layer: int, G: Matrix) -> Matrix:
    """Return delta of the layer before this one: dC/da times f'."""
    f = net.functions[layer - 1]
    rows = zip(trace.Z[layer - 1], trace.F[layer - 1], G, strict=True)
    return [dC_dz(net.T, f, z, a, g) for z, a, g in rows]


def dC_dA(net: Layers, layer: int, delta: Matrix) -> Matrix:
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
