"""Scaling: an affine map of each column of the inputs or targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._checks import arguments, arrays

ScalingKind = Literal["standard", "minmax", "robust"]
KINDS = tuple(_core.scalings())


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Scaling:
    """An offset and a factor for every column of the inputs or targets.

    The network computes with x' = (x - offset) * factor; its user passes and receives x.

    Parameters
    ----------
    offset : array-like of shape (n_columns,)
        Finite, in the unit of the column.
    factor : array-like of shape (n_columns,)
        Finite and above 0, in the inverse unit of the column.

    Attributes
    ----------
    offset, factor : ndarray of shape (n_columns,)
        float64, read-only.

    Raises
    ------
    TypeError, ValueError
        A number is not finite, a factor is not above 0, or the lengths differ.

    See Also
    --------
    rosenblatt.train : ``scale_inputs`` and ``scale_targets`` fit a scaling for the network.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.Scaling(offset=[1.0, 0.0], factor=[0.5, 2.0])
    Scaling(offset=[1, 0], factor=[0.5, 2])
    """

    offset: NDArray[np.float64]
    factor: NDArray[np.float64]

    def __init__(self, offset: ArrayLike, factor: ArrayLike) -> None:
        offset, factor = _column("offset", offset), _column("factor", factor)
        if offset.shape != factor.shape:
            raise ValueError(
                f"factor: got shape {factor.shape}, expected {offset.shape}: one per offset"
            )
        if not (factor > 0).all():
            raise ValueError(f"factor: got {factor.min()}, expected numbers above 0")
        object.__setattr__(self, "offset", offset)
        object.__setattr__(self, "factor", factor)

    @classmethod
    def fit(cls, X: ArrayLike, kind: ScalingKind = "standard") -> Scaling:
        """Return the scaling that standardises the columns of X.

        Parameters
        ----------
        X : array-like of shape (n, n_columns)
        kind : {"standard", "minmax", "robust"}, default "standard"
            "standard": mean 0, standard deviation 1 (of n, not n - 1). "minmax": from 0 to 1.
            "robust": median 0, interquartile range 1.

        Returns
        -------
        Scaling
            The factor of a constant column is 1, and with "robust" that of a column with equal
            quartiles.

        Raises
        ------
        TypeError, ValueError
            X contains values other than finite real numbers, kind is unknown, or the spread of a
            column is too small or too large for a float64.

        Notes
        -----
        The statistics are computed in float64, in an order that docs/arithmetic.md specifies.

        Examples
        --------
        >>> import rosenblatt as rb
        >>> rb.Scaling.fit([[1.0, 7.0], [3.0, 7.0], [5.0, 7.0]], kind="minmax")
        Scaling(offset=[1, 7], factor=[0.25, 1])
        """
        name = arguments.choice("kind", kind, KINDS)
        return cls(*_core.fit_scaling(arrays.inputs("X", X, np.dtype(np.float64)), name))

    def __repr__(self) -> str:
        return f"Scaling(offset={_format(self.offset)}, factor={_format(self.factor)})"


def check_scaling_kind(name: str, value: object) -> str | None:
    """Return the kind of a scaling to fit, or None.

    Raises
    ------
    TypeError, ValueError
        `value` is neither None nor the name of a kind.
    """
    return None if value is None else arguments.choice(name, value, KINDS)


def _column(name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = arrays.exact(name, arrays.real_array(name, values), np.dtype(np.float64)).copy()
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name}: got shape {array.shape}, expected (n_columns,)")
    arrays.finite(name, array)
    array.flags.writeable = False
    return array


def _format(column: NDArray[np.float64]) -> str:
    """Return the first four numbers of a column as text."""
    numbers = [f"{number:.6g}" for number in column[:4].tolist()]
    return f"[{', '.join(numbers)}{', …' if column.size > 4 else ''}]"
