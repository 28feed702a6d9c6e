"""Checks: those of scikit-learn, with messages that are short and name the column."""

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

# How scikit-learn begins what it says of names and of shapes, where no column is to blame.
NOT_OF_VALUES = ("The feature names", "X has", "Found", "Expected")


@contextmanager
def short_messages(X: Any = None) -> Iterator[None]:
    """Shorten what scikit-learn says of an argument in this block, which may be all of it.

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
    """An estimator whose parameters are refused in short messages."""

    def _validate_params(self) -> None:
        with short_messages():
            super()._validate_params()  # type: ignore[misc]


def validated(estimator: Any, X: Any, *args: Any, **settings: Any) -> Any:
    """Return what scikit-learn's `validate_data` returns.

    Raises
    ------
    TypeError, ValueError
        What it raises, with a short message that names the column.
    """
    with short_messages(X), np.errstate(over="ignore"):  # numbers beyond float32 become infinite
        return validate_data(estimator, X, *args, **settings)


def check_classes(y: Any) -> None:
    """Refuse targets of a classifier that are neither labels nor zeros and ones.

    Raises
    ------
    ValueError
        They are numbers, or several columns of labels.
    """
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "biuU":
        return  # labels without doubt; scikit-learn takes longer to see it than a step takes
    with short_messages():
        kind = type_of_target(y, input_name="y")
    if kind.startswith(("continuous", "unknown")):
        raise ValueError(
            f"Unknown label type: {kind}. y: expected labels; numbers are for a regressor"
        )
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"y: got {np.shape(y)[1]} columns of several classes, expected one column of labels or "
            "a matrix of 0 and 1; sklearn.multioutput.MultiOutputClassifier fits a classifier for "
            "each column"
        )


def check_numbers(name: str, y: Any, X: Any = None) -> None:
    """Refuse targets of a regressor that are not real numbers, unless X is complex as well.

    Raises
    ------
    TypeError
        They are dates, texts, or complex numbers; or objects, and one of these is no number.
    """
    array: NDArray[Any] = np.asarray(0.0 if y is None else y)  # None is for `validated` to refuse
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
