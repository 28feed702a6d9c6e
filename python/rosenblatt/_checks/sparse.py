"""Sparse samples on their way in: SciPy's matrices as the stored elements that the core reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from . import arrays as _arrays

# As the core takes them: values (n_stored,), the column of each, where each row starts (n + 1,) and
# the number of columns.
StoredArrays = tuple[NDArray[Any], NDArray[np.int32], NDArray[np.int64], int]


@dataclass(frozen=True, eq=False)
class SparseInputs:
    """The samples X (n, n_features) by their stored elements; the others are 0."""

    values: NDArray[Any]
    columns: NDArray[np.int32]
    starts: NDArray[np.int64]
    n_columns: int

    @property
    def arrays(self) -> StoredArrays:
        """What the core takes."""
        return self.values, self.columns, self.starts, self.n_columns

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values."""
        return self.values.dtype

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n_features)."""
        return len(self), self.n_columns

    @property
    def ndim(self) -> int:
        """2, as that of an array of samples."""
        return 2

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, chosen: NDArray[np.bool_]) -> SparseInputs:
        """Return the rows that are chosen, (n,) of bool."""
        counts = np.diff(self.starts)
        stored = np.repeat(chosen, counts)
        first, last = self.starts[0], self.starts[-1]
        starts = np.concatenate([[0], np.cumsum(counts[chosen])]).astype(np.int64)
        return SparseInputs(
            self.values[first:last][stored],
            self.columns[first:last][stored],
            starts,
            self.n_columns,
        )


Inputs = NDArray[Any] | SparseInputs


def inputs(name: str, X: ArrayLike | SparseInputs, dtype: np.dtype[Any]) -> Inputs:
    """Return the samples X, (n, n_features), an array or a sparse matrix, of `dtype`.

    Raises
    ------
    TypeError, ValueError
        As `_arrays.inputs` and `sparse_inputs`.
    """
    if isinstance(X, SparseInputs) and X.dtype == dtype:
        return X
    if _arrays.is_sparse(X):
        return SparseInputs(*stored_arrays(name, X, dtype))
    return _arrays.inputs(name, X, dtype)  # type: ignore[arg-type]


def for_core(X: Inputs) -> Any:
    """Return X as the core takes it."""
    return X.arrays if isinstance(X, SparseInputs) else X


def stored_arrays(name: str, X: Any, dtype: np.dtype[Any]) -> StoredArrays:
    """Return the stored elements of X, a sparse matrix (n, n_features).

    Those of a CSR matrix stay where they are, where its type is `dtype` and its columns rise. Other
    formats become CSR once; elements in the same place are added up on a copy.

    Raises
    ------
    TypeError
        The numbers are complex, or these are no numbers.
    ValueError
        The arrays do not fit together, or a value is not finite.
    """
    if len(X.shape) != 2:
        raise ValueError(f"{name}: got shape {X.shape}, expected (n, n_features)")
    if X.format in {"csr", "csc"}:  # SciPy trusts the arrays of what it converts
        arrays = _compressed(name, X, dtype)
        if _core.columns_rise(arrays, name) and X.format == "csr":
            return arrays
    csr = X.tocsr(copy=True)
    csr.sum_duplicates()
    return _compressed(name, csr, dtype)


def _compressed(name: str, X: Any, dtype: np.dtype[Any]) -> StoredArrays:
    """Return the arrays of a CSR matrix, or those of a CSC matrix as if its columns were rows."""
    n_rows, n_columns = X.shape if X.format == "csr" else X.shape[::-1]
    indices, starts = np.asarray(X.indices), np.asarray(X.indptr)
    for part, array in (("indices", indices), ("indptr", starts)):
        if array.dtype.kind not in "iu":
            raise ValueError(
                f"{name}: got {part} of dtype {_arrays.dtype_name(array)}, expected integers"
            )
    most = np.iinfo(np.int32).max
    if n_columns > most:
        raise ValueError(f"{name}: got {n_columns} columns, expected at most {most}")
    if starts.shape != (n_rows + 1,):
        raise ValueError(f"{name}: got indptr of shape {starts.shape}, expected ({n_rows + 1},)")
    if indices.size and not 0 <= indices.min() <= indices.max() < n_columns:
        raise ValueError(
            f"{name}: got indices {indices.min()} … {indices.max()}, expected 0 … {n_columns} - 1"
        )
    values = _arrays.exact(name, _arrays.real_array(name, X.data), dtype)
    columns = np.require(indices, np.int32, ["C", "A", "E"])
    return values, columns, np.require(starts, np.int64, ["C", "A", "E"]), n_columns
