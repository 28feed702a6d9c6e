"""Histograms of z, a and delta, which reveal saturated and dead units."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from .._checks import arguments
from .._loss import Loss
from .._network import Network, require_network
from ._axes import axes_for, size_in_points
from ._colours import class_colours, ink
from ._words import fitting_size, has_room

PANEL = (2.0, 1.6)  # inches, of a histogram in a new figure
WIDEST = 16.0  # inches, of a new figure
NUMBER = 30.0  # points: the width of a number below a histogram
LARGEST_TITLE = 8.5  # points
GAP = 0.22  # of a panel, between two panels: space for numbers


def histograms(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    loss: Loss | None = None,
    *,
    ax: Axes | None = None,
    bins: int = 30,
) -> Axes:
    """Draw the distributions of z, a and, with targets, delta of every layer.

    Each column is a layer and each row a quantity; a histogram counts all units and samples.

    Parameters
    ----------
    net : Network
    X : array-like of shape (n, n_features)
    Y : array-like of shape (n, n_outputs) or (n,), optional
    loss : str, Huber, Quantile, LogLoss, Poisson or Focal, optional
        With Y and loss, delta = dC/dz is drawn too. Pass both or neither.
    ax : Axes, optional
        The Axes to draw into; by default those of a new figure.
    bins : int, default 30
        The number of bins per histogram, 1 … 1000.

    Returns
    -------
    Axes
        The histograms are its ``child_axes``, row by row.

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or shape or is out of range; the message names it.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import rosenblatt as rb
    >>> X, y = rb.datasets.load_digits()
    >>> net = rb.Network([64, 32, 10], output="softmax", random_state=0)
    >>> ax = rb.plot.histograms(net, X, y, "log_loss")
    >>> len(ax.child_axes)  # z, a and delta of layers 2 and 3
    6
    >>> plt.close(ax.figure)
    """
    require_network("net", net)
    bins = arguments.integer("bins", bins, least=1, most=1000)
    rows = _quantities(net, X, Y, loss)
    width = min(PANEL[0] * len(net.W) + 0.5, WIDEST)
    ax = axes_for(ax, figsize=(width, PANEL[1] * len(rows) + 0.4))
    ax.set_axis_off()
    small = not has_room(ax)
    spacing = size_in_points(ax)[0] / len(net.W)
    longest = max([*net.activations, "layer 2"], key=len)
    title_size = fitting_size(longest, spacing, LARGEST_TITLE)
    for i, (name, arrays) in enumerate(rows.items()):
        for j, values in enumerate(arrays):
            panel = _panel(ax, i, j, len(rows), len(arrays))
            _draw(panel, values, bins, class_colours(ax, 3)[i])
            if small:
                panel.xaxis.set_ticks([])
                continue
            panel.xaxis.set_major_locator(MaxNLocator(nbins=max(1, int(spacing / NUMBER))))
            if j == 0:
                panel.set_ylabel(name, color=ink(ax), rotation=0, ha="right", va="center")
            if i == 0:
                text = f"layer {j + 2}\n{net.activations[j]}"
                panel.set_title(text, color=ink(ax), size=title_size)
    return ax


def _quantities(
    net: Network, X: ArrayLike, Y: ArrayLike | None, loss: Loss | None
) -> dict[str, tuple[NDArray[Any], ...]]:
    """Return the arrays of every layer, by the name of the quantity."""
    if (Y is None) != (loss is None):
        present, missing = ("loss", "Y") if Y is None else ("Y", "loss")
        raise TypeError(f"{missing}: got None with {present}, expected both or neither")
    trace = net.trace(X)
    if not len(trace.A[0]):
        raise ValueError("X: got no samples, expected at least one")
    rows = {"z": trace.Z, "a": trace.A[1:]}
    if Y is not None and loss is not None:
        rows["δ"] = net.gradients(X, Y, loss=loss).delta
    return rows


def _panel(ax: Axes, row: int, column: int, n_rows: int, n_columns: int) -> Axes:
    """Add the Axes of one histogram to `ax`."""
    width, height = 1 / (n_columns + GAP * (n_columns - 1)), 1 / (n_rows + 2 * GAP * (n_rows - 1))
    left = column * width * (1 + GAP)
    bottom = 1 - height - row * height * (1 + 2 * GAP)
    return ax.inset_axes((left, bottom, width, height))


def _draw(panel: Axes, values: NDArray[Any], bins: int, colour: tuple[float, float, float]) -> None:
    """Draw one histogram, with few numbers below and none at the side."""
    flat = values.astype(np.float64).ravel()
    flat = flat[np.isfinite(flat)]
    if flat.size:
        counts, edges = np.histogram(flat, bins=bins, range=_range(flat))
        panel.stairs(counts, edges, fill=True, color=colour)
    panel.set_facecolor("none")
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.spines["bottom"].set_color(ink(panel))
    panel.yaxis.set_ticks([])
    panel.tick_params(labelsize="x-small", colors=ink(panel), length=2)
    panel.ticklabel_format(axis="x", style="sci", scilimits=(-2, 3))
    panel.xaxis.get_offset_text().set(size="x-small", color=ink(panel))


def _range(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the range of values, widened if float64 cannot divide it into bins."""
    low, high = float(values.min()), float(values.max())
    least = 1e-9 * max(abs(low), abs(high)) or 1.0  # some 1e7 roundings of float64
    if high - low < least:
        low, high = low - least / 2, high + least / 2
    return low, high
