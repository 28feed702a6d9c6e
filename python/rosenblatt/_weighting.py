"""Weights of samples: those that are given, and those of their classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arguments, _arrays


def sample_weights(
    sample_weight: ArrayLike | None, class_weight: Any, Y: NDArray[Any], n_classes: int
) -> NDArray[np.float64] | None:
    """Return a weight for each sample, the product of its own and that of its class.

    Parameters
    ----------
    sample_weight
        (n,), or None for 1 each.
    class_weight
        "balanced", a mapping of labels to weights, or None.
    Y
        The targets as the core takes them; labels (n,) where there is a class_weight.
    n_classes
        Labels are 0 … n_classes - 1.

    Returns
    -------
    ndarray of shape (n,), or None where all are equal

    Raises
    ------
    TypeError, ValueError
        A weight is of another kind, shape or range; there are no labels.
    """
    own = None
    if sample_weight is not None:
        own = _arrays.inputs("sample_weight", sample_weight, np.dtype(np.float64))
    if class_weight is None:
        return own
    of_class: NDArray[np.float64] = _of_classes(class_weight, Y, n_classes)[Y]
    if own is None:
        return of_class
    if own.shape != of_class.shape:
        raise ValueError(f"sample_weight: got shape {own.shape}, needed {of_class.shape}")
    product: NDArray[np.float64] = own * of_class
    return product


def _of_classes(class_weight: Any, Y: NDArray[Any], n_classes: int) -> NDArray[np.float64]:
    needed = '"balanced" or a mapping of labels to weights'
    if Y.ndim != 1:
        raise ValueError(
            f"class_weight: got targets of shape {Y.shape}, needed integer labels (n,)"
        )
    if Y.size and (Y.min() < 0 or Y.max() >= n_classes):
        stray = int(Y.min() if Y.min() < 0 else Y.max())
        raise ValueError(f"Y: got label {stray}, needed labels 0 … {n_classes - 1}")
    if isinstance(class_weight, str) and class_weight == "balanced":
        counts = np.bincount(Y, minlength=n_classes)
        present = counts > 0
        weights = np.zeros(n_classes)
        weights[present] = len(Y) / (present.sum() * counts[present])
        return weights
    if not isinstance(class_weight, Mapping):
        problem = ValueError if isinstance(class_weight, str) else TypeError
        raise problem(f"class_weight: got {class_weight!r}, needed {needed}")
    weights = np.ones(n_classes)
    for label, weight in class_weight.items():
        key = _arguments.integer("class_weight: a label", label, least=0, most=n_classes - 1)
        of_label = f"class_weight[{key}]"
        number = _arguments.real(of_label, weight, "a finite number of at least 0")
        if number < 0:
            raise ValueError(f"{of_label}: got {number}, needed a finite number of at least 0")
        weights[key] = number
    return weights
