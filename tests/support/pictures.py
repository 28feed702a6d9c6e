"""Pictures on their way to a test: how they are made, rendered and searched for an artist."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

import rosenblatt as rb

SQUARE = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])


def pixels(figure: Any) -> NDArray[np.uint8]:
    """Return the rendered figure, (height, width, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def labelled(ax: Axes, kind: type, label: str) -> Any:
    """Return the one artist of a kind and a label."""
    (found,) = [each for each in ax.findobj(kind) if each.get_label() == label]
    return found


def image(ax: Axes) -> Any:
    (found,) = ax.get_images()
    return found


def new_axes(width: float = 5.0, height: float = 4.0) -> Axes:
    """Return Axes of a figure that pyplot does not know."""
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def net_2_8_1(**settings: Any) -> rb.Network:
    return rb.Network([2, 8, 1], activation="tanh", output="logistic", random_state=0, **settings)


def moons(n: int = 80) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Two interleaved half circles."""
    rng = np.random.default_rng(0)
    t, y = rng.uniform(0, np.pi, n), np.arange(n) % 2
    x = np.where(y == 0, np.cos(t), 1 - np.cos(t))
    return np.column_stack([x, np.where(y == 0, np.sin(t), 0.5 - np.sin(t))]), y


def learn(callback: Any, epochs: int = 20) -> tuple[rb.Network, rb.TrainResult]:
    X, y = moons()
    net = net_2_8_1()
    result = rb.train(
        net,
        X,
        y,
        loss="log_loss",
        optimizer=rb.Adam(0.02),
        epochs=epochs,
        callback=callback(net, X, y),
    )
    return net, result


def result_of(
    loss: list[float], validation: list[float] | None = None, **settings: Any
) -> rb.TrainResult:
    history = {"loss": tuple(loss)}
    if validation is not None:
        history["validation_loss"] = tuple(validation)
    history |= settings.pop("metrics", {})
    return rb.TrainResult(
        loss_curve=tuple(loss),
        validation_curve=history.get("validation_loss"),
        epochs=len(loss),
        seconds=1.0,
        stop_reason="epochs",
        history=history,
        **settings,
    )
