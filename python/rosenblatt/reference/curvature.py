"""Second derivatives: how f'(z) and the slopes of a loss change along a direction.

R{x} is the derivative of x by t where theta moves as theta + t v (Pearlmutter 1994). Every function
takes one sample's layer, and gives a row. Where a first derivative jumps,
the second is that of the piece whose slope the first derivative took, so it is 0 in a kink of relu.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from .activation import (
    ACTIVATIONS,
    DENSITY_AT_0,
    GELU_CUBIC,
    GELU_LINEAR,
    clip,
    dC_dz,
    gelu_tanh_gate,
    mish_gate,
)
from .arithmetic import Float64, NumberType, chain, sum_in_order
from .loss import (
    Parameters,
    differences,
    divide,
    margins_missed,
    power,
    smoothed,
    surprise,
)
from .math import exp, log1p, logistic

Row = list[float]


class Along(NamedTuple):
    """A layer for one sample, and how it moves along the direction."""

    z: Row
    a: Row
    R_z: Row  # R{z}
    R_a: Row  # R{a}


# ---------------------------------------------------------------------- activations: g R{f'(z)}

FLAT = 1000.0  # from there on the second derivatives of gelu, silu and mish are 0 in either type

Bend = Callable[[NumberType, Along, Row], Row]  # (T, layer, g)


def straight(T: NumberType, at: Along, g: Row) -> Row:
    """Return 0: f' is constant between its kinks."""
    return [0.0] * len(at.a)


def logistic_bend(T: NumberType, at: Along, g: Row) -> Row:
    """Return g (1 - 2 a) R{a}, for f' = a - a^2."""
    return [
        T.round(g_j * T.round(T.fma(-2.0, a_j, 1.0) * R_j))
        for a_j, R_j, g_j in zip(at.a, at.R_a, g, strict=True)
    ]


def tanh_bend(T: NumberType, at: Along, g: Row) -> Row:
    """Return g (-2 a) R{a}, for f' = 1 - a^2."""
    return [
        T.round(g_j * T.round(-2.0 * a_j * R_j))
        for a_j, R_j, g_j in zip(at.a, at.R_a, g, strict=True)
    ]


def softmax_bend(T: NumberType, at: Along, g: Row) -> Row:
    """Return R{a_j} (g_j - q) - a_j p with q = sum_i g_i a_i, p = sum_i g_i R{a_i}."""
    q = chain(T, 0.0, g, at.a)
    p = chain(T, 0.0, g, at.R_a)
    return [
        T.fma(-a_j, p, T.round(R_j * T.round(g_j - q)))
        for a_j, R_j, g_j in zip(at.a, at.R_a, g, strict=True)
    ]


def log_softmax_bend(T: NumberType, at: Along, g: Row) -> Row:
    """Return -R{p_j} sum_i g_i with p = e^a, R{p_j} = p_j R{a_j}."""
    total = sum_in_order(T, [0.0, *g])
    return [
        -T.round(T.round(exp(T, a_j) * R_j) * total) for a_j, R_j in zip(at.a, at.R_a, strict=True)
    ]


def elu_change(T: NumberType, a: float, R_a: float) -> float:
    """Return R{a} below 0, for f' = a and a constant: elu and selu."""
    return 0.0 if a > 0 else R_a


def softplus_change(T: NumberType, a: float, R_a: float) -> float:
    """Return e^-a R{a}, for f' = 1 - e^-a."""
    return T.round(exp(T, -a) * R_a)


def softsign_change(T: NumberType, a: float, R_a: float) -> float:
    """Return -2 (1 - |a|) R{a} above 0 and 2 (1 - |a|) R{a} below, for f' = (1 - |a|)^2."""
    steepness = -2 * T.round(1 - abs(a))
    return T.round((steepness if a > 0 else -steepness) * R_a)


def sin_change(T: NumberType, a: float, R_z: float) -> float:
    """Return -sin(z) R{z}."""
    return T.round(-a * R_z)


def gelu_change(T: NumberType, z: float, R_z: float) -> float:
    """Return phi(z) (2 - z^2) R{z}."""
    y = clip(z, -FLAT, FLAT)
    bell = exp(T, T.round(T.round(-0.5 * y) * y))
    density = T.round(bell * T.round(DENSITY_AT_0))
    return T.round(T.round(density * T.fma(-y, y, 2.0)) * R_z)


def gelu_tanh_change(T: NumberType, z: float, R_z: float) -> float:
    """Return s' (2 v' + z ((1 - 2 s) v'^2 + v'')) R{z} with s = logistic(v(z)), s' = s (1 - s)."""
    y = clip(z, -FLAT, FLAT)
    s = gelu_tanh_gate(T, y)
    v_1 = T.fma(T.round(y * y), T.round(3 * GELU_CUBIC), T.round(GELU_LINEAR))
    v_2 = T.round(T.round(6 * GELU_CUBIC) * y)
    inner = T.fma(T.round(T.fma(-2.0, s, 1.0) * v_1), v_1, v_2)
    return T.round(T.round(T.round(s * T.round(1 - s)) * T.fma(y, inner, 2 * v_1)) * R_z)


def silu_change(T: NumberType, z: float, R_z: float) -> float:
    """Return s (1 - s) (2 + z (1 - 2 s)) R{z} with s = logistic(z)."""
    y = clip(z, -FLAT, FLAT)
    s = logistic(T, y)
    return T.round(T.round(T.round(s * T.round(1 - s)) * T.fma(y, T.fma(-2.0, s, 1.0), 2.0)) * R_z)


def mish_change(T: NumberType, z: float, R_z: float) -> float:
    """Return t' (2 + z (1 - s - 2 t s)) R{z}, s = logistic(z), t = N / D, t' = (1 - t^2) s."""
    y = clip(z, -FLAT, FLAT)
    e, N, D = mish_gate(T, y)
    k = T.round(e * e) if y >= 0 else e
    steepness = T.round(T.round(T.round(4 * k) * T.round(1 + e)) / T.round(D * D))
    s = logistic(T, y)
    inner = T.fma(T.round(-2 * T.round(N / D)), s, T.round(1 - s))
    return T.round(T.round(steepness * T.fma(y, inner, 2.0)) * R_z)


Change = Callable[[NumberType, float, float], float]  # R{f'} of one number


def by_a(change: Change) -> Bend:
    """Return g R{f'}, with R{f'} from a and R{a}."""
    return lambda T, at, g: [
        T.round(g_j * change(T, a_j, R_j)) for a_j, R_j, g_j in zip(at.a, at.R_a, g, strict=True)
    ]


def by_z(change: Change) -> Bend:
    """Return g R{f'}, with R{f'} from z and R{z}."""
    return lambda T, at, g: [
        T.round(g_j * change(T, z_j, R_j)) for z_j, R_j, g_j in zip(at.z, at.R_z, g, strict=True)
    ]


BENDS: dict[str, Bend] = {
    "identity": straight,
    "logistic": logistic_bend,
    "tanh": tanh_bend,
    "relu": straight,
    "softmax": softmax_bend,
    "leaky_relu": straight,
    "elu": by_a(elu_change),
    "selu": by_a(elu_change),
    "gelu": by_z(gelu_change),
    "gelu_tanh": by_z(gelu_tanh_change),
    "silu": by_z(silu_change),
    "mish": by_z(mish_change),
    "softplus": by_a(softplus_change),
    "softsign": by_a(softsign_change),
    "hard_sigmoid": straight,
    "hard_tanh": straight,
    "relu6": straight,
    "sin": lambda T, at, g: [
        T.round(g_j * sin_change(T, a_j, R_j))
        for a_j, R_j, g_j in zip(at.a, at.R_z, g, strict=True)
    ],
    "step": straight,
    "log_softmax": log_softmax_bend,
}


def activation_along(T: NumberType, name: str, z: Row, a: Row, R_z: Row) -> Row:
    """Return R{a} from R{z}: f' R{z}, as dC/dz comes from dC/da where da/dz is symmetric."""
    if name != "log_softmax":
        return dC_dz(T, ACTIVATIONS[name], z, a, R_z)
    mean = chain(T, 0.0, [exp(T, a_j) for a_j in a], R_z)
    return [T.round(R_j - mean) for R_j in R_z]


def delta_along(T: NumberType, name: str, at: Along, g: Row, R_g: Row) -> Row:
    """Return R{delta} of the layer from g = dC/da and R{g}: f' R{g} + g R{f'}."""
    through = dC_dz(T, ACTIVATIONS[name], at.z, at.a, R_g)
    bend = BENDS[name](T, at, g)
    return [T.round(t_j + b_j) for t_j, b_j in zip(through, bend, strict=True)]


# ------------------------------------------------------- losses: R{slope}, of dc/da_j or dc/dz_j

SlopesAlong = Callable[[NumberType, Parameters, Along, Row], Row]  # (T, p, output, y)


def zeros(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return 0: the slope is constant between its jumps."""
    return [0.0] * len(at.a)


def as_the_output(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return R{a_j}, of the slope a_j - y_j."""
    return list(at.R_a)


def huber(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return R{a_j} within the bend, 0 beyond it."""
    bend = T.round(p[0])
    d = differences(T, at.a, y)
    return [R_j if -bend <= d_j <= bend else 0.0 for d_j, R_j in zip(d, at.R_a, strict=True)]


def squared_hinge(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return 2 R{a_j} where the margin is missed."""
    m = margins_missed(T, at.a, y)
    return [T.round(2 * R_j) if m_j > 0 else 0.0 for m_j, R_j in zip(m, at.R_a, strict=True)]


def poisson(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return e^a_j R{a_j}, or y_j / a_j^2 R{a_j} where the output is the rate itself."""
    if p[0] == 1:
        return [T.round(exp(T, a_j) * R_j) for a_j, R_j in zip(at.a, at.R_a, strict=True)]
    return [
        0.0 if y_j == 0 else T.round(divide(T, divide(T, y_j, a_j), a_j) * R_j)
        for a_j, y_j, R_j in zip(at.a, y, at.R_a, strict=True)
    ]


def gaussian_nll(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
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


def cosine(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
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


def log_loss_softmax(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return R{a_j} sum_i y_i, of the slope a_j sum_i y_i - y_j."""
    Y = sum_in_order(T, smoothed(T, p, y, len(y)))
    return [T.round(R_j * Y) for R_j in at.R_a]


def kl_divergence(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
    """Return that of log_loss, whose slopes it has."""
    return log_loss_softmax(T, (0.0,), at, y)


def focal_softmax(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
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


def focal_logistic(T: NumberType, p: Parameters, at: Along, y: Row) -> Row:
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


SLOPES_ALONG: dict[str, SlopesAlong] = {
    "squared_error": as_the_output,
    "absolute_error": zeros,
    "huber": huber,
    "quantile": zeros,
    "cosine": cosine,
    "hinge": zeros,
    "squared_hinge": squared_hinge,
    "poisson": poisson,
    "gaussian_nll": gaussian_nll,
    "kl_divergence": kl_divergence,
}
SLOPES_ALONG_BY_OUTPUT: dict[tuple[str, str], SlopesAlong] = {
    ("log_loss", "softmax"): log_loss_softmax,
    ("log_loss", "logistic"): as_the_output,
    ("focal", "softmax"): focal_softmax,
    ("focal", "logistic"): focal_logistic,
}


def slopes_along(loss: str, output: str) -> SlopesAlong:
    """Return the function for this loss with this output."""
    return SLOPES_ALONG_BY_OUTPUT.get((loss, output)) or SLOPES_ALONG[loss]
