"""A fitted estimator: it stays what was fitted, whatever is set later and whatever fails."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib

import rosenblatt as rb
from rosenblatt.sklearn import MLPClassifier, MLPRegressor
from snapshots import assert_unchanged, snapshot

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 4))
SIGN = np.where(X[:, 0] > 0, "yes", "no")
THREE = np.digitize(X[:, 0], [-0.5, 0.5])
SEVERAL = (X[:, :3] > 0).astype(int)
NUMBERS = np.abs(2 * X[:, 0] + 1)

ESTIMATORS: dict[str, tuple[Any, Any]] = {
    "binary": (MLPClassifier((8,), max_iter=20), SIGN),
    "lbfgs": (MLPClassifier((8,), max_iter=20, solver="lbfgs"), SIGN),
    "classes": (MLPClassifier((8, 8), max_iter=20, activation=["tanh", "gelu"]), THREE),
    "several labels": (MLPClassifier((8,), max_iter=20), SEVERAL),
    "hinge": (MLPClassifier((8,), max_iter=20, loss="hinge"), SIGN),
    "squared hinge": (MLPClassifier((8,), max_iter=20, loss="squared_hinge"), SEVERAL),
    "batch norm": (MLPClassifier((8,), max_iter=20, norm="batch", batch_size=20), THREE),
    "layer norm, skip": (
        MLPClassifier((8, 8), max_iter=20, norm="layer", skip=[False, True]),
        THREE,
    ),
    "float32": (MLPClassifier((8,), max_iter=20, dtype="float32"), SIGN),
    "numbers": (MLPRegressor(hidden_layer_sizes=(8,), max_iter=20), NUMBERS),
    "columns": (MLPRegressor(hidden_layer_sizes=(8,), max_iter=20), X[:, :2]),
    "poisson": (MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, loss="poisson"), THREE),
    "variances": (
        MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, loss="gaussian_nll"),
        NUMBERS,
    ),
}
# Parameters of another network, and of another way to train it.
OTHERS: list[dict[str, Any]] = [
    {"activation": "logistic"},
    {"hidden_layer_sizes": (3, 3)},
    {"norm": "batch", "skip": True},
    {"dtype": "float32"},
    {"dtype": "float64"},
    {"loss": "squared_error"},
    {"loss": "squared_hinge"},
    {"loss": "gaussian_nll"},
    {"loss": "poisson"},
    {"solver": "sgd", "alpha": 3.0, "learning_rate_init": 0.5, "momentum": 0.1},
    {"solver": "lbfgs", "max_iter": 1, "early_stopping": True, "validation_fraction": 0.5},
    {"dropout": 0.5, "input_dropout": 0.5, "batch_size": 3, "shuffle": False},
    {"warm_start": True, "random_state": 7, "grow": True, "threads": 1},
    {"coefs_init": [np.ones((1, 1))], "intercepts_init": [np.ones(1)]},
]


def fitted(kind: str) -> tuple[Any, Any]:
    estimator, y = ESTIMATORS[kind]
    return copy.deepcopy(estimator).set_params(random_state=0).fit(X, y), y


def answers(estimator: Any, y: Any) -> list[Any]:
    """Everything that a fitted estimator says of samples."""
    found = [estimator.predict(X), estimator.score(X, y), estimator.input_gradients(X, y)]
    found += [*estimator.activations(X), estimator.predict_one(X[0])]
    for name in ("predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(estimator, name):
            found += [name, getattr(estimator, name)(X)]
    if "return_std" in estimator.predict.__code__.co_varnames:
        try:
            found += estimator.predict(X, return_std=True)
        except ValueError as error:
            found += [str(error)]
    return found


def through_joblib(estimator: Any, tmp_path: Any) -> Any:
    joblib.dump(estimator, tmp_path / "estimator")
    return joblib.load(tmp_path / "estimator")


COPIES: dict[str, Callable[[Any, Any], Any]] = {
    "itself": lambda estimator, _: estimator,
    "pickle": lambda estimator, _: pickle.loads(pickle.dumps(estimator)),
    "deepcopy": lambda estimator, _: copy.deepcopy(estimator),
    "copy": lambda estimator, _: copy.copy(estimator),
    "joblib": through_joblib,
}


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_parameters_set_after_fit_are_for_the_next_one(kind: str, tmp_path: Any) -> None:
    estimator, y = fitted(kind)
    expected = snapshot(answers(estimator, y))
    for other in OTHERS:
        changed = pickle.loads(pickle.dumps(estimator)).set_params(**other)
        for how, copied in COPIES.items():
            assert snapshot(answers(copied(changed, tmp_path), y)) == expected, (other, how)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_pickle_without_the_description_of_its_network(kind: str) -> None:
    """Older pickles are such: of them the parameters say what was fitted."""
    estimator, y = fitted(kind)
    state = estimator.__getstate__()
    del state["_described"], state["_loss_of_fit"]
    old = type(estimator).__new__(type(estimator))
    old.__setstate__(state)
    assert snapshot(answers(old, y)) == snapshot(answers(estimator, y))


@pytest.mark.parametrize("kind", ["binary", "classes", "hinge", "numbers", "poisson", "float32"])
@pytest.mark.parametrize(
    "other", [{"activation": "logistic"}, {"dtype": "float32"}, {"norm": "layer"}, {"skip": True}]
)
def test_growth_and_partial_fit_keep_the_network(kind: str, other: dict[str, Any]) -> None:
    estimator, y = fitted(kind)
    twin = pickle.loads(pickle.dumps(estimator))
    wide = np.hstack([X, np.zeros((60, 1))])
    for each, changes in ((estimator, other), (twin, {})):
        if estimator.solver != "lbfgs":
            each.set_params(grow=True, **changes).partial_fit(wide, y)
    assert snapshot(twin.activations(wide)) == snapshot(estimator.activations(wide))


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("binary", "hinge"),
        ("hinge", "squared_error"),
        ("hinge", "log_loss"),
        ("classes", "squared_hinge"),
        ("numbers", "poisson"),
        ("numbers", "gaussian_nll"),
        ("columns", "gaussian_nll"),
        ("variances", "squared_error"),
        ("poisson", "squared_error"),
    ],
)
def test_a_loss_for_other_outputs_is_refused(kind: str, loss: str) -> None:
    """Where training goes on: the outputs would be trained to mean something else."""
    estimator, y = fitted(kind)
    estimator.set_params(loss=loss, warm_start=True)
    before = snapshot(answers(estimator, y))
    for call in (
        lambda: estimator.fit(X, y),
        lambda: estimator.partial_fit(X, y),
        lambda: estimator.learn_one(X[0], y[0]),
    ):
        with pytest.raises(ValueError, match=f"loss: got '{loss}', which is for"):
            call()
        assert snapshot(answers(estimator, y)) == before
    estimator.set_params(warm_start=False).fit(X, y)
    assert estimator.score(X, y) > -10


@pytest.mark.parametrize(
    ("kind", "other", "message"),
    [
        ("binary", {"hidden_layer_sizes": (16,)}, r"hidden_layer_sizes: got \(16,\), exp.* \(8,\)"),
        ("binary", {"hidden_layer_sizes": ()}, r"hidden_layer_sizes: got \(\), expected \(8,\)"),
        ("binary", {"activation": "tanh"}, r"activation: got \['tanh'\], expected \['relu'\]"),
        ("binary", {"norm": "layer"}, r"norm: got \['layer'\], expected \[None\]"),
        ("layer norm, skip", {"skip": False}, r"skip: got \[False, False\], .*\[False, True\]"),
        ("binary", {"dtype": "float32"}, "dtype: got 'float32', expected 'float64'"),
        ("binary", {"loss": "hinge"}, "loss: got 'hinge', .* as 'log_loss' of the last fit"),
    ],
)
def test_a_warm_start_needs_the_same_network(
    kind: str, other: dict[str, Any], message: str
) -> None:
    estimator, y = fitted(kind)
    before = snapshot(estimator.set_params(warm_start=True, **other))
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)
    assert_unchanged(before, estimator)


def test_a_warm_start_needs_as_many_columns() -> None:
    regressor, y = fitted("numbers")
    regressor.set_params(warm_start=True)
    before = snapshot(regressor)
    with pytest.raises(ValueError, match="outputs for y: got 2, expected 1 as in the last fit"):
        regressor.fit(X, X[:, :2])
    with pytest.raises(ValueError, match="X has 3 features, but MLPRegressor is expecting 4"):
        regressor.fit(X[:, :3], y)
    assert_unchanged(before, regressor)


def test_a_warm_start_goes_on_in_the_type_of_its_network() -> None:
    single, y = fitted("float32")
    single.set_params(warm_start=True, dtype=None).fit(X, y)
    assert {W.dtype for W in single.coefs_} == {np.dtype("f4")}


def test_a_warm_start_with_the_same_network_in_other_words() -> None:
    clf = MLPClassifier([8, 8], activation="tanh", max_iter=2, warm_start=True, random_state=0)
    clf.fit(X, SIGN).set_params(hidden_layer_sizes=(8, np.int64(8)), activation=("tanh", "tanh"))
    clf.set_params(norm=[None, None], skip=(False, False), dtype="float64", loss=rb.LogLoss())
    assert len(clf.fit(X, SIGN).loss_curve_) == 4
