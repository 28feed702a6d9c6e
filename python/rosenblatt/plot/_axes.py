"""Axes: where a picture goes, the given one or that of a new figure, and how large it will be."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .._checks.shown import type_name

POINTS_PER_INCH = 72


def axes_for(ax: Axes | None, *, figsize: tuple[float, float] | None = None) -> Axes:
    """Return `ax`, or the Axes of a new figure of pyplot's, which makes room for its texts.

    Parameters
    ----------
    ax : Axes or None
    figsize : (float, float), optional
        Width and height of a new figure in inches; by default the style's.

    Raises
    ------
    TypeError
        `ax` is no Axes of matplotlib.
    """
    if ax is None:
        from matplotlib import pyplot  # only here: who brings an Axes may do without pyplot

        return pyplot.subplots(figsize=figsize, layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise TypeError(f"ax: got {type_name(ax)}, expected a matplotlib Axes or None")
    return ax


def figure_of(ax: Axes) -> Figure:
    """Return the figure that `ax` stands in, the outermost one."""
    figure: Any = ax.figure
    while not isinstance(figure, Figure):
        figure = figure.figure
    return figure


def size_in_points(ax: Axes) -> tuple[float, float]:
    """Return the width and height of `ax` in points, as it stands before a layout moves it."""
    box = ax.get_window_extent()
    scale = POINTS_PER_INCH / figure_of(ax).dpi
    return box.width * scale, box.height * scale
