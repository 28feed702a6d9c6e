"""Normalisation of u = W a by batch or layer norm, and its derivatives.

u_hat = (u - mean) / deviation, then z = g u_hat + b.

Layer norm computes mean and variance of a sample over the units of the layer (J. L. Ba, J. R.
Kiros, G. E. Hinton, *Layer normalization*, 2016). Batch norm computes those of a unit over the
samples of the batch (S. Ioffe, C. Szegedy, *Batch normalization*, ICML 2015), and uses running
statistics at inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, sqrt
from typing import NamedTuple

from .arithmetic import NumberType, chain, interleaved_chains, sum_in_order
from .layers import Layers
from .theta import Matrix

EPS = 1e-5  # as in PyTorch; avoids a division by 0 for a constant u
MOMENTUM = 0.1  # as in PyTorch; the weight of the last batch in the running statistics


class Normalised(NamedTuple):
    """The u_hat of a layer, (n, n_out), and the statistics it was computed with."""

    u_hat: Matrix
    rstd: list[float]  # 1 / sqrt(variance + EPS): per sample, or per unit with batch norm
    mean: list[float] | None = None  # of the units in the batch; None if not computed from it
    variance: list[float] | None = None


def reciprocal_root(T: NumberType, variance: float) -> float:
    """Return 1 / sqrt(variance + eps), each operation rounded."""
    x = T.round(variance + T.round(EPS))
    return x if isnan(x) else T.round(1.0 / T.round(sqrt(x)))


def centre(T: NumberType, u: Sequence[float], mean: Sequence[float]) -> list[float]:
    """Return u - mean, element by element."""
    return [T.round(u_j - m) for u_j, m in zip(u, mean, strict=True)]


def sum_over_units(T: NumberType, x: Sequence[float], y: Sequence[float]) -> float:
    """Return the sum of x_j y_j over the units, always by 16 interleaved chains."""
    return interleaved_chains(T, 0.0, x, y)


def layer_norm(T: NumberType, U: Matrix) -> Normalised:
    """Return u_hat with mean and variance of every sample over the units."""
    u_hat, rstd = [], []
    for u in U:
        n = T.round(float(len(u)))
        mean = T.round(sum_over_units(T, u, [1.0] * len(u)) / n)
        d = centre(T, u, [mean] * len(u))
        r = reciprocal_root(T, T.round(sum_over_units(T, d, d) / n))
        u_hat.append([T.round(d_j * r) for d_j in d])
        rstd.append(r)
    return Normalised(u_hat, rstd)


def moments_over_samples(T: NumberType, U: Matrix) -> tuple[list[float], list[float]]:
    """Return mean and variance of every unit, with sums in the order of the samples."""
    n = T.round(float(len(U)))
    mean, variance = [], []
    for of_unit in zip(*U, strict=True):
        m = T.round(sum_in_order(T, [0.0, *of_unit]) / n)
        d = centre(T, of_unit, [m] * len(of_unit))
        mean.append(m)
        variance.append(T.round(chain(T, 0.0, d, d) / n))
    return mean, variance


def normalise(net: Layers, layer: int, U: Matrix, of_batch: bool) -> Normalised:
    """Return u_hat of a layer with a norm.

    With `of_batch`, batch norm uses the statistics of U.
    """
    T = net.T
    if net.norms[layer] == "layer":
        return layer_norm(T, U)
    mean, variance = net.running_mean[layer], net.running_var[layer]
    if of_batch:
        mean, variance = moments_over_samples(T, U)
    rstd = [reciprocal_root(T, v) for v in variance]
    u_hat = [[T.round(d * r) for d, r in zip(centre(T, u, mean), rstd, strict=True)] for u in U]
    return Normalised(u_hat, rstd, mean, variance) if of_batch else Normalised(u_hat, rstd)


def scale_and_shift(net: Layers, layer: int, u_hat: Matrix) -> Matrix:
    """Return z_j = g_j u_hat_j + b_j."""
    rows = [zip(net.g[layer], u, net.b[layer], strict=True) for u in u_hat]
    return [[net.T.fma(g_j, u_j, b_j) for g_j, u_j, b_j in row] for row in rows]


def dC_dg(T: NumberType, delta: Matrix, u_hat: Matrix) -> list[float]:
    """Return dC/dg_j = sum over the samples of delta_j u_hat_j: (n_out,)."""
    outputs = zip(zip(*delta, strict=True), zip(*u_hat, strict=True), strict=True)
    return [chain(T, 0.0, delta_j, u_j) for delta_j, u_j in outputs]


def dC_du(net: Layers, layer: int, of: Normalised, delta: Matrix) -> Matrix:
    """Return dC/du, (n, n_out), from delta = dC/dz of a layer with a norm."""
    if net.norms[layer] == "layer":
        rows = zip(of.u_hat, of.rstd, delta, strict=True)
        return [through_units(net.T, net.g[layer], u, r, d) for u, r, d in rows]
    T, n = net.T, net.T.round(float(len(delta)))
    k = [T.round(g_j * r_j) for g_j, r_j in zip(net.g[layer], of.rstd, strict=True)]
    if of.mean is None:
        return [[T.round(k_j * d_j) for k_j, d_j in zip(k, d, strict=True)] for d in delta]
    p = [T.round(sum_in_order(T, [0.0, *d]) / n) for d in zip(*delta, strict=True)]
    q = [T.round(dg_j / n) for dg_j in dC_dg(T, delta, of.u_hat)]
    return [
        [
            T.round(k_j * T.fma(-u_j, q_j, T.round(d_j - p_j)))
            for k_j, p_j, q_j, u_j, d_j in zip(k, p, q, u, d, strict=True)
        ]
        for u, d in zip(of.u_hat, delta, strict=True)
    ]


def through_units(
    T: NumberType, g: list[float], u_hat: list[float], rstd: float, delta: list[float]
) -> list[float]:
    """Return dC/du of one sample for layer norm.

    It is rstd (e - mean(e) - u_hat mean(e u_hat)) with e = g delta.
    """
    n = T.round(float(len(g)))
    e = [T.round(g_j * d_j) for g_j, d_j in zip(g, delta, strict=True)]
    p = T.round(sum_over_units(T, e, [1.0] * len(e)) / n)
    q = T.round(sum_over_units(T, e, u_hat) / n)
    return [
        T.round(rstd * T.fma(-u_j, q, T.round(e_j - p))) for u_j, e_j in zip(u_hat, e, strict=True)
    ]


def follow_batch(net: Layers, layers: Sequence[Normalised | None], n: int) -> None:
    """Move the running statistics towards those of a batch of n samples.

    The variance is the unbiased one.
    """
    T, part = net.T, net.T.round(MOMENTUM)

    def move(running: list[float], of_batch: list[float]) -> list[float]:
        pairs = zip(running, of_batch, strict=True)
        return [T.fma(part, T.round(x - m), m) for m, x in pairs]

    for layer, of in enumerate(layers):
        if of is None or of.mean is None or of.variance is None:
            continue
        net.running_mean[layer] = move(net.running_mean[layer], of.mean)
        unbiased = T.round(n / (n - 1))
        variance = [T.round(unbiased * v) for v in of.variance]
        net.running_var[layer] = move(net.running_var[layer], variance)
