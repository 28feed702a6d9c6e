"""Where both libraries do the same arithmetic, their weights agree: scikit-learn is the judge."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn import neural_network as theirs
from sklearn.datasets import load_diabetes, load_digits, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning

from rosenblatt import sklearn as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Some hundred steps of some dozens of operations each, of numbers near 1: the roundings of both
# sides differ by less than 300 * 50 * 2^-53 = 2e-12 in the worst case, and by its root as a rule.
SAME = 1e-12


def problem(kind: str, n: int = 150) -> tuple[Any, Any]:
    if kind == "multilabel":
        return make_multilabel_classification(n, n_features=12, n_classes=4, random_state=0)
    if kind in {"numbers", "columns", "counts"}:
        X, y = load_diabetes(return_X_y=True)
        X, y = 10 * X[:n], y[:n] / 100
        if kind == "columns":
            return X, np.stack([y, X[:, 0] - y], axis=1)
        return X, np.round(y) if kind == "counts" else y
    X, y = load_digits(return_X_y=True)
    X, y = X[:n] / 16, y[:n]
    return X, np.array(["no", "yes"])[(y > 4).astype(int)] if kind == "binary" else y


KINDS = {
    "classes": "MLPClassifier",
    "binary": "MLPClassifier",
    "multilabel": "MLPClassifier",
    "numbers": "MLPRegressor",
    "columns": "MLPRegressor",
    "counts": "MLPRegressor",
}
SOLVERS: dict[str, dict[str, Any]] = {
    "sgd": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.05},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.02},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.02},
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
    "adam with a large epsilon": {"solver": "adam", "epsilon": 0.1, "beta_2": 0.9},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.05,
        "tol": 0.1,
        "n_iter_no_change": 1,
    },
}


def both(kind: str, **settings: Any) -> tuple[Any, Any]:
    """Our estimator and scikit-learn's, with the same settings, not yet fitted."""
    if kind == "counts":
        settings["loss"] = "poisson"
    made = [getattr(library, KINDS[kind])(**settings) for library in (ours, theirs)]
    return made[0], made[1]


def assert_same(mine: Any, its: Any, tolerance: float = SAME) -> None:
    for W, V in zip(mine.coefs_ + mine.intercepts_, its.coefs_ + its.intercepts_, strict=True):
        np.testing.assert_allclose(W, V, rtol=tolerance, atol=tolerance)
    assert mine.n_iter_ == its.n_iter_
    assert mine.t_ == its.t_
    assert mine.out_activation_ == its.out_activation_
    np.testing.assert_allclose(mine.loss_, its.loss_, rtol=tolerance, atol=tolerance)


def assert_same_curves(mine: Any, its: Any, tolerance: float = SAME) -> None:
    np.testing.assert_allclose(mine.loss_curve_, its.loss_curve_, rtol=tolerance, atol=tolerance)
    for name in ("best_loss_", "best_validation_score_", "validation_scores_"):
        mine_has, it_has = getattr(mine, name), getattr(its, name)
        assert (mine_has is None) == (it_has is None), name
        if it_has is not None:
            np.testing.assert_allclose(mine_has, it_has, rtol=1e-9, err_msg=name)


def both_of_two_layers(kind: str, solver: str, shuffle: bool, max_iter: int) -> tuple[Any, Any]:
    """Batches of 32, the last one of 22; one seed gives both the same weights and orders."""
    return both(
        kind,
        hidden_layer_sizes=(8, 5),
        activation="tanh",
        alpha=0.01,
        batch_size=32,
        max_iter=max_iter,
        shuffle=shuffle,
        random_state=3,
        **SOLVERS[solver],
    )


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", KINDS)
def test_weights_after_some_steps(kind: str, solver: str, shuffle: bool) -> None:
    X, y = problem(kind)
    mine, its = both_of_two_layers(kind, solver, shuffle, max_iter=12)
    assert_same(mine.fit(X, y), its.fit(X, y))
    assert_same_curves(mine, its)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (7,), (6, 5, 4)])
def test_activations_and_depths(activation: str, hidden: tuple[int, ...]) -> None:
    X, y = problem("classes")
    settings = {"hidden_layer_sizes": hidden, "activation": activation, "random_state": 0}
    mine, its = both("classes", max_iter=10, batch_size=150, **settings)
    assert_same(mine.fit(X, y), its.fit(X, y))
    np.testing.assert_allclose(mine.predict_proba(X), its.predict_proba(X), atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_sample_weights(kind: str) -> None:
    X, y = problem(kind)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(X))
    mine, its = both(kind, max_iter=10, batch_size=len(X), alpha=1.0, random_state=0)
    assert_same(mine.fit(X, y, weights), its.fit(X, y, weights))


@pytest.mark.parametrize("kind", ["classes", "binary", "multilabel", "numbers"])
def test_early_stopping(kind: str) -> None:
    """The same samples are held out, and the same epoch is the best."""
    X, y = problem(kind, 300)
    settings: dict[str, Any] = {"early_stopping": True, "n_iter_no_change": 3, "random_state": 1}
    mine, its = both(kind, max_iter=60, learning_rate_init=0.02, hidden_layer_sizes=8, **settings)
    assert_same(mine.fit(X, y), its.fit(X, y), 1e-9)  # some hundred epochs of adam
    assert_same_curves(mine, its, 1e-9)
    assert mine.n_iter_ < 60 or kind == "multilabel"


def test_float32_is_learnt_in_float32() -> None:
    X, y = problem("classes")
    mine, its = both("classes", max_iter=5, random_state=0)
    mine.fit(X.astype(np.float32), y)
    its.fit(X.astype(np.float32), y)
    assert {W.dtype for W in mine.coefs_} == {W.dtype for W in its.coefs_} == {np.dtype("f4")}
    for W, V in zip(mine.coefs_, its.coefs_, strict=True):
        np.testing.assert_allclose(W, V, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_partial_fit(kind: str) -> None:
    """The momentum, adam's means and the rate live on between the calls."""
    X, y = problem(kind)
    for solver in SOLVERS.values():
        mine, its = both(kind, random_state=2, batch_size=16, hidden_layer_sizes=6, **solver)
        classes = np.arange(4) if kind == "multilabel" else np.unique(y)
        more = {"classes": classes} if KINDS[kind] == "MLPClassifier" else {}
        for start in range(0, 120, 40):
            part = slice(start, start + 40)
            mine.partial_fit(X[part], y[part], **more)
            its.partial_fit(X[part], y[part], **more)
        assert_same(mine, its)
        assert_same_curves(mine, its)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", KINDS)
def test_partial_fit_after_fit(kind: str, solver: str, shuffle: bool) -> None:
    """The calls go on with the optimiser that `fit` left, and with the rate that it came to."""
    X, y = problem(kind)
    mine, its = both_of_two_layers(kind, solver, shuffle, max_iter=5)
    for estimator in (mine, its):
        estimator.fit(X, y)
        for part in (slice(0, 70), slice(70, 110), slice(0, 150)):
            estimator.partial_fit(X[part], y[part])
    assert_same(mine, its)
    assert_same_curves(mine, its)


@pytest.mark.parametrize("solver", ["nesterov", "adam", "adaptive"])
def test_an_optimiser_keeps_its_settings(solver: str) -> None:
    """`set_params` changes nothing of one that has begun, also where the batches grow."""
    X, y = problem("classes")
    mine, its = both("classes", random_state=2, hidden_layer_sizes=6, max_iter=3, **SOLVERS[solver])
    other = {"solver": "adam" if solver == "nesterov" else "sgd", "momentum": 0.5, "beta_1": 0.5}
    for estimator in (mine, its):
        estimator.fit(X, y).set_params(learning_rate_init=0.3, **other)
        for n in (20, 150):
            estimator.partial_fit(X[:n], y[:n])
    assert_same(mine, its)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", ["classes", "columns"])
def test_alpha_is_read_in_every_call(kind: str, solver: str) -> None:
    """The optimiser goes on."""
    X, y = problem(kind)
    mine, its = both(kind, random_state=2, hidden_layer_sizes=6, max_iter=3, **SOLVERS[solver])
    for estimator in (mine, its):
        estimator.fit(X, y)
        for alpha in (1e-4, 2.0, 2.0, 0.0, 0.5):
            estimator.set_params(alpha=alpha).partial_fit(X, y)
    assert_same(mine, its)
    assert_same_curves(mine, its)


@pytest.mark.parametrize("solver", ["nesterov", "adam"])
def test_every_fit_starts_a_new_optimiser(solver: str) -> None:
    """Also by warm_start, after whatever there was."""
    X, y = problem("numbers")
    settings = {"random_state": 2, "hidden_layer_sizes": 6, "max_iter": 3, "warm_start": True}
    mine, its = both("numbers", **settings, **SOLVERS[solver])
    for estimator in (mine, its):
        estimator.fit(X, y).partial_fit(X[:50], y[:50])
        estimator.fit(X, y).partial_fit(X[:50], y[:50])
    assert_same(mine, its)
    assert_same_curves(mine, its)


def test_warm_start() -> None:
    X, y = problem("numbers")
    mine, its = both("numbers", warm_start=True, max_iter=4, random_state=0, solver="sgd")
    for _ in range(3):
        assert_same(mine.fit(X, y), its.fit(X, y))
    assert_same_curves(mine, its)
    assert len(mine.loss_curve_) == 12


@pytest.mark.parametrize("kind", ["classes", "binary", "multilabel", "numbers", "counts"])
def test_lbfgs_reaches_the_same_minimum(kind: str) -> None:
    """A convex cost has one minimum; both minimise it by SciPy's L-BFGS-B."""
    X, y = problem(kind)
    mine, its = both(
        kind,
        solver="lbfgs",
        hidden_layer_sizes=(),
        alpha=1.0,
        max_iter=2000,
        tol=1e-9,
        random_state=0,
    )
    mine.fit(X, y)
    its.fit(X, y)
    np.testing.assert_allclose(mine.loss_, its.loss_, rtol=1e-7)
    np.testing.assert_allclose(mine.coefs_[0], its.coefs_[0], atol=2e-3)


def test_lbfgs_takes_the_same_steps() -> None:
    X, y = problem("classes")
    mine, its = both("classes", solver="lbfgs", max_iter=10, hidden_layer_sizes=6, random_state=0)
    mine.fit(X, y)
    its.fit(X, y)
    for W, V in zip(mine.coefs_, its.coefs_, strict=True):
        np.testing.assert_allclose(W, V, rtol=1e-8, atol=1e-8)
    assert mine.n_iter_ == its.n_iter_ == 10


@pytest.mark.parametrize(
    "settings",
    [
        {"max_iter": 2},
        {"max_iter": 30, "tol": 1.0, "n_iter_no_change": 2},
        {"max_iter": 30, "tol": 1.0, "n_iter_no_change": 2, "early_stopping": True},
        {"max_iter": 40, "tol": 1.0, "n_iter_no_change": 1, "learning_rate": "adaptive"},
    ],
    ids=str,
)
def test_printed_lines_and_warnings(
    settings: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    X, y = problem("classes")
    told = []
    for estimator in both("classes", verbose=True, solver="sgd", random_state=0, **settings):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator.fit(X, y)
        texts = [str(each.message) for each in caught if each.category is ConvergenceWarning]
        told.append((capsys.readouterr().out, texts))
    assert told[0] == told[1]
    assert told[0][0]
