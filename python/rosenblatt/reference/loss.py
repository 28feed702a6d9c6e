"""Loss: the cost C of the outputs, and delta = dC/dz of the output layer, where 1/n enters.

C is the mean of c over the samples, each c a float64; delta is in the network's number type T.
Each loss is a function of one sample that returns c and its slopes: dc/da_j, or dc/dz_j where
that is safer. docs/losses.md says what each is for, docs/arithmetic.md has the operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, sqrt
from typing import NamedTuple, Protocol

from .activation import ACTIVATIONS, dC_dz, softmax_parts
from .arithmetic import Float64, NumberType, chain, sum_in_order
from .forward import Trace
from .layers import Layers
from .math import exp, log, log1p, logistic
from .theta import Matrix, Row, Targets


class LossRule(NamedTuple):
    """A loss and its parameters, in the order of docs/losses.md."""

    name: str
    parameters: tuple[float, ...] = ()


class NamedLoss(Protocol):
    """What a `loss` argument may be beside a name: a LossRule, or the package's own classes."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def parameters(self) -> tuple[float, ...]:
        """The parameters."""


def cost_and_delta(
    net: Layers,
    trace: Trace,
    Y: Targets,
    loss: str | NamedLoss,
    sample_weight: Sequence[float] | None = None,
) -> tuple[float, Matrix]:
    """Return (C, delta) of a batch: delta is (n, n_outputs); sample_weight is (n,) or None."""
    T, output, rule = net.T, net.activations[-1], loss_rule(loss)
    of_sample, slopes_are_by = loss_of_output(rule.name, output)
    scales = [T.round(share) for share in shares(len(Y), sample_weight)]
    c: list[float] = []
    delta: Matrix = []
    for z, a, y, scale in zip(trace.Z[-1], trace.A[-1], Y, scales, strict=True):
        c_i, slope = of_sample(T, rule.parameters, z, a, target_row(net, y, rule.name))
        g = [T.round(slope_j * scale) for slope_j in slope]
        c.append(c_i)
        delta.append(g if slopes_are_by == "z" else dC_dz(T, net.functions[-1], z, a, g))
    return mean(c, sample_weight), delta


def loss_rule(loss: str | NamedLoss) -> LossRule:
    """Return the loss with its parameters: a name alone stands for the default ones."""
    if isinstance(loss, str):
        return LossRule(loss, DEFAULTS.get(loss, ()))
    return LossRule(loss.name, tuple(loss.parameters))


def target_row(net: Layers, y: float | Row, loss: str) -> Row:
    """Return one sample's target as a row: a label is the row with 1 in its place.

    With one output that is no softmax a label, 0 or 1, is the target itself. For the hinges the
    row of a label has -1 in place of 0.
    """
    if isinstance(y, list):
        return y
    n_outputs = net.layers[-1]
    row = [float(y)]
    if loss in LABEL_LOSSES and (n_outputs > 1 or net.activations[-1] == "softmax"):
        row = [1.0 if j == y else 0.0 for j in range(n_outputs)]
    if loss in ("hinge", "squared_hinge") and isinstance(y, int):
        return [1.0 if y_j == 1.0 else -1.0 for y_j in row]
    return row


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


# ------------------------------------------------------------------- differences, for any output

Parameters = tuple[float, ...]
CostAndSlopes = tuple[float, Row]


def differences(T: NumberType, a: Row, y: Row) -> Row:
    """Return d_j = a_j - y_j."""
    return [T.round(a_j - y_j) for a_j, y_j in zip(a, y, strict=True)]


def squared_error(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = 1/2 sum_j d_j^2, dc/da_j = d_j."""
    d = differences(T, a, y)
    return 0.5 * chain(Float64, 0.0, d, d), d


def absolute_error(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = sum_j |d_j|, dc/da_j = the sign of d_j, 0 where the output is right."""
    d = differences(T, a, y)
    c = sum_in_order(Float64, [abs(d_j) for d_j in d])
    return c, [1.0 if d_j > 0 else -1.0 if d_j < 0 else d_j for d_j in d]


def huber(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = sum_j 1/2 d_j^2 for |d_j| <= p, p (|d_j| - p/2) beyond.

    With m = min(|d|, p) both pieces are m (|d| - m/2); dc/da_j = d_j, kept within +-p.
    """
    bend = T.round(p[0])
    d = differences(T, a, y)
    slope = [bend if d_j > bend else -bend if d_j < -bend else d_j for d_j in d]
    m = [abs(slope_j) for slope_j in slope]
    c = chain(Float64, 0.0, m, [abs(d_j) - 0.5 * m_j for d_j, m_j in zip(d, m, strict=True)])
    return c, slope


def quantile(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = sum_j tau_j |d_j| where a_j is below y_j, (1 - tau_j) |d_j| where it is above."""
    d = differences(T, a, y)
    below = [T.round(level) for level in (p if len(p) > 1 else p * len(d))]
    above = [T.round(1 - tau) for tau in below]
    price = [b if d_j < 0 else u for d_j, b, u in zip(d, below, above, strict=True)]
    c = chain(Float64, 0.0, price, [abs(d_j) for d_j in d])
    slope = [
        u if d_j > 0 else -b if d_j < 0 else d_j for d_j, b, u in zip(d, below, above, strict=True)
    ]
    return c, slope


def cosine(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = 1 - cos, cos = a y / (|a| |y|), all in float64; an output of zeros has cos = 0.

    dc/da_j = (cos a_j / |a| - y_j / |y|) / |a|.
    """
    size_a = sqrt(chain(Float64, 0.0, a, a))
    size_y = sqrt(chain(Float64, 0.0, y, y))
    if size_a == 0:
        return 1.0, [0.0] * len(a)
    cos = chain(Float64, 0.0, a, y) / size_a / size_y
    slope = [
        T.round((cos * (a_j / size_a) - y_j / size_y) / size_a)
        for a_j, y_j in zip(a, y, strict=True)
    ]
    return 1.0 - cos, slope


# ------------------------------------------------------------------- margins, for y_j = -1 or +1


def margins_missed(T: NumberType, a: Row, y: Row) -> Row:
    """Return m_j = max(0, 1 - y_j a_j); a NaN stays a NaN."""
    m = [T.fma(-y_j, a_j, 1.0) for a_j, y_j in zip(a, y, strict=True)]
    return [0.0 if m_j <= 0 else m_j for m_j in m]


def hinge(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = sum_j m_j, dc/da_j = -y_j where the margin is missed."""
    m = margins_missed(T, a, y)
    return sum_in_order(Float64, m), [
        -y_j if m_j > 0 else m_j for m_j, y_j in zip(m, y, strict=True)
    ]


def squared_hinge(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = sum_j m_j^2, dc/da_j = -2 y_j m_j."""
    m = margins_missed(T, a, y)
    slope = [T.round(-2 * y_j * m_j) for m_j, y_j in zip(m, y, strict=True)]
    return chain(Float64, 0.0, m, m), slope


# --------------------------------------------------------------------------- counts and variances


def log_from_0(T: NumberType, x: float) -> float:
    """Return ln x for finite x >= 0; what is below the smallest normal number counts as 0."""
    return -inf if x < T.smallest_normal else log(T, x)


def poisson_log_rate(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = sum_j e^a_j - y_j a_j: a is the logarithm of the rate; dc/da_j = e^a_j - y_j."""
    rate = [exp(T, a_j) for a_j in a]
    c = sum_in_order(
        Float64,
        [Float64.fma(-y_j, a_j, rate_j) for a_j, y_j, rate_j in zip(a, y, rate, strict=True)],
    )
    return c, differences(T, rate, y)


def poisson_rate(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = sum_j a_j - y_j ln a_j: a is the rate; dc/da_j = 1 - y_j / a_j. 0 ln 0 is 0."""
    terms, slope = [], []
    for a_j, y_j in zip(a, y, strict=True):
        terms.append(a_j if y_j == 0 else Float64.fma(-y_j, log_from_0(T, a_j), a_j))
        slope.append(1.0 if y_j == 0 else T.round(1 - divide(T, y_j, a_j)))
    return sum_in_order(Float64, terms), slope


def divide(T: NumberType, y: float, a: float) -> float:
    """Return y / a for y > 0, a >= 0: infinity for a = 0."""
    return inf if a == 0 else T.round(y / a)


def poisson(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Choose between the two by the parameter: 1 where a is the logarithm of the rate."""
    return (poisson_log_rate if p[0] == 1 else poisson_rate)(T, p, z, a, y)


def gaussian_nll(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = 1/2 sum_k s_k + (mu_k - y_k)^2 e^-s_k for outputs a = (mu, s).

    s is the logarithm of the variance. With u = (mu - y) e^(-s/2):
    dc/dmu = u e^(-s/2), dc/ds = (1 - u^2) / 2.
    """
    mu, s = a[: len(y)], a[len(y) :]
    h = [exp(T, T.round(-0.5 * s_k)) for s_k in s]  # one over the standard deviation
    d = differences(T, mu, y)
    u = [T.round(d_k * h_k) for d_k, h_k in zip(d, h, strict=True)]
    c = sum_in_order(Float64, [Float64.fma(u_k, u_k, s_k) for u_k, s_k in zip(u, s, strict=True)])
    by_mu = [T.round(u_k * h_k) for u_k, h_k in zip(u, h, strict=True)]
    by_s = [T.round(0.5 * T.fma(-u_k, u_k, 1.0)) for u_k in u]
    return 0.5 * c, by_mu + by_s


# ------------------------------------------------------------- probabilities: slopes are dc/dz_j


def smoothed(T: NumberType, p: Parameters, y: Row, n_classes: int) -> Row:
    """Return (1 - p) y + p / n_classes: a share p of every answer is spread over the classes."""
    if p[0] == 0:
        return y
    keep, share = T.round(1 - p[0]), T.round(p[0] / n_classes)
    return [T.fma(y_j, keep, share) for y_j in y]


def surprise(T: NumberType, z: Row) -> Row:
    """Return -ln a_j = ln S - (z_j - m) of a softmax, which needs no a_j > 0."""
    m, _, S = softmax_parts(T, z)
    log_S = log(T, S)
    return [T.round(log_S - T.round(z_j - m)) for z_j in z]


def from_distribution(T: NumberType, a: Row, y: Row) -> Row:
    """Return a_j Y - y_j with Y = sum_j y_j, which is 1 for a distribution: dc/dz_j."""
    Y = sum_in_order(T, y)
    return [T.fma(a_j, Y, -y_j) for a_j, y_j in zip(a, y, strict=True)]


def log_loss_softmax(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = -sum_j y_j ln a_j, dc/dz_j = a_j - y_j."""
    y = smoothed(T, p, y, len(y))
    t = surprise(T, z)
    named = [j for j, y_j in enumerate(y) if y_j != 0]
    c = chain(Float64, 0.0, [y[j] for j in named], [t[j] for j in named])
    return c, from_distribution(T, a, y)


def log_loss_logistic(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = -sum_j (y_j ln a_j + (1 - y_j) ln(1 - a_j)), yes-or-no questions.

    In z that is sum_j (max(z_j, 0) - y_j z_j + ln(1 + e^-|z_j|)); dc/dz_j = a_j - y_j.
    """
    y = smoothed(T, p, y, 2)
    c = 0.0
    for z_j, y_j in zip(z, y, strict=True):
        linear = T.fma(-y_j, z_j, max(z_j, 0.0))
        c = c + T.round(linear + log1p(T, exp(T, -abs(z_j))))
    return c, differences(T, a, y)


def kl_divergence(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = sum_j y_j (ln y_j - ln a_j), 0 ln 0 = 0; dc/dz_j = a_j - y_j, as for log_loss."""
    t = surprise(T, z)
    named = [j for j, y_j in enumerate(y) if y_j >= T.smallest_normal]
    c = chain(Float64, 0.0, [y[j] for j in named], [t[j] + log_from_0(T, y[j]) for j in named])
    return c, from_distribution(T, a, y)


def power(T: NumberType, q: float, gamma: float) -> float:
    """Return q^gamma = e^(gamma ln q) for 0 <= q <= 1; 0^0 is 1."""
    if q < T.smallest_normal:
        return 1.0 if gamma == 0 else 0.0
    return exp(T, T.round(gamma * log_from_0(T, q)))


def focal_softmax(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = sum_j y_j q_j^gamma t_j with q = 1 - a, t = -ln a.

    dc/da_j a_j = r_j = -y_j q_j^gamma (1 + gamma a_j t_j / q_j), dc/dz_k = r_k - a_k sum_j r_j.
    """
    gamma = T.round(p[0])
    t = surprise(T, z)
    c, r = 0.0, []
    for a_j, t_j, y_j in zip(a, t, y, strict=True):
        if y_j == 0:
            r.append(0.0)
            continue
        q = T.round(1 - a_j)
        w = power(T, q, gamma)
        ratio = T.round(t_j / q) if q > 0 else 0.0
        c = Float64.fma(y_j, T.round(w * t_j), c)
        steeper = T.fma(T.round(gamma * a_j), ratio, 1.0)
        r.append(-T.round(y_j * T.round(w * steeper)))
    R = sum_in_order(T, [0.0, *r])
    return c, [T.fma(-a_k, R, r_k) for a_k, r_k in zip(a, r, strict=True)]


def focal_logistic(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = sum_j y_j q_j^gamma t_j + (1 - y_j) a_j^gamma u_j, yes-or-no questions.

    With q = 1 - a, t = -ln a, u = -ln q:
    dc/dz_j = (1 - y_j) a_j^gamma (a_j + gamma q_j u_j) - y_j q_j^gamma (q_j + gamma a_j t_j).
    """
    gamma = T.round(p[0])
    c, slope = 0.0, []
    for z_j, a_j, y_j in zip(z, a, y, strict=True):
        q, no = logistic(T, -z_j), T.round(1 - y_j)
        tail = log1p(T, exp(T, -abs(z_j)))
        t, u = T.round(max(-z_j, 0.0) + tail), T.round(max(z_j, 0.0) + tail)
        w_yes, w_no = power(T, q, gamma), power(T, a_j, gamma)
        cost_no = T.round(no * T.round(w_no * u))
        c = c + T.fma(y_j, T.round(w_yes * t), cost_no)
        slope_yes = T.round(w_yes * T.fma(T.round(gamma * a_j), t, q))
        slope_no = T.round(w_no * T.fma(T.round(gamma * q), u, a_j))
        slope.append(T.fma(no, slope_no, -T.round(y_j * slope_yes)))
    return c, slope


# ------------------------------------------------------------------------------------- all of them

OfSample = Callable[[NumberType, Parameters, Row, Row, Row], CostAndSlopes]

DEFAULTS: dict[str, Parameters] = {
    "huber": (1.0,),  # where the square becomes a line
    "quantile": (0.5,),  # tau, one for all outputs or one for each
    "log_loss": (0.0,),  # label smoothing
    "poisson": (1.0,),  # 1: the output is the logarithm of the rate, 0: the rate
    "focal": (2.0,),  # gamma
}
LABEL_LOSSES = ("log_loss", "kl_divergence", "hinge", "squared_hinge", "focal")
SCORES = ("identity", "tanh", "softsign", "hard_tanh")  # outputs of either sign

OF_ANY_OUTPUT: dict[str, OfSample] = {
    "squared_error": squared_error,
    "absolute_error": absolute_error,
    "huber": huber,
    "quantile": quantile,
    "cosine": cosine,
}

LOSSES: dict[tuple[str, str], tuple[OfSample, str]] = {
    **{
        (loss, f): (of_sample, "a")
        for loss, of_sample in OF_ANY_OUTPUT.items()
        for f in ACTIVATIONS
    },
    **{("hinge", output): (hinge, "a") for output in SCORES},
    **{("squared_hinge", output): (squared_hinge, "a") for output in SCORES},
    ("poisson", "identity"): (poisson, "a"),
    ("poisson", "logistic"): (poisson, "a"),
    ("poisson", "softplus"): (poisson, "a"),
    ("gaussian_nll", "identity"): (gaussian_nll, "a"),
    ("log_loss", "softmax"): (log_loss_softmax, "z"),
    ("log_loss", "logistic"): (log_loss_logistic, "z"),
    ("kl_divergence", "softmax"): (kl_divergence, "z"),
    ("focal", "softmax"): (focal_softmax, "z"),
    ("focal", "logistic"): (focal_logistic, "z"),
}


def loss_of_output(loss: str, output: str) -> tuple[OfSample, str]:
    """Return a loss of one sample for this output, and what its slopes are by."""
    if output not in ACTIVATIONS and loss in OF_ANY_OUTPUT:  # an activation of somebody's own
        return OF_ANY_OUTPUT[loss], "a"
    return LOSSES[loss, output]
