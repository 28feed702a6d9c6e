"""Decision regions: which class, or which number, a network of two inputs answers where."""

from __future__ import annotations

from typing import cast

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from numpy.typing import ArrayLike

from .._network import FloatArray, Network
from ._axes import axes_for
from ._regions import Kind, Regions
from ._words import colour_scale, has_room, name_axes


def decision_regions(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    ax: Axes | None = None,
    kind: Kind = "auto",
    threshold: float | None = None,
    resolution: int = 160,
) -> Axes:
    """Draw what a network of two inputs answers all over the plane, and the samples.

    Each class has a colour, the deeper the more certain the network is, and a shape; lines are the
    borders. The output of a regression is drawn as a surface, the targets in the same colours.

    Parameters
    ----------
    net : Network
        With two inputs.
    X : array-like of shape (n, 2)
    y : array-like of shape (n,) or (n, n_outputs)
        Labels 0 … n_outputs - 1 or rows, whose largest number is the class; for one output
        0 and 1, -1 and 1, or any numbers for a surface.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    kind : {"auto", "classes", "surface"}, default "auto"
        "auto" draws a surface where there is one output and y has other numbers than two labels.
    threshold : float, optional
        The border of one output between both classes; by default the middle of their labels, 0.5
        or 0. The scores of "hinge" with the labels 0 and 1 have the border 0.
    resolution : int, default 160
        Places along each side at which the network is asked, 2 … 2000.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or shape or is out of range; the message names it.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import rosenblatt as rb
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = rb.Network([2, 8, 1], activation="tanh", output="logistic", random_state=0)
    >>> ax = rb.plot.decision_regions(net, X, y)
    >>> plt.close(ax.figure)
    """
    regions = Regions(net, X, y, kind=kind, threshold=threshold, resolution=resolution)
    A = regions.outputs(net)
    ax = axes_for(ax)
    draw_regions(ax, regions, A)
    return ax


def draw_regions(ax: Axes, regions: Regions, A: FloatArray) -> list[Artist]:
    """Draw outputs, samples and what explains them; return what another picture replaces."""
    painted = regions.paint(ax, A)
    regions.scatter(ax)
    if not has_room(ax):
        return painted
    name_axes(ax, "$x_1$", "$x_2$")
    if regions.is_classes:
        ax.legend(loc="upper right", fontsize="small", framealpha=0.85)
    else:
        colour_scale(ax, cast(ScalarMappable, painted[0]), "a", extend="both")
    return painted
