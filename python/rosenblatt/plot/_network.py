"""The network diagram: circles for units, coloured lines for weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from .._checks import arguments
from .._checks.shown import shown
from .._network import Network, require_network
from ._axes import axes_for, size_in_points
from ._checks import check_finite_weights
from ._colours import background, diverging, ink
from ._units import Column, column
from ._words import LETTER, colour_scale, has_room, title

DIAMETER = 0.7  # of a unit, relative to the distance between units
SHARE_OF_SPACING = 0.35  # maximum diameter, relative to the distance between layers
WIDEST, THINNEST = 2.6, 0.35  # points: line widths of the largest weight and of zero
FAINT = 0.18  # the alpha of weights that are not highlighted
ZERO_INK = 0.22  # keeps the line of a zero weight visible
DOTS = (-0.4, 0.0, 0.4)  # positions in a gap, relative to its middle; a number hides the second
SMALLEST_ROW = 15.5  # points between units: a number with three digits is readable
MOST_UNITS = (4, 12)  # bounds for units of a wide layer: 12 × 12 lines are still distinguishable
MARGIN = 0.4  # left and right of the outer layers, relative to the distance between layers
ABOVE, BELOW = 16, 28  # points for captions: one line above the units, two below
SMALLEST_TEXT, LARGEST_TEXT = 4.5, 9.0  # points; smaller text is left out
DIGIT = 0.64  # the width of a digit relative to its size, in DejaVu Sans
SCALE_WIDTH = 45  # points for the colour bar of the weights, with its numbers

Index = tuple[int, int, int]


class Room(NamedTuple):
    """The available space.

    Attributes
    ----------
    spacing : float
        Distance between layers, in points.
    row : float
        Distance between units, in points; 1 on the y axis.
    diameter : float
        Of a unit, relative to `row`.
    """

    spacing: float
    row: float
    diameter: float


@dataclass(frozen=True)
class Edges:
    """The weights to draw, smallest first, so that the largest are on top.

    Attributes
    ----------
    ends : ndarray of shape (n_edges, 2, 2)
        Both ends of each line, (x, y).
    weights : ndarray of shape (n_edges,)
    strong : ndarray of bool, shape (n_edges,)
        Whether the weight is highlighted.
    """

    ends: NDArray[np.float64]
    weights: NDArray[np.float64]
    strong: NDArray[np.bool_]


def network(
    net: Network,
    *,
    highlight: Iterable[Index] | None = None,
    ax: Axes | None = None,
    labels: bool = True,
    colorbar: bool = True,
    max_units: int | None = None,
) -> Axes:
    """Draw a network with a circle for each unit and a line for each weight.

    The line of a positive weight is blue, that of a negative weight orange; its width grows with
    the absolute value. Only the first and last units of a wide layer are drawn, with the number of
    omitted units between them.

    Parameters
    ----------
    net : Network
    highlight : iterable of (layer, to, from), optional
        Weights to highlight while all others are faint, counted from 1 as in the lecture:
        (2, 3, 1) is W^(2)_31, from unit 1 of layer 2 to unit 3 of layer 3. In a wide layer their
        units are drawn first.
    ax : Axes, optional
        The Axes to draw into; by default those of a new figure.
    labels : bool, default True
        Write the name of each layer and each W, and the number of each unit if it fits.
    colorbar : bool, default True
        Add a colour bar of the weights if it fits.
    max_units : int, optional
        The number of units to draw of a wide layer, at least 2; by default as many as fit, from 4
        to 12.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or is out of range, `highlight` names a weight that does not
        exist, or a weight is NaN or infinite.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import rosenblatt as rb
    >>> net = rb.Network([64, 32, 10], random_state=0)
    >>> ax = rb.plot.network(net, highlight=[(1, 2, 5), (2, 1, 2)])
    >>> plt.close(ax.figure)
    """
    require_network("net", net)
    labels = arguments.flag("labels", labels)
    colorbar = arguments.flag("colorbar", colorbar)
    if max_units is not None:
        max_units = arguments.integer("max_units", max_units, least=2, most=1000)
    strong = None if highlight is None else _check_highlight(net, highlight)
    check_finite_weights(net)
    ax = axes_for(ax)
    columns = _columns(net, strong, max_units or _fitting_units(ax))
    edges = _edges(net, columns, strong)
    scale = colorbar and has_room(ax)
    room = _frame(ax, columns, labels, scale)
    lines = _draw_edges(ax, edges, highlighted=strong is not None)
    _draw_units(ax, columns, room.diameter)
    if labels:
        _number_units(ax, columns, room)
        _name_layers(ax, net, room)
    if scale:
        _draw_scale(ax, lines)
    title(ax, " – ".join(str(size) for size in net.layers))
    return ax


def _check_highlight(net: Network, highlight: Iterable[Index]) -> set[Index]:
    """Check the weights to highlight and return them as (layer, to, from) from 0."""
    expected = "(layer, to, from), each counted from 1"
    if isinstance(highlight, str) or not isinstance(highlight, Iterable):
        raise TypeError(f"highlight: got {shown(highlight)}, expected an iterable of {expected}")
    weights = set()
    for i, index in enumerate(highlight):
        name = f"highlight[{i}]"
        if not isinstance(index, tuple | list | np.ndarray) or len(index) != 3:
            raise TypeError(f"{name}: got {shown(index)}, expected {expected}")
        layer, to, source = (arguments.integer(name, number, least=-(2**63)) for number in index)
        if not 1 <= layer <= len(net.W):
            raise ValueError(f"{name}: got layer {layer}, expected 1 … {len(net.W)}")
        n_to, n_from = net.W[layer - 1].shape
        if not (1 <= to <= n_to and 1 <= source <= n_from):
            raise ValueError(
                f"{name}: got j = {to}, k = {source}, expected j in 1..{n_to}, k in 1..{n_from},"
                f" because W^({layer}) is {n_to} × {n_from}"
            )
        weights.add((layer - 1, to - 1, source - 1))
    return weights


def _fitting_units(ax: Axes) -> int:
    """Return how many units of a layer fit into `ax`, with two gaps between them."""
    rows = (size_in_points(ax)[1] - ABOVE - BELOW) / SMALLEST_ROW
    return int(np.clip(rows - 2, *MOST_UNITS))


def _columns(net: Network, strong: set[Index] | None, max_units: int) -> list[Column]:
    """Place the units of every layer, preferring those of highlighted weights."""
    wanted: list[set[int]] = [set() for _ in net.layers]
    for layer, to, source in strong or ():
        wanted[layer].add(source)
        wanted[layer + 1].add(to)
    return [
        column(n_units, max_units, units) for n_units, units in zip(net.layers, wanted, strict=True)
    ]


def _edges(net: Network, columns: list[Column], strong: set[Index] | None) -> Edges:
    """Collect the weights between drawn units."""
    ends, weights, marks = [], [], []
    for layer, (W, left, right) in enumerate(zip(net.W, columns, columns[1:], strict=False)):
        for to, y_to in zip(right.units, right.y, strict=True):
            for source, y_from in zip(left.units, left.y, strict=True):
                ends.append([(layer, y_from), (layer + 1, y_to)])
                weights.append(float(W[to, source]))
                marks.append(strong is not None and (layer, to, source) in strong)
    order = np.argsort(np.abs(weights), kind="stable")
    return Edges(np.array(ends)[order], np.array(weights)[order], np.array(marks)[order])


def _frame(ax: Axes, columns: list[Column], labels: bool, scale: bool) -> Room:
    """Set the limits of `ax` and return the space per layer and unit."""
    above = max(y for each in columns for y in each.extent)
    below = min(y for each in columns for y in each.extent)
    rows = above - below + 1
    width, height = size_in_points(ax)
    squeezed = max((ABOVE + BELOW) / (0.6 * height), 1.0)  # captions take at most 0.6 of the height
    over, under = (ABOVE / squeezed, BELOW / squeezed) if labels else (0.0, 0.0)
    row = (height - over - under) / rows
    spacing = (width - SCALE_WIDTH * scale) / (len(columns) - 1 + 2 * MARGIN)
    ax.set_xlim(-MARGIN, len(columns) - 1 + MARGIN)
    ax.set_ylim(below - 0.5 - under / row, above + 0.5 + over / row)
    ax.set_axis_off()
    return Room(spacing, row, min(DIAMETER, SHARE_OF_SPACING * spacing / row))


def _draw_edges(ax: Axes, edges: Edges, *, highlighted: bool) -> LineCollection:
    """Draw the weights and return the lines to which the colour bar belongs."""
    largest = float(np.abs(edges.weights).max()) or 1.0
    norm = Normalize(-largest, largest)
    widths = THINNEST + (WIDEST - THINNEST) * np.abs(edges.weights) / largest
    colours: Any = diverging(ax, centre=ZERO_INK)
    weak = ~edges.strong
    lines = LineCollection(
        list(edges.ends[weak]),
        array=edges.weights[weak],
        cmap=colours,
        norm=norm,
        linewidths=widths[weak],
        alpha=FAINT if highlighted else None,
        zorder=1,
        label="weights",
    )
    ax.add_collection(lines, autolim=False)
    if not highlighted:
        return lines
    # A rim of ink keeps a highlighted weight near zero visible.
    ends, strong_widths = list(edges.ends[edges.strong]), widths[edges.strong] + 1.2
    rim = LineCollection(ends, colors=[ink(ax)], linewidths=strong_widths + 1.4, zorder=1.5)
    ax.add_collection(rim, autolim=False)
    strong = LineCollection(
        ends,
        array=edges.weights[edges.strong],
        cmap=colours,
        norm=norm,
        linewidths=strong_widths,
        zorder=1.6,
        label="highlighted weights",
    )
    ax.add_collection(strong, autolim=False)
    return strong


def _draw_units(ax: Axes, columns: list[Column], diameter: float) -> None:
    """Draw the units, and dots where units are left out."""
    units = [(float(x), y) for x, each in enumerate(columns) for y in each.y]
    circles = _circles(ax, units, diameter, facecolors=[background(ax)], edgecolors=[ink(ax)])
    circles.set_label("units")
    dots = [
        (float(x), y + shift)
        for x, each in enumerate(columns)
        for y, _ in each.gaps
        for shift in DOTS
    ]
    if dots:
        _circles(ax, dots, min(0.1, diameter / 4), facecolors=[ink(ax)]).set_label("left out")


def _circles(
    ax: Axes, centres: list[tuple[float, float]], diameter: float, **style: Any
) -> EllipseCollection:
    """Draw circles that are round in any Axes, with a diameter in units of y."""
    sizes = np.full(len(centres), diameter)
    circles = EllipseCollection(
        sizes,
        sizes,
        np.zeros(len(centres)),
        units="y",
        offsets=centres,
        offset_transform=ax.transData,
        zorder=2,
        **style,
    )
    ax.add_collection(circles, autolim=False)
    return circles


def _number_units(ax: Axes, columns: list[Column], room: Room) -> None:
    """Write the numbers of units, and the numbers of omitted units."""
    diameter = room.diameter * room.row
    for x, each in enumerate(columns):
        longest = max(2, len(str(each.units[-1] + 1)))
        size = min(LARGEST_TEXT, 0.88 * diameter / (DIGIT * longest))
        if size >= SMALLEST_TEXT:
            for y, unit in zip(each.y, each.units, strict=True):
                _write(ax, (x, y), str(unit + 1), size)
        size = min(LARGEST_TEXT, 0.45 * room.row)
        if size >= SMALLEST_TEXT:
            for y, missing in each.gaps:
                box = {"facecolor": background(ax), "edgecolor": "none", "pad": 1.0}
                _write(ax, (x, y), f"{missing:,}", size, bbox=box)


def _write(ax: Axes, at: tuple[float, float], text: str, size: float, **style: Any) -> None:
    style = {"ha": "center", "va": "center_baseline", **style}
    ax.text(*at, text, size=size, color=ink(ax), zorder=3, **style)


def _name_layers(ax: Axes, net: Network, room: Room) -> None:
    """Write number and activation of each layer below it, and each W above its lines."""
    bottom, top = ax.get_ylim()
    names = ["input", *net.activations]
    longest = max(len(name) for name in [*names, "layer 1"])
    size = min(LARGEST_TEXT, 0.95 * room.spacing / (LETTER * longest))
    if size < SMALLEST_TEXT:  # only the numbers
        names, size = [""] * len(names), 1.2 * SMALLEST_TEXT
    for x, name in enumerate(names):
        text = f"layer {x + 1}\n{name}" if name else str(x + 1)
        _write(ax, (x, bottom), text, size, va="bottom")
    size = min(LARGEST_TEXT, 0.95 * room.spacing / (LETTER * len("W^(1)")))
    if size >= SMALLEST_TEXT:
        for x in range(len(net.W)):
            _write(ax, (x + 0.5, top), f"$W^{{({x + 1})}}$", size, va="top")


def _draw_scale(ax: Axes, lines: LineCollection) -> None:
    """Add a colour bar of the weights that is shorter and thinner than usual."""
    width, height = size_in_points(ax)
    place = {"shrink": 0.6, "fraction": 7 / width, "aspect": 0.6 * height / 7, "pad": 0.01}
    scale = colour_scale(ax, lines, "w", alpha=1, **place)
    scale.locator = MaxNLocator(nbins=max(2, int(height / 60)), symmetric=True)
    scale.update_ticks()
    scale.outline.set_visible(False)
