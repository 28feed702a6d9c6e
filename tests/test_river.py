"""river's own checks of an estimator, and what its streams bring."""

from __future__ import annotations

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
