"""Checked samples: inputs, targets and weights."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing

from .._checks import arrays, sparse


def for_core(X: Any, dtype: np.dtype[Any]) -> Any:
    """Return X (n, n_features), dense or sparse, in the form that the core accepts."""
    if arrays.is_sparse(X):
        return sparse.stored_arrays("X", X, dtype)
    return arrays.exact("X", np.asarray(X), dtype)


class Samples(NamedTuple):
    """Samples that an estimator has checked."""

    X: Any
    y: NDArray[Any]
    weights: NDArray[Any] | None

    def rows(self, indices: NDArray[np.int64]) -> Samples:
        """Return the samples with these indices, in this order."""
        weights = None if self.weights is None else self.weights[indices]
        return Samples(_safe_indexing(self.X, indices), self.y[indices], weights)
