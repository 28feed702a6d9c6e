"""Loss: the cost C of the outputs, and delta = dC/dz of the output layer, where 1/n enters.

C is the mean of c over the samples, each c a float64; delta is in the network's number type T.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .activation import ACTIVATIONS, softmax_parts
from .arithmetic import Float64, chain, sum_in_order
from .forward import Trace
from .math import exp, log, log1p
from .theta import Matrix

if TYPE_CHECKING:
    from .network import Network

Row = list[float]
Targets = Sequence[float | Row]  # (n,) labels or targets, or (n, n_outputs)


def cost_and_delta(
    net: Network,
    trace: Trace,
    Y: Targets,
    loss: str,
    sample_weight: Sequence[float] | None = None,
) -> tuple[float, Matrix]:
    """Return (C, delta) of a batch: delta is (n, n_outputs); sample_weight is (n,) or None."""
    sample_loss = LOSSES[loss, net.activations[-1]]
    scales = [net.T.round(share) for share in shares(len(Y), sample_weight)]
    c: list[float] = []
    delta: Matrix = []
    for z, a, y, scale in zip(trace.Z[-1], trace.A[-1], Y, scales, strict=True):
        c_i, delta_i = sample_loss(net, z, a, target_row(net, y, loss), scale)
        c.append(c_i)
        delta.append(delta_i)
    return mean(c, sample_weight), delta


def target_row(net: Network, y: float | Row, loss: str) -> Row:
    """Return one sample's target as a row of n_outputs: a label is the row with 1 in its place.

    With one logistic output a label, 0 or 1, is the target itself.
    """
    if isinstance(y, list):
        return y
    n_outputs = net.layers[-1]
    if loss == "log_loss" and (n_outputs > 1 or net.activations[-1] == "softmax"):
        return [1.0 if j == y else 0.0 for j in range(n_outputs)]
    return [float(y)]


def shares(n: int, sample_weight: Sequence[float] | None) -> list[float]:
    """Return the share of each sample in the mean, float64: s_i / sum of s, or 1 / n."""
    if sample_weight is None:
        return [1.0 / n] * n
    total = sum_in_order(Float64, sample_weight)
    return [s_i / total for s_i in sample_weight]


def mean(c: list[float], sample_weight: Sequence[float] | None) -> float:
    """Return the weighted mean of the samples' costs, float64."""
    if sample_weight is None:
        return sum_in_order(Float64, c) / len(c)
    return chain(Float64, 0.0, sample_weight, c) / sum_in_order(Float64, sample_weight)


def squared_error(net: Network, z: Row, a: Row, y: Row, scale: float) -> tuple[float, Row]:
    """Return (c, delta) of c = 1/2 sum_j (a_j - y_j)^2, for any output: delta is dC/da f'."""
    T = net.T
    d = [T.round(a_j - y_j) for a_j, y_j in zip(a, y, strict=True)]
    c = 0.5 * chain(Float64, 0.0, d, d)
    g = [T.round(d_j * scale) for d_j in d]
    return c, ACTIVATIONS[net.activations[-1]].backward(T, a, g)


def log_loss_softmax(net: Network, z: Row, a: Row, y: Row, scale: float) -> tuple[float, Row]:
    """Return (c, delta) of c = -sum_j y_j ln a_j.

    -ln a_j = ln S - (z_j - m) needs no a_j > 0. dC/dz_j = a_j Y - y_j with Y = sum_j y_j, which
    is 1 for a distribution.
    """
    T = net.T
    m, _, S = softmax_parts(T, z)
    log_S = log(T, S)
    t = [T.round(log_S - T.round(z_j - m)) for z_j in z]
    named = [j for j, y_j in enumerate(y) if y_j != 0]
    c = chain(Float64, 0.0, [y[j] for j in named], [t[j] for j in named])
    Y = sum_in_order(T, y)
    delta = [T.round(T.fma(a_j, Y, -y_j) * scale) for a_j, y_j in zip(a, y, strict=True)]
    return c, delta


def log_loss_logistic(net: Network, z: Row, a: Row, y: Row, scale: float) -> tuple[float, Row]:
    """Return (c, delta) of c = -sum_j (y_j ln a_j + (1 - y_j) ln(1 - a_j)), yes-or-no questions.

    In z that is sum_j (max(z_j, 0) - y_j z_j + ln(1 + e^-|z_j|)); dC/dz_j = a_j - y_j.
    """
    T = net.T
    c = 0.0
    for z_j, y_j in zip(z, y, strict=True):
        linear = T.fma(-y_j, z_j, max(z_j, 0.0))
        c = c + T.round(linear + log1p(T, exp(T, -abs(z_j))))
    delta = [T.round(T.round(a_j - y_j) * scale) for a_j, y_j in zip(a, y, strict=True)]
    return c, delta


SampleLoss = Callable[["Network", Row, Row, Row, float], tuple[float, Row]]

LOSSES: dict[tuple[str, str], SampleLoss] = {
    **{("squared_error", output): squared_error for output in ACTIVATIONS},
    ("log_loss", "softmax"): log_loss_softmax,
    ("log_loss", "logistic"): log_loss_logistic,
}
