"""Initial weights: scikit-learn's draws, in its order, so that one seed gives both the same."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import arrays as _arrays
from .._checks.shown import brief


def drawn(
    random: np.random.RandomState, layers: list[int], activations: list[Any]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Return weights (n_in, n_out) and biases (n_out,), uniform within Glorot's bound.

    The bound is sqrt(2 / (n_in + n_out)) for the logistic function, sqrt(6 / (n_in + n_out)) for
    others; `activations` are those of the hidden layers, and the output layer has the last one's.

    Notes
    -----
    X. Glorot, Y. Bengio, *Understanding the difficulty of training deep feedforward neural
    networks*, AISTATS 2010; scikit-learn's `MLPClassifier` for the rest.
    """
    coefs, intercepts = [], []
    for layer, (n_in, n_out) in enumerate(pairwise(layers)):
        nearest = activations[min(layer, len(activations) - 1)]
        bound = np.sqrt((2.0 if nearest == "logistic" else 6.0) / (n_in + n_out))
        coefs.append(random.uniform(-bound, bound, (n_in, n_out)))
        intercepts.append(random.uniform(-bound, bound, n_out))
    return coefs, intercepts


def given(name: str, values: Any, shapes: list[tuple[int, ...]]) -> list[NDArray[Any]]:
    """Return a user's weights or biases, one array for each layer.

    Raises
    ------
    TypeError, ValueError
        They are no real numbers, their number or a shape is another one, or a value is not finite.
    """
    dtype = np.dtype(np.float64)
    arrays = [_arrays.inputs(f"{name}[{i}]", each, dtype) for i, each in enumerate(values)]
    got = [each.shape for each in arrays]
    if got != shapes:
        listed = [brief(", ".join(map(str, each))) for each in (got, shapes)]
        raise ValueError(f"{name}: got shapes {listed[0]}, expected {listed[1]}")
    return [_arrays.finite(f"{name}[{i}]", each) for i, each in enumerate(arrays)]
