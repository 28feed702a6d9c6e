"""Metrics: measures of the quality of a network other than its loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks.shown import shown

Metric = Callable[[Any, Any], Any]  # (Y, A) -> a number


def _rows(Y: ArrayLike, A: NDArray[Any]) -> NDArray[Any]:
    """Return targets as float64 of the shape of A, (n, n_outputs)."""
    return np.asarray(Y, dtype=np.float64).reshape(A.shape)


def accuracy(Y: ArrayLike, A: NDArray[Any]) -> float:
    """Return the fraction of correct predictions.

    The predicted class of a sample is its largest output. With one output, or targets with several
    ones in a row, each output is a binary prediction, positive above 1/2.
    """
    targets = np.asarray(Y)
    n_outputs = A.shape[1]
    if targets.ndim == 1 and n_outputs > 1:
        return float((A.argmax(axis=1) == targets).mean())
    rows = _rows(targets, A)
    if n_outputs > 1 and (rows.sum(axis=1) == 1).all():
        return float((A.argmax(axis=1) == rows.argmax(axis=1)).mean())
    return float(((A > 0.5) == (rows > 0.5)).mean())


def r2(Y: ArrayLike, A: NDArray[Any]) -> float:
    """Return the coefficient of determination, 1 - sum (y - a)^2 / sum (y - mean y)^2.

    With several outputs it is the mean over them. An output with constant targets counts 1 if it
    matches them exactly, else 0.
    """
    y = _rows(Y, A)
    error = ((y - A) ** 2).sum(axis=0)
    spread = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    varies = spread > 0
    scores = np.where(error == 0, 1.0, 0.0)
    scores[varies] = 1 - error[varies] / spread[varies]
    return float(scores.mean())


def mean_absolute_error(Y: ArrayLike, A: NDArray[Any]) -> float:
    """Return the mean of |y - a| over all outputs."""
    return float(np.abs(_rows(Y, A) - A).mean())


def root_mean_squared_error(Y: ArrayLike, A: NDArray[Any]) -> float:
    """Return the square root of the mean of (y - a)^2 over all outputs."""
    return float(np.sqrt(((_rows(Y, A) - A) ** 2).mean()))


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "r2": r2,
    "mean_absolute_error": mean_absolute_error,
    "root_mean_squared_error": root_mean_squared_error,
}
# Names in the history that are not metrics.
CURVES = ("loss", "training_loss", "validation_loss", "learning_rate", "gradient_norm")
MORE_IS_BETTER = {
    "loss": False,
    "validation_loss": False,
    "accuracy": True,
    "r2": True,
    "mean_absolute_error": False,
    "root_mean_squared_error": False,
}


def metric_functions(name: str, value: Any) -> dict[str, Metric]:
    """Return metrics by name, from one or several names and functions, or a mapping.

    Raises
    ------
    TypeError, ValueError
        A metric has the wrong type, is unknown, or has the name of another.
    """
    if isinstance(value, Mapping):
        given = list(value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        given = [(None, each) for each in value]
    else:
        given = [] if value is None else [(None, value)]
    found: dict[str, Metric] = {}
    for label, metric in given:
        key, function = _named(name, label, metric)
        if key in found or key in CURVES:
            raise ValueError(
                f"{name}: got {shown(key)} twice or for a loss, expected different names"
            )
        found[key] = function
    return found


def _named(name: str, label: Any, metric: Any) -> tuple[str, Metric]:
    if label is not None and not isinstance(label, str):
        raise TypeError(f"{name}: got the key {shown(label)}, expected a string")
    expected = f"one of {', '.join(map(repr, METRICS))} or a function of (Y, A)"
    if isinstance(metric, str):
        if metric not in METRICS:
            raise ValueError(f"{name}: got {shown(metric)}, expected {expected}")
        return str(label or metric), METRICS[metric]
    if not callable(metric):
        raise TypeError(f"{name}: got {shown(metric)}, expected {expected}")
    return str(label or getattr(metric, "__name__", type(metric).__name__)), metric


def more_is_better(monitor: str, maximize: bool | None) -> bool:
    """Return whether larger is better for `monitor`; `maximize` decides unless it is None.

    Raises
    ------
    ValueError
        `monitor` is a custom metric and `maximize` is None.
    """
    if maximize is not None:
        return maximize
    if monitor not in MORE_IS_BETTER:
        raise ValueError(f"maximize: got None for {shown(monitor)}, expected True or False")
    return MORE_IS_BETTER[monitor]
