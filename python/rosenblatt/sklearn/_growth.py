"""Growth: parameters and optimiser state for new inputs or outputs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._optimizer import Optimizer


class Outputs(NamedTuple):
    """New outputs as linear combinations of old outputs.

    Each matrix is (n_old, n_new).
    """

    of_weights: NDArray[np.float64]
    of_sizes: NDArray[np.float64]  # for magnitudes such as mean squares
    shift: NDArray[np.float64]  # (n_new,), added to the biases


def same_outputs(n: int) -> Outputs:
    """Return n unchanged outputs."""
    return Outputs(np.eye(n), np.eye(n), np.zeros(n))


def outputs_of_classes(
    places: NDArray[np.int64], scores: NDArray[np.float64], share: float
) -> Outputs:
    """Return the outputs of a classifier that gains classes.

    Parameters
    ----------
    places
        Positions of the known classes among all classes, (n_known,).
    scores
        The score of each new class above the mean score of the known classes, the same for every
        sample; 0 for known classes, (n_classes,). Two classes share one output: the score of the
        second class minus the score of the first. A single class also has such an output, which is
        ignored.
    share
        The score of the second class as a fraction of the single output z of two classes; the
        score of the first class is its negative.
    """
    known = len(places)
    of_known = {1: np.zeros((1, 1)), 2: np.array([[-share, share]])}.get(known, np.eye(known))
    shape = len(of_known), len(scores)
    of_weights = np.broadcast_to(of_known.mean(axis=1, keepdims=True), shape).copy()
    of_weights[:, places] = of_known
    of_sizes = np.full(shape, 1 / len(of_known))
    if known > 2:
        of_sizes[:, places] = of_known
    if len(scores) == 2:
        return Outputs(of_weights[:, 1:] - of_weights[:, :1], of_sizes[:, 1:], np.diff(scores))
    return Outputs(of_weights, of_sizes, scores)


def grow_theta(
    theta: NDArray[Any], old: list[int], new: list[int], outputs: Outputs
) -> NDArray[Any]:
    """Return theta for the layer sizes `new`, with weights 0 for new inputs."""
    grown = _grow(theta, old, new, outputs.of_weights)
    grown[len(grown) - len(outputs.shift) :] += outputs.shift.astype(theta.dtype)
    return grown


def grow_scaling(scaling: Any, n_features: int) -> Any:
    """Return an offset and a factor, or None, for more features.

    New features are not scaled.
    """
    if scaling is None:
        return None
    offset, factor = scaling
    further = n_features - len(offset)
    return np.append(offset, np.zeros(further)), np.append(factor, np.ones(further))


def grow_states(
    states: list[NDArray[Any]],
    optimizer: Optimizer,
    old: list[int],
    new: list[int],
    outputs: Outputs,
) -> list[NDArray[Any]]:
    """Return the state vectors of an optimiser for the layer sizes `new`.

    They have the order of theta.
    """
    sizes = optimizer.magnitudes
    return [
        _grow(state, old, new, outputs.of_sizes if i in sizes else outputs.of_weights)
        for i, state in enumerate(states)
    ]


def _grow(
    theta: NDArray[Any], old: list[int], new: list[int], outputs: NDArray[np.float64]
) -> NDArray[Any]:
    """Grow a vector in the order of theta.

    New inputs get 0, new outputs linear combinations of old ones.
    """
    parts = []
    start = 0
    last = len(old) - 2
    for layer, (n_in, n_out) in enumerate(pairwise(old)):
        end = start + n_in * n_out
        W = np.zeros((new[layer], n_out), theta.dtype)
        W[:n_in] = theta[start:end].reshape(n_in, n_out)
        b = theta[end : end + n_out]
        if layer == last:
            W, b = W @ outputs.astype(theta.dtype), b @ outputs.astype(theta.dtype)
        parts += [W.ravel(), b]
        start = end + n_out
    return np.concatenate(parts)


def n_features(X: Any) -> int:
    """Return the number of columns of the user's X.

    It is 0 if X has none and will be refused.
    """
    try:
        return int(X.shape[1]) if hasattr(X, "shape") else len(X[0])
    except (TypeError, LookupError):
        return 0


def feature_names(X: Any) -> list[str] | None:
    """Return the column names of a pandas DataFrame, otherwise None."""
    return list(X.columns) if hasattr(X, "reindex") and hasattr(X, "columns") else None
