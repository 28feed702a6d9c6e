"""Normalisation along a direction, for H v.

R{x} is the derivative of x with respect to t if theta moves as theta + t v. Batch norm uses its
running statistics, which do not move, so u_hat is a fixed affine function of u.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .arithmetic import NumberType
from .layers import Layers
from .normalisation import Normalised, sum_over_units
from .theta import Matrix

Row = list[float]


class NormalisedAlong(NamedTuple):
    """R{u_hat}, (n, n_out), and with layer norm R{rstd} of every sample."""

    R_u_hat: Matrix
    R_rstd: Row


def mean_of_products(T: NumberType, x: Sequence[float], y: Sequence[float]) -> float:
    """Return the mean of x_j y_j over the units."""
    return T.round(sum_over_units(T, x, y) / T.round(float(len(x))))


def normalise_along(net: Layers, layer: int, of: Normalised, R_U: Matrix) -> NormalisedAlong:
    """Return R{u_hat} from R{u}, both (n, n_out)."""
    T = net.T
    if net.norms[layer] == "batch":
        rows = [zip(R_u, of.rstd, strict=True) for R_u in R_U]
        return NormalisedAlong([[T.round(R_j * r) for R_j, r in row] for row in rows], [])
    R_u_hat, R_rstd = [], []
    for u_hat, r, R_u in zip(of.u_hat, of.rstd, R_U, strict=True):
        s = mean_of_products(T, R_u, [1.0] * len(R_u))
        t = mean_of_products(T, R_u, u_hat)
        pairs = zip(u_hat, R_u, strict=True)
        R_u_hat.append([T.round(r * T.fma(-u_j, t, T.round(R_j - s))) for u_j, R_j in pairs])
        R_rstd.append(T.round(-T.round(r * r) * t))
    return NormalisedAlong(R_u_hat, R_rstd)


def scale_and_shift_along(
    net: Layers, direction: Layers, layer: int, of: Normalised, along: NormalisedAlong
) -> Matrix:
    """Return R{z_j} = g_j R{u_hat_j} + R{g_j} u_hat_j + R{b_j}."""
    T, g, R_g, R_b = net.T, net.g[layer], direction.g[layer], direction.b[layer]
    return [
        [
            T.fma(g_j, R_j, T.fma(Rg_j, u_j, Rb_j))
            for g_j, Rg_j, Rb_j, u_j, R_j in zip(g, R_g, R_b, u_hat, R_u_hat, strict=True)
        ]
        for u_hat, R_u_hat in zip(of.u_hat, along.R_u_hat, strict=True)
    ]


def dC_du_along(
    net: Layers,
    direction: Layers,
    layer: int,
    at: tuple[Normalised, NormalisedAlong],
    deltas: tuple[Matrix, Matrix],
) -> Matrix:
    """Return R{dC/du}, (n, n_out), from delta = dC/dz and R{delta}."""
    T, g, R_g = net.T, net.g[layer], direction.g[layer]
    of, along = at
    rows = []
    for i, (d, R_d) in enumerate(zip(*deltas, strict=True)):
        e = [T.round(g_j * d_j) for g_j, d_j in zip(g, d, strict=True)]
        R_e = [
            T.fma(g_j, Rd_j, T.round(Rg_j * d_j))
            for g_j, Rg_j, d_j, Rd_j in zip(g, R_g, d, R_d, strict=True)
        ]
        if net.norms[layer] == "batch":
            rows.append([T.round(R_j * r) for R_j, r in zip(R_e, of.rstd, strict=True)])
        else:
            u_hat, R_u_hat = of.u_hat[i], along.R_u_hat[i]
            rows.append(
                through_units_along(T, (e, R_e), (u_hat, R_u_hat), (of.rstd[i], along.R_rstd[i]))
            )
    return rows


def through_units_along(
    T: NumberType,
    e_and_R: tuple[Row, Row],
    u_hat_and_R: tuple[Row, Row],
    rstd_and_R: tuple[float, float],
) -> Row:
    """Return R{dC/du} of one sample for layer norm.

    dC/du is rstd y with y = e - mean(e) - u_hat mean(e u_hat).
    """
    (e, R_e), (u_hat, R_u_hat), (r, R_r) = e_and_R, u_hat_and_R, rstd_and_R
    ones = [1.0] * len(e)
    p, q = mean_of_products(T, e, ones), mean_of_products(T, e, u_hat)
    R_p = mean_of_products(T, R_e, ones)
    R_q = T.round(mean_of_products(T, R_e, u_hat) + mean_of_products(T, e, R_u_hat))
    row = []
    for e_j, Re_j, u_j, Ru_j in zip(e, R_e, u_hat, R_u_hat, strict=True):
        y = T.fma(-u_j, q, T.round(e_j - p))
        R_y = T.fma(-u_j, R_q, T.fma(-Ru_j, q, T.round(Re_j - R_p)))
        row.append(T.fma(R_r, y, T.round(r * R_y)))
    return row
