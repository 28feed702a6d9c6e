"""Growth: parameters of a network that gains inputs or outputs, which begin with weights 0."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray


def grown(theta: NDArray[Any], old: list[int], new: list[int], places: list[int]) -> NDArray[Any]:
    """Return numbers that lie like theta for the sizes `new`, with those of `old` in their places.

    Inputs are added at the end; output k of `old` becomes output places[k]. The other numbers are
    0, so that no output that there was has changed.
    """
    found = []
    start = 0
    n_layers = len(old) - 1
    for layer, ((n_in, n_out), (m_in, m_out)) in enumerate(
        zip(pairwise(old), pairwise(new), strict=True)
    ):
        columns = places if layer + 1 == n_layers else list(range(n_out))
        end = start + n_in * n_out
        W = np.zeros((m_in, m_out), theta.dtype)
        b = np.zeros(m_out, theta.dtype)
        W[:n_in, columns] = theta[start:end].reshape(n_in, n_out)
        b[columns] = theta[end : end + n_out]
        found += [W.ravel(), b]
        start = end + n_out
    return np.concatenate(found)


def feature_names(X: Any) -> list[str] | None:
    """Return the columns of a table of pandas, whose columns can be put in another order."""
    return list(X.columns) if hasattr(X, "reindex") and hasattr(X, "columns") else None
