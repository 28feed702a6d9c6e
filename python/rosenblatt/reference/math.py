"""exp, tanh, logistic, log and log1p: one algorithm each, the same operations everywhere.

No library function is called: those differ between machines in the last bit. The polynomials are
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
    tanh_saturates: float  # from there on tanh rounds to 1
    expm1: tuple[float, ...]  # (e^r - 1 - r) / r^2 on |r| <= ln(2) / 2, from the constant term up
    log: tuple[float, ...]  # (2 artanh(s) / s - 2) / s^2 in powers of s^2
    sqrt_half: float  # log's mantissas lie in [sqrt_half, 2 sqrt_half)


def rounded(T: NumberType, values: Sequence[float]) -> tuple[float, ...]:
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
        expm1=rounded(Float32, (0.49999997, 0.16666543, 0.0416672, 0.00836652, 0.0013882545)),
        log=rounded(Float32, (0.66666776, 0.3997754, 0.29871812)),
        sqrt_half=Float32.from_bits(0x3F3504F3),
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
    ),
}


def horner(T: NumberType, c: Sequence[float], x: float) -> float:
    """Return c[0] + c[1] x + c[2] x^2 + ..., from the highest power down."""
    q = c[-1]
    for coefficient in reversed(c[:-1]):
        q = T.fma(q, x, coefficient)
    return q


def round_to_integer(T: NumberType, x: float) -> float:
    """Return the integer nearest to x, ties to even: adding M leaves no bits for a fraction."""
    M = ldexp(1.5, T.fraction_bits)
    return T.round(T.round(x + M) - M)


def power_of_two(n: float) -> float:
    """Return 2^n for an integer n."""
    return ldexp(1.0, int(n))


def flush(T: NumberType, x: float) -> float:
    """Return x, or +0 where x is subnormal."""
    return 0.0 if abs(x) < T.smallest_normal else x


def expm1_reduced(T: NumberType, x: float) -> tuple[float, float]:
    """Return (n, p) with e^x = 2^n (1 + p): x = n ln 2 + r, and p = e^r - 1 from a polynomial."""
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
    h = round_to_integer(T, T.round(n * 0.5))  # two factors, since 2^n alone may overflow
    y = T.round(T.round(1 + p) * power_of_two(h))
    return flush(T, T.round(y * power_of_two(n - h)))


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
    """Return ln x for 1 <= x < infinity: x = 2^e m, ln m = 2 artanh((m - 1) / (m + 1))."""
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
    """Return ln(1 + u) for 0 <= u <= 1: ln of the rounded 1 + u, and what rounding took away."""
    if isnan(u):
        return u
    w = T.round(1 + u)
    lost = T.round(u - T.round(w - 1))
    return T.round(log(T, w) + T.round(lost / w))


FUNCTIONS: dict[str, Callable[[NumberType, float], float]] = {
    "exp": exp,
    "tanh": tanh,
    "logistic": logistic,
    "log": log,
    "log1p": log1p,
}
