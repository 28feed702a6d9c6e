"""Parameter views: W, b and g of every layer as parts of theta, and what goes into them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import arrays

FloatArray = arrays.FloatArray
View = TypeVar("View", FloatArray, FloatArray | None)


class Views(Sequence[View]):
    """An array of every layer, writeable; assigning to one copies into it."""

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
            raise ValueError(f"{name}: got values, expected a layer that has it: this one is None")
        if values is view:  # W[0] += x has written already
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
ViewsWhereThereAre = Views[FloatArray | None]  # None for a layer that has none


def parameters(name: str, values: ArrayLike, view: FloatArray) -> NDArray[Any]:
    """Return the values as an array that may be copied into the view.

    Raises
    ------
    TypeError, ValueError
        They are no finite real numbers, or of another shape.
    """
    array = arrays.exact(name, arrays.real_array(name, values), view.dtype)
    if array.shape != view.shape:
        raise ValueError(f"{name}: got shape {array.shape}, expected {view.shape}")
    return arrays.finite(name, array)
