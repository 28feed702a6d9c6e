"""What the pictures are given, checked and said in one way."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import arrays
from .._network import Network


def samples_given(name: str, X: ArrayLike, n_features: int) -> NDArray[np.float64]:
    """Return samples (n, n_features) as float64, n at least 1.

    Raises
    ------
    TypeError, ValueError
        They are not made of finite real numbers, or have another shape.
    """
    array = arrays.real_array(name, X).astype(np.float64)
    if array.ndim != 2 or array.shape[1] != n_features or not len(array):
        raise ValueError(
            f"{name}: got shape {array.shape}, expected (n, {n_features}), n at least 1"
        )
    return arrays.finite(name, array)


def vector_given(name: str, values: ArrayLike, size: int) -> NDArray[np.float64]:
    """Return a vector (size,) as float64.

    Raises
    ------
    TypeError, ValueError
        It is not made of finite real numbers, or has another shape.
    """
    array = arrays.real_array(name, values).astype(np.float64)
    if array.shape != (size,):
        raise ValueError(f"{name}: got shape {array.shape}, expected ({size},)")
    return arrays.finite(name, array)


def finite_weights(net: Network) -> None:
    """Refuse a network with weights that no picture can show.

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
