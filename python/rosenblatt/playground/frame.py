"""The data that a page draws, as JSON with arrays in base64."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .._network import Network
from .samples import EXTENT, plane
from .training import View

SURFACE: Final = 64  # squares along a side of the decision surface
LARGEST: Final = float(np.finfo(np.float32).max)
MAP: Final = 24  # squares along a side of the map of a unit, which is much smaller
_PLANES: Final = {n: plane(n) for n in (SURFACE, MAP)}


def frame(view: View) -> dict[str, Any]:
    """Return all data that changes from step to step.

    Returns
    -------
    dict
        version, beginning, state, message, step, epoch, index: as in the view. cost,
        cost_held_out: in the latest epoch. accuracy: on the held-out samples. curve: three float32
        arrays. theta: float32. activations: float32, all units of all layers for the sample.
        surface, maps: only for points of the plane, uint8, the output and every hidden unit over
        the plane. The values 0 and 255 stand for the outputs 0 and 1, or for minus and plus the
        largest absolute activation of the unit.
    """
    samples = view.samples
    x, _ = view.sample
    with view.shown.with_parameters(view.theta) as net:
        A = net.trace(x).A
        of_held_out = classes(net.forward(samples.X_held_out))
        pictures = _pictures(net) if samples.in_plane else {}
    _, costs, costs_held_out = view.curve
    return {
        "version": view.version,
        "beginning": view.beginning,
        "state": view.state,
        "message": view.message,
        "step": view.step,
        "epoch": view.epoch,
        "index": view.index,
        "cost": float(costs[-1]),
        "cost_held_out": float(costs_held_out[-1]),
        "accuracy": float((of_held_out == samples.y_held_out).mean()),
        "curve": [floats(each) for each in view.curve],
        "theta": floats(view.theta),
        "activations": floats(np.concatenate([a[0] for a in A])),
        **pictures,
    }


def scene(view: View) -> dict[str, Any]:
    """Return the data that is constant until training restarts.

    Returns
    -------
    dict
        beginning, settings; sizes: units of all layers; classes: of the training samples; X:
        float32, the training samples row by row; X_held_out, classes_held_out: only for points of
        the plane; extent, surface, map: the half-width of the plane, and the number of squares
        along the sides of its pictures.
    """
    samples = view.samples
    answer: dict[str, Any] = {
        "beginning": view.beginning,
        "settings": asdict(view.settings),
        "sizes": view.shown.sizes,
        "X": floats(samples.X),
        "classes": samples.y.tolist(),
        "extent": EXTENT,
        "surface": SURFACE,
        "map": MAP,
    }
    if samples.in_plane:
        answer["X_held_out"] = floats(samples.X_held_out)
        answer["classes_held_out"] = samples.y_held_out.tolist()
    return answer


def classes(A: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class of each row of outputs (n, n_outputs), shape (n,)."""
    of_rows: NDArray[np.int64] = (
        A.argmax(axis=1) if A.shape[1] > 1 else (A[:, 0] > 0.5).astype(np.int64)
    )
    return of_rows


def _pictures(net: Network) -> dict[str, str]:
    """Return the output over the plane, and the activation of every hidden unit."""
    surface = 2 * net.forward(_PLANES[SURFACE])[:, 0] - 1
    hidden = net.trace(_PLANES[MAP]).A[1:-1]
    A = np.concatenate([a.T for a in hidden]) if hidden else np.empty((0, MAP * MAP))
    largest = np.abs(A).max(axis=1, keepdims=True)
    maps = A / np.where(largest > 0, largest, 1)
    return {"surface": _bytes(_shades(surface)), "maps": _bytes(_shades(maps))}


def _shades(values: NDArray[Any]) -> NDArray[np.uint8]:
    shades: NDArray[np.uint8] = np.rint(127.5 + 127.5 * np.clip(values, -1, 1)).astype(np.uint8)
    return shades


def _bytes(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode()


def floats(array: NDArray[Any]) -> str:
    """Return numbers as little-endian float32 in base64.

    Numbers beyond the range of float32, which occur if training diverges, are clipped to it.
    """
    return _bytes(np.clip(array, -LARGEST, LARGEST).astype("<f4"))
