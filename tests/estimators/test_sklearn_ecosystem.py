"""The estimators live among scikit-learn's tools, tables and files: a test for each."""

from __future__ import annotations

import builtins
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
import sklearn
from sklearn import neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, make_moons
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.inspection import DecisionBoundaryDisplay, permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rosenblatt.sklearn import MLPClassifier, MLPRegressor
from rosenblatt.sklearn._threads import thread_count

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DIGITS = load_digits(return_X_y=True)
X, y = DIGITS[0][:300], DIGITS[1][:300]


def quick(**settings: Any) -> MLPClassifier:
    defaults: dict[str, Any] = {"hidden_layer_sizes": 8, "random_state": 0, "max_iter": 5}
    return MLPClassifier(**(defaults | settings))


def threads_in_a_worker() -> int | None:
    return thread_count(None)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_one_thread_in_a_worker(backend: str) -> None:
    assert thread_count(None) is None
    assert thread_count(3) == 3
    parallel = joblib.Parallel(n_jobs=2, backend=backend)
    assert parallel(joblib.delayed(threads_in_a_worker)() for _ in range(4)) == [1] * 4
    alone = joblib.Parallel(n_jobs=1)
    assert alone(joblib.delayed(threads_in_a_worker)() for _ in range(2)) == [None] * 2


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_searches_in_parallel_find_the_same(backend: str) -> None:
    model = make_pipeline(StandardScaler(), quick())
    grid = {"mlpclassifier__alpha": [1e-4, 1.0], "mlpclassifier__activation": ["relu", "tanh"]}
    one = GridSearchCV(model, grid, cv=2).fit(X, y)
    with joblib.parallel_config(backend=backend):
        two = GridSearchCV(model, grid, cv=2, n_jobs=2).fit(X, y)
        scores = cross_val_score(model, X, y, cv=3, n_jobs=2)
    assert (one.cv_results_["mean_test_score"] == two.cv_results_["mean_test_score"]).all()
    assert (scores == cross_val_score(model, X, y, cv=3)).all()


def test_calibration() -> None:
    calibrated = CalibratedClassifierCV(quick(max_iter=50, learning_rate_init=0.02), cv=2)
    calibrated.fit(X / 16, y)
    assert calibrated.predict_proba(X / 16).shape == (300, 10)
    assert calibrated.score(X / 16, y) > 0.8


POINTS = np.random.default_rng(0).normal(size=(90, 4))
THREE = np.digitize(POINTS[:, 0], [-0.5, 0.5])
TOOLS: dict[str, Callable[[Any], Any]] = {
    "calibration": lambda clf: CalibratedClassifierCV(clf, cv=3),
    "a search": lambda clf: GridSearchCV(clf, {"alpha": [1e-4, 1.0]}, cv=3),
    "one against the rest": OneVsRestClassifier,
    "votes": lambda clf: VotingClassifier(
        [("first", clf), ("second", clone(clf).set_params(alpha=1.0))], voting="soft"
    ),
    "a stack": lambda clf: StackingClassifier(
        [("first", clf), ("second", DummyClassifier())], cv=3
    ),
    "bags that lack classes": lambda clf: BaggingClassifier(
        clf, n_estimators=5, max_samples=4, random_state=0
    ),
    "boosting": lambda clf: AdaBoostClassifier(clf, n_estimators=3, random_state=0),
    "a chain": lambda clf: ClassifierChain(clf, random_state=0),
}


@pytest.mark.parametrize("y", [THREE > 1, THREE], ids=["two", "three"])
@pytest.mark.parametrize("tool", TOOLS)
def test_tools_find_the_same_as_with_scikit_learns_estimator(tool: str, y: Any) -> None:
    if tool == "a chain":
        y = np.c_[y > 0, POINTS[:, 1] > 0]
    found = []
    for library in (MLPClassifier, neural_network.MLPClassifier):
        clf = library((4,), max_iter=30, learning_rate_init=0.02, random_state=0)
        found.append(TOOLS[tool](clf).fit(POINTS, y).predict_proba(POINTS))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_cross_validated_predictions_are_the_same(method: str) -> None:
    found = [
        cross_val_predict(
            library((4,), max_iter=30, random_state=0), POINTS, THREE, cv=3, method=method
        )
        for library in (MLPClassifier, neural_network.MLPClassifier)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-7)


def test_permutation_importance() -> None:
    clf = quick(max_iter=30).fit(X, y)
    found = permutation_importance(clf, X, y, n_repeats=2, random_state=0)
    assert found.importances_mean[0] == 0  # a corner that is empty in every digit
    assert found.importances_mean.max() > 0


def test_decision_boundary() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    points, kinds = make_moons(100, random_state=0)
    clf = quick(max_iter=50).fit(points, kinds)
    for method in ("predict", "predict_proba"):
        shown = DecisionBoundaryDisplay.from_estimator(clf, points, response_method=method)
        assert np.isfinite(shown.response).all()


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_tables(library: str) -> None:
    package = pytest.importorskip(library)
    columns = {f"pixel {i}": X[:, i] for i in range(64)}
    make = package.table if library == "pyarrow" else package.DataFrame
    clf = quick().fit(make(columns), y)
    if library != "pyarrow":  # scikit-learn 1.9 takes the names of other tables
        assert list(clf.feature_names_in_) == list(columns)
    plain = quick().fit(X, y)
    assert (clf.predict_proba(make(columns)) == plain.predict_proba(X)).all()
    assert clf.n_features_in_ == 64


def test_set_output() -> None:
    pandas = pytest.importorskip("pandas")
    model = make_pipeline(StandardScaler(), quick()).set_output(transform="pandas")
    table = pandas.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    model.fit(table, y)
    assert list(model[-1].feature_names_in_) == list(table.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        model[-1].predict(table.rename(columns={"pixel 3": "other"}))


def test_routing_of_sample_weights() -> None:
    weights = np.random.default_rng(0).uniform(0.5, 2, 300)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = quick().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        routed = cross_validate(
            make_pipeline(StandardScaler().set_fit_request(sample_weight=False), clf),
            X,
            y,
            cv=2,
            params={"sample_weight": weights},
            return_estimator=True,
        )
    first = np.setdiff1d(np.arange(300), next(iter(_folds()))[1])
    scaled = StandardScaler().fit(X[first]).transform(X[first])
    alone = quick().fit(scaled, y[first], weights[first])
    assert (routed["estimator"][0][-1].coefs_[0] == alone.coefs_[0]).all()


def _folds() -> Any:
    from sklearn.model_selection import StratifiedKFold

    return StratifiedKFold(2).split(X, y)


def test_clone() -> None:
    clf = quick(dropout=0.1, class_weight="balanced", threads=2).fit(X, y)
    twin = clone(clf)
    assert twin.get_params() == clf.get_params()
    assert not hasattr(twin, "coefs_")
    assert (twin.fit(X, y).coefs_[0] == clf.coefs_[0]).all()


def test_files_of_joblib_and_skops(tmp_path: Any) -> None:
    clf = make_pipeline(StandardScaler(), quick()).fit(X, y)
    joblib.dump(clf, tmp_path / "model.joblib")
    assert (joblib.load(tmp_path / "model.joblib").predict_proba(X) == clf.predict_proba(X)).all()
    io = pytest.importorskip("skops.io")
    for estimator in (clf, MLPRegressor(max_iter=3).fit(X, y)):
        io.dump(estimator, tmp_path / "model.skops")
        unknown = io.get_untrusted_types(file=tmp_path / "model.skops")
        assert all(name.startswith("rosenblatt.sklearn.") for name in unknown)
        loaded = io.load(tmp_path / "model.skops", trusted=unknown)
        assert (loaded.predict(X) == estimator.predict(X)).all()


def test_a_picture_of_the_estimator() -> None:
    html = quick(alpha=0.5)._repr_html_()
    assert "MLPClassifier" in html
    assert "alpha" in html
    assert repr(quick()) == "MLPClassifier(hidden_layer_sizes=8, max_iter=5, random_state=0)"


def test_absent_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == "sklearn":
            raise ImportError(name)
        return genuine(name, *arguments, **more)

    for name in [each for each in sys.modules if each.startswith("rosenblatt.sklearn")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install rosenblatt\[sklearn\]"):
        genuine("rosenblatt.sklearn")


def test_only_its_users_import_scikit_learn() -> None:
    code = "import rosenblatt, sys; assert not {'sklearn', 'scipy', 'joblib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
