"""Hessian times a vector: H v of the cost C, exact, in one pass forward and one back.

H is the matrix of second derivatives d2C/dtheta2. H v is the derivative of the gradient along v:
every quantity of the training step is differentiated as theta + t v by t, at t = 0 (B. A.
Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6, 1994). The letter R
stands before a quantity for that derivative.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, NamedTuple

from .activation import ACTIVATIONS, dC_dz
from .arithmetic import NumberType
from .backward import dC_dA, dC_db, dC_dW
from .curvature import Along, activation_along, delta_along, slopes_along
from .forward import Trace, forward, weighted_inputs
from .loss import LOSSES, NamedLoss, Targets, loss_rule, shares, target_row
from .theta import Matrix, flatten

if TYPE_CHECKING:
    from .network import Network


class TraceAlong(NamedTuple):
    """The derivative of a trace along v; R{X} is 0."""

    R_Z: tuple[Matrix, ...]  # R_Z[layer], (n, n_out): R{Z[layer]}
    R_A: tuple[Matrix, ...]  # R_A[layer], (n, n_out): R{A[layer + 1]}


class DeltaAlong(NamedTuple):
    """The delta of a layer and its derivative along v, each (n, n_out)."""

    delta: Matrix
    R_delta: Matrix


def hessian_vector_product(
    net: Network,
    X: Matrix,
    Y: Targets,
    v: Sequence[float],
    *,
    loss: str | NamedLoss,
    sample_weight: Sequence[float] | None = None,
) -> list[float]:
    """Return H v, (n_params,), in the order of theta.py, as v is."""
    T = net.T
    direction = copy(net)
    direction.theta = list(v)
    trace = forward(net, X)
    along = forward_along(net, direction, trace)
    deltas = [output_delta_along(net, layer_along(trace, along, -1), Y, loss, sample_weight)]
    for layer in range(len(net.W) - 1, 0, -1):
        before = layer_along(trace, along, layer - 1)
        deltas.insert(0, delta_before_along(net, direction, before, layer, deltas[0]))
    R_dW = [dC_dW(T, d.R_delta, A) for d, A in zip(deltas, trace.A[:-1], strict=True)]
    for layer in range(1, len(net.W)):
        R_dW[layer] = added(T, R_dW[layer], dC_dW(T, deltas[layer].delta, along.R_A[layer - 1]))
    return flatten(R_dW, [dC_db(T, d.R_delta) for d in deltas])


def forward_along(net: Network, direction: Network, trace: Trace) -> TraceAlong:
    """Compute R{z} = V a + c + W R{a} and R{a} = f' R{z} of every layer; v is V and c."""
    without_b = copy(net)
    without_b.b = [[0.0] * len(b) for b in net.b]
    R_Z: list[Matrix] = []
    R_A: list[Matrix] = []
    for layer, name in enumerate(net.activations):
        R_z = [weighted_inputs(direction, layer, a) for a in trace.A[layer]]
        if layer > 0:
            R_z = added(net.T, R_z, [weighted_inputs(without_b, layer, r) for r in R_A[-1]])
        R_Z.append(R_z)
        rows = zip(trace.Z[layer], trace.A[layer + 1], R_z, strict=True)
        R_A.append([activation_along(net.T, name, z, a, r) for z, a, r in rows])
    return TraceAlong(tuple(R_Z), tuple(R_A))


def layer_along(trace: Trace, along: TraceAlong, layer: int) -> list[Along]:
    """Return what a weight layer leads to, sample by sample."""
    A = trace.A[1:]
    rows = zip(trace.Z[layer], A[layer], along.R_Z[layer], along.R_A[layer], strict=True)
    return [Along(*row) for row in rows]


def output_delta_along(
    net: Network,
    output_layer: list[Along],
    Y: Targets,
    loss: str | NamedLoss,
    sample_weight: Sequence[float] | None,
) -> DeltaAlong:
    """Return delta and R{delta} of the output."""
    T, output, rule = net.T, net.activations[-1], loss_rule(loss)
    of_sample, slopes_are_by = LOSSES[rule.name, output]
    of_sample_along = slopes_along(rule.name, output)
    scales = [T.round(share) for share in shares(len(Y), sample_weight)]
    delta: Matrix = []
    R_delta: Matrix = []
    for at, y_given, scale in zip(output_layer, Y, scales, strict=True):
        y = target_row(net, y_given, rule.name)
        slope = of_sample(T, rule.parameters, at.z, at.a, y)[1]
        R_slope = of_sample_along(T, rule.parameters, at, y)
        g = [T.round(slope_j * scale) for slope_j in slope]
        R_g = [T.round(R_j * scale) for R_j in R_slope]
        if slopes_are_by == "z":
            delta.append(g)
            R_delta.append(R_g)
        else:
            delta.append(dC_dz(T, net.functions[-1], at.z, at.a, g))
            R_delta.append(delta_along(T, output, at, g, R_g))
    return DeltaAlong(delta, R_delta)


def delta_before_along(
    net: Network, direction: Network, layers: list[Along], layer: int, deltas: DeltaAlong
) -> DeltaAlong:
    """Return delta and R{delta} of the layer before this one: R{W^T delta} has two terms."""
    T, name = net.T, net.activations[layer - 1]
    G = dC_dA(net, layer, deltas.delta)
    R_G = added(T, dC_dA(net, layer, deltas.R_delta), dC_dA(direction, layer, deltas.delta))
    return DeltaAlong(
        [dC_dz(T, ACTIVATIONS[name], at.z, at.a, g) for at, g in zip(layers, G, strict=True)],
        [delta_along(T, name, at, g, R_g) for at, g, R_g in zip(layers, G, R_G, strict=True)],
    )


def added(T: NumberType, M: Matrix, N: Matrix) -> Matrix:
    """Return M + N."""
    return [
        [T.round(m + n) for m, n in zip(m_row, n_row, strict=True)]
        for m_row, n_row in zip(M, N, strict=True)
    ]
