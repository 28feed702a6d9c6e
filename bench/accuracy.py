"""Accuracy: the largest error of exp, log, sin and their kin, in ulp of the exact result.

``python bench/accuracy.py`` compares every float32 of a function's domain with float64, and
40 million float64 with the platform's long double; it takes some minutes. The figures stand in
docs/arithmetic.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from rosenblatt import _core

Wide = NDArray[np.floating]  # a type with more digits than the one measured


def logistic(x: Wide) -> Wide:
    """1 / (1 + e^-x) without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def softplus(x: Wide) -> Wide:
    """ln(1 + e^x) without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def normal_cdf(x: Wide) -> Wide:
    """Phi(x): from the core's float64, or in long double.

    In long double by phi(y) / (y + 1 / (y + 2 / (y + ...))) for the tail beyond 2, and by
    1/2 + phi(x) (x + x^3 / 3 + x^5 / 15 + ...) where |x| is less. The bell is e^(-h^2 / 2) times
    e^(-(y - h) (y + h) / 2), with h so short that its square is exact.
    """
    if x.dtype == np.float64:
        return _core.evaluate("normal_cdf", x)
    y = np.minimum(np.abs(x), 40)
    h = y.astype(np.float32).astype(x.dtype)
    bell = np.exp(-(h**2) / 2) * np.exp(-(y - h) * (y + h) / 2)
    density = bell / np.sqrt(8 * np.arctan(np.longdouble(1)))
    fraction = np.maximum(y, 2)
    for n in range(150, 0, -1):
        fraction = np.maximum(y, 2) + n / fraction
    term = series = np.minimum(y, 2)
    for n in range(1, 40):
        term = term * np.minimum(y, 2) ** 2 / (2 * n + 1)
        series = series + term
    tail = np.where(y > 2, density / fraction, 0.5 - density * series)
    return np.where(x < 0, tail, 1 - tail)


# The domain in which docs/arithmetic.md defines each, and the exact function.
FUNCTIONS: dict[str, tuple[float, float, Callable[[Wide], Wide]]] = {
    "exp": (-np.inf, np.inf, np.exp),
    "log": (1.0, np.inf, np.log),
    "log1p": (0.0, 1.0, np.log1p),
    "tanh": (-np.inf, np.inf, np.tanh),
    "logistic": (-np.inf, np.inf, logistic),
    "expm1": (-np.inf, 0.0, np.expm1),
    "softplus": (-np.inf, np.inf, softplus),
    "sin": (-(2.0**20), 2.0**20, np.sin),
    "cos": (-(2.0**20), 2.0**20, np.cos),
    "normal_cdf": (-np.inf, np.inf, normal_cdf),
}


def every_float32() -> Iterator[NDArray[np.float32]]:
    """All 2^32 of them, in pieces."""
    piece = 1 << 24
    for start in range(0, 1 << 32, piece):
        yield np.arange(start, start + piece, dtype=np.uint64).astype(np.uint32).view(np.float32)


def some_float64() -> Iterator[NDArray[np.float64]]:
    """Uniform where the functions bend, and of every size."""
    rng = np.random.default_rng(0)
    for _ in range(10):
        yield rng.uniform(-1, 1, 1_000_000)
        yield rng.uniform(-40, 40, 1_000_000)
        yield rng.uniform(-745, 745, 1_000_000)
        yield np.ldexp(rng.uniform(-2, 2, 1_000_000), rng.integers(-1022, 1023, 1_000_000))


def errors(name: str, x: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return those x whose result is a normal number, and their errors in ulp."""
    low, high, exact = FUNCTIONS[name]
    x = np.ascontiguousarray(x[np.isfinite(x) & (x >= low) & (x <= high)])
    got = _core.evaluate(name, x)
    wide = np.float64 if x.dtype == np.float32 else np.longdouble
    with np.errstate(over="ignore", under="ignore"):
        wanted = exact(x.astype(wide))
        rounded = wanted.astype(x.dtype)
    # A result below the smallest normal number is 0, and one beyond the largest infinite, by
    # specification.
    smallest = np.finfo(x.dtype).smallest_normal
    counted = (np.abs(wanted) >= smallest) & np.isfinite(rounded) & np.isfinite(got)
    ulp = np.spacing(np.abs(rounded[counted])).astype(wide)
    return x[counted], np.abs(got[counted].astype(wide) - wanted[counted]) / ulp


def largest_error(name: str, pieces: Iterator[NDArray[np.floating]]) -> tuple[float, float]:
    """Return the largest error in ulp, and where."""
    worst, where = 0.0, 0.0
    for piece in pieces:
        x, error = errors(name, piece)
        if error.size and error.max() > worst:
            worst, where = float(error.max()), float(x[error.argmax()])
    return worst, where


def main() -> None:
    """Print a line of the table per function, or of those that are named."""
    for name in sys.argv[1:] or FUNCTIONS:
        f32, at32 = largest_error(name, every_float32())
        f64, at64 = largest_error(name, some_float64())
        print(f"| {name} | {f32:.2f} at {at32:.9g} | {f64:.2f} at {at64:.17g} |", flush=True)


if __name__ == "__main__":
    main()
