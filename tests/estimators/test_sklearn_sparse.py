"""Sparse samples in the estimators: the bits of the full rows, which are never made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn")

from scipy import sparse

import rosenblatt as rb
from rosenblatt.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Every way that a step is taken: without and with a velocity, means, and the other rules.
SOLVERS: tuple[dict[str, Any], ...] = (
    {"solver": "sgd", "momentum": 0.0, "alpha": 0.0},
    {"solver": "sgd", "momentum": 0.0},
    {"solver": "sgd", "alpha": 0.0},
    {"solver": "sgd", "nesterovs_momentum": False, "learning_rate": "invscaling"},
    {"solver": "adam"},
    {"solver": rb.Adagrad(0.05)},
    {"solver": rb.RMSprop(0.01, centered=True, momentum=0.5)},
    {"solver": rb.AdamW(0.01)},
    {"solver": rb.NAdam(0.01)},
    {"solver": rb.Lion(0.01)},
    {"solver": rb.Rprop(0.01)},
)
SETTINGS: tuple[dict[str, Any], ...] = (
    {"input_dropout": 0.3},
    {"input_dropout": 0.5, "dropout": 0.2, "solver": "sgd", "momentum": 0.0, "alpha": 0.0},
    {"dropout": 0.4},
    {"shuffle": False, "batch_size": 1},
    {"batch_size": 45},
    {"norm": "batch", "batch_size": 9},
    {"norm": "layer", "skip": [False, True], "hidden_layer_sizes": (6, 6)},
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": (70,), "solver": "sgd", "momentum": 0.0, "alpha": 0.0},
)
FORMS = (sparse.csr_array, sparse.csc_matrix)


def some_rows(n_features: int = 150, n: int = 45) -> NDArray[Any]:
    """Rows with many zeros; one is empty, and some columns are 0 in many batches."""
    rng = np.random.default_rng(n_features)
    X = rng.normal(size=(n, n_features)) * (rng.random((n, n_features)) < 0.05)
    X[0] = 0
    return X


X = some_rows()
y = np.arange(45) % 3


def assert_same(thin: Any, full: Any) -> None:
    assert (thin._net._state() == full._net._state()).all()
    assert thin.loss_curve_ == full.loss_curve_
    assert thin.t_ == full.t_


def learner(kind: Any = MLPClassifier, **settings: Any) -> Any:
    defaults: dict[str, Any] = {"hidden_layer_sizes": 8, "random_state": 0, "batch_size": 7}
    return kind(**(defaults | settings))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("settings", SOLVERS + SETTINGS, ids=str)
def test_partial_fit_has_the_bits_of_full_rows(settings: dict[str, Any], dtype: str) -> None:
    for form in FORMS:
        full, thin = (learner(dtype=dtype, threads=t, **settings) for t in (1, 2))
        for _ in range(3):
            full.partial_fit(X, y, classes=range(3))
            thin.partial_fit(form(X), y, classes=range(3))
        assert_same(thin, full)


@pytest.mark.parametrize("settings", [SOLVERS[0], SOLVERS[4], SETTINGS[0]], ids=str)
def test_full_and_sparse_rows_in_turns(settings: dict[str, Any]) -> None:
    """Also after `fit`, and with single samples between them."""
    weights = np.linspace(0, 2, 45)
    full, mixed = learner(max_iter=2, **settings), learner(max_iter=2, **settings)
    full.fit(X, y)
    mixed.fit(sparse.csr_array(X), y)
    for rows in (sparse.csr_array(X), X, sparse.csc_array(X)):
        full.partial_fit(X, y, weights)
        mixed.partial_fit(rows, y, weights)
        for clf in (full, mixed):
            clf.learn_one(X[3], 1)
    assert_same(mixed, full)


def test_regressors() -> None:
    for Y in (X[:, 2], X[:, 5:7]):
        full, thin = learner(MLPRegressor), learner(MLPRegressor)
        for _ in range(3):
            full.partial_fit(X, Y)
            thin.partial_fit(sparse.csr_array(X), Y)
        assert_same(thin, full)


def test_sparse_features_that_come_later() -> None:
    full, thin = learner(grow=True), learner(grow=True)
    for n_features in (100, 150):
        for _ in range(2):
            full.partial_fit(X[:, :n_features], y)
            thin.partial_fit(sparse.csr_array(X[:, :n_features]), y)
    assert_same(thin, full)


def test_calls_are_epochs() -> None:
    """Of sparse rows, too, the calls take the steps of `fit`."""
    for settings in (SOLVERS[0], SOLVERS[4]):
        whole = learner(shuffle=False, max_iter=3, **settings).fit(sparse.csr_array(X), y)
        calls = learner(shuffle=False, **settings)
        for _ in range(3):
            calls.partial_fit(sparse.csr_array(X), y, classes=range(3))
        assert_same(calls, whole)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("settings", [{}, SETTINGS[5], SETTINGS[6], SETTINGS[7]], ids=str)
def test_activations_and_input_gradients(settings: dict[str, Any], form: Any, dtype: str) -> None:
    clf = learner(dtype=dtype, max_iter=2, **settings).fit(X, y)
    first, *others = clf.activations(form(X))
    assert sparse.issparse(first)
    assert (first.toarray() == X.astype(dtype)).all()
    _, *wanted = clf.activations(X)
    for A, B in zip(others, wanted, strict=True):
        assert (A == B).all()
    assert (clf.input_gradients(form(X), y) == clf.input_gradients(X, y)).all()
    net = clf._network()
    found = net.gradients(X, clf._encode(y, clf.loss), loss="log_loss").dX
    assert (clf.input_gradients(X, y) == found * len(X)).all()


def test_a_layer_that_adds_a_sparse_input() -> None:
    mlp = learner(MLPRegressor, hidden_layer_sizes=150, skip=True, max_iter=2).fit(X, X[:, 0])
    for A, B in zip(mlp.activations(sparse.csr_array(X))[1:], mlp.activations(X)[1:], strict=True):
        assert (A == B).all()


def test_full_rows_are_never_made(run_python: Any) -> None:
    """400,000 features in 2,000 rows would fill 3.2 GB; the network itself has 13 MB."""
    peak = run_python(
        """
        import json, resource
        import numpy as np
        from scipy import sparse
        from rosenblatt.sklearn import MLPRegressor

        rng = np.random.default_rng(0)
        X = sparse.random_array((2000, 400_000), density=1e-4, format="csr", random_state=rng)
        y = rng.normal(size=2000)
        ours = {"hidden_layer_sizes": 8, "dtype": "float32", "input_dropout": 0.1}
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for solver in ("sgd", "adam"):
            mlp = MLPRegressor(solver=solver, batch_size=64, random_state=0, **ours)
            mlp.partial_fit(X, y)
            mlp.activations(X)
        print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
        """
    )
    assert peak < 200_000  # KB; dropout's room for the full rows of a batch would be 205 MB more
