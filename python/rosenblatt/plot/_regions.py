"""Regions: predictions over a plane, as colours and boundaries."""

from __future__ import annotations

from typing import Any, Literal, cast

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from numpy.typing import ArrayLike, NDArray

from .._checks import arguments, arrays
from .._checks.shown import shown
from .._network import FloatArray, Network, require_network
from ._checks import check_samples
from ._colours import background, class_colours, ink

Kind = Literal["auto", "classes", "surface"]
KINDS = ("auto", "classes", "surface")

MARGIN = 0.12  # around the samples, relative to their range
PALEST, DEEPEST = 0.16, 0.6  # share of the class colour at an uncertain and at a certain point
MARKERS = "os^Dv*P"  # classes also differ in shape
SEQUENTIAL = "cividis"  # looks the same to colour-blind people: Nuñez, Anderton, Renslow, 2018
LOGARITHMIC = "log_softmax"
PROBABILITIES = ("softmax", LOGARITHMIC)  # outputs that measure certainty


class Regions:
    """The predictions of a network over the plane of its two inputs.

    Parameters
    ----------
    net : Network
        The network, with two inputs.
    X : array-like of shape (n, 2)
    y : array-like of shape (n,) or (n, n_outputs)
    kind : {"auto", "classes", "surface"}
    threshold : float or None
        The decision threshold of a single output, None for the middle of both labels.
    resolution : int
        Number of points along each side.

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or shape or is out of range.
    """

    def __init__(
        self,
        net: Network,
        X: ArrayLike,
        y: ArrayLike,
        *,
        kind: str,
        threshold: float | None,
        resolution: int,
    ) -> None:
        require_network("net", net)
        if net.layers[0] != 2:
            raise ValueError(
                f"net: got {net.layers[0]} inputs, expected 2; decision regions fill a plane"
            )
        arguments.choice("kind", kind, KINDS)
        self._resolution = arguments.integer("resolution", resolution, least=2, most=2000)
        self.X = check_samples("X", X, 2)
        targets = _targets(y, len(self.X), net.layers[-1])
        self._output = net.activations[-1]
        self.is_classes = _is_classes(kind, targets, net.layers[-1])
        if self.is_classes:
            self.y, ends = _labels(targets, net.layers[-1])
            self._threshold = (ends[0] + ends[1]) / 2
            self._certain = (ends[1] - ends[0]) / 2  # the distance of a label from the threshold
            self.n_classes = max(net.layers[-1], 2)
        else:
            self.y = targets
            self.norm = _norm(targets)
        if threshold is not None:
            if not self.is_classes or net.layers[-1] != 1:
                raise ValueError(
                    f"threshold: got {shown(threshold)}, expected None unless one output"
                    " distinguishes two classes"
                )
            self._threshold = arguments.real("threshold", threshold, "a finite number or None")
        self.extent = _extent(self.X)

    def outputs(self, net: Network) -> FloatArray:
        """Return the outputs over the plane, lowest row first.

        Their shape is (resolution, resolution, n_outputs).

        The outputs of log_softmax are converted to probabilities.
        """
        left, right, bottom, top = self.extent
        x, y = np.meshgrid(
            np.linspace(left, right, self._resolution), np.linspace(bottom, top, self._resolution)
        )
        A = net.forward(np.column_stack([x.ravel(), y.ravel()]))
        A = np.exp(A) if self._output == LOGARITHMIC else A
        return A.reshape(self._resolution, self._resolution, -1)

    def paint(self, ax: Axes, A: FloatArray) -> list[Artist]:
        """Draw the outputs below everything else in `ax`, and return the new artists."""
        left, right, bottom, top = self.extent
        place: Any = {"extent": self.extent, "origin": "lower", "aspect": "auto", "zorder": 0}
        if self.is_classes:
            image = ax.imshow(self._colours(ax, A), interpolation="nearest", **place)
            fields = list(self._borders(A))
        else:
            values = np.ma.masked_invalid(A[..., 0])
            image = ax.imshow(
                values, cmap=SEQUENTIAL, norm=self.norm, interpolation="nearest", **place
            )
            fields = []
        added: list[Artist] = [image]
        for field in fields:
            border = ax.contour(
                np.ma.masked_invalid(field),
                levels=[0.0],
                extent=self.extent,
                colors=[ink(ax)],
                linewidths=1.0,
                zorder=1,
            )
            added.append(cast(Artist, border))
        ax.set_xlim(left, right)
        ax.set_ylim(bottom, top)
        return added

    def scatter(self, ax: Axes) -> None:
        """Draw the samples in the colours of their targets."""
        size = float(np.clip(4000 / len(self.X), 5, 26))  # square points; smaller for many samples
        style: Any = {"s": size, "edgecolors": [ink(ax)], "linewidths": 0.6, "zorder": 2}
        if not self.is_classes:
            x, y = self.X.T
            ax.scatter(x, y, c=self.y, cmap=SEQUENTIAL, norm=self.norm, **style)
            return
        colours = class_colours(ax, self.n_classes)
        for k in range(self.n_classes):
            if (of_class := self.y == k).any():
                marker = MARKERS[k % len(MARKERS)]
                x, y = self.X[of_class].T
                ax.scatter(x, y, color=[colours[k]], marker=marker, label=f"class {k}", **style)

    def _classes(self, A: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the class at every point, and its certainty, 0 … 1."""
        k = A.shape[-1]
        if k == 1:
            score = A[..., 0].astype(np.float64) - self._threshold
            return (score > 0).astype(np.intp), np.minimum(np.abs(score) / self._certain, 1)
        classes = A.argmax(axis=-1)
        if self._output not in PROBABILITIES:
            return classes, np.ones(classes.shape)
        return classes, (A.max(axis=-1).astype(np.float64) - 1 / k) / (1 - 1 / k)

    def _colours(self, ax: Axes, A: FloatArray) -> NDArray[np.float64]:
        """Return the colour of every point, (resolution, resolution, 3)."""
        behind = np.array(background(ax))
        classes, certainty = self._classes(A)
        pure = np.array(class_colours(ax, self.n_classes))
        share = (PALEST + (DEEPEST - PALEST) * np.clip(certainty, 0, 1))[..., np.newaxis]
        share = np.where(np.isfinite(A).all(axis=-1, keepdims=True), share, 0.0)
        colours: NDArray[np.float64] = (1 - share) * behind + share * pure[classes]
        return colours

    def _borders(self, outputs: FloatArray) -> list[NDArray[np.float64]]:
        """Return fields that are 0 on the decision boundary of a class."""
        A: NDArray[np.float64] = outputs.astype(np.float64)
        if A.shape[-1] == 1:
            fields: list[NDArray[np.float64]] = [A[..., 0] - self._threshold]
        else:
            present = np.unique(A.argmax(axis=-1))
            with np.errstate(invalid="ignore"):  # infinity - infinity is NaN: no boundary
                fields = [
                    np.asarray(A[..., k] - np.delete(A, k, axis=-1).max(axis=-1)) for k in present
                ]
        finite = [np.where(np.isfinite(field), field, 0.0) for field in fields]
        return [
            field
            for field, known in zip(fields, finite, strict=True)
            if known.min() < 0 < known.max()
        ]


def _targets(y: ArrayLike, n: int, n_outputs: int) -> NDArray[np.float64]:
    """Check targets; return them as (n,), or (n, n_outputs) if several per sample."""
    targets = arrays.real_array("y", y).astype(np.float64)
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    wide = targets.ndim == 2 and targets.shape[1] == n_outputs
    if len(targets.shape) == 0 or len(targets) != n or not (targets.ndim == 1 or wide):
        rows = f" or ({n}, {n_outputs})" if n_outputs > 1 else ""
        raise ValueError(f"y: got shape {targets.shape}, expected ({n},){rows}")
    return arrays.finite("y", targets)


def _is_classes(kind: str, targets: NDArray[np.float64], n_outputs: int) -> bool:
    if kind == "surface":
        if n_outputs != 1:
            raise ValueError(f"kind: got 'surface' for {n_outputs} outputs, expected 1 output")
        return False
    return kind == "classes" or n_outputs > 1 or _two_labels(targets) is not None


def _two_labels(targets: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the two labels of targets for one output, None if they are numbers."""
    for ends in ((0.0, 1.0), (-1.0, 1.0)):
        if np.isin(targets, ends).all():
            return ends
    return None


def _labels(
    targets: NDArray[np.float64], n_outputs: int
) -> tuple[NDArray[Any], tuple[float, float]]:
    """Return the class of every sample, and the two labels of a single output."""
    if n_outputs == 1:
        ends = _two_labels(targets)
        if ends is None:
            raise ValueError("y: got numbers that are not labels, expected 0 and 1, or -1 and 1")
        return (targets == 1).astype(np.intp), ends
    if targets.ndim == 2:
        return targets.argmax(axis=1), (0.0, 1.0)
    if not np.isin(targets, np.arange(n_outputs)).all():
        raise ValueError(f"y: got numbers that are not labels, expected labels 0 … {n_outputs - 1}")
    return targets.astype(np.intp), (0.0, 1.0)


def _norm(targets: NDArray[np.float64]) -> Normalize:
    low, high = float(targets.min()), float(targets.max())
    return Normalize(low, high) if low < high else Normalize(low - 0.5, high + 0.5)


def _extent(X: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of the samples with a margin."""
    sides = []
    for column in X.T:
        low, high = float(column.min()), float(column.max())
        room = MARGIN * (high - low) or max(1.0, MARGIN * abs(low))
        sides += [low - room, high + room]
    left, right, bottom, top = sides
    return left, right, bottom, top
