"""Initial weights, drawn in the order of scikit-learn."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import arrays as _arrays
from .._checks.shown import brief


def draw_glorot(
    random: np.random.RandomState, layers: list[int], activations: list[Any]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Draw weights (n_in, n_out) and biases (n_out,) uniformly within Glorot's bound.

    The bound is sqrt(2 / (n_in + n_out)) for the logistic function and sqrt(6 / (n_in + n_out))
    for others. `activations` are those of the hidden layers; the output layer uses the last one.

    Notes
    -----
    X. Glorot, Y. Bengio, *Understanding the difficulty of training deep feedforward neural
    networks*, AISTATS 2010. The order of the draws is that of scikit-learn's `MLPClassifier`.
    """
    coefs, intercepts = [], []
    for layer, (n_in, n_out) in enumerate(pairwise(layers)):
        nearest = activations[min(layer, len(activations) - 1)]
        bound = np.sqrt((2.0 if nearest == "logistic" else 6.0) / (n_in + n_out))
        coefs.append(random.uniform(-bound, bound, (n_in, n_out)))
        intercepts.append(random.uniform(-bound, bound, n_out))
    return coefs, intercepts


def user_weights(name: str, values: Any, shapes: list[tuple[int, ...]]) -> list[NDArray[Any]]:
    """Check the user's weights or biases and return one array per layer.

    Raises
    ------
    TypeError, ValueError
        A value is not a finite real number, or the number of arrays or a shape is wrong.
    """
    dtype = np.dtype(np.float64)
    arrays = [_arrays.inputs(f"{name}[{i}]", each, dtype) for i, each in enumerate(values)]
    got = [each.shape for each in arrays]
    if got != shapes:
        listed = [brief(", ".join(map(str, each))) for each in (got, shapes)]
        raise ValueError(f"{name}: got shapes {listed[0]}, expected {listed[1]}")
    return [_arrays.finite(f"{name}[{i}]", each) for i, each in enumerate(arrays)]
