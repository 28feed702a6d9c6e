"""Second derivatives: how f'(z) and the slopes of a loss change along a direction.

R{x} is the derivative of x by t where theta moves as theta + t v (Pearlmutter 1994). Every function
takes one sample's layer, and gives a row. Where a first derivative jumps,
the second is that of the piece whose slope the first derivative took, so it is 0 in a kink of relu.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from .activation import ACTIVATIONS, Along, Row, dC_dz
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


def activation_along(T: NumberType, name: str, z: Row, a: Row, R_z: Row) -> Row:
    """Return R{a} from R{z}: f' R{z}, as dC/dz comes from dC/da where da/dz is symmetric."""
    if name != "log_softmax":
        return dC_dz(T, ACTIVATIONS[name], z, a, R_z)
    mean = chain(T, 0.0, [exp(T, a_j) for a_j in a], R_z)
    return [T.round(R_j - mean) for R_j in R_z]


def delta_along(T: NumberType, name: str, at: Along, g: Row, R_g: Row) -> Row:
    """Return R{delta} of the layer from g = dC/da and R{g}: f' R{g} + g R{f'}."""
    through = dC_dz(T, ACTIVATIONS[name], at.z, at.a, R_g)
    bend = ACTIVATIONS[name].bend(T, at, g)
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
