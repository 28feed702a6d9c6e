"""Custom losses and orders, whose results are checked before the core uses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import arrays
from .._checks.shown import type_name
from .._loss import CustomLoss
from .validation import Samples


class CheckedOrder:
    """A custom order of the samples, checked before the core uses it."""

    def __init__(self, order: Callable[[int], ArrayLike], n: int) -> None:
        self._order = order
        self._n = n

    def of_epoch(self, epoch: int) -> NDArray[np.int64]:
        expected = f"the indices of {self._n} samples, from 0 to {self._n - 1}"
        given = arrays.as_array("shuffle", self._order(epoch))
        if given.dtype.kind not in "iu" or given.shape != (self._n,):
            raise ValueError(
                f"shuffle: got {arrays.dtype_name(given)} of shape {given.shape}"
                f" for epoch {epoch}, expected {expected}"
            )
        if given.min() < 0 or given.max() >= self._n:
            raise ValueError(
                f"shuffle: got indices from {given.min()} to {given.max()} for epoch {epoch}, "
                f"expected {expected}"
            )
        return np.require(given, np.int64, ["C", "A"])


class CheckedCost:
    """A custom loss, whose results are checked before the core uses them."""

    def __init__(self, loss: CustomLoss, samples: Samples, held_out: Samples | None) -> None:
        self._loss = loss
        self._Y = samples.given_Y
        self._validation_Y = None if held_out is None else held_out.given_Y
        for name, each in (("Y", samples), ("validation[1]", held_out)):
            if each is not None and each.given_Y.shape[:1] != (len(each.X),):
                shape = each.given_Y.shape
                raise ValueError(
                    f"{name}: got shape {shape}, expected {len(each.X)} rows, as X has"
                )

    @property
    def functions(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        return self.of_batch, self.of_validation

    def of_batch(self, A: NDArray[Any], rows: Any) -> tuple[float, NDArray[Any]]:
        C, dC_dA = self._call(A, self._Y[rows])
        G = arrays.inputs("loss: its dC/dA", dC_dA, A.dtype)
        if G.shape != A.shape:
            raise ValueError(f"loss: got dC/dA of shape {G.shape}, expected {A.shape}")
        if not np.isfinite(G).all():
            raise ValueError("loss: got NaN or infinity in dC/dA, expected finite numbers")
        return C, G

    def of_training(self, A: NDArray[Any]) -> float:
        return self._call(A, self._Y)[0]

    def of_validation(self, A: NDArray[Any]) -> float:
        return self._call(A, self._validation_Y)[0]

    def _call(self, A: NDArray[Any], Y: Any) -> tuple[float, Any]:
        found = self._loss(A, Y)
        if not isinstance(found, tuple) or len(found) != 2:
            raise TypeError(f"loss: got {type_name(found)}, expected a pair (C, dC/dA)")
        C = arrays.real_array("loss: its C", found[0])
        if C.size != 1:
            raise ValueError(f"loss: got C of shape {C.shape}, expected one number")
        return float(C.item()), found[1]
