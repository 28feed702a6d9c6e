"""Checks of scikit-learn, with short messages that name the column."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import validate_data

from .._checks.columns import bad_column
from .._checks.shown import LONGEST_MESSAGE, brief, shown

# Beginnings of scikit-learn's messages about names and shapes, which do not concern one column.
NOT_OF_VALUES = ("The feature names", "X has", "Found", "Expected")


@contextmanager
def short_messages(X: Any = None) -> Iterator[None]:
    """Shorten the messages of scikit-learn's errors in this block.

    They can quote whole arguments.

    Parameters
    ----------
    X
        Samples that the block checks; a message about their values ends with the column.
    """
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        text = str(error)
        of_values = not text.startswith(NOT_OF_VALUES)
        column = bad_column(X) if of_values and X is not None else None
        kinds = (InvalidParameterError, TypeError, ValueError)
        kind = next((each for each in kinds if isinstance(error, each)), ValueError)
        if isinstance(error, kind) and column is None and len(text) <= LONGEST_MESSAGE:
            raise
        where = "" if column is None else f" (in column {column} of X)"
        if of_values:
            text = text.partition("\n")[0]
        text = brief(text, LONGEST_MESSAGE - len(where)) + where
        raise kind(text) from None


class ShortMessages:
    """Mixin that shortens messages about invalid parameters."""

    def _validate_params(self) -> None:
        with short_messages():
            super()._validate_params()  # type: ignore[misc]


def validate(estimator: Any, X: Any, *args: Any, **settings: Any) -> Any:
    """Call scikit-learn's `validate_data`.

    Raises
    ------
    TypeError, ValueError
        As for `validate_data`, with a short message that names the column.
    """
    with short_messages(X), np.errstate(over="ignore"):  # numbers beyond float32 become infinite
        return validate_data(estimator, X, *args, **settings)


def check_classes(y: Any) -> None:
    """Check that the targets of a classifier are labels or zeros and ones.

    Raises
    ------
    ValueError
        y contains numbers that are not labels, or several columns of labels.
    """
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "biuU":
        return  # certainly labels; scikit-learn's check would take longer than a training step
    with short_messages():
        kind = type_of_target(y, input_name="y")
    if kind.startswith(("continuous", "unknown")):
        raise ValueError(
            f"Unknown label type: {kind}. y: expected labels; use a regressor for numbers"
        )
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"y: got {np.shape(y)[1]} columns of several classes, expected one column of labels or "
            "a matrix of 0 and 1; use sklearn.multioutput.MultiOutputClassifier to fit one "
            "classifier per column"
        )


def check_numbers(name: str, y: Any, X: Any = None) -> None:
    """Check that the targets of a regressor are real numbers.

    Complex targets pass if X is complex as well, because scikit-learn refuses X first.

    Raises
    ------
    TypeError
        y contains dates, text, complex numbers or objects other than numbers.
    """
    array: NDArray[Any] = np.asarray(0.0 if y is None else y)  # `validate` refuses None
    if array.dtype.kind == "c" and np.asarray(X).dtype.kind == "c":
        return  # scikit-learn refuses X first
    if array.dtype.kind not in "biufO":
        raise TypeError(f"{name}: got dtype {brief(str(array.dtype))}, expected real numbers")
    if array.dtype.kind == "O":
        for place, each in np.ndenumerate(array):
            if isinstance(each, str | bytes | complex) or each is None:
                where = ", ".join(map(str, place))
                raise TypeError(
                    f"{name}: got {shown(each)} at {name}[{where}], expected a real number"
                )
