"""Arrays on their way in: one conversion to the exact type and layout that the core takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .columns import bad_column
from .shown import brief

FloatArray = NDArray[np.floating[Any]]

LABEL_LOSSES = frozenset(_core.label_losses())


def real_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return `value` as an array of real numbers of any type, an array as it is.

    Raises
    ------
    TypeError
        The numbers are complex, or these are no numbers; they are in a sparse matrix.
    ValueError
        The rows have different lengths, or some values are masked.
    """
    array = as_array(name, value)
    if array.dtype.kind not in "biuf":
        column = bad_column(value)
        where = "" if column is None else f" in column {column}"
        raise TypeError(f"{name}: got dtype {dtype_name(array)}{where}, expected real numbers")
    return array


def as_array(name: str, value: Any) -> NDArray[Any]:
    """Return `value` as an array of any type, an array as it is.

    Raises
    ------
    TypeError
        `value` is a sparse matrix.
    ValueError
        The rows have different lengths, or some values are masked.
    """
    if is_sparse(value):
        raise TypeError(f"{name}: got a sparse matrix, expected an array: its toarray()")
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name}: got masked values, expected every value")
    try:
        return np.asarray(value)
    except ValueError as error:
        reason = brief(str(error), 200)
        raise ValueError(f"{name}: got {reason}; expected rows of one length") from None


def dtype_name(array: NDArray[Any]) -> str:
    """Return the name of the dtype of an array as messages show it; one of structures is long."""
    return brief(str(array.dtype))


def exact(name: str, array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return `array` contiguous, aligned and of `dtype`; a copy only where it must be one.

    Numbers are rounded to nearest, whatever mode another library left the processor in.

    Raises
    ------
    ValueError
        A value is too large for `dtype`.
    """
    if type(array) is np.ndarray and _is_exact(array, dtype):
        return array
    try:
        with np.errstate(over="raise"):
            return _core.in_float_mode(lambda: _required(array, dtype))  # type: ignore[no-any-return]
    except FloatingPointError:
        largest = np.finfo(dtype).max
        wider = ", or dtype='float64'" if dtype == np.float32 else ""
        raise ValueError(
            f"{name}: got a value beyond {dtype}, expected values up to "
            f"{largest:.4g} in size{wider}"
        ) from None


def _is_exact(array: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    return array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned


def _required(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return `array` contiguous, aligned and of `dtype`; a large copy is made in slices.

    NumPy does not look for Ctrl-C while it copies; the interpreter does between two slices.
    """
    size_of_slice = 1 << 20
    if _is_exact(array, dtype) or array.size < 2 * size_of_slice or array.ndim == 0:
        return np.require(array, dtype, ["C", "A", "E"])
    copy = np.empty(array.shape, dtype)
    at_once = max(1, size_of_slice * len(array) // array.size)
    for first in range(0, len(array), at_once):
        rows = slice(first, first + at_once)
        np.copyto(copy[rows], array[rows], casting="unsafe")
    return copy


def finite(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return `array`, whose numbers are finite.

    Raises
    ------
    ValueError
        One is NaN or infinite.
    """
    is_finite = np.isfinite(array)
    if not is_finite.all():
        place = tuple(int(i) for i in np.argwhere(~is_finite)[0])
        where = f" at {name}[{', '.join(map(str, place))}]" if place else ""
        raise ValueError(f"{name}: got {array[place]}{where}, expected finite numbers")
    return array


def inputs(name: str, X: ArrayLike, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the samples X, (n, n_features), as the core takes them."""
    return exact(name, real_array(name, X), dtype)


def is_sparse(X: object) -> bool:
    """Whether X is a sparse matrix or array of SciPy, which need not be imported to say so."""
    return not isinstance(X, np.ndarray) and hasattr(X, "tocsr") and hasattr(X, "nnz")


def targets(
    name: str, Y: ArrayLike, *, loss: str, dtype: np.dtype[Any], n_targets: int
) -> NDArray[Any]:
    """Return targets as rows (n, n_targets) of `dtype`, or as labels (n,) where the loss has them.

    Raises
    ------
    TypeError
        One-dimensional targets for several outputs of such a loss are not integers.
    """
    array = real_array(name, Y)
    if array.ndim == 1 and loss in LABEL_LOSSES:
        if array.dtype.kind in "biu":
            if array.dtype == np.uint64 and (array > np.iinfo(np.int64).max).any():
                raise ValueError(f"{name}: got label {array.max()}, expected labels below 2**63")
            return exact(name, array, np.dtype(np.int64))
        if n_targets > 1:
            raise TypeError(
                f"{name}: got dtype {dtype_name(array)} and shape {array.shape}, "
                f"expected integer labels (n,) or rows (n, {n_targets})"
            )
    if array.ndim == 1 and n_targets == 1:
        array = array[:, np.newaxis]
    return exact(name, array, dtype)
