"""The weights of the first layer as images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from .._checks import arguments
from .._checks.shown import shown
from .._network import Network, require_network
from ._axes import axes_for, size_in_points
from ._checks import check_finite_weights
from ._colours import background, diverging, ink, mix
from ._words import colour_scale, has_room, title

FRAME_INK = 0.3  # share of ink in the lines between the images


def first_layer_weights(
    net: Network,
    shape: Sequence[int] = (8, 8),
    *,
    ax: Axes | None = None,
    max_units: int = 64,
    colorbar: bool = True,
) -> Axes:
    """Draw the weights into each unit of the first hidden layer as an image.

    The images are arranged in rows, unit 1 first, with one colour scale: orange for negative
    weights, blue for positive ones.

    Parameters
    ----------
    net : Network
    shape : (int, int), default (8, 8)
        Height and width of an image, whose product is the number of inputs.
    ax : Axes, optional
        The Axes to draw into; by default those of a new figure.
    max_units : int, default 64
        The maximum number of units to draw.
    colorbar : bool, default True
        Add a colour bar.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or is out of range, `shape` does not fit the inputs, or a
        weight is NaN or infinite.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import rosenblatt as rb
    >>> net = rb.Network([64, 32, 10], random_state=0)
    >>> ax = rb.plot.first_layer_weights(net)
    >>> ax.get_title()
    '$W^{(1)}$: 32 units of 8 × 8 weights'
    >>> plt.close(ax.figure)
    """
    require_network("net", net)
    height, width = _image_shape(shape, net.layers[0])
    n_units = min(arguments.integer("max_units", max_units, least=1, most=10_000), net.layers[1])
    colorbar = arguments.flag("colorbar", colorbar)
    check_finite_weights(net)
    ax = axes_for(ax)
    images = net.W[0][:n_units].astype(np.float64).reshape(n_units, height, width)
    room_width, room_height = size_in_points(ax)
    sheet = _sheet(images, room_width / room_height)
    largest = float(np.abs(images).max()) or 1.0
    colours = diverging(ax).with_extremes(bad=mix(background(ax), ink(ax), FRAME_INK))
    shown = ax.imshow(
        np.ma.masked_invalid(sheet),
        cmap=colours,
        norm=Normalize(-largest, largest),
        interpolation="nearest",
        extent=(0, sheet.shape[1], sheet.shape[0], 0),
    )
    ax.set_axis_off()
    units = f"{n_units}" if n_units == net.layers[1] else f"{n_units} of {net.layers[1]:,}"
    if not has_room(ax):
        return ax
    title(ax, f"$W^{{(1)}}$: {units} units of {height} × {width} weights")
    if colorbar:
        colour_scale(ax, shown, "w", shrink=0.8, fraction=0.05, pad=0.02)
    return ax


def _image_shape(shape: Sequence[int], n_features: int) -> tuple[int, int]:
    expected = "(height, width)"
    if not isinstance(shape, Sequence | np.ndarray) or isinstance(shape, str) or len(shape) != 2:
        raise TypeError(f"shape: got {shown(shape)}, expected {expected}")
    height, width = (arguments.integer(f"shape[{i}]", n, least=1) for i, n in enumerate(shape))
    if height * width != n_features:
        raise ValueError(
            f"shape: got ({height}, {width}), {height * width:,} weights per image, "
            f"expected {n_features:,}, one per input"
        )
    return height, width


def _sheet(images: NDArray[np.float64], ratio: float) -> NDArray[np.float64]:
    """Arrange images (n, height, width) in rows, with NaN between and around them.

    The number of columns makes the width of the sheet about `ratio` times its height.
    """
    n, height, width = images.shape
    columns = min(n, max(1, round(math.sqrt(n * height / width * ratio))))
    rows = -(-n // columns)
    sheet = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1), np.nan)
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + 1) + 1, (i % columns) * (width + 1) + 1
        sheet[top : top + height, left : left + width] = image
    return sheet
