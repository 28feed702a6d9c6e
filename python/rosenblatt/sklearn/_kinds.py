"""Kinds: which labels can be classes together, and the place of each label among the classes."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks.shown import shown

NUMBERS = ("int", "float")


def kind_of(label: Any) -> str:
    """Return the name of a label's type, that of Python for a scalar of NumPy."""
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
    """Refuse labels of several kinds, which NumPy would turn into text or round.

    Parameters
    ----------
    name
        The argument's, for messages.
    y
        Any array-like; only lists, tuples, and arrays of objects of one dimension can be mixed.

    Raises
    ------
    ValueError
        Two labels are of different kinds, such as 1 and "1", or cannot be numbers of one type.
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
                f"{name}: got integers that an array of floats rounds, expected one type"
            )
    elif len(first) > 1:
        (one, label), (other, unlike), *_ = first.items()
        raise ValueError(
            f"{name}: got {shown(label)} ({one}) and {shown(unlike)} ({other}), expected labels of "
            "one kind"
        )


def positions(classes: NDArray[Any], y: NDArray[Any]) -> NDArray[np.int64]:
    """Return the position of each label (n,) among the classes, -1 if it is none of them.

    Labels are the same class if they are equal in Python: 1, 1.0, and True are, 1 and "1" are not,
    and no 64-bit integer is rounded.
    """
    if y.dtype.kind == classes.dtype.kind and y.dtype.kind in "biufUSmM":
        found = np.searchsorted(classes, y).clip(max=len(classes) - 1)
        return np.where(classes[found] == y, found, -1).astype(np.int64)
    place = {label: i for i, label in enumerate(classes.tolist())}
    return np.array([place.get(label, -1) for label in y.tolist()], dtype=np.int64)


def widened(classes: NDArray[Any], new: list[Any]) -> NDArray[Any]:
    """Return the classes with new labels among them, sorted.

    Raises
    ------
    ValueError
        A label is not of the classes' kind, or no array can hold it with them unchanged.
    """
    kind = kind_of(classes[0])
    for label in new:
        fits = kind_of(label) == kind or (kind in NUMBERS and kind_of(label) in NUMBERS)
        if not fits:
            article = "an" if kind == "int" else "a"
            raise ValueError(
                f"y: got {shown(label)} ({kind_of(label)}), expected {article} {kind}, as the "
                "labels before"
            )
        if kind in NUMBERS and not (math.isfinite(label) and label == math.floor(label)):
            raise ValueError(
                f"y: got {shown(label)}, expected a whole number, as the labels before"
            )
    known = classes.tolist()
    every = np.unique(np.array(known + new, dtype=_type_for(classes.dtype, known + new)))
    if set(every.tolist()) != {*known, *new}:
        raise ValueError(
            f"y: got {shown(new[0])}, which an array of {every.dtype} does not hold unchanged"
        )
    return every


def _type_for(dtype: np.dtype[Any], labels: list[Any]) -> Any:
    """Return the type of an array of the labels: the classes' own if they fit it."""
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
        "int64 or uint64 holds"
    )
