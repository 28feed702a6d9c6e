"""A fitted estimator: it stays what was fitted, whatever is set later and whatever fails."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
from sklearn.exceptions import ConvergenceWarning

import rosenblatt as rb
from rosenblatt.sklearn import MLPClassifier, MLPRegressor, _minimum
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
        with pytest.raises(ValueError, match=f"loss: got '{loss}', a loss for"):
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
        ("binary", {"loss": "hinge"}, "loss: got 'hinge', .* like 'log_loss' in the last fit"),
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


def test_a_warm_start_goes_on_in_the_type_of_its_network() -> None:
    single, y = fitted("float32")
    single.set_params(warm_start=True, dtype=None).fit(X, y)
    assert {W.dtype for W in single.coefs_} == {np.dtype("f4")}


def test_a_warm_start_with_the_same_network_in_other_words() -> None:
    clf = MLPClassifier([8, 8], activation="tanh", max_iter=2, warm_start=True, random_state=0)
    clf.fit(X, SIGN).set_params(hidden_layer_sizes=(8, np.int64(8)), activation=("tanh", "tanh"))
    clf.set_params(norm=[None, None], skip=(False, False), dtype="float64", loss=rb.LogLoss())
    assert len(clf.fit(X, SIGN).loss_curve_) == 4


class CallbackError(Exception):
    """What a callback raises."""


def raising(error: BaseException, after: int) -> Any:
    """A callback that raises after some epochs."""

    def told(epoch: rb.Epoch) -> None:
        if epoch.epoch == after:
            raise error

    return told


OTHER_LABELS = np.array(["p", "q", "r"] * 20)
FAILURES: dict[str, tuple[dict[str, Any], dict[str, Any], type[BaseException]]] = {
    "weights": ({}, {"sample_weight": [1, 2]}, ValueError),
    "weights below 0": ({}, {"sample_weight": -np.ones(60)}, ValueError),
    "classes": ({"class_weight": {"p": -1.0}}, {}, ValueError),
    "labels": ({}, {"y": OTHER_LABELS[:59]}, ValueError),
    "validation": ({}, {"validation": (X, ["x"] * 60)}, ValueError),
    "validation of another width": ({}, {"validation": (X, OTHER_LABELS)}, ValueError),
    "no validation": ({}, {"validation": 3}, TypeError),
    "a parameter": ({"alpha": -1.0}, {}, ValueError),
    "a parameter that is looked at late": ({"dropout": [0.5] * 5}, {}, ValueError),
    "sizes": ({"hidden_layer_sizes": (0,)}, {}, ValueError),
    "the first weights": ({"coefs_init": [np.ones(1)], "intercepts_init": []}, {}, ValueError),
    "too few to hold out": (
        {"early_stopping": True, "validation_fraction": 0.01},
        {},
        ValueError,
    ),
    "divergence": ({"solver": rb.SGD(1e200)}, {}, ValueError),
    "a callback": ({"callback": raising(CallbackError(), 1)}, {}, CallbackError),
    "memory": ({"callback": raising(MemoryError(), 1)}, {}, MemoryError),
    "a callback and scores": (
        {"callback": raising(CallbackError(), 1), "early_stopping": True},
        {},
        CallbackError,
    ),
    "exit": ({"callback": raising(SystemExit(), 0)}, {}, SystemExit),
}


@pytest.mark.parametrize("kind", ["binary", "classes", "batch norm", "float32"])
@pytest.mark.parametrize(
    ("failure", "warm"),
    [
        (failure, warm)
        for failure in FAILURES
        for warm in (False, True)
        if not (warm and failure == "the first weights")  # which a warm start does not read
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_a_fit_that_raises_changes_nothing(kind: str, failure: str, warm: bool) -> None:
    clf, y = fitted(kind)
    clf.set_params(random_state=np.random.RandomState(3), warm_start=warm)
    clf.fit(X, y).partial_fit(X, y)
    settings, arguments, error = FAILURES[failure]
    if failure == "validation of another width":
        arguments = {"validation": (X[:, :3], y)}
    if kind == "batch norm" and settings.get("early_stopping"):
        settings = settings | {"batch_size": 18}
    clf.set_params(**settings)
    before = snapshot(clf)
    with pytest.raises(error):
        clf.fit(X, **({"y": y if warm else OTHER_LABELS} | arguments))
    assert_unchanged(before, clf)


@pytest.mark.parametrize("failure", ["weights", "validation", "divergence", "a callback"])
def test_an_estimator_stays_unfitted(failure: str) -> None:
    settings, arguments, error = FAILURES[failure]
    clf = MLPClassifier((4,), max_iter=3, **settings)
    before = snapshot(clf)
    generator = snapshot(np.random.mtrand._rand)
    with pytest.raises(error), np.errstate(over="ignore"):
        clf.fit(X, **({"y": SIGN} | arguments))
    assert_unchanged(before, clf)
    assert_unchanged(generator, np.random.mtrand._rand)
    assert not hasattr(clf, "classes_")
    assert not hasattr(clf, "n_features_in_")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_warning_that_is_an_error_changes_nothing(solver: str) -> None:
    clf = MLPClassifier((4,), solver=solver, max_iter=2, random_state=0).fit(X, SIGN)
    before = snapshot(clf)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            clf.fit(X, OTHER_LABELS)
    assert_unchanged(before, clf)


def test_an_interrupted_minimiser_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in scikit-learn, only a solver that goes by steps keeps the weights so far."""
    clf, _ = fitted("lbfgs")
    before = snapshot(clf)
    evaluations = iter(range(3))
    genuine = _minimum.Cost.of_weights

    def interrupted(cost: Any) -> float:
        if next(evaluations) == 2:
            raise KeyboardInterrupt
        return genuine(cost)

    monkeypatch.setattr(_minimum.Cost, "of_weights", interrupted)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, OTHER_LABELS)
    assert_unchanged(before, clf)


def test_a_fit_that_is_interrupted_keeps_the_weights_so_far() -> None:
    clf, y = fitted("binary")
    clf.set_params(callback=raising(KeyboardInterrupt(), 4))
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        clf.fit(X, y)
    assert clf.n_iter_ == 4
    shorter = MLPClassifier((8,), max_iter=5, random_state=0).fit(X, y)
    assert (clf.coefs_[0] == shorter.coefs_[0]).all()


@pytest.mark.parametrize("warm", [False, True])
def test_another_solver_reports_nothing_of_the_one_before(warm: bool) -> None:
    clf = MLPClassifier((4,), early_stopping=True, warm_start=warm, random_state=0).fit(X, SIGN)
    clf.set_params(solver="lbfgs").fit(X, SIGN)
    for name in ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"):
        assert not hasattr(clf, name)


def test_another_rule_to_stop_reports_nothing_of_the_one_before() -> None:
    clf = MLPClassifier((4,), early_stopping=True, max_iter=3, warm_start=True, random_state=0)
    clf.fit(X, SIGN).set_params(early_stopping=False)
    for goes_on in (clf.fit, clf.partial_fit):
        goes_on(X, SIGN)
        assert clf.validation_scores_ is clf.best_validation_score_ is None
        assert clf.best_loss_ == min(clf.loss_curve_[3:])
    clf.set_params(early_stopping=True).fit(X, SIGN)
    assert clf.best_loss_ is None
    assert len(clf.validation_scores_) == 3


ONE_HOT = np.eye(3, dtype=int)[THREE]


@pytest.mark.parametrize(
    ("first", "later", "message"),
    [
        (SIGN, SEVERAL, "got 3 columns of labels, expected one label per sample"),
        (THREE, ONE_HOT, "got 3 columns of labels, expected one label per sample"),
        (SEVERAL, THREE, "got one label per sample, expected 3 columns of labels"),
        (SEVERAL, SEVERAL[:, :2], "got 2 columns of labels, expected 3 columns of labels"),
        (NUMBERS, np.c_[NUMBERS, NUMBERS], "got 2 targets per sample, expected 1"),
        (np.c_[NUMBERS, NUMBERS], NUMBERS, "got 1 targets per sample, expected 2"),
    ],
)
@pytest.mark.parametrize("way", ["warm start", "partial_fit", "validation"])
def test_targets_of_another_form_are_refused_by_name(
    way: str, first: Any, later: Any, message: str
) -> None:
    made = MLPRegressor if first.dtype.kind == "f" else MLPClassifier
    clf = made(hidden_layer_sizes=(4,), max_iter=2, warm_start=way == "warm start").fit(X, first)
    before = snapshot(clf)
    calls = {"warm start": clf.fit, "partial_fit": clf.partial_fit}
    y, more = (first, {"validation": (X, later)}) if way == "validation" else (later, {})
    with pytest.raises(ValueError, match=f"^y: {message} as in the last fit"):
        calls.get(way, clf.fit)(X, y, **more)
    assert_unchanged(before, clf)


@pytest.mark.parametrize(
    ("name", "i", "value", "message"),
    [
        ("coefs_", 0, np.ones((1, 8)), r"coefs_: got shapes \(1, 8\), \(8, 1\), expected \(4, 8\)"),
        ("coefs_", 1, 3.0, r"coefs_: got shapes \(4, 8\), \(\), expected"),
        ("coefs_", 0, np.full((4, 8), np.nan), r"coefs_\[0\]: got nan"),
        ("intercepts_", 0, np.ones(1), r"intercepts_: got shapes \(1,\), \(1,\), expected \(8,\)"),
    ],
)
def test_weights_that_are_put_in_must_fit(name: str, i: int, value: Any, message: str) -> None:
    clf, _ = fitted("binary")
    getattr(clf, name)[i] = value
    for call in (clf.predict, clf.predict_proba, lambda X: pickle.dumps(clf)):
        with pytest.raises(ValueError, match=message):
            call(X)
    clf, _ = fitted("binary")
    clf.coefs_ = clf.coefs_[:1]
    with pytest.raises(ValueError, match="coefs_: got shapes"):
        clf.predict(X)


def test_a_fit_within_a_fit_is_refused() -> None:
    clf = MLPClassifier((4,), max_iter=4, random_state=0)
    seen = []

    def train_again(_epoch: rb.Epoch) -> None:
        before = snapshot(clf, ignored=["callback"])
        for call in (clf.fit, clf.partial_fit):
            with pytest.raises(RuntimeError, match="MLPClassifier: it is being trained"):
                call(X, THREE)
        assert_unchanged(before, clf, ignored=["callback"])
        seen.append(copy.deepcopy(clf).set_params(callback=None).fit(X, THREE).classes_.tolist())

    clf.set_params(callback=train_again).fit(X, SIGN)
    assert seen == [[0, 1, 2]] * 4
    alone = MLPClassifier((4,), max_iter=4, random_state=0).fit(X, SIGN)
    assert (clf.coefs_[0] == alone.coefs_[0]).all()


def test_a_copy_that_is_made_during_a_fit_has_the_weights_so_far() -> None:
    copies = []
    clf = MLPClassifier((4,), max_iter=5, random_state=0)
    clf.set_params(callback=lambda _epoch: copies.append(copy.deepcopy(clf)))
    clf.fit(X, THREE)
    for epochs, each in enumerate(copies, 1):
        shorter = MLPClassifier((4,), max_iter=epochs, random_state=0).fit(X, THREE)
        assert (each.predict_proba(X) == shorter.predict_proba(X)).all()
        again = pickle.loads(pickle.dumps(each.set_params(callback=None)))
        assert (again.predict_proba(X) == shorter.predict_proba(X)).all()


def test_callbacks_are_torn_down_after_a_fit_that_raised() -> None:
    callback = pytest.importorskip("sklearn.callback")

    class Recorder(Recorded):
        def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
            raise CallbackError

    assert isinstance(Recorder(), callback.FitCallback)
    for solver in ("adam", "lbfgs"):
        recorder = Recorder()
        clf, y = fitted("binary")
        before = snapshot(clf.set_params(solver=solver).set_callbacks(recorder), ignored=["told"])
        with pytest.raises(CallbackError):
            clf.fit(X, y)
        assert recorder.told[-1] == "teardown"
        assert_unchanged(before, clf, ignored=["told"])


class Recorded:
    """A callback of scikit-learn that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def setup(self, estimator: Any, context: Any) -> None:
        self.told.append("setup")

    def teardown(self, estimator: Any, context: Any) -> None:
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self.told.append(f"{context.task_name} begins")

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        self.told.append(f"{context.task_name} ends")
        return False


@pytest.mark.parametrize(
    ("settings", "epochs", "empty"),
    [
        ({"solver": "lbfgs", "max_iter": 3}, 3, 0),
        ({"solver": "lbfgs", "max_iter": 1}, 1, 0),
        ({"solver": "lbfgs", "max_iter": 1000, "tol": 0.1}, None, 1),
        ({"max_iter": 4}, 4, 0),
        ({"max_iter": 200, "tol": 10.0, "n_iter_no_change": 2}, None, 0),
        ({"max_iter": 50, "tol": 10.0, "n_iter_no_change": 2, "early_stopping": True}, None, 0),
        ({"max_iter": 50, "callback": lambda epoch: epoch.epoch == 2}, 3, 1),
        ({"max_iter": 50, "callback": raising(KeyboardInterrupt(), 2)}, 2, 1),
        ({"max_iter": 3, "solver": rb.LBFGS()}, 3, 0),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Training interrupted by user")
def test_callbacks_of_scikit_learn_see_every_epoch(
    settings: dict[str, Any], epochs: int | None, empty: int
) -> None:
    """An epoch is empty if the solver stops after it has begun."""
    pytest.importorskip("sklearn.callback")
    recorder = Recorded()
    clf = MLPClassifier((4,), random_state=0, **settings).set_callbacks(recorder).fit(X, SIGN)
    epochs = clf.n_iter_ if epochs is None else epochs
    assert clf.n_iter_ == epochs
    expected = ["epoch begins", "epoch ends"] * (epochs + empty)
    assert recorder.told == ["setup", "fit begins", *expected, "fit ends", "teardown"]
    assert np.isfinite(clf.loss_)


def test_scikit_learn_monitors_a_fit_that_reaches_max_iter() -> None:
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    clf = MLPClassifier((4,), solver="lbfgs", max_iter=3, random_state=0).set_callbacks(monitor)
    with pytest.warns(ConvergenceWarning):
        clf.fit(X, SIGN)
    assert clf.n_iter_ == 3
    assert clf.score(X, SIGN) > 0.8
