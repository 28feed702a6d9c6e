"""exp, log, tanh, sin, the normal distribution and related functions.

No library function is called, because their results differ between machines. The polynomials are
minimax (Remez exchange); docs/arithmetic.md, section 2, gives intervals and errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import copysign, inf, isnan, ldexp

from .arithmetic import Float32, Float64, NumberType


@dataclass(frozen=True)
class Constants:
    """The constants of the functions in one number type."""

    log2_e: float  # 1 / ln 2
    ln2_high: float  # ln 2, rounded
    ln2_low: float  # ln 2 - ln2_high, rounded
    exp_lowest: float  # below it exp is 0
    exp_highest: float  # above it exp is infinite
    tanh_saturates: float  # above it tanh rounds to 1
    expm1: tuple[float, ...]  # (e^r - 1 - r) / r^2 on |r| <= ln(2) / 2, from the constant term up
    log: tuple[float, ...]  # (2 artanh(s) / s - 2) / s^2 in powers of s^2
    sqrt_half: float  # the mantissas of log are in [sqrt_half, 2 sqrt_half)
    expm1_ends: float  # below it expm1 is -1
    two_over_pi: float
    half_pi: tuple[float, float, float]  # pi / 2 in three parts: each rounds the remainder
    angle_ends: float  # the largest angle that sin and cos reduce
    sin: tuple[float, ...]  # (sin(r) / r - 1) / r^2 in powers of r^2
    cos: tuple[float, ...]  # (cos(r) - 1 + r^2 / 2) / r^4 in powers of r^2
    normal_ends: float  # above it e^(-x^2 / 2) is 0
    normal_centre: float
    normal: tuple[float, ...]  # (1 + y) e^(y^2 / 2) Phi(-y), in (y - centre) / (y + centre)


def round_all(T: NumberType, values: Sequence[float]) -> tuple[float, ...]:
    """Return the values, each rounded to T."""
    return tuple(T.round(value) for value in values)


CONSTANTS: dict[NumberType, Constants] = {
    Float32: Constants(
        log2_e=Float32.round(1.4426950408889634),
        ln2_high=float.fromhex("0x1.62e43p-1"),
        ln2_low=float.fromhex("-0x1.05c61p-29"),
        exp_lowest=Float32.round(-87.33655),
        exp_highest=Float32.round(88.72284),
        tanh_saturates=Float32.round(9.1),
        expm1=round_all(Float32, (0.49999997, 0.16666543, 0.0416672, 0.00836652, 0.0013882545)),
        log=round_all(Float32, (0.66666776, 0.3997754, 0.29871812)),
        sqrt_half=Float32.from_bits(0x3F3504F3),
        expm1_ends=Float32.round(-17.4),
        two_over_pi=Float32.round(0.6366197723675814),
        half_pi=(
            float.fromhex("0x1.921fb6p0"),
            float.fromhex("-0x1.777a5cp-25"),
            float.fromhex("-0x1.ee59dap-50"),
        ),
        angle_ends=2.0**20,
        sin=round_all(Float32, (-0.16666667, 0.008333324, -0.00019837891, 2.7063654e-06)),
        cos=round_all(Float32, (0.04166662, -0.0013886152, 2.4316283e-05)),
        normal_ends=14.0,
        normal_centre=5.0,
        normal=round_all(
            Float32,
            (
                0.46151584,
                -0.09155228,
                0.031030463,
                0.010002358,
                -0.026403012,
                0.024535825,
                -0.0151563855,
                0.006536185,
                -0.0017129177,
                -4.527406e-05,
                0.00020283741,
            ),
        ),
    ),
    Float64: Constants(
        log2_e=1.4426950408889634,
        ln2_high=float.fromhex("0x1.62e42fefa39efp-1"),
        ln2_low=float.fromhex("0x1.abc9e3b39803fp-56"),
        exp_lowest=-708.3964185322641,
        exp_highest=709.782712893384,
        tanh_saturates=19.1,
        expm1=(
            0.5000000000000006,
            0.16666666666666588,
            0.0416666666665768,
            0.008333333333389509,
            0.0013888888931553758,
            0.0001984126971909497,
            2.4801505285112306e-05,
            2.755740746941562e-06,
            2.762603393949444e-07,
            2.5053796700027062e-08,
        ),
        log=(
            0.6666666666666734,
            0.39999999999414765,
            0.28571428742391153,
            0.2222219857109598,
            0.181835645077515,
            0.15314044307104738,
            0.14796026297448717,
        ),
        sqrt_half=Float64.from_bits(0x3FE6A09E667F3BCD),
        expm1_ends=-37.5,
        two_over_pi=0.6366197723675814,
        half_pi=(
            float.fromhex("0x1.921fb54442d18p0"),
            float.fromhex("0x1.1a62633145c07p-54"),
            float.fromhex("-0x1.f1976b7ed8fbcp-110"),
        ),
        angle_ends=2.0**20,
        sin=(
            -0.1666666666666663,
            0.008333333333322118,
            -0.00019841269829588699,
            2.755731362106399e-06,
            -2.5050747708664718e-08,
            1.5896226833611812e-10,
        ),
        cos=(
            0.041666666666666595,
            -0.0013888888888873056,
            2.4801587288851328e-05,
            -2.755731417915828e-07,
            2.087570081924635e-09,
            -1.135853515319814e-11,
        ),
        normal_ends=39.0,
        normal_centre=5.0,
        normal=(
            0.46151582985003775,
            -0.09155228183400885,
            0.031030368425963913,
            0.010002352385208245,
            -0.02640104296633006,
            0.024536963244358476,
            -0.015170415401793706,
            0.006522000657795968,
            -0.0016760723557098232,
            7.791677685359098e-06,
            0.00018233424096759384,
            -5.3607965557349214e-05,
            -9.896596698296002e-06,
            9.060957283477813e-06,
            -6.87083145076684e-08,
            -1.3094661429330753e-06,
            1.2446416683685737e-07,
            1.9823112690129198e-07,
            -2.190408502546489e-08,
            -3.153294986893556e-08,
            4.671976514877901e-10,
            3.8583597103900554e-09,
            6.977567914410226e-10,
        ),
    ),
}


def horner(T: NumberType, c: Sequence[float], x: float) -> float:
    """Return c[0] + c[1] x + c[2] x^2 + ..., from the highest power down."""
    q = c[-1]
    for coefficient in reversed(c[:-1]):
        q = T.fma(q, x, coefficient)
    return q


def round_to_integer(T: NumberType, x: float) -> float:
    """Return the integer nearest to x, ties to even.

    A sum with M has no bits for a fraction.
    """
    M = ldexp(1.5, T.fraction_bits)
    return T.round(T.round(x + M) - M)


def power_of_two(n: float) -> float:
    """Return 2^n for an integer n."""
    return ldexp(1.0, int(n))


def flush(T: NumberType, x: float) -> float:
    """Return x, or +0 if x is subnormal."""
    return 0.0 if abs(x) < T.smallest_normal else x


def expm1_reduced(T: NumberType, x: float) -> tuple[float, float]:
    """Return (n, p) with e^x = 2^n (1 + p).

    x = n ln 2 + r, and a polynomial gives p = e^r - 1.
    """
    k = CONSTANTS[T]
    n = round_to_integer(T, T.round(x * k.log2_e))
    r = T.fma(n, -k.ln2_high, x)
    r = T.fma(n, -k.ln2_low, r)
    q = horner(T, k.expm1, r)
    p = T.fma(T.round(r * r), q, r)
    return n, p


def exp(T: NumberType, x: float) -> float:
    """Return e^x."""
    k = CONSTANTS[T]
    if isnan(x):
        return x
    if x < k.exp_lowest:
        return 0.0
    if x > k.exp_highest:
        return inf
    n, p = expm1_reduced(T, x)
    h = round_to_integer(T, T.round(n * 0.5))  # two factors, because 2^n alone may overflow
    y = T.round(T.round(1 + p) * power_of_two(h))
    return flush(T, T.round(y * power_of_two(n - h)))


def expm1(T: NumberType, x: float) -> float:
    """Return e^x - 1 for x <= 0."""
    if isnan(x):
        return x
    n, p = expm1_reduced(T, max(x, CONSTANTS[T].expm1_ends))
    two_n = power_of_two(n)
    return flush(T, T.fma(p, two_n, T.round(two_n - 1)))


def tanh(T: NumberType, x: float) -> float:
    """Return (e^(2x) - 1) / (e^(2x) + 1), from |x|."""
    k = CONSTANTS[T]
    if isnan(x):
        return x
    y = min(abs(x), k.tanh_saturates)
    n, p = expm1_reduced(T, T.round(y + y))
    two_n = power_of_two(n)
    m = T.fma(p, two_n, T.round(two_n - 1))  # e^(2y) - 1
    return copysign(flush(T, T.round(m / T.round(m + 2))), x)


def logistic(T: NumberType, x: float) -> float:
    """Return 1 / (1 + e^-x), from e^-|x|, which cannot overflow."""
    if isnan(x):
        return x
    e = exp(T, -abs(x))
    return flush(T, T.round((1.0 if x >= 0 else e) / T.round(1 + e)))


def log(T: NumberType, x: float) -> float:
    """Return ln x for 1 <= x < infinity.

    x = 2^e m, ln m = 2 artanh((m - 1) / (m + 1)).
    """
    k = CONSTANTS[T]
    if isnan(x):
        return x
    bits = T.to_bits(x)
    exponent = (bits - T.to_bits(k.sqrt_half)) >> T.fraction_bits
    m = T.from_bits(bits - (exponent << T.fraction_bits))
    e = float(exponent)
    f = T.round(m - 1)
    s = T.round(f / T.round(2 + f))
    z = T.round(s * s)
    R = T.round(z * horner(T, k.log, z))
    half = T.round(T.round(0.5 * f) * f)
    low = T.fma(s, T.round(half + R), T.round(e * k.ln2_low))
    return T.fma(e, k.ln2_high, T.round(f - T.round(half - low)))


def log1p(T: NumberType, u: float) -> float:
    """Return ln(1 + u) for 0 <= u <= 1.

    It is ln of the rounded 1 + u, corrected for the rounding error.
    """
    if isnan(u):
        return u
    w = T.round(1 + u)
    lost = T.round(u - T.round(w - 1))
    return T.round(log(T, w) + T.round(lost / w))


def softplus(T: NumberType, x: float) -> float:
    """Return ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|)."""
    return T.round(max(x, 0.0) + log1p(T, exp(T, -abs(x))))


def reduced_angle(T: NumberType, x: float) -> tuple[float, int]:
    """Return (r, n) with |x| = n pi / 2 + r.

    pi / 2 is split into parts, because n times the first part is exact. An x beyond angle_ends
    counts as 0; an infinite x gives a NaN.
    """
    k = CONSTANTS[T]
    y = x - x if abs(x) > k.angle_ends else abs(x)
    if isnan(y):
        return y, 0
    n = round_to_integer(T, T.round(y * k.two_over_pi))
    r = y
    for part in k.half_pi:
        r = T.fma(n, -part, r)
    return r, int(n)


def sin_in_quadrant(T: NumberType, r: float, quadrant: int) -> float:
    """Return sin(quadrant pi / 2 + r).

    It is the sine or cosine of r, with the sign of the half turn.
    """
    k = CONSTANTS[T]
    z = T.round(r * r)
    if quadrant % 2 == 0:
        y = T.fma(T.round(r * z), horner(T, k.sin, z), r)
    else:
        y = T.fma(T.round(z * z), horner(T, k.cos, z), T.fma(z, -0.5, 1.0))
    y = flush(T, y)
    return -y if quadrant % 4 >= 2 else y


def sin(T: NumberType, x: float) -> float:
    """Return sin x, from |x|."""
    r, n = reduced_angle(T, x)
    y = sin_in_quadrant(T, r, n)
    return -y if copysign(1.0, x) < 0 else y


def cos(T: NumberType, x: float) -> float:
    """Return cos x, the sine one quadrant further."""
    r, n = reduced_angle(T, x)
    return sin_in_quadrant(T, r, n + 1)


def normal(T: NumberType, x: float) -> tuple[float, float]:
    """Return (Phi(x), e^(-x^2 / 2)), the normal distribution and the bell curve.

    The square is rounded; a factor corrects for the rounding error, because the tail is steep. The
    smaller tail is the bell curve times a polynomial divided by 1 + |x|.
    """
    k = CONSTANTS[T]
    if isnan(x):
        return x, x
    y = min(abs(x), k.normal_ends)
    square = T.round(y * y)
    rest = T.fma(y, y, -square)
    e = exp(T, T.round(-0.5 * square))
    bell = T.fma(e, T.round(-0.5 * rest), e)
    t = T.round(T.round(y - k.normal_centre) / T.round(y + k.normal_centre))
    scaled = T.round(bell * horner(T, k.normal, t))
    tail = flush(T, T.round(scaled / T.round(1 + y)))
    return (tail if x < 0 else T.round(1 - tail)), bell


def normal_cdf(T: NumberType, x: float) -> float:
    """Return Phi(x) = (1 + erf(x / sqrt(2))) / 2."""
    return normal(T, x)[0]


FUNCTIONS: dict[str, Callable[[NumberType, float], float]] = {
    "exp": exp,
    "tanh": tanh,
    "logistic": logistic,
    "log": log,
    "log1p": log1p,
    "expm1": expm1,
    "softplus": softplus,
    "sin": sin,
    "cos": cos,
    "normal_cdf": normal_cdf,
}
