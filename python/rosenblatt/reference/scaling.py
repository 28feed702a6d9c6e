"""Scaling: x' = (x - offset) * factor per column, from statistics of x.

The network computes with x'. Statistics are computed in float64 and rounded once to T.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from .arithmetic import Float64, NumberType, chain, sum_in_order
from .theta import Matrix


class Scaling(NamedTuple):
    """The offset and the factor of each column."""

    offset: list[float]  # (n_columns,)
    factor: list[float]  # (n_columns,), above 0


def scale(T: NumberType, X: Matrix, scaling: Scaling | None) -> Matrix:
    """Return (X - offset) * factor, or X without a scaling."""
    if scaling is None:
        return X
    return [
        [T.round(T.round(x - o) * f) for x, o, f in zip(row, *scaling, strict=True)] for row in X
    ]


def unscale(T: NumberType, A: Matrix, scaling: Scaling | None) -> Matrix:
    """Return A / factor + offset, the inverse of `scale` up to rounding."""
    if scaling is None:
        return A
    return [
        [T.round(T.round(a / f) + o) for a, o, f in zip(row, *scaling, strict=True)] for row in A
    ]


def times_factor(T: NumberType, D: Matrix, scaling: Scaling | None) -> Matrix:
    """Return derivatives with respect to x from derivatives with respect to x'."""
    if scaling is None:
        return D
    return [[T.round(d * f) for d, f in zip(row, scaling.factor, strict=True)] for row in D]


def over_factor(T: NumberType, D: Matrix, scaling: Scaling | None) -> Matrix:
    """Return derivatives with respect to x' from derivatives with respect to x."""
    if scaling is None:
        return D
    return [[T.round(d / f) for d, f in zip(row, scaling.factor, strict=True)] for row in D]


def fit_scaling(T: NumberType, X: Matrix, kind: str) -> Scaling:
    """Fit a scaling of this kind to the columns of X, (n, n_columns)."""
    of_column = KINDS[kind]
    columns = [[float(x) for x in column] for column in zip(*X, strict=True)]
    pairs = [
        (min(column), 1.0) if min(column) == max(column) else of_column(column)
        for column in columns
    ]
    return Scaling(
        [T.round(offset + 0.0) for offset, _ in pairs], [T.round(factor) for _, factor in pairs]
    )


def mean_and_deviation(x: list[float]) -> tuple[float, float]:
    """Return the mean and the inverse of the standard deviation."""
    n = len(x)
    mean = sum_in_order(Float64, [0.0, *x]) / n
    d = [x_i - mean for x_i in x]
    return mean, 1 / sqrt(chain(Float64, 0.0, d, d) / n)


def smallest_and_range(x: list[float]) -> tuple[float, float]:
    """Return the smallest number and the inverse of the distance to the largest."""
    return min(x), 1 / (max(x) - min(x))


def median_and_quartiles(x: list[float]) -> tuple[float, float]:
    """Return the median and the inverse interquartile range, or 1 if that is 0."""
    x = sorted(x)
    spread = quantile(x, 0.75) - quantile(x, 0.25)
    return quantile(x, 0.5), 1.0 if spread == 0 else 1 / spread


def quantile(x: list[float], p: float) -> float:
    """Return the p-quantile of n sorted numbers.

    It is interpolated linearly at p (n - 1).
    """
    position = (len(x) - 1) * p
    below = int(position)
    if below + 1 == len(x):
        return x[below]
    return Float64.fma(position - below, x[below + 1] - x[below], x[below])


KINDS: dict[str, Callable[[list[float]], tuple[float, float]]] = {
    "standard": mean_and_deviation,
    "minmax": smallest_and_range,
    "robust": median_and_quartiles,
}
