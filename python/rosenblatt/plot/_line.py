"""The decision line of a perceptron: where w . x + b is 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from .._checks import arguments
from ._axes import axes_for
from ._checks import vector_given
from ._colours import ink


def line(w: ArrayLike, b: float, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the line w_1 x_1 + w_2 x_2 + b = 0 from edge to edge, leaving the limits as they are.

    Parameters
    ----------
    w : array-like of shape (2,)
    b : float
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    **style
        Of a line of matplotlib: ``label``, ``linestyle``, ``color``; by default of the style's ink.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        w is not two finite numbers, or both are 0: there is no line; b is no finite number.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import rosenblatt as rb
    >>> ax = rb.plot.line([1.0, 2.0], -1.0, label="after 3 mistakes")
    >>> plt.close(ax.figure)
    """
    normal = vector_given("w", w, 2)
    size = float(np.hypot(*normal))
    if size == 0:
        raise ValueError("w: got [0, 0], expected another one: w · x + b is the same everywhere")
    offset = arguments.real("b", b, "a finite number")
    ax = axes_for(ax)
    unit = normal / size
    nearest = -(offset / size) * unit  # the point of the line next to 0
    x, y = (float(each) for each in nearest)
    ax.axline((x, y), (x - float(unit[1]), y + float(unit[0])), **{"color": ink(ax), **style})
    return ax
