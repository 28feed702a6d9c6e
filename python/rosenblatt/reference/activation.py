"""The activations: f of one layer and one sample, and its derivative.

Every function takes and returns one row, the numbers of one layer for one sample, because softmax
depends on the whole row. Derivatives are functions of a if a determines them, otherwise of z; the
table at the end says which. The table also has the second derivative and the default initialiser
of each activation. docs/activations.md has the formulas and the sources.
"""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, inf, isnan, ldexp
from typing import NamedTuple

from .arithmetic import Float32, Float64, NumberType, chain, sum_in_order
from .math import (
    CONSTANTS,
    cos,
    exp,
    expm1,
    flush,
    log,
    logistic,
    normal,
    sin,
    softplus,
    tanh,
)

Row = list[float]


def identity_row(T: NumberType, z: Row) -> Row:
    """Return a = z."""
    return list(z)


def identity_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz = g."""
    return list(g)


def logistic_row(T: NumberType, z: Row) -> Row:
    """Return a = 1 / (1 + e^-z)."""
    return [logistic(T, z_j) for z_j in z]


def logistic_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz = g a (1 - a)."""
    return [T.round(g_j * T.fma(-a_j, a_j, a_j)) for a_j, g_j in zip(a, g, strict=True)]


def tanh_row(T: NumberType, z: Row) -> Row:
    """Return a = tanh z."""
    return [tanh(T, z_j) for z_j in z]


def tanh_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz = g (1 - a^2)."""
    return [T.round(g_j * T.fma(-a_j, a_j, 1.0)) for a_j, g_j in zip(a, g, strict=True)]


def relu_row(T: NumberType, z: Row) -> Row:
    """Return a = max(z, 0); a NaN stays a NaN."""
    return [z_j if z_j > 0 or isnan(z_j) else 0.0 for z_j in z]


def relu_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz = g if the unit is on, 0 if it is off."""
    return [g_j if a_j > 0 else 0.0 for a_j, g_j in zip(a, g, strict=True)]


def softmax_parts(T: NumberType, z: Row) -> tuple[float, Row, float]:
    """Return (m, e, S): the largest z, e_j = exp(z_j - m), and S = sum_j e_j.

    Because of the subtraction of m no e_j overflows, and one of them is 1.
    """
    m = max(z)
    e = [exp(T, T.round(z_j - m)) for z_j in z]
    return m, e, sum_in_order(T, e)


def softmax_row(T: NumberType, z: Row) -> Row:
    """Return a_j = e^z_j / sum_i e^z_i."""
    _, e, S = softmax_parts(T, z)
    return [T.round(e_j / S) for e_j in e]


def softmax_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz_j = a_j (g_j - q) with q = sum_i g_i a_i: every output depends on every z."""
    q = chain(T, 0.0, g, a)
    return [T.round(a_j * T.round(g_j - q)) for a_j, g_j in zip(a, g, strict=True)]


def log_softmax_row(T: NumberType, z: Row) -> Row:
    """Return a_j = ln(e^z_j / sum_i e^z_i) = z_j - m - ln S."""
    m, _, S = softmax_parts(T, z)
    log_S = log(T, S)
    return [T.round(T.round(z_j - m) - log_S) for z_j in z]


def log_softmax_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz_j = g_j - e^a_j sum_i g_i."""
    total = sum_in_order(T, [0.0, *g])
    return [T.fma(0.0 - exp(T, a_j), total, g_j) for a_j, g_j in zip(a, g, strict=True)]


# ------------------------------------------------ further functions of one number: f(z) and f'(z)

LEAK = 0.01  # the slope of leaky_relu below 0
SELU_SCALE = 1.0507009873554805
SELU_SCALE_ALPHA = 1.7580993408473768
DENSITY_AT_0 = 0.3989422804014327  # 1 / sqrt(2 pi)
GELU_LINEAR = 1.5957691216057308  # 2 sqrt(2 / pi)
GELU_CUBIC = 0.07135481627260025  # 0.044715 GELU_LINEAR
GELU_TANH_ENDS = 24.0  # beyond it the logistic in gelu_tanh is 0 or 1
ONE_SIXTH = 1 / 6
SILENT: dict[NumberType, float] = {Float32: -88.0, Float64: -709.0}  # here e^z is 0


def clip(z: float, low: float, high: float) -> float:
    """Return z, limited to the interval from low to high; a NaN stays a NaN."""
    z = low if z <= low else z
    return high if z >= high else z


def leaky_relu(T: NumberType, z: float) -> float:
    """Return z above 0, z / 100 below."""
    return z if z > 0 else T.round(T.round(LEAK) * z)


def elu(T: NumberType, z: float) -> float:
    """Return z above 0, e^z - 1 below."""
    return z if z > 0 else expm1(T, z)


def elu_slope(T: NumberType, a: float) -> float:
    """Return 1 above 0, e^z = a + 1 below."""
    return 1.0 if a > 0 else T.round(a + 1)


def selu(T: NumberType, z: float) -> float:
    """Return elu stretched so that layers keep mean 0 and variance 1."""
    if z > 0:
        return T.round(T.round(SELU_SCALE) * z)
    return T.round(T.round(SELU_SCALE_ALPHA) * expm1(T, z))


def selu_slope(T: NumberType, a: float) -> float:
    """Return the scale above 0, a + scale alpha below."""
    return T.round(SELU_SCALE) if a > 0 else T.round(a + T.round(SELU_SCALE_ALPHA))


def gelu(T: NumberType, z: float) -> float:
    """Return z Phi(z)."""
    y = clip(z, -CONSTANTS[T].normal_ends, inf)
    return flush(T, T.round(y * normal(T, z)[0]))


def gelu_slope(T: NumberType, z: float) -> float:
    """Return Phi(z) + z phi(z)."""
    y = clip(z, -CONSTANTS[T].normal_ends, CONSTANTS[T].normal_ends)
    cdf, bell = normal(T, y)
    return T.fma(y, T.round(bell * T.round(DENSITY_AT_0)), cdf)


def gelu_tanh_gate(T: NumberType, y: float) -> float:
    """Return logistic(v), v = 2 sqrt(2 / pi) (y + 0.044715 y^3)."""
    steepness = T.fma(T.round(y * y), T.round(GELU_CUBIC), T.round(GELU_LINEAR))
    return logistic(T, T.round(y * steepness))


def gelu_tanh(T: NumberType, z: float) -> float:
    """Return z (1 + tanh(v / 2)) / 2 as z logistic(v), in which nothing cancels."""
    y = clip(z, -GELU_TANH_ENDS, inf)
    return flush(T, T.round(y * gelu_tanh_gate(T, y)))


def gelu_tanh_slope(T: NumberType, z: float) -> float:
    """Return s + y s (1 - s) v'(y) with s = logistic(v)."""
    y = clip(z, -GELU_TANH_ENDS, GELU_TANH_ENDS)
    s = gelu_tanh_gate(T, y)
    by_y = T.fma(T.round(y * y), T.round(3 * GELU_CUBIC), T.round(GELU_LINEAR))
    return T.fma(T.round(T.round(y * s) * T.round(1 - s)), by_y, s)


def silu(T: NumberType, z: float) -> float:
    """Return z logistic(z)."""
    y = clip(z, SILENT[T], inf)
    return flush(T, T.round(y * logistic(T, z)))


def silu_slope(T: NumberType, z: float) -> float:
    """Return s + z s (1 - s) with s = logistic(z)."""
    y = clip(z, SILENT[T], -SILENT[T])
    s = logistic(T, y)
    return T.fma(T.round(y * s), T.round(1 - s), s)


def mish_gate(T: NumberType, y: float) -> tuple[float, float, float]:
    """Return (e, N, D) with e = e^-|y| and N / D = tanh(ln(1 + e^y))."""
    e = exp(T, -abs(y))
    twice = e + e
    if y >= 0:
        N = T.round(1 + twice)
        return e, N, T.fma(twice, e, N)
    N = T.fma(e, e, twice)
    return e, N, T.round(N + 2)


def mish(T: NumberType, z: float) -> float:
    """Return z tanh(ln(1 + e^z))."""
    y = clip(z, SILENT[T], inf)
    _, N, D = mish_gate(T, y)
    return flush(T, T.round(y * T.round(N / D)))


def mish_slope(T: NumberType, z: float) -> float:
    """Return t + z (1 - t^2) logistic(z) with t = N / D; the product is 4 k (1 + e) / D^2."""
    y = clip(z, SILENT[T], -SILENT[T])
    e, N, D = mish_gate(T, y)
    k = T.round(e * e) if y >= 0 else e
    steepness = T.round(T.round(T.round(4 * k) * T.round(1 + e)) / T.round(D * D))
    return T.fma(y, steepness, T.round(N / D))


def softplus_slope(T: NumberType, a: float) -> float:
    """Return 1 - e^-a, which is logistic(z)."""
    return 0.0 - expm1(T, -a)


def softsign(T: NumberType, z: float) -> float:
    """Return z / (1 + |z|), or 1 or -1 if 1 + |z| rounds to |z|."""
    if isnan(z):
        return z
    y = min(abs(z), ldexp(1.0, T.fraction_bits + 2))
    return copysign(T.round(y / T.round(1 + y)), z)


def softsign_slope(T: NumberType, a: float) -> float:
    """Return (1 - |a|)^2."""
    t = T.round(1 - abs(a))
    return T.round(t * t)


def hard_sigmoid(T: NumberType, z: float) -> float:
    """Return z / 6 + 1 / 2, limited to [0, 1], as (z + 3) / 6, which does not cancel near -3."""
    return T.round(clip(T.round(z + 3), 0.0, 6.0) * T.round(ONE_SIXTH))


def step(T: NumberType, z: float) -> float:
    """Return 1 if z > 0, else 0, like a perceptron; a NaN stays a NaN."""
    return 1.0 if z > 0 else 0.0 if z <= 0 else z


OfNumber = Callable[[NumberType, float], float]
OfRow = Callable[[NumberType, Row], Row]
Backward = Callable[[NumberType, Row, Row], Row]


def each(f: OfNumber) -> OfRow:
    """Return the row function that applies f to every number."""
    return lambda T, z: [f(T, z_j) for z_j in z]


def times(slope: OfNumber) -> Backward:
    """Return dC/dz = g f', with f' a function of z or a."""
    return lambda T, x, g: [T.round(g_j * slope(T, x_j)) for x_j, g_j in zip(x, g, strict=True)]


def where_between(low: float, high: float, slope: float = 1.0) -> Backward:
    """Return dC/dz = g slope if low < a < high, otherwise 0."""
    return lambda T, a, g: [
        T.round(g_j * T.round(slope)) if low < a_j < high else 0.0
        for a_j, g_j in zip(a, g, strict=True)
    ]


def leaky_relu_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz = g if the unit is on, g / 100 if it is off."""
    return [g_j if a_j > 0 else T.round(g_j * T.round(LEAK)) for a_j, g_j in zip(a, g, strict=True)]


def step_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz = 0."""
    return [0.0] * len(g)


# ------------------------------------------------- second derivatives along a direction: g R{f'(z)}
# R{x} is the derivative of x with respect to t if theta moves as theta + t v (Pearlmutter 1994).


class Along(NamedTuple):
    """A layer for one sample, and its derivatives along the direction."""

    z: Row
    a: Row
    R_z: Row  # R{z}
    R_a: Row  # R{a}


FLAT = 1000.0  # beyond it the second derivatives of gelu, silu and mish are 0 in both types

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


def sin_change(T: NumberType, z: float, R_z: float) -> float:
    """Return -sin(z) R{z}."""
    return T.round(-sin(T, z) * R_z)


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


class Activation(NamedTuple):
    """One activation."""

    forward: OfRow  # (T, z) -> a
    backward: Backward  # (T, z or a, g = dC/da) -> dC/dz
    derivative_from: str = "a"  # the argument of backward, "a" or "z"
    bend: Bend = straight  # (T, layer, g) -> g R{f'(z)}
    initialiser: str = "glorot_uniform"  # of the weights before it, for "auto"


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(identity_row, identity_backward),
    "logistic": Activation(logistic_row, logistic_backward, bend=logistic_bend),
    "tanh": Activation(tanh_row, tanh_backward, bend=tanh_bend),
    "relu": Activation(relu_row, relu_backward, initialiser="he_uniform"),
    "softmax": Activation(softmax_row, softmax_backward, bend=softmax_bend),
    "leaky_relu": Activation(each(leaky_relu), leaky_relu_backward, initialiser="he_uniform"),
    "elu": Activation(each(elu), times(elu_slope), bend=by_a(elu_change), initialiser="he_uniform"),
    "celu": Activation(
        each(elu), times(elu_slope), bend=by_a(elu_change), initialiser="he_uniform"
    ),
    "selu": Activation(
        each(selu), times(selu_slope), bend=by_a(elu_change), initialiser="lecun_uniform"
    ),
    "gelu": Activation(
        each(gelu),
        times(gelu_slope),
        derivative_from="z",
        bend=by_z(gelu_change),
        initialiser="he_uniform",
    ),
    "gelu_tanh": Activation(
        each(gelu_tanh),
        times(gelu_tanh_slope),
        derivative_from="z",
        bend=by_z(gelu_tanh_change),
        initialiser="he_uniform",
    ),
    "silu": Activation(
        each(silu),
        times(silu_slope),
        derivative_from="z",
        bend=by_z(silu_change),
        initialiser="he_uniform",
    ),
    "mish": Activation(
        each(mish),
        times(mish_slope),
        derivative_from="z",
        bend=by_z(mish_change),
        initialiser="he_uniform",
    ),
    "softplus": Activation(
        each(softplus), times(softplus_slope), bend=by_a(softplus_change), initialiser="he_uniform"
    ),
    "softsign": Activation(each(softsign), times(softsign_slope), bend=by_a(softsign_change)),
    "hard_sigmoid": Activation(each(hard_sigmoid), where_between(0.0, 1.0, ONE_SIXTH)),
    "hard_tanh": Activation(each(lambda T, z: clip(z, -1.0, 1.0)), where_between(-1.0, 1.0)),
    "relu6": Activation(
        each(lambda T, z: clip(z, 0.0, 6.0)), where_between(0.0, 6.0), initialiser="he_uniform"
    ),
    "sin": Activation(
        each(sin), times(cos), derivative_from="z", bend=by_z(sin_change), initialiser="he_uniform"
    ),
    "step": Activation(each(step), step_backward),
    "log_softmax": Activation(log_softmax_row, log_softmax_backward, bend=log_softmax_bend),
}


class CustomActivation(NamedTuple):
    """A custom activation: its name, f and f', both functions of a number z."""

    name: str
    f: Callable[[float], float]
    df: Callable[[float], float]

    @property
    def functions(self) -> Activation:
        """The activation in the form that a network uses."""
        forward = each(lambda T, z: T.round(self.f(z)))
        return Activation(forward, times(lambda T, z: T.round(self.df(z))), "z")


def dC_dz(T: NumberType, f: Activation, z: Row, a: Row, g: Row) -> Row:
    """Return dC/dz of a layer with this activation from g = dC/da, for one sample."""
    return f.backward(T, z if f.derivative_from == "z" else a, g)
