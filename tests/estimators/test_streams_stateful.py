"""Streams: a call that raises changes nothing, and a pickled model goes on as the model does.

Random calls follow each other: batches and single samples, mostly valid ones, with new classes and
new features, and with one argument that is mostly wrong. A copy made by pickle before each call
takes the same call, and must then be equal to the bits.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn")
pytest.importorskip("river")
pytest.importorskip("pandas")

import pandas

import rosenblatt as rb
from effort import cases
from hostile import HOSTILE, REFUSALS
from rosenblatt import river
from rosenblatt.sklearn import MLPClassifier, MLPRegressor, Perceptron
from snapshots import assert_unchanged, snapshot

FEATURES = 3
FIRST = np.random.default_rng(0).normal(size=(6, FEATURES))
LABELS = np.array(["a", "b", "a", "b", "b", "a"])
NUMBERS = FIRST[:, 0]
CACHES = ["_targets_of"]  # what each label is to the core


def small(kind: Any, **more: Any) -> Any:
    return kind(hidden_layer_sizes=(3,), batch_size=4, **more)


def classifier(**more: Any) -> Any:
    classes = None if more.get("grow") else ["a", "b", "c"]
    return small(MLPClassifier, **more).partial_fit(FIRST, LABELS, classes=classes)


def regressor(**more: Any) -> Any:
    return small(MLPRegressor, **more).partial_fit(FIRST, NUMBERS)


def classifier_of_tables(**more: Any) -> Any:
    table = pandas.DataFrame(FIRST, columns=["f0", "f1", "f2"])
    return small(MLPClassifier, grow=True, **more).partial_fit(table, LABELS)


SCIKIT: dict[str, Callable[..., Any]] = {
    "a classifier": classifier,
    "a classifier that grows": lambda **more: classifier(grow=True, **more),
    "a classifier in float32": lambda **more: classifier(grow=True, dtype="float32", **more),
    "class weights": lambda **more: classifier(grow=True, class_weight={"c": 3.0}, **more),
    "a margin": lambda **more: classifier(grow=True, loss="hinge", solver="sgd", **more),
    "a classifier of tables": classifier_of_tables,
    "batch norm": lambda **more: classifier(norm="batch", **more),
    "dropout": lambda **more: classifier(dropout=0.5, solver=rb.AdamW(), **more),
    "a rate that falls": lambda **more: regressor(
        solver="sgd", learning_rate="invscaling", grow=True, **more
    ),
    "a regressor": lambda **more: regressor(solver=rb.Adagrad(0.1), grow=True, **more),
    "a regressor in float32": lambda **more: regressor(dtype="float32", **more),
    "a perceptron": lambda **more: Perceptron(**more).partial_fit(FIRST, LABELS, ["a", "b", "c"]),
}
RIVER: dict[str, Callable[[], Any]] = {
    "a classifier": lambda: river.MLPClassifier((3,), random_state=0),
    "a margin": lambda: river.MLPClassifier((3,), loss="hinge", solver="sgd", random_state=0),
    "a regressor": lambda: river.MLPRegressor((3,), random_state=0),
}


def with_nan(width: int) -> Any:
    rows = np.ones((3, width))
    rows[-1, -1] = np.nan
    return rows


def numbers_of(*values: Any) -> Callable[[], Any]:
    return lambda: np.array(values)


NEARLY_RIGHT: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "-1": lambda: -1,
    "0": lambda: 0,
    "1.5": lambda: 1.5,
    "1e39": lambda: 1e39,
    "infinity": lambda: float("inf"),
    "2**63": lambda: 2**63,
    "no samples": lambda: np.ones((0, FEATURES)),
    "three numbers": numbers_of(1.0, 2.0, 3.0),
    "four numbers": numbers_of(1.0, 2.0, 3.0, 4.0),
    "two numbers": numbers_of(1.0, 2.0),
    "infinity at the end": numbers_of(1.0, 2.0, np.inf),
    "a NaN in a new feature": numbers_of(1.0, 2.0, 3.0, np.nan),
    "rows with a NaN": lambda: with_nan(FEATURES),
    "wide rows with a NaN": lambda: with_nan(FEATURES + 1),
    "weights below 0": numbers_of(1.0, -1.0, 1.0),
    "weights of 0": numbers_of(0.0, 0.0, 0.0),
    "a new label": lambda: "new",
    "new labels": numbers_of("new", "a", "newer"),
    "labels of two kinds": lambda: ["a", 1, "b"],
    "labels of another kind": numbers_of(0, 1, 2),
    "a table with a NaN in a new column": lambda: pandas.DataFrame(
        {"f2": [1.0], "f1": [2.0], "new": [np.nan]}
    ),
    "a table with a text": lambda: pandas.DataFrame({"f0": ["red"], "f1": [1.0], "f2": [1.0]}),
    "a class alone": lambda: ["a"],
    "a label in a list": lambda: [["a"]],
    "huge numbers": lambda: np.full(3, 1e300),
    "a feature that is text": lambda: {"f0": 1.0, "new": "red"},
    "many features, the last of them NaN": lambda: (
        {f"n{i}": 1.0 for i in range(20)} | {"z": float("nan")}
    ),
    "a feature that is complex": lambda: {"f0": 1j},
    "no features": dict,
}
VALUES = HOSTILE | NEARLY_RIGHT
PARAMETERS: dict[str, list[Any]] = {  # set between calls; some are refused by the next one
    "alpha": [0.0, 0.1, -1.0, "x"],
    "loss": ["log_loss", "squared_error", "hinge", "poisson", "no loss"],
    "dropout": [0.0, 0.5, 2.0],
    "batch_size": [1, 4, 0],
    "early_stopping": [True, False],
    "solver": ["sgd", "lbfgs"],
    "class_weight": [None, {"a": 2.0}, {"a": -1.0}, "balanced"],
    "shuffle": [True, False],
}


def label_or_number(data: st.DataObject, model: Any) -> Any:
    if isinstance(model, MLPRegressor | river.MLPRegressor):
        return data.draw(st.sampled_from([0.0, 1.5, -2.0]), "y")
    return data.draw(st.sampled_from(["a", "b", "c"]), "y")


def drawn_call(data: st.DataObject, model: Any) -> tuple[str, dict[str, Any]]:
    """Return the name of a method and its arguments, at most one of which is probably wrong."""
    methods = ["partial_fit", "partial_fit", "predict", "predict_one", "learn_one"]
    name = data.draw(st.sampled_from([each for each in methods if hasattr(model, each)]), "call")
    n = data.draw(st.integers(1, 5), "samples")
    wide = data.draw(st.booleans(), "a new feature") and getattr(model, "grow", False)
    width = model.n_features_in_ + bool(wide)
    rows = np.random.default_rng(n).normal(size=(n, min(width, 12)))
    X: Any = rows
    if hasattr(model, "feature_names_in_"):
        names = data.draw(st.permutations([f"f{i}" for i in range(rows.shape[1])]), "columns")
        X = pandas.DataFrame(rows, columns=names)
    ones = {"x": rows[0], "y": label_or_number(data, model)}
    arguments: dict[str, Any] = {
        "partial_fit": {"X": X, "y": [label_or_number(data, model) for _ in range(n)]},
        "predict": {"X": X},
        "predict_one": {"x": rows[0]},
        "learn_one": ones,
    }[name]
    if "y" in arguments and data.draw(st.booleans(), "weighted"):
        arguments["sample_weight"] = np.ones(n) if name == "partial_fit" else 2.0
    return name, with_wrong(data, arguments, ["classes"] if name == "partial_fit" else [])


def with_wrong(data: st.DataObject, arguments: dict[str, Any], more: list[str]) -> dict[str, Any]:
    if data.draw(st.booleans(), "a wrong argument"):
        argument = data.draw(st.sampled_from([*arguments, *more]), "which")
        arguments[argument] = VALUES[data.draw(st.sampled_from(list(VALUES)), argument)]()
    return arguments


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call answers; if it raises, the class of its error."""
    try:
        return call()
    except (*REFUSALS, AttributeError, OverflowError) as error:
        return type(error)


def take(model: Any, name: str, arguments: dict[str, Any], *, changes: bool) -> None:
    """Make a call of a model and of its copy: a call that raises, or only asks, changes nothing."""
    twin = pickle.loads(pickle.dumps(model))
    everything = [model, arguments]
    before = snapshot(everything, ignored=CACHES)
    answer = outcome(lambda: getattr(model, name)(**arguments))
    raised = isinstance(answer, type)
    if raised or not changes:
        assert_unchanged(before, everything, ignored=CACHES)
    other = outcome(lambda: getattr(twin, name)(**arguments))
    assert raised == isinstance(other, type)
    if raised:
        assert answer is other
    assert_unchanged(learned(model), learned_of(twin))
    if not (raised or changes):
        assert_unchanged(snapshot(answer), other)


def learned_of(model: Any) -> Any:
    """Return what a model has learned, however it is kept."""
    estimator = getattr(model, "_model", model)
    names = ("classes_", "n_features_in_", "feature_names_in_", "t_", "n_iter_", "loss_")
    kept = {name: getattr(estimator, name, None) for name in names}
    weights = [getattr(estimator, name, None) for name in ("coefs_", "intercepts_", "coef_")]
    remembered = estimator._optimizer_state() if hasattr(estimator, "_optimizer_state") else None
    own = {name: each for name, each in vars(model).items() if name in {"_columns", "_codes"}}
    return [kept, weights, remembered, own]


def learned(model: Any) -> Any:
    return snapshot(learned_of(model))


@settings(max_examples=cases(25))
@given(st.data())
def test_calls_of_an_estimator(data: st.DataObject) -> None:
    make = SCIKIT[data.draw(st.sampled_from(list(SCIKIT)), "estimator")]
    random_state = np.random.RandomState(0) if data.draw(st.booleans(), "a generator") else 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make(random_state=random_state)
        for _ in range(data.draw(st.integers(1, 10), "number of calls")):
            known = [name for name in PARAMETERS if name in model.get_params()]
            if data.draw(st.integers(0, 4), "set a parameter") == 0:
                name = data.draw(st.sampled_from(known), "parameter")
                model.set_params(**{name: data.draw(st.sampled_from(PARAMETERS[name]), name)})
            name, arguments = drawn_call(data, model)
            take(model, name, arguments, changes=not name.startswith("predict"))


@settings(max_examples=cases(40))
@given(st.data())
def test_calls_of_a_model_for_river(data: st.DataObject) -> None:
    model = RIVER[data.draw(st.sampled_from(list(RIVER)), "model")]()
    features = st.dictionaries(
        st.sampled_from([f"f{i}" for i in range(12)]), st.sampled_from([0, 1.0, -2.5, True])
    )
    asks = [name for name in ("predict_one", "predict_proba_one") if hasattr(model, name)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(data.draw(st.integers(1, 12), "number of calls")):
            name = data.draw(st.sampled_from([*asks, "learn_one", "learn_one"]), "call")
            arguments: dict[str, Any] = {"x": data.draw(features, "x")}
            if name == "learn_one":
                arguments["y"] = label_or_number(data, model)
                arguments["w"] = data.draw(st.sampled_from([1.0, 2, 0]), "w")
            arguments = with_wrong(data, arguments, [])
            take(model, name, arguments, changes=name == "learn_one")
