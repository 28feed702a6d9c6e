"""Checks of arguments that several plots share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import arrays
from .._network import Network


def check_samples(name: str, X: ArrayLike, n_features: int) -> NDArray[np.float64]:
    """Check samples and return them as float64, (n, n_features), n at least 1.

    Raises
    ------
    TypeError, ValueError
        X contains values other than finite real numbers, or has another shape.
    """
    array = arrays.real_array(name, X).astype(np.float64)
    if array.ndim != 2 or array.shape[1] != n_features or not len(array):
        raise ValueError(
            f"{name}: got shape {array.shape}, expected (n, {n_features}), n at least 1"
        )
    return arrays.finite(name, array)


def check_vector(name: str, values: ArrayLike, size: int) -> NDArray[np.float64]:
    """Check a vector and return it as float64, (size,).

    Raises
    ------
    TypeError, ValueError
        `values` contains values other than finite real numbers, or has another shape.
    """
    array = arrays.real_array(name, values).astype(np.float64)
    if array.shape != (size,):
        raise ValueError(f"{name}: got shape {array.shape}, expected ({size},)")
    return arrays.finite(name, array)


def check_finite_weights(net: Network) -> None:
    """Check that all weights are finite.

    Raises
    ------
    ValueError
        A weight is NaN or infinite.
    """
    for layer, W in enumerate(net.W):
        if not np.isfinite(W).all():
            raise ValueError(
                f"net: got NaN or infinity in W^({layer + 1}), expected finite weights"
            )
