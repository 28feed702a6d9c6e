"""Decision regions: the predictions of a network over its input plane."""

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
    """Draw the predictions of a network over its input plane, and the samples.

    The network has two inputs.

    Each class has a colour and a marker; the colour is deeper where the network is more certain,
    and lines mark the decision boundaries. The output of a regression is drawn as a surface, and
    the targets in the same colours.

    Parameters
    ----------
    net : Network
        The network, with two inputs.
    X : array-like of shape (n, 2)
    y : array-like of shape (n,) or (n, n_outputs)
        Labels 0 … n_outputs - 1, or rows whose largest number marks the class. With one output:
        labels 0 and 1 or -1 and 1, or any numbers for a surface.
    ax : Axes, optional
        The Axes to draw into; by default those of a new figure.
    kind : {"auto", "classes", "surface"}, default "auto"
        "auto" draws a surface if there is one output and y contains numbers other than two labels.
    threshold : float, optional
        The decision threshold of a single output; by default the middle of the two labels, 0.5 or
        0. For scores of "hinge" with the labels 0 and 1, pass 0.
    resolution : int, default 160
        Number of points along each side at which the network is evaluated, 2 … 2000.

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
    """Draw outputs, samples and legend; return the artists that a new frame replaces."""
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
