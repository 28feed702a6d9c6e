"""Loss curves: losses and metrics of every epoch, and the best epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from .._checks import arguments
from .._checks.shown import type_name
from .._cli.loss_curve import LOG_FROM
from .._training.result import TrainResult
from ._axes import axes_for, size_in_points
from ._colours import class_colours, ink
from ._words import LETTER, fitting_size, has_room, name_axes

LOSSES = ("loss", "training_loss", "validation_loss")
STYLES = {"loss": "-", "training_loss": "-.", "validation_loss": "--"}  # metrics have ":"
OF_STEPS = ("learning_rate", "gradient_norm")  # in the history, but neither losses nor metrics
LARGEST_TEXT = 8.5  # points, in the legend
NEEDED = "a TrainResult, a sequence of them or a mapping of names to them"


class Curve(NamedTuple):
    """One curve.

    Attributes
    ----------
    label : str
    values : ndarray of shape (epochs,)
    colour : (float, float, float)
    style : str
        The style of the line.
    is_metric : bool
    best_epoch : int or None
        The epoch of the star, from 0; None for a curve without a star.
    """

    label: str
    values: NDArray[np.float64]
    colour: tuple[float, float, float]
    style: str
    is_metric: bool
    best_epoch: int | None


def loss_curve(
    results: TrainResult | Sequence[TrainResult] | Mapping[str, TrainResult],
    *,
    ax: Axes | None = None,
    log: bool | None = None,
    metrics: bool = True,
) -> Axes:
    """Draw the loss of every epoch of one or several training runs.

    The validation loss is dashed. Metrics are dotted and have their own axis on the right. A star
    on the monitored curve marks the best epoch of early stopping.

    Parameters
    ----------
    results : TrainResult, sequence or mapping of them
        The keys of a mapping are the names of the runs in the legend.
    ax : Axes, optional
        The Axes to draw into; by default those of a new figure.
    log : bool, optional
        Whether the losses have a logarithmic axis; by default if all are above 0 and the largest
        is at least 20 times the smallest.
    metrics : bool, default True
        Whether to draw the metrics of the results.

    Returns
    -------
    Axes
        The Axes of the losses.

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type; there is no run, no epoch or no finite loss; or `log` is
        True and no loss is above 0.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import rosenblatt as rb
    >>> X, y = rb.datasets.load_digits()
    >>> net = rb.Network([64, 16, 10], output="softmax", random_state=0)
    >>> result = rb.train(net, X, y, loss="log_loss", validation=0.2, metrics="accuracy")
    >>> ax = rb.plot.loss_curve(result)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['loss', 'validation loss', 'accuracy']
    >>> plt.close(ax.figure)
    """
    named = _name_results(results)
    metrics = arguments.flag("metrics", metrics)
    is_log = _is_log(log, _all_losses(named))
    ax = axes_for(ax)
    right = None
    if any(set(_curve_names(result, metrics=metrics)) - set(LOSSES) for result in named.values()):
        right = ax.twinx()
    words = has_room(ax)
    for curve in _curves(ax, named, metrics=metrics):
        _draw(right if right and curve.is_metric else ax, curve)
    if is_log:
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    if words:
        _explain(ax, right)
    return ax


def _name_results(results: object) -> dict[str, TrainResult]:
    """Return results by name; a single result has the name ""."""
    if isinstance(results, TrainResult):
        named = {"": results}
    elif isinstance(results, Mapping):
        named = {str(name): result for name, result in results.items()}
    elif isinstance(results, Sequence) and not isinstance(results, str | bytes):
        named = {f"training {i + 1}": result for i, result in enumerate(results)}
    else:
        raise TypeError(f"results: got {type_name(results)}, expected {NEEDED}")
    for result in named.values():
        if not isinstance(result, TrainResult):
            raise TypeError(f"results: got a {type_name(result)} among them, expected {NEEDED}")
    if not named:
        raise ValueError(f"results: got none, expected {NEEDED}")
    return named


def _all_losses(named: dict[str, TrainResult]) -> NDArray[np.float64]:
    """Return all finite losses."""
    curves = [result.history.get(key, ()) for result in named.values() for key in LOSSES]
    losses: NDArray[np.float64] = np.concatenate(
        [np.asarray(curve, dtype=np.float64) for curve in curves]
    )
    finite = np.isfinite(losses)
    if not finite.any():
        raise ValueError("results: got no epoch with a finite loss, expected one")
    return losses[finite]


def _is_log(log: bool | None, losses: NDArray[np.float64]) -> bool:
    if log is None:
        return bool(losses.min() > 0 and losses.max() / losses.min() >= LOG_FROM)
    if arguments.flag("log", log) and not (losses > 0).any():
        raise ValueError("log: got True for losses of at most 0, expected False or None")
    return log


def _curves(ax: Axes, named: dict[str, TrainResult], *, metrics: bool) -> Iterator[Curve]:
    """Yield the curves.

    With one run every curve has its own colour, with several every run has.
    """
    several = len(named) > 1
    n_colours = (
        len(named) if several else len(_curve_names(next(iter(named.values())), metrics=metrics))
    )
    colours = class_colours(ax, n_colours)
    for i, (name, result) in enumerate(named.items()):
        shown = _curve_names(result, metrics=metrics)
        watched = _with_star(result, shown)
        for j, key in enumerate(shown):
            label = key.replace("_", " ")
            yield Curve(
                label=f"{name}: {label}" if several else label,
                values=np.asarray(result.history[key], dtype=np.float64),
                colour=colours[i if several else j],
                style=STYLES.get(key, ":"),
                is_metric=key not in LOSSES,
                best_epoch=result.best_epoch if key == watched else None,
            )


def _curve_names(result: TrainResult, *, metrics: bool) -> list[str]:
    """Return the names of the curves to draw: losses, and metrics if wanted."""
    return [key for key in result.history if key in LOSSES or (metrics and key not in OF_STEPS)]


def _with_star(result: TrainResult, shown: Sequence[str]) -> str:
    """Return the name of the curve with the star.

    It is the monitored curve if drawn, otherwise a loss.
    """
    if result.monitor in shown:
        return str(result.monitor)
    return "validation_loss" if "validation_loss" in shown else "loss"


def _draw(ax: Axes, curve: Curve) -> None:
    """Draw a curve over the epochs from 1 (a single epoch as a point), and its star."""
    epochs = np.arange(1, len(curve.values) + 1)
    marker = "o" if len(epochs) == 1 else None
    ax.plot(epochs, curve.values, curve.style, color=curve.colour, marker=marker, label=curve.label)
    if curve.best_epoch is not None and curve.best_epoch < len(epochs):
        at = [curve.best_epoch + 1], [curve.values[curve.best_epoch]]
        ax.plot(
            *at,
            linestyle="none",
            marker="*",
            markersize=12,
            color=curve.colour,
            markeredgecolor=ink(ax),
            label=f"best epoch: {curve.best_epoch + 1}",
            zorder=4,
        )


def _explain(ax: Axes, right: Axes | None) -> None:
    """Name the axes, and put the legend above them, where it hides no curve."""
    name_axes(ax, "epoch", "loss")
    handles, labels = ax.get_legend_handles_labels()
    if right is not None:
        right.set_ylabel("metric", color=ink(ax))
        more_handles, more_labels = right.get_legend_handles_labels()
        handles, labels = [*handles, *more_handles], [*labels, *more_labels]
    room = 0.8 * size_in_points(ax)[0]  # the numbers at the sides take the rest
    widest = max(labels, key=len) + 6 * "x"  # the sample line is as wide as six letters
    size = fitting_size(widest, room, LARGEST_TEXT)
    columns = max(1, int(room / (LETTER * size * len(widest))))
    ax.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0, 1.01),
        borderaxespad=0,
        frameon=False,
        fontsize=size,
        ncols=min(columns, len(labels)),
        labelcolor=ink(ax),
    )
