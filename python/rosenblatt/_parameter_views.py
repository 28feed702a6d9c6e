"""Parameter views: W, b and g of every layer as parts of theta."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import arrays

FloatArray = arrays.FloatArray
View = TypeVar("View", FloatArray, FloatArray | None)


class Views(Sequence[View]):
    """One writeable array per layer; assigning to an element copies into its array."""

    def __init__(self, name: str, views: Sequence[View], *, least: float = -np.inf) -> None:
        self._name = name
        self._views: tuple[View, ...] = tuple(views)
        self._least = least

    @overload
    def __getitem__(self, layer: int) -> View: ...
    @overload
    def __getitem__(self, layer: slice) -> tuple[View, ...]: ...
    def __getitem__(self, layer: int | slice) -> View | tuple[View, ...]:
        return self._views[layer]

    def __setitem__(self, layer: int, values: ArrayLike) -> None:
        view = self._views[layer]
        name = f"{self._name}[{layer}]"
        if view is None:
            raise ValueError(
                f"{name}: got values, expected no assignment, because this layer has no"
                f" {self._name}"
            )
        if values is view:  # W[0] += x has already written
            return
        numbers = parameters(name, values, view)
        if (numbers < self._least).any():
            raise ValueError(f"{name}: got {numbers.min()}, expected at least {self._least:g}")
        view[...] = numbers

    def __len__(self) -> int:
        return len(self._views)

    def __iter__(self) -> Iterator[View]:
        return iter(self._views)

    def __repr__(self) -> str:
        shapes = ("None" if view is None else str(view.shape) for view in self._views)
        return f"<{self._name}: {', '.join(shapes)}>"


ParameterViews = Views[FloatArray]
OptionalViews = Views[FloatArray | None]  # None for a layer without this parameter


def parameters(name: str, values: ArrayLike, view: FloatArray) -> NDArray[Any]:
    """Return the values as an array that can be copied into the view.

    Raises
    ------
    TypeError, ValueError
        `values` contains values other than finite real numbers, or has another shape.
    """
    array = arrays.exact(name, arrays.real_array(name, values), view.dtype)
    if array.shape != view.shape:
        raise ValueError(f"{name}: got shape {array.shape}, expected {view.shape}")
    return arrays.finite(name, array)
