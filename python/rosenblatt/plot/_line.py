"""The decision line of a perceptron, w · x + b = 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from .._checks import arguments
from ._axes import axes_for
from ._checks import check_vector
from ._colours import ink


def line(w: ArrayLike, b: float, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the decision line of a perceptron with two inputs.

    The line w_1 x_1 + w_2 x_2 + b = 0 runs from edge to edge; the axis limits do not change.

    Parameters
    ----------
    w : array-like of shape (2,)
    b : float
    ax : Axes, optional
        The Axes to draw into; by default those of a new figure.
    **style
        Properties of a matplotlib line, such as ``label``, ``linestyle`` and ``color``.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        w is not two finite numbers, both are 0, or b is not a finite number.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import rosenblatt as rb
    >>> ax = rb.plot.line([1.0, 2.0], -1.0, label="after 3 mistakes")
    >>> plt.close(ax.figure)
    """
    normal = check_vector("w", w, 2)
    size = float(np.hypot(*normal))
    if size == 0:
        raise ValueError("w: got [0, 0], expected a vector other than 0: [0, 0] defines no line")
    offset = arguments.real("b", b, "a finite number")
    ax = axes_for(ax)
    unit = normal / size
    nearest = -(offset / size) * unit  # the point of the line nearest to the origin
    x, y = (float(each) for each in nearest)
    ax.axline((x, y), (x - float(unit[1]), y + float(unit[0])), **{"color": ink(ax), **style})
    return ax
