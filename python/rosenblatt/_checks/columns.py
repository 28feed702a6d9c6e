"""Columns: which column of a table or a matrix has a value that is no finite number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .shown import shown


def bad_column(X: Any) -> str | None:
    """Return the first column of X (n, n_features) that holds more than finite real numbers.

    Parameters
    ----------
    X
        A table of pandas, polars or pyarrow, a sparse matrix, or anything like an array.

    Returns
    -------
    str or None
        The name of the column as messages show it, or its number; None if there is no such column
        or X has no columns.
    """
    try:
        return next((name for name, column in _columns(X) if not _is_finite(column)), None)
    except Exception:  # X may be anything, and is refused already
        return None


def _columns(X: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the name and the values of each column; of a sparse matrix the stored values."""
    if hasattr(X, "tocoo"):
        stored = X.copy().tocoo()  # a conversion can keep what it finds out in X
        is_bad = ~np.isfinite(stored.data)
        for column, value in zip(stored.col[is_bad], stored.data[is_bad], strict=True):
            yield str(column), np.array([value])
    elif hasattr(X, "column_names"):  # pyarrow
        for i, name in enumerate(X.column_names):
            yield shown(name), np.asarray(X.column(i))
    elif hasattr(X, "iloc"):  # pandas, where two columns can have one name
        for i, name in enumerate(X.columns):
            yield shown(name), np.asarray(X.iloc[:, i])
    elif hasattr(X, "columns"):
        for name in X.columns:
            yield shown(name), np.asarray(X[name])
    else:
        array = np.asarray(X)
        for i in range(array.shape[1] if array.dtype.kind in "fOUS" else 0):
            yield str(i), array[:, i]


def _is_finite(column: NDArray[Any]) -> bool:
    if column.dtype.kind in "OUS":
        return all(map(_is_number, column))
    return column.dtype.kind in "biuf" and bool(np.isfinite(column).all())


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False
