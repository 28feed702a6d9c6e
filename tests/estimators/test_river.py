"""river's own checks of an estimator, and what its streams bring."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("river")

from river import checks

from rosenblatt.river import MLPClassifier, MLPRegressor

MODELS = [
    MLPClassifier(hidden_layer_sizes=(5,), random_state=0),
    MLPRegressor(hidden_layer_sizes=(5,), random_state=0),
]


def cases() -> list[Any]:
    return [
        pytest.param(model, check, id=f"{type(model).__name__}-{check.__name__}")
        for model in MODELS
        for check in checks.yield_checks(model)
        if check.__name__ not in model._unit_test_skips()
    ]


@pytest.mark.parametrize(("model", "check"), cases())
def test_every_check(model: Any, check: Callable[[Any], None]) -> None:
    check(model.clone())


def test_features_and_classes_come_and_go() -> None:
    model = MLPClassifier(hidden_layer_sizes=(8,), learning_rate_init=0.02, random_state=0)
    assert model.predict_one({"a": 1}) is None
    for i in range(400):
        kind = i % 3
        x = {"first": float(kind == 0), f"other {kind}": 1.0} if kind else {"first": 1.0}
        model.learn_one(x, ["sun", "rain", "snow"][kind])
    assert model.predict_one({"first": 1.0}) == "sun"
    assert model.predict_one({"other 2": 1.0, "unheard of": 3.0}) == "snow"
    proba = model.predict_proba_one({"other 1": 1.0})
    assert set(proba) == {"sun", "rain", "snow"}
    assert sum(proba.values()) == pytest.approx(1)


def test_more_features_than_there_was_room_for() -> None:
    model = MLPRegressor(hidden_layer_sizes=(4,), random_state=0)
    for i in range(40):
        model.learn_one({f"feature {j}": 1.0 for j in range(i % 20 + 1)}, 1.0)
    assert model._model.n_features_in_ == 32
    assert len(model._columns) == 20


def learned() -> MLPClassifier:
    model = MLPClassifier(hidden_layer_sizes=(4,), random_state=0)
    model.learn_one({"a": 1.0}, "x")
    model.learn_one({"a": 2.0}, "y")
    return model


def state(model: Any) -> Any:
    return pickle.dumps(model)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ({"a": float("nan")}, "new", r"x\['a'\]: got nan, expected a finite number"),
        ({"a": 1.0, "b": float("inf")}, "x", r"x\['b'\]: got inf, expected a finite number"),
        ({"a": 1.0, "colour": "red"}, "x", r"x\['colour'\]: got 'red', expected a finite number"),
        ({"a": "1"}, "x", r"x\['a'\]: got '1', expected a finite number"),
        ({"a": 1j}, "x", r"x\['a'\]: got 1j, expected a finite number"),
        ({"a": 10**400}, "x", r"x\['a'\]: got 10000.*, expected a finite number"),
        ({"a": 1.0, "q" * 10**4: None}, "x", r"x\['qqq.*\.\.\.q*'\]: got None, expected"),
        ({"a": 1.0}, float("nan"), "y: got nan, expected a label that is equal to itself"),
        ({"a": 1.0}, ["x"], "y: got list, expected a hashable label"),
        (["a"], "x", "x: got list, expected a dictionary"),
    ],
    ids=range(10),
)
def test_a_refused_sample_changes_nothing(x: Any, y: Any, words: str) -> None:
    model = learned()
    before = state(model)
    with pytest.raises((TypeError, ValueError), match=words) as raised:
        model.learn_one(x, y)
    assert len(str(raised.value)) < 400
    assert state(model) == before


def test_a_text_in_a_ninth_feature() -> None:
    known = {f"f{i}": 1.0 for i in range(8)}
    model = MLPRegressor(hidden_layer_sizes=(4,), random_state=0)
    for _ in range(5):
        model.learn_one(known, 1.0)
    before = model.predict_one(known)
    with pytest.raises(ValueError, match=r"x\['colour'\]: got 'red', expected a finite number"):
        model.learn_one({**known, "colour": "red"}, 1.0)
    assert model.predict_one(known) == before


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_prediction_admits_no_feature(model: Any) -> None:
    known = {f"f{i}": 1.0 for i in range(8)}
    model = model.clone()
    model.learn_one(known, 1)
    before = state(model)
    model.predict_one({**known, "ninth": 1.0, "tenth": "red"})
    for x, error in (({"f0": float("nan")}, ValueError), ({"f0": "1"}, ValueError), (3, TypeError)):
        with pytest.raises(error, match=r"x(\['f0'\])?: got"):
            model.predict_one(x)
    assert state(model) == before


def test_labels_stay_what_they_are() -> None:
    """Labels of any kind, also 64-bit numbers, are classes of their own."""
    model = MLPClassifier(hidden_layer_sizes=(4,), random_state=0)
    labels = [1, "1", None, (1, 2), 2**63, 2**63 + 1, b"1"]
    for i, label in enumerate(labels):
        model.learn_one({"a": float(i)}, label)
    model.learn_one({"a": 0.0}, True)  # equal to 1
    assert list(model.predict_proba_one({"a": 1.0})) == labels


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_weights(model: Any) -> None:
    ones, twos, zeros = model.clone(), model.clone(), model.clone()
    for each in (ones, twos, zeros):
        each.learn_one({"a": 1.0}, 0)
    before = state(zeros)
    zeros.learn_one({"a": 1.0, "new": 2.0}, 1, w=0)
    assert state(zeros) == before
    ones.learn_one({"a": 1.0}, 1)
    twos.learn_one({"a": 1.0}, 1, w=2.0)
    assert ones.predict_one({"a": 5.0}) is not None
    assert (ones._model.loss_ == twos._model.loss_) is False or ones._model.loss_ > 0
    for w, error in (
        (-1, ValueError),
        (float("nan"), ValueError),
        ("2", TypeError),
        (1j, TypeError),
    ):
        with pytest.raises(error, match="w: got"):
            zeros.learn_one({"a": 1.0}, 1, w=w)
    assert state(zeros) == before
