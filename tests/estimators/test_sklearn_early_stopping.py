"""Early stopping in an estimator: which samples are held out, and which weights are kept."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import assume, given
from hypothesis import strategies as st

pytest.importorskip("sklearn")

from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split

import rosenblatt as rb
from rosenblatt import sklearn
from rosenblatt.sklearn import MLPClassifier, MLPRegressor, _steps
from rosenblatt.sklearn._samples import Samples

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Training interrupted by user"),
    pytest.mark.filterwarnings("ignore:overflow"),
]


@contextmanager
def recorded_split() -> Iterator[list[Samples]]:
    """Record the samples that each `fit` holds out."""
    seen: list[Samples] = []
    genuine = _steps.split

    def split(*args: Any) -> Any:
        found = genuine(*args)
        seen.append(found[1])
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_steps, "split", split)
        yield seen


# ---- What is held out


def split(sizes: list[int], fraction: float, seed: int) -> tuple[Any, Any, Any]:
    """The labels, and the rows that are trained on and held out."""
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    clf = MLPClassifier((1,), early_stopping=True, max_iter=1)
    clf._validate(np.zeros((len(y), 1)), y, incremental=False, reset=True)
    clf.n_outputs_ = 1 if len(sizes) <= 2 else len(sizes)
    clf.validation_fraction = fraction
    clf._random_state = np.random.RandomState(seed)
    rows = np.arange(len(y), dtype=float)[:, np.newaxis]
    used, held_out = _steps.split(clf, Samples(rows, y, None), None)
    assert held_out is not None
    return y, used.X.ravel().astype(int), held_out.X.ravel().astype(int)


def scikit_learns(y: Any, fraction: float, seed: int) -> tuple[Any, Any]:
    """What scikit-learn's `_fit_stochastic` draws."""
    stratify = y if len(np.unique(y)) <= 2 else None
    random = np.random.RandomState(seed)
    trained, held_out = train_test_split(
        np.arange(len(y)), random_state=random, test_size=fraction, stratify=stratify
    )
    return trained, held_out


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=5),
    st.floats(0.05, 0.9),
    st.integers(0, 2**32 - 1),
)
def test_no_class_is_lost_and_every_other_split_is_scikit_learns(
    sizes: list[int], fraction: float, seed: int
) -> None:
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    theirs = None
    try:
        theirs = scikit_learns(y, fraction, seed)
    except ValueError as error:
        words = str(error).split("=")[0]
    if theirs is None or len(theirs[1]) < 2:
        one_sample = len(sizes) <= 2 and min(sizes) == 1
        assume(not one_sample)
        with pytest.raises(ValueError, match="too small" if theirs else words):
            split(sizes, fraction, seed)
        return
    loses_one = set(y[theirs[0]]) != set(y)
    try:
        y, trained, held_out = split(sizes, fraction, seed)
    except ValueError:
        assert loses_one
        assert min(sizes) == 1
        return
    assert sorted([*trained, *held_out]) == list(range(len(y)))
    assert set(y[trained]) == set(y)
    if not loses_one:
        assert list(trained) == list(theirs[0])
        assert list(held_out) == list(theirs[1])


def test_a_class_that_scikit_learn_would_hold_out_whole_is_trained() -> None:
    lost = 0
    for seed in range(40):
        y, trained, held_out = split([39, 39, 2], 0.1, seed)
        lost += len(set(y[scikit_learns(y, 0.1, seed)[0]])) < 3
        assert set(y[trained]) == {0, 1, 2}
        assert len(held_out) == 8
    assert lost > 0


@pytest.mark.parametrize("seed", range(5))
def test_a_class_of_one_sample_is_trained(seed: int) -> None:
    """scikit-learn cannot stratify two such classes, and may hold out the one sample of three."""
    for sizes in ([30, 1], [30, 20, 1]):
        y, trained, held_out = split(sizes, 0.2, seed)
        assert y[trained].max() == len(sizes) - 1
        assert len(held_out) == math.ceil(0.2 * len(y))


def test_a_rare_class_is_learnt() -> None:
    X = np.r_[np.zeros((60, 1)), np.ones((2, 1)), -np.ones((30, 1))]
    y = np.repeat(["common", "rare", "other"], [60, 2, 30])
    for seed in range(20):
        clf = MLPClassifier(
            (8,), early_stopping=True, random_state=seed, learning_rate_init=0.05, tol=0.0,
            n_iter_no_change=100,
        )  # fmt: skip
        clf.fit(X, y)
        assert "rare" in clf.classes_
        assert clf.loss_ < 0.1


def test_weights_of_0_for_all_that_is_held_out_are_refused() -> None:
    X, y = np.arange(20.0)[:, np.newaxis], np.arange(20) % 2
    clf = MLPClassifier((2,), early_stopping=True, random_state=0, validation_fraction=0.2)
    with recorded_split() as seen:
        clf.fit(X, y)
    held_out = seen[0].X.ravel().astype(int)
    weights = np.ones(20)
    weights[held_out] = 0
    with pytest.raises(ValueError, match="sample_weight: got 0 for every sample held out"):
        clf.fit(X, y, weights)
    weights[held_out[0]] = 1
    clf.fit(X, y, weights)


def test_a_score_of_one_sample_is_refused_if_it_is_undefined() -> None:
    X, y = np.arange(20.0)[:, np.newaxis], np.arange(20.0)
    reg = MLPRegressor(hidden_layer_sizes=(2,), early_stopping=True, max_iter=3, random_state=0)
    with pytest.raises(ValueError, match="validation: got 1 sample, expected at least 2"):
        reg.fit(X, y, validation=(X[:1], y[:1]))
    reg.fit(X, y, validation=(X[:2], y[:2]))
    assert np.isfinite(reg.best_validation_score_)
    clf = MLPClassifier((2,), early_stopping=True, max_iter=3, random_state=0)
    assert clf.fit(X, y > 9, validation=(X[:1], y[:1] > 9)).best_validation_score_ in (0, 1)


# ---- The best weights have the best score

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 4))
TARGETS = {
    "binary": np.where(X[:, 0] > 0, "yes", "no"),
    "classes": np.digitize(X[:, 0], [-0.5, 0.5]),
    "several labels": (X[:, :3] > 0).astype(int),
    "numbers": 2 * X[:, 0] + X[:, 1] ** 2,
    "columns": np.c_[X[:, 0], X[:, 1] ** 2],
}
WEIGHTS = RANDOM.uniform(0.1, 2, 40)
HELD_OUT = slice(0, 15)
DIVERGES_AT = 6


@dataclass(frozen=True)
class Fit:
    """A fit with early stopping, and how it ends."""

    kind: str = "binary"
    norm: str | None = None
    solver: str = "sgd"
    dtype: str | None = None
    sparse: bool = False
    weighted: bool = False
    balanced: bool = False
    own: bool = True  # a validation set of the user's
    ending: str = "tol"

    @property
    def classifies(self) -> bool:
        return self.kind not in ("numbers", "columns")

    def estimator(self, **settings: Any) -> Any:
        made = MLPClassifier if self.classifies else MLPRegressor
        if self.balanced:
            settings["class_weight"] = "balanced"
        return made(
            hidden_layer_sizes=(5,),
            activation="identity",
            solver=rb.LBFGS() if self.solver == "lbfgs" else self.solver,
            max_iter=15,
            tol=0.0,
            n_iter_no_change=4,
            early_stopping=True,
            validation_fraction=0.3,
            norm=self.norm,
            dtype=self.dtype,
            batch_size=7,
            random_state=2,
            **self.changes(),
            **settings,
        )

    def changes(self) -> dict[str, Any]:
        """The parameters that decide how the fit ends."""
        rate: Any = 0.1
        if self.ending == "divergence":
            rate = rb.schedules.PerEpoch(lambda epoch: 0.05 if epoch < DIVERGES_AT else 1e300)
        return {"learning_rate_init": rate, "callback": self.callback}

    def callback(self, epoch: rb.Epoch) -> bool:
        if epoch.epoch == 4 and self.ending == "interrupt":
            raise KeyboardInterrupt
        return epoch.epoch == 4 and self.ending == "callback"

    def trained(self, clf: Any) -> Samples:
        """Fit, and return what was held out."""
        rows = scipy.sparse.csr_matrix(X) if self.sparse else X
        y, weights = TARGETS[self.kind], WEIGHTS if self.weighted else None
        validation: Any = None
        if self.own:
            validation = rows[HELD_OUT], y[HELD_OUT], *([WEIGHTS[HELD_OUT]] * self.weighted)
        with recorded_split() as seen:
            clf.fit(rows, y, weights, validation=validation)
        return seen[0]

    def measured(self, clf: Any, held_out: Any) -> float:
        """The score of an estimator's predictions, measured from outside."""
        score = accuracy_score if self.classifies else r2_score
        return float(score(held_out.y, clf.predict(held_out.X), sample_weight=held_out.weights))


def is_possible(fit: Fit) -> bool:
    if fit.balanced and not fit.classifies:
        return False
    if fit.ending == "divergence" and fit.solver == "lbfgs":
        return False
    return not (fit.solver == "lbfgs" and fit.norm == "batch")


FITS = st.builds(
    Fit,
    kind=st.sampled_from(sorted(TARGETS)),
    norm=st.sampled_from([None, "batch", "layer"]),
    solver=st.sampled_from(["sgd", "adam", "lbfgs"]),
    dtype=st.sampled_from([None, "float32"]),
    sparse=st.booleans(),
    weighted=st.booleans(),
    balanced=st.booleans(),
    own=st.booleans(),
    ending=st.sampled_from(["tol", "callback", "interrupt", "divergence"]),
).filter(is_possible)


@given(FITS)
def test_the_fitted_estimator_has_the_best_score(fit: Fit) -> None:
    clf = fit.estimator()
    held_out = fit.trained(clf)
    assert fit.measured(clf, held_out) == clf.best_validation_score_
    assert clf.best_validation_score_ == np.nanmax(clf.validation_scores_)
    assert len(clf.validation_scores_) == clf.n_iter_ == len(clf.loss_curve_)


@given(FITS)
def test_a_warm_start_keeps_the_better_of_both_fits(fit: Fit) -> None:
    """Its first weights count, with their score on the samples that are held out now."""
    clf = replace(fit, ending="tol").estimator(warm_start=True)
    fit.trained(clf)
    first = copy.deepcopy(clf)
    held_out = fit.trained(clf.set_params(random_state=5, **fit.changes()))
    scores = [fit.measured(first, held_out), *clf.validation_scores_[-clf.n_iter_ :]]
    assert clf.best_validation_score_ == np.nanmax(scores)
    assert fit.measured(clf, held_out) == clf.best_validation_score_


def test_a_fit_that_diverges_keeps_the_weights_of_the_best_epoch() -> None:
    X = np.random.default_rng(0).normal(size=(64, 4))
    y = 2 * X[:, 0] + 1
    rate = rb.schedules.PerEpoch(lambda epoch: 0.05 if epoch < 30 else 1e3 if epoch < 33 else 1e200)
    reg = MLPRegressor(
        hidden_layer_sizes=(8,),
        solver="sgd",
        learning_rate_init=rate,
        early_stopping=True,
        n_iter_no_change=50,
        random_state=0,
    )
    with pytest.warns(ConvergenceWarning, match="non-finite.*best validation score are kept"):
        reg.fit(X, y)
    assert reg.best_validation_score_ > 0.98
    assert reg.score(X, y) > 0.98
    reg.set_params(early_stopping=False, learning_rate_init=0.01).partial_fit(X, y)
    assert reg.score(X, y) > 0.98
    with pytest.raises(ValueError, match="non-finite"):
        MLPRegressor(solver=rb.SGD(1e200), early_stopping=True, random_state=0).fit(X, y)


def test_a_warm_start_that_improves_is_scikit_learns() -> None:
    X = np.random.default_rng(0).normal(size=(80, 4))
    y = X[:, 0] + X[:, 1]
    settings: dict[str, Any] = {"early_stopping": True, "warm_start": True, "max_iter": 5}
    mine, its = [
        each.MLPRegressor(random_state=0, **settings) for each in (sklearn, neural_network)
    ]
    for _ in range(4):
        mine.fit(X, y)
        its.fit(X, y)
        np.testing.assert_allclose(mine.coefs_[0], its.coefs_[0], rtol=1e-9)
        np.testing.assert_allclose(mine.validation_scores_, its.validation_scores_, rtol=1e-9)
