"""A call that raises changes nothing: neither the network nor any of its arguments.

Random calls follow each other, with one or two arguments that are mostly wrong. Whatever raises
must leave every object of the call, and every file, as it was.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rosenblatt as rb
from effort import cases
from hostile import HOSTILE, REFUSALS
from rosenblatt import lecture
from snapshots import assert_unchanged, snapshot

N = 12
X = np.random.default_rng(0).normal(size=(N, 3))
LABELS = np.arange(N) % 2
ROWS = np.random.default_rng(1).normal(size=(N, 2))


class Quiet(rb.Callback):
    """A callback with an attribute that training must not touch."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def on_epoch(self, epoch: rb.Epoch) -> object:
        return False


NETWORKS: dict[str, Callable[[], rb.Network]] = {
    "plain": lambda: rb.Network([3, 4, 2], activation="tanh", random_state=0),
    "batch norm": lambda: rb.Network([3, 4, 2], norm="batch", dtype="float64", random_state=0),
    "skip": lambda: rb.Network([3, 3, 3, 2], norm="layer", skip=True, random_state=0),
    "softmax": lambda: rb.Network([3, 4, 2], output="softmax", dtype="float64", random_state=0),
}
OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "SGD": lambda: rb.SGD(0.01, momentum=0.5),
    "Adam": lambda: rb.Adam(rb.schedules.ReduceOnPlateau(0.01)),
    "Rprop": rb.Rprop,
    "LBFGS": rb.LBFGS,
}


def world(folder: Path, net: str, optimizer: str) -> SimpleNamespace:
    """Return the objects that calls are made with, some of which are the same in every call."""
    made = NETWORKS[net]()
    made.threads = 1
    is_labels = net == "softmax"
    return SimpleNamespace(
        net=made,
        other=NETWORKS[net](),
        X=X.copy(),
        Y=(LABELS if is_labels else ROWS).copy(),
        loss="log_loss" if is_labels else "squared_error",
        optimizer=OPTIMIZERS[optimizer](),
        callback=Quiet(),
        generator=np.random.default_rng(0),
        early_stopping=rb.EarlyStopping(monitor="loss", patience=3),
        perceptron=lecture.Perceptron(),
        model=str(folder / "model.safetensors"),
        checkpoint=str(folder / "checkpoint"),
    )


def everything(each: SimpleNamespace) -> tuple[Any, ...]:
    """Return what a call that raises may not change: the objects, the files, and a pickle."""
    folder = Path(each.model).parent
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    return each, files, pickle.dumps(each.net)


def arrays_of(each: SimpleNamespace) -> dict[str, Any]:
    return {"X": each.X, "Y": each.Y, "loss": each.loss}


def set_attribute(net: Any, name: str, value: Any) -> None:
    setattr(net, name, value)


def set_item(views: Any, index: Any, value: Any) -> None:
    views[index] = value


def all_steps(perceptron: Any, X: Any, y: Any, max_epochs: Any) -> None:
    list(perceptron.steps(X, y, max_epochs=max_epochs))


def first_steps(**arguments: Any) -> None:
    next(lecture.descent(**arguments))


Call = Callable[[SimpleNamespace], tuple[Callable[..., Any], dict[str, Any]]]

OF_TRAINING: dict[str, Call] = {
    "train": lambda each: (
        rb.train,
        arrays_of(each)
        | {
            "net": each.net,
            "epochs": 2,
            "batch_size": None,
            "optimizer": each.optimizer,
            "random_state": each.generator,
            "callback": each.callback,
            "early_stopping": each.early_stopping,
            "validation": (each.X, each.Y),
            "threads": 1,
        },
    ),
    "train with a checkpoint": lambda each: (
        rb.train,
        arrays_of(each)
        | {
            "net": each.net,
            "epochs": 2,
            "batch_size": None,
            "optimizer": each.optimizer,
            "checkpoint": each.checkpoint,
            "scale_inputs": "standard",
            "validation": 0.5,
            "threads": 1,
        },
    ),
    "train_many": lambda each: (
        rb.train_many,
        arrays_of(each)
        | {
            "networks": [each.net, each.other],
            "epochs": 1,
            "batch_size": None,
            "random_state": each.generator,
            "callback": each.callback,
            "optimizer": each.optimizer,
            "settings": [{}, {"l2": 0.1}],
            "threads": 1,
        },
    ),
}
WITHOUT_TRAINING: dict[str, Call] = {
    "find_learning_rate": lambda each: (
        rb.find_learning_rate,
        arrays_of(each) | {"net": each.net, "steps": 10, "batch_size": None},
    ),
    "forward": lambda each: (each.net.forward, {"X": each.X}),
    "trace": lambda each: (each.net.trace, {"X": each.X}),
    "gradients": lambda each: (each.net.gradients, arrays_of(each)),
    "backward": lambda each: (each.net.backward, {"X": each.X, "dC_dA": ROWS}),
    "jacobian": lambda each: (each.net.jacobian, {"X": each.X}),
    "per_sample_gradients": lambda each: (each.net.per_sample_gradients, arrays_of(each)),
    "hessian_vector_product": lambda each: (
        each.net.hessian_vector_product,
        arrays_of(each) | {"v": np.ones(each.net.n_params)},
    ),
    "save": lambda each: (each.net.save, {"path": each.model}),
    "load": lambda each: (rb.load, {"path": each.model}),
    "theta": lambda each: (
        set_attribute,
        {"net": each.net, "name": "theta", "value": np.ones(each.net.n_params)},
    ),
    "threads": lambda each: (set_attribute, {"net": each.net, "name": "threads", "value": 1}),
    "input_scaling": lambda each: (
        set_attribute,
        {"net": each.net, "name": "input_scaling", "value": rb.Scaling([0.0] * 3, [2.0] * 3)},
    ),
    **{
        name: lambda each, name=name: (  # type: ignore[misc]
            set_item,
            {"views": getattr(each.net, name), "index": 0, "value": getattr(each.net, name)[0]},
        )
        for name in ("W", "b", "g", "running_mean", "running_var")
    },
    "Network": lambda each: (rb.Network, {"layers": [3, 2], "random_state": each.generator}),
    "Perceptron": lambda each: (
        all_steps,
        {"perceptron": each.perceptron, "X": each.X, "y": LABELS, "max_epochs": 2},
    ),
    "descent": lambda each: (first_steps, arrays_of(each) | {"net": each.net}),
    "explain": lambda each: (
        lecture.explain,
        {"net": each.net, "x": X[0], "y": [1.0, 0.0], "loss": each.loss, "weight": (2, 1, 1)},
    ),
    "gradient_check": lambda each: (lecture.gradient_check, arrays_of(each) | {"net": each.net}),
}
CALLS = OF_TRAINING | WITHOUT_TRAINING


def with_nan() -> Any:
    rows = X.copy()
    rows[-1, -1] = np.nan
    return rows


def raising(*_arguments: Any) -> Any:
    raise ValueError("this function always raises")


NEARLY_RIGHT: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "-1": lambda: -1,
    "0": lambda: 0,
    "1.5": lambda: 1.5,
    "2": lambda: 2,
    "infinity": lambda: float("inf"),
    "2**70": lambda: 2**70,
    "no text": lambda: "",
    "an unknown name": lambda: "tanhh",
    "no list": list,
    "a dict": lambda: {"unknown": 1},
    "a row too few": X[:-1].copy,
    "a column too few": X[:, :-1].copy,
    "a NaN at the end": with_nan,
    "a label too large": lambda: np.r_[LABELS[:-1], 2],
    "a label below 0": lambda: np.r_[LABELS[:-1], -1],
    "weights below 0": lambda: np.r_[np.ones(N - 1), -1],
    "samples that do not fit": lambda: (X.copy(), ROWS[:-1]),
    "two samples": lambda: (X[:2].copy(), ROWS[:2]),
    "a function that raises": lambda: raising,
    "the class of an object": lambda: rb.Adam,
    "another optimiser": lambda: rb.Adagrad(1e300),
    "a scaling of another size": lambda: rb.Scaling([0.0], [1.0]),
    "a path in no folder": lambda: "no-such-folder/file",
    "settings of which the last is wrong": lambda: [{}, {"epochs": -1}],
    "settings of which the last has a function": lambda: [{}, {"loss": raising}],
}
VALUES = HOSTILE | NEARLY_RIGHT
MORE = {  # arguments that a call does not have yet
    "train": (
        *("l1", "clip_norm", "ema", "sample_weight", "class_weight", "dropout", "input_noise"),
        *("metrics", "target_loss", "time_limit", "progress", "scale_targets", "shuffle"),
        "checkpoint",
    ),
    "train_many": ("dropout", "class_weight", "validation", "metrics", "checkpoint", "shuffle"),
}

FIXED = ("views", "index", "name", "perceptron")  # an attribute or an item that is set


def step(data: st.DataObject, each: SimpleNamespace) -> None:
    """Make one call; if it raises, nothing has changed."""
    name = data.draw(st.sampled_from(list(CALLS)), "call")
    call, arguments = CALLS[name](each)
    names = [key for key in arguments if key not in FIXED]
    names += MORE.get(name.partition(" ")[0], ())
    wrong = data.draw(st.lists(st.sampled_from(names), max_size=2, unique=True), "arguments")
    for argument in wrong:
        arguments[argument] = VALUES[data.draw(st.sampled_from(list(VALUES)), argument)]()
    before = snapshot(everything(each))
    settings_before = snapshot((each.optimizer, each.callback, each.early_stopping))
    try:
        call(**arguments)
    except FloatingPointError:  # a training that diverged has the weights of its last good epoch
        pass
    except (*REFUSALS, ImportError, AttributeError):
        assert_unchanged(before, everything(each))
    assert_unchanged(settings_before, (each.optimizer, each.callback, each.early_stopping))


@settings(max_examples=cases(50))
@given(st.data())
def test_a_call_that_raises_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    each = world(
        tmp_path_factory.mktemp("world"),
        data.draw(st.sampled_from(list(NETWORKS)), "network"),
        data.draw(st.sampled_from(list(OPTIMIZERS)), "optimiser"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(data.draw(st.integers(1, 12), "number of calls")):
            step(data, each)
