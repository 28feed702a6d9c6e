"""Axes: the user's or those of a new figure, and their size."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .._checks.shown import type_name

POINTS_PER_INCH = 72


def axes_for(ax: Axes | None, *, figsize: tuple[float, float] | None = None) -> Axes:
    """Return `ax`, or the Axes of a new pyplot figure with constrained layout.

    Parameters
    ----------
    ax : Axes or None
    figsize : (float, float), optional
        Width and height of a new figure in inches; by default those of the style.

    Raises
    ------
    TypeError
        `ax` is not a matplotlib Axes.
    """
    if ax is None:
        from matplotlib import pyplot  # only here, because it is not needed with an Axes

        return pyplot.subplots(figsize=figsize, layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise TypeError(f"ax: got {type_name(ax)}, expected a matplotlib Axes or None")
    return ax


def figure_of(ax: Axes) -> Figure:
    """Return the outermost figure that contains `ax`."""
    figure: Any = ax.figure
    while not isinstance(figure, Figure):
        figure = figure.figure
    return figure


def size_in_points(ax: Axes) -> tuple[float, float]:
    """Return the current width and height of `ax` in points, before layout."""
    box = ax.get_window_extent()
    scale = POINTS_PER_INCH / figure_of(ax).dpi
    return box.width * scale, box.height * scale
