"""Growth: parameters, and what an optimiser remembers, of a network with new inputs or outputs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._optimizer import Adagrad, Adam, AdamW, NAdam, Optimizer, RMSprop, Rprop

# The vectors of an optimiser's memory that are sizes, as mean squares are. The others have signs
# and follow the weights, as velocities and mean gradients do.
SIZES: dict[type[Optimizer], tuple[int, ...]] = {
    Adagrad: (0,),
    RMSprop: (0,),
    Adam: (1, 2),
    AdamW: (1, 2),
    NAdam: (1,),
    Rprop: (1,),
}


class Outputs(NamedTuple):
    """New outputs as sums of old ones: each matrix is (n_old, n_new)."""

    of_weights: NDArray[np.float64]
    of_sizes: NDArray[np.float64]  # for numbers such as mean squares, which have no sign
    shift: NDArray[np.float64]  # (n_new,), added to the biases


def same_outputs(n: int) -> Outputs:
    """Return n outputs as they are."""
    return Outputs(np.eye(n), np.eye(n), np.zeros(n))


def outputs_of_classes(
    places: NDArray[np.int64], scores: NDArray[np.float64], share: float
) -> Outputs:
    """Return the outputs of a classifier that gains classes.

    Parameters
    ----------
    places
        Where the known classes are among the new ones, (n_known,).
    scores
        What the score of each class is above the mean of the known classes' scores, whatever the
        sample is; 0 for the known ones, (n_classes,). Two classes share one output, which is the
        second one's score less the first one's; a single class has such an output, too, which says
        nothing.
    share
        The part of the single output z of two classes that is the second one's own score; the
        first one's is the opposite.
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


def grown_parameters(
    theta: NDArray[Any], old: list[int], new: list[int], outputs: Outputs
) -> NDArray[Any]:
    """Return theta for the sizes `new`: further inputs have weights 0, outputs are as described."""
    grown = _grown(theta, old, new, outputs.of_weights)
    grown[len(grown) - len(outputs.shift) :] += outputs.shift.astype(theta.dtype)
    return grown


def grown_scaling(scaling: Any, n_features: int) -> Any:
    """Return an offset and a factor, or None, for more features: further ones are as they are."""
    if scaling is None:
        return None
    offset, factor = scaling
    further = n_features - len(offset)
    return np.append(offset, np.zeros(further)), np.append(factor, np.ones(further))


def grown_memory(
    states: list[NDArray[Any]],
    optimizer: Optimizer,
    old: list[int],
    new: list[int],
    outputs: Outputs,
) -> list[NDArray[Any]]:
    """Return the vectors that an optimiser remembers, which lie like theta, for the sizes `new`."""
    sizes = SIZES.get(type(optimizer), ())
    return [
        _grown(state, old, new, outputs.of_sizes if i in sizes else outputs.of_weights)
        for i, state in enumerate(states)
    ]


def _grown(
    theta: NDArray[Any], old: list[int], new: list[int], outputs: NDArray[np.float64]
) -> NDArray[Any]:
    """Return numbers that lie like theta, with 0 for further inputs and such sums as outputs."""
    found = []
    start = 0
    last = len(old) - 2
    for layer, (n_in, n_out) in enumerate(pairwise(old)):
        end = start + n_in * n_out
        W = np.zeros((new[layer], n_out), theta.dtype)
        W[:n_in] = theta[start:end].reshape(n_in, n_out)
        b = theta[end : end + n_out]
        if layer == last:
            W, b = W @ outputs.astype(theta.dtype), b @ outputs.astype(theta.dtype)
        found += [W.ravel(), b]
        start = end + n_out
    return np.concatenate(found)


def n_features(X: Any) -> int:
    """Return the columns of X as a user gives it, 0 if it has none and will be refused."""
    try:
        return int(X.shape[1]) if hasattr(X, "shape") else len(X[0])
    except (TypeError, LookupError):
        return 0


def feature_names(X: Any) -> list[str] | None:
    """Return the columns of a table of pandas, which can be put in another order."""
    return list(X.columns) if hasattr(X, "reindex") and hasattr(X, "columns") else None
