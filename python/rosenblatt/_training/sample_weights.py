"""Sample weights: those of the user, multiplied by the weights of the classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import arguments, arrays
from .._checks.shown import shown


def class_weights(class_weight: Any, Y: NDArray[Any], n_classes: int) -> NDArray[np.float64] | None:
    """Return the weight of each class, from the labels of the training samples.

    Parameters
    ----------
    class_weight
        "balanced", a mapping of labels to weights, or None.
    Y
        The targets as the core takes them; labels (n,) if there is a class_weight.
    n_classes
        Labels are 0 … n_classes - 1.

    Returns
    -------
    ndarray of shape (n_classes,), or None without a class_weight

    Raises
    ------
    TypeError, ValueError
        `class_weight` has the wrong type or value, or Y has no labels.
    """
    if class_weight is None:
        return None
    _check_labels("Y", Y, n_classes)
    if isinstance(class_weight, str) and class_weight == "balanced":
        return balanced(Y, n_classes)
    if not isinstance(class_weight, Mapping):
        problem = ValueError if isinstance(class_weight, str) else TypeError
        raise problem(
            f'class_weight: got {shown(class_weight)}, expected "balanced" or a mapping of labels '
            "to weights"
        )
    weights = np.ones(n_classes)
    for label, weight in class_weight.items():
        key = arguments.integer("class_weight: a label", label, least=0, most=n_classes - 1)
        weights[key] = weight_of_label(key, weight)
    return weights


def balanced(codes: NDArray[Any], n_classes: int) -> NDArray[np.float64]:
    """Return n / (k count) for each class, with k the number of classes in codes (n,).

    A class that is not in codes has weight 1.
    """
    counts = np.bincount(codes, minlength=n_classes)
    present = counts > 0
    weights = np.ones(n_classes)
    weights[present] = len(codes) / (present.sum() * counts[present])
    return weights


def weight_of_label(label: Any, weight: Any) -> float:
    """Return the weight of a label as a float.

    Raises
    ------
    TypeError, ValueError
        `weight` is not a finite number of at least 0.
    """
    expected = "a finite number of at least 0"
    number = arguments.real(f"class_weight[{shown(label)}]", weight, expected)
    if number < 0:
        raise ValueError(f"class_weight[{shown(label)}]: got {number}, expected {expected}")
    return number


def sample_weights(
    name: str,
    sample_weight: ArrayLike | None,
    of_class: NDArray[np.float64] | None,
    targets: tuple[str, NDArray[Any]],
) -> NDArray[np.float64] | None:
    """Return the weight of each sample, multiplied by the weight of its class.

    Parameters
    ----------
    name, sample_weight
        Weights (n,), or None for 1 each; the name is used in messages.
    of_class
        As `class_weights` returns it.
    targets
        Their name and the targets as the core takes them; labels (n,) if `of_class` is not None.

    Returns
    -------
    ndarray of shape (n,), or None if all weigh the same

    Raises
    ------
    TypeError, ValueError
        A weight has the wrong type, shape or value, there are no labels, or all classes have
        weight 0.
    """
    own = None
    if sample_weight is not None:
        own = arrays.inputs(name, sample_weight, np.dtype(np.float64))
    if of_class is None:
        return own
    name_of_Y, Y = targets
    _check_labels(name_of_Y, Y, len(of_class))
    weights: NDArray[np.float64] = of_class[Y]
    if Y.size and not weights.any():
        raise ValueError(
            f"class_weight: got 0 for every label in {name_of_Y}, expected a weight above 0 for at"
            " least one"
        )
    if own is None:
        return weights
    if own.shape != weights.shape:
        raise ValueError(f"{name}: got shape {own.shape}, expected {weights.shape}")
    product: NDArray[np.float64] = own * weights
    return product


def _check_labels(name: str, Y: NDArray[Any], n_classes: int) -> None:
    if Y.ndim != 1 or Y.dtype.kind not in "iu":
        raise ValueError(
            f"class_weight: got {name} of shape {Y.shape}, expected integer labels (n,)"
        )
    if Y.size and (Y.min() < 0 or Y.max() >= n_classes):
        stray = int(Y.min() if Y.min() < 0 else Y.max())
        raise ValueError(f"{name}: got label {stray}, expected labels 0 … {n_classes - 1}")
