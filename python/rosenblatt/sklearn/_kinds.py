"""Kinds of labels, and the positions of labels among the classes."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks.shown import shown

NUMBERS = ("int", "float")


def kind_of(label: Any) -> str:
    """Return the name of the type of a label; for a NumPy scalar, of its Python type."""
    if isinstance(label, bool | np.bool_):
        return "bool"
    if isinstance(label, Integral):
        return "int"
    if isinstance(label, Real):
        return "float"
    for kind in (str, bytes):
        if isinstance(label, kind):
            return kind.__name__
    return type(label).__name__


def check_one_kind(name: str, y: Any) -> None:
    """Refuse labels of different kinds, which NumPy would round or convert to text.

    Parameters
    ----------
    name
        The name of the argument, for messages.
    y
        Any array-like. Only lists, tuples and one-dimensional object arrays can have mixed kinds.

    Raises
    ------
    ValueError
        Two labels have different kinds, such as 1 and "1", or no numeric type can represent both.
    """
    if isinstance(y, np.ndarray):
        if y.ndim != 1 or y.dtype != object:
            return
    elif not isinstance(y, list | tuple):
        return
    if set(map(type, y)) <= {str} or any(np.ndim(label) > 0 for label in y):
        return
    first = {kind_of(label): label for label in reversed(y)}
    if first.keys() <= {"bool", *NUMBERS}:
        numbers = np.asarray(y)
        if numbers.dtype.kind == "f" and "int" in first and numbers.tolist() != list(y):
            raise ValueError(
                f"{name}: got floats and integers that a float cannot represent, expected one type"
            )
    elif len(first) > 1:
        (one, label), (other, unlike), *_ = first.items()
        raise ValueError(
            f"{name}: got {shown(label)} ({one}) and {shown(unlike)} ({other}), expected labels of "
            "one kind"
        )


def positions(classes: NDArray[Any], y: NDArray[Any]) -> NDArray[np.int64]:
    """Return the position of each label among the classes, or -1.

    Labels that are equal in Python are the same class: 1, 1.0 and True are equal, 1 and "1" are
    not. 64-bit integers are not rounded.
    """
    if y.dtype.kind == classes.dtype.kind and y.dtype.kind in "biufUSmM":
        nearest = np.searchsorted(classes, y).clip(max=len(classes) - 1)
        return np.where(classes[nearest] == y, nearest, -1).astype(np.int64)
    place = {label: i for i, label in enumerate(classes.tolist())}
    return np.array([place.get(label, -1) for label in y.tolist()], dtype=np.int64)


def widen(classes: NDArray[Any], new: list[Any]) -> NDArray[Any]:
    """Return the classes and new labels in one sorted array.

    Raises
    ------
    ValueError
        A label has another kind than the classes, or no array can hold all of them unchanged.
    """
    kind = kind_of(classes[0])
    for label in new:
        fits = kind_of(label) == kind or (kind in NUMBERS and kind_of(label) in NUMBERS)
        if not fits:
            article = "an" if kind == "int" else "a"
            raise ValueError(
                f"y: got {shown(label)} ({kind_of(label)}), expected {article} {kind} like the "
                "earlier labels"
            )
        if kind in NUMBERS and not (math.isfinite(label) and label == math.floor(label)):
            raise ValueError(
                f"y: got {shown(label)}, expected a whole number like the earlier labels"
            )
    known = classes.tolist()
    every = np.unique(np.array(known + new, dtype=_type_for(classes.dtype, known + new)))
    if set(every.tolist()) != {*known, *new}:
        raise ValueError(
            f"y: got {shown(new[0])}, expected a label that {every.dtype} can represent"
        )
    return every


def _type_for(dtype: np.dtype[Any], labels: list[Any]) -> Any:
    """Return a dtype that holds the labels, preferably that of the classes."""
    if dtype.kind in {"U", "S"}:
        return dtype.kind
    if dtype.kind not in "iu":
        return dtype
    for integers in (dtype, np.dtype(np.int64), np.dtype(np.uint64)):
        limits = np.iinfo(integers)
        if all(limits.min <= label <= limits.max for label in labels):
            return integers
    raise ValueError(
        f"y: got labels from {shown(min(labels))} to {shown(max(labels))}, expected a range that "
        "int64 or uint64 can represent"
    )
