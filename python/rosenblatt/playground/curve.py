"""The costs of all epochs, thinned out for display."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_POINTS: Final = 512  # a curve is a few hundred pixels wide


class Curve:
    """Costs of epochs, thinned out if the run is long.

    It keeps every second, fourth, … epoch and the latest one.

    Examples
    --------
    >>> curve = Curve()
    >>> for epoch in range(3000):
    ...     curve.add(epoch, 1 / (1 + epoch), 0.5)
    >>> epochs, costs, costs_held_out = curve.arrays()
    >>> epochs[:3].tolist(), epochs[-1].item(), len(epochs) <= 513
    ([0.0, 8.0, 16.0], 2999.0, True)
    """

    def __init__(self) -> None:
        self._every = 1
        self._points: list[tuple[int, float, float]] = []
        self._latest: tuple[int, float, float] | None = None

    def add(self, epoch: int, cost: float, cost_held_out: float) -> None:
        """Record the costs of an epoch."""
        self._latest = (epoch, cost, cost_held_out)
        if epoch % self._every == 0:
            self._points.append(self._latest)
        if len(self._points) >= MOST_POINTS:
            self._every *= 2
            self._points = [point for point in self._points if point[0] % self._every == 0]

    def arrays(self) -> tuple[NDArray[np.float64], ...]:
        """Return epochs, training costs and costs of the held-out samples, each (n,)."""
        points = self._points
        if self._latest is not None and (not points or points[-1] != self._latest):
            points = [*points, self._latest]
        return tuple(np.array(points).reshape(-1, 3).T)
