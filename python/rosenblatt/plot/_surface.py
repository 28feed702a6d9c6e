"""The loss surface: the cost over a plane in parameter space, and a path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike, NDArray

from .._checks import arguments
from .._checks.shown import type_name
from .._loss import Loss
from .._network import Network, require_network
from . import _directions
from ._axes import axes_for
from ._checks import check_vector
from ._colours import background, ink
from ._directions import Directions
from ._theta_path import ThetaPath
from ._words import colour_scale, has_room, name_axes

LEVELS = 24  # number of contours
LOG_FROM = 10.0  # ratio of largest to smallest cost from which levels are logarithmic
MARGIN = 0.25  # around the path, relative to its extent
SEQUENTIAL = "cividis"


def loss_surface(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: Loss,
    path: ThetaPath | Sequence[ArrayLike] | None = None,
    directions: Literal["random", "pca"] | Sequence[ArrayLike] | None = None,
    random_state: int | np.random.Generator | None = 0,
    span: float | None = None,
    resolution: int = 31,
    ax: Axes | None = None,
) -> Axes:
    """Draw the cost along two directions in parameter space, and a path of descent.

    The cost is computed at ``theta + alpha d_1 + beta d_2``; the network itself does not change.
    The path is projected onto this plane.

    Parameters
    ----------
    net : Network
        The network, whose theta is the origin.
    X : array-like of shape (n, n_features)
    Y : array-like of shape (n, n_outputs) or (n,)
    loss : str, Huber, Quantile, LogLoss, Poisson or Focal
        As for `Network.gradients`.
    path : ThetaPath or sequence of array-like of shape (n_params,), optional
    directions : {"random", "pca"} or two vectors of shape (n_params,), optional
        "random": random vectors, scaled per unit to the norm of its weights. "pca": the first two
        principal components of the path; the default if there is a path.
    random_state : int, numpy.random.Generator or None, default 0
        The seed of random directions.
    span : float, optional
        The half-width of the plane along each direction, in multiples of the direction; by default
        1, or large enough for the path.
    resolution : int, default 31
        Number of points along each side at which the cost is computed, 2 … 500.
    ax : Axes, optional
        The Axes to draw into; by default those of a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or shape or is out of range, or no cost is finite; the
        message names the argument.

    Notes
    -----
    H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, "Visualizing the loss landscape of neural
    nets", 2018.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import rosenblatt as rb
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = rb.Network([2, 8, 1], activation="tanh", output="logistic", random_state=0)
    >>> path = rb.plot.ThetaPath(net)
    >>> result = rb.train(net, X, y, loss="log_loss", epochs=50, callback=path)
    >>> ax = rb.plot.loss_surface(net, X, y, loss="log_loss", path=path, resolution=15)
    >>> plt.close(ax.figure)
    """
    require_network("net", net)
    resolution = arguments.integer("resolution", resolution, least=2, most=500)
    origin = net.theta.astype(np.float64)
    points = None if path is None else _points(path, net.n_params)
    seed = arguments.seed("random_state", random_state)
    along = _along(net, origin, points, directions, seed)
    on_plane = None if points is None else _directions.coordinates(points, origin, along)
    sides = _sides(on_plane, span, resolution)
    probe = net.copy()

    def cost(theta: NDArray[np.float64]) -> float:
        probe.theta[...] = theta
        return probe.gradients(X, Y, loss=loss).cost

    C = _costs(cost, origin, along, sides)
    ax = axes_for(ax)
    words = has_room(ax)
    _draw_cost(ax, sides, C, scale=words)
    if on_plane is not None:
        _draw_path(ax, on_plane, legend=words)
    ax.set_xlim(sides[0][0], sides[0][-1])
    ax.set_ylim(sides[1][0], sides[1][-1])
    if words:
        name_axes(ax, *along.labels)
    return ax


def _points(path: ThetaPath | Sequence[ArrayLike], n_params: int) -> NDArray[np.float64]:
    """Return a path as rows, (n, n_params)."""
    if isinstance(path, ThetaPath):
        path = path.thetas
    if isinstance(path, str) or not isinstance(path, Sequence | np.ndarray):
        raise TypeError(
            f"path: got {type_name(path)}, expected a plot.ThetaPath or a sequence of theta"
        )
    if not len(path):
        raise ValueError("path: got no points, expected one or more")
    return np.stack([check_vector(f"path[{i}]", each, n_params) for i, each in enumerate(path)])


def _along(
    net: Network,
    origin: NDArray[np.float64],
    points: NDArray[np.float64] | None,
    directions: Any,
    seed: int,
) -> Directions:
    if directions is None:
        directions = "random" if points is None else "pca"
    if isinstance(directions, str):
        if arguments.choice("directions", directions, ("random", "pca")) == "random":
            return _directions.random(net, seed)
        if points is None:
            raise ValueError("directions: got 'pca' without a path, expected a path")
        return _directions.principal(points, origin)
    return _directions.user_directions(directions, net.n_params)


def _sides(
    on_plane: NDArray[np.float64] | None, span: float | None, resolution: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coordinates along both directions, smallest first."""
    ends = []
    for i in range(2):
        if span is not None:
            half = arguments.positive("span", span)
            low, high = -half, half
        elif on_plane is None:
            low, high = -1.0, 1.0
        else:
            low, high = min(0.0, on_plane[:, i].min()), max(0.0, on_plane[:, i].max())
        ends.append((low, high))
    # A path along only one direction also needs a margin across it.
    longest = max(high - low for low, high in ends) or 1.0
    if span is None and on_plane is not None:
        ends = [(low - MARGIN * longest, high + MARGIN * longest) for low, high in ends]
    x, y = (np.linspace(low, high, resolution) for low, high in ends)
    return x, y


def _costs(
    cost: Callable[[NDArray[np.float64]], float],
    origin: NDArray[np.float64],
    along: Directions,
    sides: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the cost at every point, NaN if it is not finite."""
    C = np.empty((len(sides[1]), len(sides[0])))
    for i, beta in enumerate(sides[1]):
        for j, alpha in enumerate(sides[0]):
            C[i, j] = cost(origin + alpha * along.vectors[0] + beta * along.vectors[1])
    C[~np.isfinite(C)] = np.nan
    if np.isnan(C).all():
        raise ValueError("span: got a plane without a finite cost, expected a smaller span")
    return C


def _draw_cost(
    ax: Axes,
    sides: tuple[NDArray[np.float64], NDArray[np.float64]],
    C: NDArray[np.float64],
    *,
    scale: bool,
) -> None:
    """Draw the cost as filled contours with a colour bar."""
    costs = np.ma.masked_invalid(C)
    levels = _levels(float(costs.min()), float(costs.max()))
    norm = BoundaryNorm(levels, 256)
    filled = ax.contourf(*sides, costs, levels=levels, cmap=SEQUENTIAL, norm=norm)
    ax.contour(*sides, costs, levels=levels, colors=[(0.5, 0.5, 0.5)], linewidths=0.4, alpha=0.6)
    if scale:
        numbers = FuncFormatter(lambda C, _: f"{C:.3g}")
        colour_scale(ax, filled, "C", format=numbers, ticks=levels[:: LEVELS // 6])


def _levels(low: float, high: float) -> NDArray[np.float64]:
    """Return the levels of the contours.

    They are logarithmic if the cost spans several scales.
    """
    if low > 0 and high / low >= LOG_FROM:
        return np.geomspace(low, high, LEVELS + 1)
    if not high - low > 1e-9 * max(abs(low), abs(high)):  # flat up to rounding
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, LEVELS + 1)


def _draw_path(ax: Axes, on_plane: NDArray[np.float64], *, legend: bool) -> None:
    """Draw the path, its start and its end, with a rim that is visible on any colour."""
    rim = [withStroke(linewidth=3.2, foreground=background(ax))]
    ax.plot(*on_plane.T, color=ink(ax), linewidth=1.4, path_effects=rim, label="path")
    ends: Any = {"color": ink(ax), "linestyle": "none", "markeredgecolor": background(ax)}
    ax.plot(*on_plane[:1].T, marker="o", markersize=7, label="start", zorder=3, **ends)
    ax.plot(*on_plane[-1:].T, marker="*", markersize=13, label="end", zorder=3, **ends)
    if legend:
        ax.legend(loc="upper right", fontsize="small", framealpha=0.85)
