"""Files of every version that there has been: how each was written, and what it must still give.

The files are in `data/stored`, and are never written again. A new version of a format adds a file:
``python tests/support/stored_files.py NAME ...`` writes those of these names, and what they give.
"""

from __future__ import annotations

import json
import pickle
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import rosenblatt as rb

FOLDER = Path(__file__).parents[1] / "data" / "stored"
OUTPUTS = FOLDER / "outputs.json"

ROWS = np.random.default_rng(0)
X = ROWS.normal(size=(12, 3))
Y = ROWS.normal(size=(12, 2))
LABELS = np.array(["a", "b", "c"] * 4)


# ---- what was written ----------------------------------------------------------------------------


def network(**options: Any) -> rb.Network:
    """A network of 3 x 4 x 4 x 2 with numbers that only this file has."""
    defaults: dict[str, Any] = {"activation": ["tanh", "gelu"], "random_state": 3}
    net = rb.Network([3, 4, 4, 2], **(defaults | options))
    net.theta[...] = np.random.default_rng(3).normal(size=net.n_params)
    return net


def scaled(**options: Any) -> rb.Network:
    net = network(**options)
    net.input_scaling = rb.Scaling([0.5, -3.0, 0.0], [2.0, 0.25, 1.0])
    net.target_scaling = rb.Scaling([100.0, 1.0], [0.125, 1.0])
    return net


def normalised(**options: Any) -> rb.Network:
    net = network(norm=["batch", "layer"], skip=[False, True], **options)
    rb.train(net, X, Y, loss="squared_error", batch_size=4, epochs=2, random_state=0)
    return net


def of_the_command_line() -> rb.Network:
    """The network of a model that ``rosenblatt train`` saves."""
    return network(output="softmax")


TABLE = json.dumps(
    {
        "format": 1,
        "columns": [
            {"kind": "number", "name": "height", "mean": 1.5, "std": 0.25},
            {"kind": "categories", "name": "colour", "values": ["red", "größe"]},
        ],
        "target": {"kind": "categories", "name": "label", "values": ["no", "yes"]},
    }
)


def train(path: Path, epochs: int, optimizer: Any, **options: Any) -> Any:
    """Train a small network with a checkpoint; return its parameters and its losses."""
    net = rb.Network([3, 4, 2], activation="tanh", dtype="float64", random_state=0)
    defaults: dict[str, Any] = {"loss": "squared_error", "epochs": epochs, "optimizer": optimizer}
    result = rb.train(net, X, Y, checkpoint=path, **(defaults | options))
    return [net.theta.tolist(), list(result.loss_curve)]


CHECKPOINTS: dict[str, Callable[..., Any]] = {
    "checkpoint-1-adam": lambda path, epochs, **more: train(
        path,
        epochs,
        rb.Adam(0.05),
        batch_size=4,
        validation=0.3,
        early_stopping=True,
        metrics="r2",
        ema=0.9,
        dropout=0.1,
        random_state=5,
        **more,
    ),
    "checkpoint-1-lbfgs": lambda path, epochs, **more: train(
        path, epochs, rb.LBFGS(), batch_size=None, **more
    ),
    "checkpoint-1-schedule": lambda path, epochs, **more: train(
        path,
        epochs,
        rb.SGD(rb.schedules.ReduceOnPlateau(0.1), momentum=0.9),
        scale_inputs="standard",
        l2=0.01,
        **more,
    ),
}
CHECKPOINTS["checkpoint-2-adam"] = CHECKPOINTS["checkpoint-1-adam"]


def classifier(**options: Any) -> Any:
    from rosenblatt import sklearn

    model = sklearn.MLPClassifier(hidden_layer_sizes=(4,), max_iter=5, random_state=0, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that five epochs are few
        return model.fit(X, LABELS)


def regressor(**options: Any) -> Any:
    from rosenblatt import sklearn

    model = sklearn.MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, Y)


def partly_fitted(name: str, **options: Any) -> Any:
    """An estimator that `partial_fit` goes on with, the optimiser's state included."""
    from rosenblatt import sklearn

    model = getattr(sklearn, name)(hidden_layer_sizes=(4,), random_state=0, **options)
    for _ in range(3):
        one_step(model)
    return model


def one_step(model: Any) -> None:
    if hasattr(model, "predict_proba"):
        model.partial_fit(X, LABELS, classes=np.unique(LABELS))
    else:
        model.partial_fit(X, Y)


def perceptron() -> Any:
    from rosenblatt import sklearn

    return sklearn.Perceptron(random_state=0).fit(X, LABELS)


def stream(name: str) -> Any:
    from rosenblatt import river

    model = getattr(river, name)((4,), random_state=0)
    for i in range(len(X)):
        one_sample(model, i)
    return model


def one_sample(model: Any, i: int) -> None:
    x = dict(zip("uvw", X[i].tolist(), strict=True))
    model.learn_one(x, str(LABELS[i]) if hasattr(model, "predict_proba_one") else Y[i, 0])


PICKLES: dict[str, Callable[[], Any]] = {
    "pickle-network": network,
    "pickle-network-scaled": lambda: scaled(dtype="float64"),
    "pickle-network-normalised": normalised,
    "pickle-network-own-activation": lambda: network(
        activation=rb.Activation("sine", np.sin, np.cos)
    ),
    "pickle-classifier": classifier,
    "pickle-classifier-early-stopping": lambda: classifier(early_stopping=True, solver="sgd"),
    "pickle-classifier-norm": lambda: classifier(norm="batch", dropout=0.1),
    "pickle-regressor": lambda: regressor(solver=rb.RMSprop(), dtype="float32"),
    "pickle-regressor-lbfgs": lambda: regressor(solver="lbfgs"),
    "pickle-classifier-partial-fit": lambda: partly_fitted("MLPClassifier"),
    "pickle-regressor-partial-fit": lambda: partly_fitted(
        "MLPRegressor", solver="sgd", nesterovs_momentum=False
    ),
    "pickle-perceptron": perceptron,
    "pickle-river-classifier": lambda: stream("MLPClassifier"),
    "pickle-river-regressor": lambda: stream("MLPRegressor"),
}

MODELS: dict[str, tuple[Callable[[], rb.Network], dict[str, str]]] = {
    "model-1-float32": (network, {}),
    "model-1-float64": (lambda: network(dtype="float64", output="logistic"), {}),
    "model-1-table": (of_the_command_line, {"table": TABLE}),
    "model-2-scaled": (scaled, {}),
    "model-3-norm-skip": (normalised, {}),
    "model-3-norm-skip-scaled": (
        lambda: with_scaling(normalised(dtype="float64")),
        {"note": "of the user's own"},
    ),
    "model-4": (network, {}),
    "model-4-norm-skip-scaled": (
        lambda: with_scaling(normalised(dtype="float64")),
        {"note": "of the user's own"},
    ),
}


def with_scaling(net: rb.Network) -> rb.Network:
    net.input_scaling = rb.Scaling([0.5, -3.0, 0.0], [2.0, 0.25, 1.0])
    return net


NAMES = (*MODELS, *CHECKPOINTS, *PICKLES)


# ---- what a file gives ---------------------------------------------------------------------------


def outputs_of(name: str, path: Path) -> Any:
    """Return what the file of this name gives, as JSON has it. A checkpoint goes on in `path`."""
    if name in MODELS:
        return rb.load(path).forward(X).tolist()
    if name in CHECKPOINTS:
        return CHECKPOINTS[name](path, 5)
    model = pickle.loads(path.read_bytes())
    if isinstance(model, rb.Network):
        return model.forward(X).tolist()
    if name.startswith("pickle-river"):
        before = outputs_of_stream(model)
        one_sample(model, 4)
        return [before, outputs_of_stream(model)]
    before = outputs_of_estimator(model)
    if not name.endswith("partial-fit"):
        return before
    one_step(model)
    return [before, outputs_of_estimator(model)]


def outputs_of_stream(model: Any) -> Any:
    x = dict(zip("uvw", X[0].tolist(), strict=True))
    if hasattr(model, "predict_proba_one"):
        return sorted(model.predict_proba_one(x).items())
    return model.predict_one(x)


def outputs_of_estimator(model: Any) -> Any:
    answers = getattr(model, "predict_proba", None) or getattr(model, "decision_function", None)
    return (answers or model.predict)(X).tolist()


# ---- writing -------------------------------------------------------------------------------------


def write(name: str, path: Path) -> None:
    from rosenblatt._files import model as _files

    if name in MODELS:
        make, metadata = MODELS[name]
        _files.save(make(), path, metadata)
    elif name in CHECKPOINTS:
        CHECKPOINTS[name](path, 3)
    else:
        path.write_bytes(pickle.dumps(PICKLES[name](), protocol=4))


def main(names: list[str]) -> None:
    outputs = json.loads(OUTPUTS.read_text()) if OUTPUTS.exists() else {}
    for name in names:
        path = FOLDER / name
        if path.exists():
            raise SystemExit(f"{path} is there: a file is written once")
        write(name, path)
        content = path.read_bytes()
        outputs[name] = outputs_of(name, path)
        path.write_bytes(content)  # a checkpoint has gone on
    OUTPUTS.write_text(json.dumps(outputs, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:] or [name for name in NAMES if not (FOLDER / name).exists()])
