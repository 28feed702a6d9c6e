"""The requests that a page can make: paths, fields, actions and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from .._checks import arguments
from .._checks.shown import shown
from . import frame, ink, settings
from .refused import RefusedError
from .settings import exact_fields
from .training import LOSS, Training, View
from .trainings import Trainings

Answer = dict[str, Any]
Fields = Mapping[str, Any]

MOST_EPOCHS_PER_SECOND: Final = 10_000


class Actions:
    """The requests that pages make to a server.

    Parameters
    ----------
    trainings
        The training runs of all pages.
    """

    def __init__(self, trainings: Trainings) -> None:
        self._trainings = trainings

    def get(self, path: list[str], query: Fields) -> Answer:
        """Answer a request that changes nothing.

        Raises
        ------
        RefusedError
            The path or the training run does not exist.
        TypeError, ValueError
            A field is missing, unknown or wrong.
        """
        match path:
            case ["choices"]:
                exact_fields(query, [])
                return settings.choices()
            case ["trainings", page_id, "scene"]:
                exact_fields(query, [])
                return frame.scene(self._trainings.of(page_id).view())
            case ["trainings", page_id, "frame"]:
                exact_fields(query, ["since"])
                return _frame(self._trainings.of(page_id).view(), query["since"])
        raise RefusedError(404, "there is nothing at this path")

    def post(self, path: list[str], fields: Fields) -> Answer:
        """Perform an action and return its answer.

        Raises
        ------
        RefusedError
            The path or the training run does not exist.
        TypeError, ValueError
            A field is missing, unknown or wrong.
        """
        match path:
            case ["trainings"]:
                return {"id": self._trainings.begin(settings.from_json(fields))}
            case ["trainings", page_id, name] if name in _OF_TRAINING:
                return _OF_TRAINING[name](self._trainings.of(page_id), fields)
        raise RefusedError(404, "there is nothing at this path")


def is_post(path: list[str]) -> bool:
    """Return whether a path is for POST requests."""
    return path == ["trainings"] or (
        len(path) == 3 and path[0] == "trainings" and path[2] in _OF_TRAINING
    )


def is_get(path: list[str]) -> bool:
    """Return whether a path is for GET requests."""
    return path == ["choices"] or (
        len(path) == 3 and path[0] == "trainings" and path[2] in ("scene", "frame")
    )


def _frame(view: View, since: str) -> Answer:
    if since == str(view.version):
        return {"version": view.version}
    return frame.frame(view)


def _run(training: Training, fields: Fields) -> Answer:
    exact_fields(fields, ["epochs_per_second"])
    rate = fields["epochs_per_second"]
    if rate is not None:
        rate = arguments.positive("epochs_per_second", rate)
        if not 0.01 <= rate <= MOST_EPOCHS_PER_SECOND:
            raise ValueError(
                f"epochs_per_second: got {rate}, expected 0.01 … {MOST_EPOCHS_PER_SECOND} or null"
            )
    training.run(rate)
    return {}


def _without_fields(action: Callable[[Training], None]) -> Callable[[Training, Fields], Answer]:
    def act(training: Training, fields: Fields) -> Answer:
        exact_fields(fields, [])
        action(training)
        return {}

    return act


def _change(training: Training, fields: Fields) -> Answer:
    training.change(settings.from_json(fields))
    return {}


def _select(training: Training, fields: Fields) -> Answer:
    exact_fields(fields, ["index"])
    training.select(fields["index"])
    return {}


def _classify(training: Training, fields: Fields) -> Answer:
    """Return the classification of a drawn digit."""
    exact_fields(fields, ["strokes"])
    view = training.view()
    if view.samples.in_plane:
        raise RefusedError(409, "strokes: this run does not use the digits")
    x = ink.grey_levels(fields["strokes"])
    with view.shown.with_parameters(view.theta) as net:
        A = net.trace(x[np.newaxis]).A
    return {
        "version": view.version,
        "x": x.tolist(),
        "probabilities": A[-1][0].tolist(),
        "activations": frame.floats(np.concatenate([a[0] for a in A])),
    }


def _explain(training: Training, fields: Fields) -> Answer:
    """Return the chain rule for a weight or bias and the selected sample."""
    exact_fields(fields, ["weight"] if "weight" in fields else ["bias"])
    (name, value), *_ = fields.items()
    length = 3 if name == "weight" else 2
    if not isinstance(value, list) or len(value) != length:
        words = "layer, to, from" if name == "weight" else "layer, unit"
        raise TypeError(f"{name}: got {shown(value)}, expected [{words}], counted from 1")
    numbers = tuple(arguments.integer(name, each, least=1) for each in value)
    return _explanation(training.view(), name, numbers)


def _explanation(view: View, name: str, numbers: tuple[int, ...]) -> Answer:
    from ..lecture import explain

    x, y = view.sample
    with view.shown.with_parameters(view.theta) as shown:
        net = shown.copy()  # the reference is slow, and the pictures must not wait for it
    parameter: dict[str, Any] = {name: numbers}
    explanation = explain(net, x[0], int(y[0]), loss=LOSS, **parameter)
    layer, *place = (number - 1 for number in numbers)
    parameters = net.W if name == "weight" else net.b
    return {
        "version": view.version,
        "index": view.index,
        "steps": [
            {"formula": step.formula, "numbers": step.numbers, "value": _format(step.value)}
            for step in explanation.steps
        ],
        "now": float(parameters[layer][tuple(place)]),
        "value": float(explanation.value),
        "gradients": float(explanation.gradients),
    }


def _format(value: float | tuple[float, ...]) -> str:
    """Return the value of a step as text.

    Of one value per unit, only the first and last.
    """
    if isinstance(value, tuple):
        return f"{value[0]}, …, {value[-1]} ({len(value)} numbers)"
    return str(value)


_OF_TRAINING: Final[dict[str, Callable[[Training, Fields], Answer]]] = {
    "run": _run,
    "pause": _without_fields(Training.pause),
    "step": _without_fields(Training.step),
    "sample": _without_fields(Training.one_sample),
    "reset": _without_fields(Training.reset),
    "settings": _change,
    "select": _select,
    "classify": _classify,
    "explain": _explain,
}
