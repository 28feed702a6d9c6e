"""Text of a plot: its title, axis labels and colour bar."""

from __future__ import annotations

import re
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.font_manager import FontProperties

from ._axes import figure_of, size_in_points
from ._colours import ink

SMALLEST_WITH_WORDS = (110, 90)  # points: in a smaller plot, text would take too much space
LETTER = 0.62  # the mean width of a letter relative to its size, in DejaVu Sans
SMALLEST = 5.0  # points


def has_room(ax: Axes) -> bool:
    """Whether `ax` is large enough for text; call before adding text."""
    width, height = size_in_points(ax)
    return width >= SMALLEST_WITH_WORDS[0] and height >= SMALLEST_WITH_WORDS[1]


def fitting_size(text: str, width: float, largest: float) -> float:
    """Return the font size at which `text` is at most `width` wide, in points.

    It is at least 5 points, whatever the width.
    """
    n_letters = len(re.sub(r"[${}^_]", "", text))  # formula markup has no width
    return float(np.clip(width / (LETTER * max(n_letters, 1)), SMALLEST, largest))


def title(ax: Axes, text: str) -> None:
    """Give `ax` a title that fits.

    It has the size of the style, or a smaller one.
    """
    largest = FontProperties(size=mpl.rcParams["axes.titlesize"]).get_size_in_points()
    ax.set_title(text, color=ink(ax), size=fitting_size(text, size_in_points(ax)[0], largest))


def name_axes(ax: Axes, x: str, y: str) -> None:
    """Label both axes."""
    ax.set_xlabel(x, color=ink(ax))
    ax.set_ylabel(y, color=ink(ax))


def colour_scale(ax: Axes, colours: ScalarMappable, name: str, **place: Any) -> Colorbar:
    """Add a colour bar next to `ax`, with its name on top."""
    scale = figure_of(ax).colorbar(colours, ax=ax, **place)
    scale.ax.tick_params(colors=ink(ax), labelsize="small")
    scale.ax.set_title(name, color=ink(ax), size="small")
    return scale
