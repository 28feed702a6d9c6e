"""Loss: the cost C of the outputs, and delta = dC/dz of the output layer, where 1/n enters.

C is the mean of c over the samples, each c a float64; delta is in the network's number type T.
Each loss is a function of one sample that returns c and its slopes: dc/da_j, or dc/dz_j where
that is safer. The function after it returns R{slope}, the slopes' derivative along a direction.
docs/losses.md says what each is for, docs/arithmetic.md has the operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, sqrt
from typing import NamedTuple, Protocol

from .activation import ACTIVATIONS, Along, dC_dz, softmax_parts
from .arithmetic import Float64, NumberType, chain, sum_in_order
from .forward import Trace
from .layers import Layers
from .math import exp, expm1, log, log1p, logistic, tanh
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
    of_output = loss_of_output(rule.name, output)
    scales = [T.round(share) for share in shares(len(Y), sample_weight)]
    c: list[float] = []
    delta: Matrix = []
    for z, a, y, scale in zip(trace.Z[-1], trace.A[-1], Y, scales, strict=True):
        c_i, slope = of_output.of_sample(T, rule.parameters, z, a, target_row(net, y, rule.name))
        g = [T.round(slope_j * scale) for slope_j in slope]
        c.append(c_i)
        delta.append(g if of_output.slopes_are_by == "z" else dC_dz(T, net.functions[-1], z, a, g))
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


def output_along(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return R{a_j}, of the slope a_j - y_j."""
    return list(at.R_a)


def absolute_error(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = sum_j |d_j|, dc/da_j = the sign of d_j, 0 where the output is right."""
    d = differences(T, a, y)
    c = sum_in_order(Float64, [abs(d_j) for d_j in d])
    return c, [1.0 if d_j > 0 else -1.0 if d_j < 0 else d_j for d_j in d]


def zero_along(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return 0: the slope is constant between its jumps."""
    return [0.0] * len(at.a)


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


def huber_along(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return R{a_j} within the bend, 0 beyond it."""
    bend = T.round(p[0])
    d = differences(T, at.a, y)
    return [R_j if -bend <= d_j <= bend else 0.0 for d_j, R_j in zip(d, at.R_a, strict=True)]


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


def log_cosh(T: NumberType, p: Parameters, z: Row, a: Row, y: Row) -> CostAndSlopes:
    """Return c = sum_j ln cosh d_j, dc/da_j = tanh d_j.

    ln cosh d = |d| + ln(1 + (e^(-2 |d|) - 1) / 2), at least 0: about 1/2 d^2 near 0, |d| - ln 2 far
    from it.
    """
    d = differences(T, a, y)
    terms = [
        T.round(abs(d_j) + log1p(T, T.round(0.5 * expm1(T, T.round(-2 * abs(d_j)))))) for d_j in d
    ]
    c = sum_in_order(Float64, [0.0 if t_j < 0 else t_j for t_j in terms])
    return c, [tanh(T, d_j) for d_j in d]


def log_cosh_along(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return (1 - tanh^2 d_j) R{a_j}."""
    slopes = [tanh(T, d_j) for d_j in differences(T, at.a, y)]
    return [T.round(T.fma(-s, s, 1.0) * R_j) for s, R_j in zip(slopes, at.R_a, strict=True)]


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


def cosine_along(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return R{(cos e_j - y_j / |y|) / |a|} with e = a / |a|, all in float64.

    R{|a|} = sum_i e_i R{a_i}, R{cos} = -sum_i slope_i R{a_i}, R{e_j} = (R{a_j} - e_j R{|a|}) / |a|.
    """
    size_a = sqrt(chain(Float64, 0.0, at.a, at.a))
    size_y = sqrt(chain(Float64, 0.0, y, y))
    if size_a == 0:
        return [0.0] * len(at.a)
    cos = chain(Float64, 0.0, at.a, y) / size_a / size_y
    e = [a_j / size_a for a_j in at.a]
    slope = [(cos * e_j - y_j / size_y) / size_a for e_j, y_j in zip(e, y, strict=True)]
    R_size = chain(Float64, 0.0, e, at.R_a)
    R_cos = -chain(Float64, 0.0, slope, at.R_a)
    R_e = [(R_j - e_j * R_size) / size_a for e_j, R_j in zip(e, at.R_a, strict=True)]
    return [
        T.round((R_cos * e_j + cos * R_e_j - slope_j * R_size) / size_a)
        for e_j, R_e_j, slope_j in zip(e, R_e, slope, strict=True)
    ]


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


def squared_hinge_along(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return 2 R{a_j} where the margin is missed."""
    m = margins_missed(T, at.a, y)
    return [T.round(2 * R_j) if m_j > 0 else 0.0 for m_j, R_j in zip(m, at.R_a, strict=True)]


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


def poisson_along(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return e^a_j R{a_j}, or y_j / a_j^2 R{a_j} where the output is the rate itself."""
    if p[0] == 1:
        return [T.round(exp(T, a_j) * R_j) for a_j, R_j in zip(at.a, at.R_a, strict=True)]
    return [
        0.0 if y_j == 0 else T.round(divide(T, divide(T, y_j, a_j), a_j) * R_j)
        for a_j, y_j, R_j in zip(at.a, y, at.R_a, strict=True)
    ]


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


def gaussian_nll_along(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return R{u h} for the means and R{(1 - u^2) / 2} for the logarithms s of the variances.

    h = e^(-s/2), u = (mu - y) h: R{h} = -1/2 h R{s}, R{u} = h R{mu} - 1/2 u R{s}.
    """
    K = len(y)
    h = [exp(T, T.round(-0.5 * s_k)) for s_k in at.a[K:]]
    u = [T.round(d_k * h_k) for d_k, h_k in zip(differences(T, at.a[:K], y), h, strict=True)]
    by_mu, by_s = [], []
    for h_k, u_k, R_mu, R_s in zip(h, u, at.R_a[:K], at.R_a[K:], strict=True):
        half = T.round(-0.5 * u_k)
        R_u = T.fma(h_k, R_mu, T.round(half * R_s))
        by_mu.append(T.round(h_k * T.fma(half, R_s, R_u)))
        by_s.append(-T.round(u_k * R_u))
    return by_mu + by_s


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


def log_loss_softmax_along(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return R{a_j} sum_i y_i, of the slope a_j sum_i y_i - y_j."""
    Y = sum_in_order(T, smoothed(T, p, y, len(y)))
    return [T.round(R_j * Y) for R_j in at.R_a]


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


def kl_divergence_along(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return that of log_loss, whose slopes it has."""
    return log_loss_softmax_along(T, (0.0,), at, y)


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


def focal_softmax_along(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return R{r_k - a_k sum_j r_j}, r_j = -y_j (q^gamma + gamma a_j t_j q^(gamma - 1)).

    With q = 1 - a_j, t_j = -ln a_j:
    dr_j/da_j = y_j gamma q^(gamma - 1) (2 - t_j + (gamma - 1) a_j t_j / q).
    """
    gamma = T.round(p[0])
    r, R_r = [], []
    for a_j, t_j, y_j, R_j in zip(at.a, surprise(T, at.z), y, at.R_a, strict=True):
        q = T.round(1 - a_j)
        w = power(T, q, gamma)
        ratio = T.round(t_j / q) if q > 0 else 0.0
        steeper = T.fma(T.round(gamma * a_j), ratio, 1.0)
        r.append(-T.round(y_j * T.round(w * steeper)) if y_j != 0 else 0.0)
        if y_j == 0 or not q > 0:
            R_r.append(0.0)
            continue
        bent = T.fma(T.round(T.round(gamma - 1) * a_j), ratio, T.round(2 - t_j))
        slope = T.round(T.round(gamma * T.round(w / q)) * bent)
        R_r.append(T.round(y_j * T.round(slope * R_j)))
    total, R_total = sum_in_order(T, [0.0, *r]), sum_in_order(T, [0.0, *R_r])
    return [
        T.fma(-a_k, R_total, T.fma(-R_k, total, R_r_k))
        for a_k, R_k, R_r_k in zip(at.a, at.R_a, R_r, strict=True)
    ]


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


def focal_logistic_along(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return (1 - y_j) N + y_j M times R{z_j}, with q = 1 - a, t = -ln a, u = -ln q.

    N = a^gamma q (a (1 + 2 gamma - gamma u) + gamma^2 q u),
    M = q^gamma a (q (1 + 2 gamma - gamma t) + gamma^2 a t).
    """
    gamma = T.round(p[0])
    R_slope = []
    for z_j, a_j, y_j, R_j in zip(at.z, at.a, y, at.R_z, strict=True):
        q, no = logistic(T, -z_j), T.round(1 - y_j)
        tail = log1p(T, exp(T, -abs(z_j)))
        t, u = T.round(max(-z_j, 0.0) + tail), T.round(max(z_j, 0.0) + tail)
        N = curve_of_answer(T, gamma, a_j, q, u)
        M = curve_of_answer(T, gamma, q, a_j, t)
        R_slope.append(T.round(T.fma(no, N, T.round(y_j * M)) * R_j))
    return R_slope


def curve_of_answer(T: NumberType, gamma: float, a: float, q: float, u: float) -> float:
    """Return a^gamma q (a (1 + 2 gamma - gamma u) + gamma^2 q u) for q = 1 - a, u = -ln q."""
    most, square = T.fma(2.0, gamma, 1.0), T.round(gamma * gamma)
    inner = T.round(a * T.fma(-gamma, u, most))
    return T.round(T.round(power(T, a, gamma) * q) * T.fma(T.round(square * q), u, inner))


# ------------------------------------------------------------------------------------- all of them

OfSample = Callable[[NumberType, Parameters, Row, Row, Row], CostAndSlopes]  # (T, p, z, a, y)
SlopesAlong = Callable[[NumberType, Parameters, Along, Row], Row]  # (T, p, output, y)


class OutputLoss(NamedTuple):
    """A loss for one kind of output: c and its slopes, what they are by, and R{slope}."""

    of_sample: OfSample
    slopes_are_by: str
    slopes_along: SlopesAlong


DEFAULTS: dict[str, Parameters] = {
    "huber": (1.0,),  # where the square becomes a line
    "quantile": (0.5,),  # tau, one for all outputs or one for each
    "log_loss": (0.0,),  # label smoothing
    "poisson": (1.0,),  # 1: the output is the logarithm of the rate, 0: the rate
    "focal": (2.0,),  # gamma
}
LABEL_LOSSES = ("log_loss", "kl_divergence", "hinge", "squared_hinge", "focal")
SCORES = ("identity", "tanh", "softsign", "hard_tanh")  # outputs of either sign

OF_ANY_OUTPUT: dict[str, OutputLoss] = {
    "squared_error": OutputLoss(squared_error, "a", output_along),
    "absolute_error": OutputLoss(absolute_error, "a", zero_along),
    "huber": OutputLoss(huber, "a", huber_along),
    "quantile": OutputLoss(quantile, "a", zero_along),
    "log_cosh": OutputLoss(log_cosh, "a", log_cosh_along),
    "cosine": OutputLoss(cosine, "a", cosine_along),
}

LOSSES: dict[tuple[str, str], OutputLoss] = {
    **{(loss, f): each for loss, each in OF_ANY_OUTPUT.items() for f in ACTIVATIONS},
    **{("hinge", f): OutputLoss(hinge, "a", zero_along) for f in SCORES},
    **{("squared_hinge", f): OutputLoss(squared_hinge, "a", squared_hinge_along) for f in SCORES},
    **{
        ("poisson", f): OutputLoss(poisson, "a", poisson_along)
        for f in ("identity", "logistic", "softplus")
    },
    ("gaussian_nll", "identity"): OutputLoss(gaussian_nll, "a", gaussian_nll_along),
    ("log_loss", "softmax"): OutputLoss(log_loss_softmax, "z", log_loss_softmax_along),
    ("log_loss", "logistic"): OutputLoss(log_loss_logistic, "z", output_along),
    ("kl_divergence", "softmax"): OutputLoss(kl_divergence, "z", kl_divergence_along),
    ("focal", "softmax"): OutputLoss(focal_softmax, "z", focal_softmax_along),
    ("focal", "logistic"): OutputLoss(focal_logistic, "z", focal_logistic_along),
}


def loss_of_output(loss: str, output: str) -> OutputLoss:
    """Return a loss for this output."""
    if output not in ACTIVATIONS and loss in OF_ANY_OUTPUT:  # a custom activation
        return OF_ANY_OUTPUT[loss]
    return LOSSES[loss, output]
