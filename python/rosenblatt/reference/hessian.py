"""Hessian-vector product: H v, exact, in one forward and one backward pass.

H is the matrix of second derivatives d2C/dtheta2. H v is the derivative of the gradient along v:
every quantity of the training step is a function of theta + t v and is differentiated with respect
to t at t = 0 (B. A. Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6,
1994). R{x} denotes this derivative of x.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

from .activation import ACTIVATIONS, Along, Row, dC_dz
from .arithmetic import NumberType, chain
from .backward import dC_dA, dC_db, dC_dW
from .forward import Trace, add, forward, sums
from .layers import Layers
from .loss import LOSSES, NamedLoss, loss_rule, shares, target_row
from .math import exp
from .normalisation import dC_dg, dC_du
from .normalisation_along import (
    NormalisedAlong,
    dC_du_along,
    normalise_along,
    scale_and_shift_along,
)
from .theta import Matrix, Targets, flatten


class TraceAlong(NamedTuple):
    """The derivative of a trace along v; R{X} is 0."""

    R_Z: tuple[Matrix, ...]  # R_Z[layer], (n, n_out): R{Z[layer]}
    R_F: tuple[Matrix, ...]  # R_F[layer], (n, n_out): R{F[layer]}
    R_A: tuple[Matrix, ...]  # R_A[layer], (n, n_out): R{A[layer + 1]}
    normalised: tuple[NormalisedAlong | None, ...]  # of the layers with a norm


class DeltaAlong(NamedTuple):
    """The deltas of a layer and their derivatives along v, each (n, n_out)."""

    delta: Matrix
    R_delta: Matrix
    dU: Matrix  # equals delta if the layer has no norm
    R_dU: Matrix
    G: Matrix  # empty for the output, which has no skip
    R_G: Matrix


def hessian_vector_product(
    net: Layers,
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
        deltas.insert(0, delta_before_along(net, direction, (trace, along), layer, deltas[0]))
    R_dW = [dC_dW(T, d.R_dU, A) for d, A in zip(deltas, trace.A[:-1], strict=True)]
    for layer in range(1, len(net.W)):
        R_dW[layer] = add(T, R_dW[layer], dC_dW(T, deltas[layer].dU, along.R_A[layer - 1]))
    R_db = [dC_db(T, d.R_delta) for d in deltas]
    return flatten(R_dW, R_db, R_dg(T, trace, along, deltas))


def R_dg(
    T: NumberType, trace: Trace, along: TraceAlong, deltas: list[DeltaAlong]
) -> list[list[float]]:
    """Return R{dC/dg} of every layer: sum of R{delta} u_hat + sum of delta R{u_hat}."""
    per_layer: list[list[float]] = []
    for of, R_of, d in zip(trace.normalised, along.normalised, deltas, strict=True):
        if of is None or R_of is None:
            per_layer.append([])
            continue
        terms = [dC_dg(T, d.R_delta, of.u_hat)], [dC_dg(T, d.delta, R_of.R_u_hat)]
        per_layer += add(T, *terms)
    return per_layer


def forward_along(net: Layers, direction: Layers, trace: Trace) -> TraceAlong:
    """Compute R{z} = V a + c + W R{a} and R{a} = f' R{z} of every layer; v is V and c.

    In a layer with a norm R{u} = V a + W R{a} leads to R{z}.
    """
    T = net.T
    R_Z: list[Matrix] = []
    R_F: list[Matrix] = []
    R_A: list[Matrix] = []
    normalised: list[NormalisedAlong | None] = []
    for layer, name in enumerate(net.activations):
        nothing, of = [0.0] * len(net.b[layer]), trace.normalised[layer]
        start = direction.b[layer] if of is None else nothing
        R_z = [sums(direction, layer, start, a) for a in trace.A[layer]]
        if layer > 0:
            R_z = add(T, R_z, [sums(net, layer, nothing, r) for r in R_A[-1]])
        normalised.append(None if of is None else normalise_along(net, layer, of, R_z))
        if of is not None and normalised[-1] is not None:
            R_z = scale_and_shift_along(net, direction, layer, of, normalised[-1])
        R_Z.append(R_z)
        rows = zip(trace.Z[layer], trace.F[layer], R_z, strict=True)
        R_F.append([activation_along(T, name, z, a, r) for z, a, r in rows])
        skipped = net.skips[layer] and layer > 0  # R{X} is 0
        R_A.append(add(T, R_F[-1], R_A[-1]) if skipped else R_F[-1])
    return TraceAlong(tuple(R_Z), tuple(R_F), tuple(R_A), tuple(normalised))


def layer_along(trace: Trace, along: TraceAlong, layer: int) -> list[Along]:
    """Return the layer after a weight layer, and its derivatives, for every sample."""
    rows = zip(trace.Z[layer], trace.F[layer], along.R_Z[layer], along.R_F[layer], strict=True)
    return [Along(*row) for row in rows]


def activation_along(T: NumberType, name: str, z: Row, a: Row, R_z: Row) -> Row:
    """Return R{a} = f' R{z}.

    It is computed like dC/dz from dC/da, because da/dz is symmetric.
    """
    if name != "log_softmax":
        return dC_dz(T, ACTIVATIONS[name], z, a, R_z)
    mean = chain(T, 0.0, [exp(T, a_j) for a_j in a], R_z)
    return [T.round(R_j - mean) for R_j in R_z]


def delta_along(T: NumberType, name: str, at: Along, g: Row, R_g: Row) -> Row:
    """Return R{delta} of the layer from g = dC/da and R{g}: f' R{g} + g R{f'}."""
    through = dC_dz(T, ACTIVATIONS[name], at.z, at.a, R_g)
    bend = ACTIVATIONS[name].bend(T, at, g)
    return [T.round(t_j + b_j) for t_j, b_j in zip(through, bend, strict=True)]


def output_delta_along(
    net: Layers,
    output_layer: list[Along],
    Y: Targets,
    loss: str | NamedLoss,
    sample_weight: Sequence[float] | None,
) -> DeltaAlong:
    """Return delta and R{delta} of the output."""
    T, output, rule = net.T, net.activations[-1], loss_rule(loss)
    of_output = LOSSES[rule.name, output]
    scales = [T.round(share) for share in shares(len(Y), sample_weight)]
    delta: Matrix = []
    R_delta: Matrix = []
    for at, y_given, scale in zip(output_layer, Y, scales, strict=True):
        y = target_row(net, y_given, rule.name)
        slope = of_output.of_sample(T, rule.parameters, at.z, at.a, y)[1]
        R_slope = of_output.slopes_along(T, rule.parameters, at, y)
        g = [T.round(slope_j * scale) for slope_j in slope]
        R_g = [T.round(R_j * scale) for R_j in R_slope]
        if of_output.slopes_are_by == "z":
            delta.append(g)
            R_delta.append(R_g)
        else:
            delta.append(dC_dz(T, net.functions[-1], at.z, at.a, g))
            R_delta.append(delta_along(T, output, at, g, R_g))
    return DeltaAlong(delta, R_delta, delta, R_delta, [], [])


def delta_before_along(
    net: Layers,
    direction: Layers,
    traces: tuple[Trace, TraceAlong],
    layer: int,
    deltas: DeltaAlong,
) -> DeltaAlong:
    """Return delta and R{delta} of the layer before this one.

    R{W^T delta} has two terms.
    """
    T, before = net.T, layer - 1
    trace, along = traces
    name, at = net.activations[before], layer_along(trace, along, before)
    G = dC_dA(net, layer, deltas.dU)
    R_G = add(T, dC_dA(net, layer, deltas.R_dU), dC_dA(direction, layer, deltas.dU))
    if net.skips[layer]:
        G, R_G = add(T, G, deltas.G), add(T, R_G, deltas.R_G)
    delta = [dC_dz(T, net.functions[before], of.z, of.a, g) for of, g in zip(at, G, strict=True)]
    R_delta = [delta_along(T, name, *of) for of in zip(at, G, R_G, strict=True)]
    of, R_of = trace.normalised[before], along.normalised[before]
    dU, R_dU = delta, R_delta
    if of is not None and R_of is not None:
        dU = dC_du(net, before, of, delta)
        R_dU = dC_du_along(net, direction, before, (of, R_of), (delta, R_delta))
    return DeltaAlong(delta, R_delta, dU, R_dU, G, R_G)
