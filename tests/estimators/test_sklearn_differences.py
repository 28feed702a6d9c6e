"""Where an estimator differs from scikit-learn's: each row of the table in the documents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy.special import log_softmax
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import StandardScaler

from rosenblatt.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(66, 4))
THREE = np.arange(66) % 3
TWO = np.array(["no", "yes"])[np.arange(66) % 2]
SEVERAL = (X[:, :3] > 0).astype(int)


def scores(clf: Any, X: Any) -> Any:
    """The outputs z of a network with one hidden layer of relu."""
    hidden = np.maximum(X @ clf.coefs_[0] + clf.intercepts_[0], 0)
    return hidden @ clf.coefs_[1] + clf.intercepts_[1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("y", [TWO, THREE, SEVERAL], ids=["two", "three", "several"])
def test_the_logarithm_of_a_tiny_probability_is_finite(y: Any, dtype: str) -> None:
    clf = MLPClassifier((16,), max_iter=20, dtype=dtype, random_state=0).fit(X, y)
    np.testing.assert_allclose(
        clf.predict_log_proba(X), np.log(clf.predict_proba(X)), rtol=1e-5, atol=1e-6
    )
    far = 1e5 * X
    found = clf.predict_log_proba(far)
    assert found.dtype == dtype
    assert clf.predict_proba(far).min() == 0
    z = scores(clf, far)
    if clf.n_outputs_ == 1:
        z = np.hstack([np.zeros_like(z), z])
    expected = -np.logaddexp(0, -z) if y is SEVERAL else log_softmax(z, axis=1)
    rounding = 100 * np.finfo(dtype).eps * abs(z).max()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=rounding)
    assert found.min() < -1000


def test_a_small_probability_of_two_classes_is_not_0() -> None:
    clf = MLPClassifier((16,), max_iter=20, random_state=0).fit(X, TWO)
    far = 100 * X
    z = scores(clf, far).ravel()
    assert abs(z).max() > 40  # 1 - logistic(40) rounds to 0
    found = clf.predict_proba(far)
    np.testing.assert_allclose(found[:, 0], 1 / (1 + np.exp(z)), rtol=1e-12)
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-z)), rtol=1e-12)
    assert (found[:, 1] == clf._outputs(far).ravel()).all()
    np.testing.assert_allclose(clf.predict_log_proba(far), np.log(found), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_the_logarithms_are_those_of_a_normalised_network(norm: str) -> None:
    clf = MLPClassifier((16,), max_iter=5, norm=norm, batch_size=22, random_state=0).fit(X, THREE)
    np.testing.assert_allclose(clf.predict_log_proba(X), np.log(clf.predict_proba(X)), rtol=1e-9)


@pytest.mark.parametrize("label", ["a", 7])
def test_one_class_has_one_column_of_probabilities(label: Any) -> None:
    clf = MLPClassifier((4,), max_iter=3, random_state=0).fit(X, [label] * 66)
    assert clf.classes_.tolist() == [label]
    assert clf.predict_proba(X).tolist() == [[1.0]] * 66
    assert clf.predict_log_proba(X).tolist() == [[0.0]] * 66
    assert set(clf.predict(X)) == {label}


def test_a_batch_may_lack_classes_whatever_warm_start_is() -> None:
    calls = [(slice(0, 30), {"classes": [0, 1, 2]}), (THREE < 2, {}), (THREE == 0, {})]
    fitted = []
    for warm_start in (False, True):
        clf = MLPClassifier((4,), warm_start=warm_start, random_state=0)
        for rows, more in calls:
            clf.partial_fit(X[rows], THREE[rows], **more)
        fitted.append(clf)
        with pytest.raises(ValueError, match=r"classes not in `self.classes_`"):
            clf.partial_fit(X, THREE + 1)
    assert (fitted[0].coefs_[0] == fitted[1].coefs_[0]).all()
    with pytest.raises(ValueError, match="warm_start can only be used where"):
        fitted[1].fit(X[THREE < 2], THREE[THREE < 2])


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_a_loss_with_a_margin_predicts_by_the_sign_of_its_scores(loss: str) -> None:
    clf = MLPClassifier((8,), max_iter=5, loss=loss, random_state=0).fit(X, TWO)
    found = clf.decision_function(X)
    assert ((found > 0) & (found < 0.5)).any()
    assert (clf.predict(X) == clf.classes_[(found > 0).astype(int)]).all()
    clf.fit(X, SEVERAL)
    assert (clf.predict(X) == (clf.decision_function(X) > 0)).all()
    clf.fit(X, THREE)
    assert (clf.predict(X) == clf.decision_function(X).argmax(axis=1)).all()


def test_the_loss_of_a_confident_network_is_exact() -> None:
    """scikit-learn's probabilities are at least 2e-16, so no loss is above 36."""
    X, y = np.array([[1.0], [1.0]]), [0, 1]
    clf = MLPClassifier(
        (), max_iter=1, batch_size=2, coefs_init=[[[100.0]]], intercepts_init=[[0.0]], alpha=0
    )
    assert clf.fit(X, y).loss_ == 50.0


def test_the_loss_of_several_numbers_is_the_average_over_them() -> None:
    """L-BFGS goes to the minimum of their sum with the penalty, as in scikit-learn."""
    Y = X @ np.array([[1.0, 2.0], [0.5, -1.0], [0.0, 1.0], [1.0, 0.0]])
    reg = MLPRegressor(
        hidden_layer_sizes=(), solver="lbfgs", max_iter=500, alpha=0.1, random_state=0, tol=1e-9
    )
    reg.fit(X, Y)
    penalty = 0.05 * (reg.coefs_[0] ** 2).sum() / len(X)
    expected = ((reg.predict(X) - Y) ** 2).mean() / 2 + penalty
    np.testing.assert_allclose(reg.loss_, expected, rtol=1e-9)
    gradient = (X.T @ (reg.predict(X) - Y) + 0.1 * reg.coefs_[0]) / len(X)
    np.testing.assert_allclose(gradient, 0, atol=1e-6)


def test_a_batch_counts_by_its_weight() -> None:
    """So `loss_` is the weighted mean of all samples."""
    weights = np.where(np.arange(66) < 32, 10.0, 1.0)
    settings: dict[str, Any] = {
        "hidden_layer_sizes": (4,), "batch_size": 32, "max_iter": 1, "shuffle": False, "alpha": 0,
        "solver": "sgd", "learning_rate_init": 1e-12, "random_state": 0,
    }  # fmt: skip
    reg = MLPRegressor(**settings).fit(X, X[:, 0], weights)
    expected = np.average((reg.predict(X) - X[:, 0]) ** 2 / 2, weights=weights)
    np.testing.assert_allclose(reg.loss_, expected, rtol=1e-9)


def test_a_batch_of_weight_0_is_passed_over() -> None:
    """scikit-learn's `fit` raises a ZeroDivisionError, its `partial_fit` a ValueError."""
    settings: dict[str, Any] = {"hidden_layer_sizes": (4,), "random_state": 0, "shuffle": False}
    weights = np.r_[np.zeros(32), np.ones(34)]
    reg = MLPRegressor(**settings, batch_size=32, max_iter=1).fit(X, X[:, 0], weights)
    without = MLPRegressor(**settings, batch_size=32, max_iter=1).fit(X[32:], X[32:, 0])
    np.testing.assert_allclose(reg.coefs_[0], without.coefs_[0], rtol=1e-12)
    before = reg.coefs_[0].copy()
    reg.partial_fit(X, X[:, 0], np.zeros(66))
    assert (reg.coefs_[0] == before).all()
    with pytest.raises(ValueError, match="at least one non-zero"):
        reg.fit(X, X[:, 0], np.zeros(66))


@pytest.mark.parametrize("labels", [[1, "1"], [True, "maybe"], [0, "x"], ["a", None]])
def test_labels_of_several_kinds_are_refused(labels: list[Any]) -> None:
    """scikit-learn turns them into text, so that 1 and "1" are one class."""
    with pytest.raises(ValueError, match="expected labels of one kind"):
        MLPClassifier().fit(X, labels * 33)


def test_large_targets_are_learnt_in_other_units() -> None:
    """As in scikit-learn, the network alone learns nothing of targets near a million."""
    y = 1e6 * (2 * X[:, 0] + 1)
    alone = MLPRegressor(random_state=0)
    assert alone.fit(X, y).score(X, y) < 0
    scaled = TransformedTargetRegressor(alone, transformer=StandardScaler())
    assert scaled.fit(X, y).score(X, y) > 0.9
