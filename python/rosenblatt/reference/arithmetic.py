"""The number types float32 and float64: rounding, fused multiply-add, bits.

The other files compute with Python floats that are exactly representable in the number type T. A
Python float is a float64, so in float64 `x + y` is already the rounded sum. In float32 it is not:
there every operation is written `T.round(x + y)`. Rounding twice, first to float64 and then to
float32, gives the float32 operation exactly for +, -, *, / and the square root, because 53 bits are
at least twice 24 bits plus 2 (Figueroa 1995). It does not for the fused multiply-add, which is
therefore a separate function.

The specification is docs/arithmetic.md.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import TypeAlias

# If a float64 v is a rounded value, the exact value is strictly between v * BELOW and v * ABOVE,
# because rounding changed it by less than one part in 2^52.
BELOW = 1 - 2.0**-52
ABOVE = 1 + 2.0**-52

SPLITTER = 2.0**27 + 1  # Veltkamp's: splits the 53 bits of a float64 into 26, 26 and a sign
SMALLEST_SPLIT = 2.0**-960  # a product above it has a rounding error that is itself a float64


def fma_exact(x: float, y: float, c: float, fraction_bits: int, lowest: int) -> float:
    """Return x * y + c rounded once, by integers: slow, but correct for all numbers.

    A float is an integer divided by a power of two, and so is the exact result. It is rounded to
    `fraction_bits` + 1 significant bits, or at 2^`lowest`, the smallest subnormal number.
    """
    if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(c)):
        return c if math.isfinite(x) and math.isfinite(y) else x * y + c
    (xn, xd), (yn, yd), (cn, cd) = x.as_integer_ratio(), y.as_integer_ratio(), c.as_integer_ratio()
    numerator = xn * yn * cd + cn * xd * yd
    point = (xd * yd * cd).bit_length() - 1  # the exact result is numerator / 2^point
    if numerator == 0:
        return x * y + c  # the product is exact here, so the sum has the right sign of zero
    unit = max(abs(numerator).bit_length() - point - (fraction_bits + 1), lowest)
    cut = max(unit + point, 0)  # number of low bits to round away, to nearest, ties to even
    kept, rest = divmod(abs(numerator), 1 << cut)
    half = (1 << cut) >> 1
    if cut > 0 and (rest > half or (rest == half and kept % 2 == 1)):
        kept += 1
    exponent = cut - point
    largest = -lowest - fraction_bits + 2  # 2^largest is the first power of two that is too large
    size = math.inf if kept.bit_length() + exponent > largest else math.ldexp(kept, exponent)
    return -size if numerator < 0 else size


def fma_split(x: float, y: float, c: float) -> float:
    """Return x * y + c rounded once, in float64, mostly by float64 operations.

    x * y = p + p_error (Dekker 1971) and p + c = s + s_error (Knuth) are exact. The result is s
    plus a small rest. Rounding the rest is harmless if both its neighbours give the same result
    (Ziv 1991); otherwise integers decide. An intermediate overflow gives a NaN, which is not equal
    to itself, so integers decide in that case too.
    """
    p = x * y
    if -SMALLEST_SPLIT < p < SMALLEST_SPLIT:
        return p + c if x == 0.0 or y == 0.0 else fma_exact(x, y, c, 52, -1074)
    t = SPLITTER * x
    x_high = t - (t - x)
    x_low = x - x_high
    t = SPLITTER * y
    y_high = t - (t - y)
    y_low = y - y_high
    p_error = x_low * y_low - (((p - x_high * y_high) - x_low * y_high) - x_high * y_low)
    s = p + c
    t = s - p
    s_error = (p - (s - t)) + (c - t)
    rest = p_error + s_error
    result = s + rest * BELOW
    if result == s + rest * ABOVE:
        return result
    return fma_exact(x, y, c, 52, -1074)


def fma_built_in(x: float, y: float, c: float) -> float:
    """Return x * y + c rounded once, in float64, by `math.fma`.

    It exists in Python 3.13 and later.
    """
    try:
        return math.fma(x, y, c)  # type: ignore[attr-defined,unused-ignore,no-any-return]
    except (OverflowError, ValueError):  # Python raises if IEEE 754 gives infinity or NaN
        return fma_exact(x, y, c, 52, -1074)


class Float64:
    """Double precision: ordinary Python floats."""

    dtype = "float64"
    fraction_bits = 52
    smallest_normal = 2.0**-1022

    @staticmethod
    def round(x: float) -> float:
        """Return the number of this type nearest to the float64 x."""
        return x

    fma = staticmethod(fma_built_in if hasattr(math, "fma") else fma_split)

    @staticmethod
    def to_bits(x: float) -> int:
        """Return the 64 bits of x as an integer."""
        return int(struct.unpack("=Q", struct.pack("=d", x))[0])

    @staticmethod
    def from_bits(bits: int) -> float:
        """Return the number with these 64 bits."""
        return float(struct.unpack("=d", struct.pack("=Q", bits))[0])


class Float32:
    """Single precision: Python floats that a float32 can represent."""

    dtype = "float32"
    fraction_bits = 23
    smallest_normal = 2.0**-126

    _one = struct.Struct("=f")
    _two = struct.Struct("=2f")

    @staticmethod
    def round(x: float, _one: struct.Struct = _one) -> float:
        """Return the number of this type nearest to the float64 x.

        Ties go to even; beyond the range it is an infinity.
        """
        try:
            return _one.unpack(_one.pack(x))[0]  # type: ignore[no-any-return]
        except OverflowError:
            return math.copysign(math.inf, x)

    @staticmethod
    def fma(x: float, y: float, c: float, _two: struct.Struct = _two) -> float:
        """Return x * y + c rounded once.

        The product of two float32 is exact in float64; the sum s is rounded to 53 bits. If both
        neighbours of s round to the same float32, so does the exact sum; otherwise integers decide.
        """
        s = x * y + c
        try:
            below, above = _two.unpack(_two.pack(s * BELOW, s * ABOVE))
        except OverflowError:
            return fma_exact(x, y, c, 23, -149)
        return below if below == above else fma_exact(x, y, c, 23, -149)

    @staticmethod
    def to_bits(x: float) -> int:
        """Return the 32 bits of x as an integer."""
        return int(struct.unpack("=I", struct.pack("=f", x))[0])

    @staticmethod
    def from_bits(bits: int) -> float:
        """Return the number with these 32 bits."""
        return float(struct.unpack("=f", struct.pack("=I", bits))[0])


NumberType: TypeAlias = type[Float32] | type[Float64]

NUMBER_TYPES: dict[str, NumberType] = {"float32": Float32, "float64": Float64}


def chain(T: NumberType, c: float, x: Sequence[float], y: Sequence[float]) -> float:
    """Return c + x[0] y[0] + x[1] y[1] + ..., one fma after the other, in index order."""
    fma = T.fma
    for x_t, y_t in zip(x, y, strict=True):
        c = fma(x_t, y_t, c)
    return c


def interleaved_chains(T: NumberType, c: float, x: Sequence[float], y: Sequence[float]) -> float:
    """Return the same sum by 16 interleaved chains.

    Term t belongs to chain t mod 16; the chains are added pairwise at the end.
    """
    s = [chain(T, c if i == 0 else 0.0, x[i::16], y[i::16]) for i in range(16)]
    for width in (8, 4, 2, 1):
        for i in range(width):
            s[i] = T.round(s[i] + s[i + width])
    return s[0]


def sum_of_products(
    T: NumberType, c: float, x: Sequence[float], y: Sequence[float], n_results: int
) -> float:
    """Return c + sum_t x[t] y[t], one of the `n_results` sums that one sample needs.

    It is one chain, or 16 interleaved chains if the sum is long and there are few sums. Only the
    sizes of the layer decide, so the result does not depend on batch size or threads.
    """
    if len(x) >= 256 and n_results <= 16:
        return interleaved_chains(T, c, x, y)
    return chain(T, c, x, y)


def sum_in_order(T: NumberType, terms: Sequence[float]) -> float:
    """Return terms[0] + terms[1] + ..., rounded after every addition."""
    total = terms[0]
    for term in terms[1:]:
        total = T.round(total + term)
    return total
