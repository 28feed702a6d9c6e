"""Samples on their way from an estimator's checks to its training."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing

from .._checks import arrays, sparse


def for_core(X: Any, dtype: np.dtype[Any]) -> Any:
    """Return X (n, n_features), dense or sparse, as the core takes it."""
    if arrays.is_sparse(X):
        return sparse.stored_arrays("X", X, dtype)
    return arrays.exact("X", np.asarray(X), dtype)


class Samples(NamedTuple):
    """Samples as an estimator has checked them."""

    X: Any
    y: NDArray[Any]
    weights: NDArray[Any] | None

    def rows(self, chosen: NDArray[np.int64]) -> Samples:
        """Return those that are chosen, in this order."""
        weights = None if self.weights is None else self.weights[chosen]
        return Samples(_safe_indexing(self.X, chosen), self.y[chosen], weights)
