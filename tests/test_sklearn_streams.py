"""Streams: a sample at a time is a batch of one, and what comes later is admitted."""

from __future__ import annotations

import pickle
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

import rosenblatt as rb
from rosenblatt.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DIGITS = load_digits(return_X_y=True)
X, y = DIGITS[0][:200] / 16, DIGITS[1][:200]


def quick(**settings: Any) -> MLPClassifier:
    defaults: dict[str, Any] = {"hidden_layer_sizes": 12, "random_state": 0}
    return MLPClassifier(**(defaults | settings))


def test_learn_one_is_a_batch_of_one() -> None:
    one, many = quick(), quick()
    for clf in (one, many):
        clf.partial_fit(X[:50], y[:50], classes=range(10))
    for x, label in zip(X[50:80], y[50:80], strict=True):
        one.learn_one(x, label)
        many.partial_fit(x[None], [label])
    for W, V in zip(one.coefs_, many.coefs_, strict=True):
        assert (W == V).all()
    assert one.t_ == many.t_ == 80
    assert one.predict_one(X[0]) == one.predict(X[:1])[0]


@pytest.mark.parametrize("solver", ["sgd", "adam", rb.Adagrad(0.05), rb.RMSprop(0.01)], ids=repr)
def test_learn_one_goes_on_after_fit(solver: Any) -> None:
    one, many = (quick(solver=solver, max_iter=2) for _ in range(2))
    for clf in (one, many):
        clf.fit(X, y)
    one = pickle.loads(pickle.dumps(one))
    for x, label in zip(X[:10], y[:10], strict=True):
        one.learn_one(x, label)
        many.partial_fit(x[None], [label])
    fresh = quick(solver=solver, max_iter=2).fit(X, y)
    fresh._forget()
    fresh.learn_one(X[0], y[0])
    for clf in (one, many):
        clf.partial_fit(X, y)
    assert (one.coefs_[0] == many.coefs_[0]).all()
    again = quick(solver=solver, max_iter=2).fit(X, y).learn_one(X[0], y[0])
    assert (fresh.coefs_[0] != again.coefs_[0]).any()


def test_fit_and_calls_are_one_training() -> None:
    """Two epochs and three calls have the bits of five epochs."""
    settings: dict[str, Any] = {"shuffle": False, "batch_size": 32, "dtype": "float32"}
    for solver in ("adam", rb.AdamW(rb.schedules.Exponential(0.01, factor=0.8))):
        whole = quick(solver=solver, max_iter=5, **settings).fit(X, y)
        broken = quick(solver=solver, max_iter=2, **settings).fit(X, y)
        for _ in range(3):
            broken.partial_fit(X, y)
        for W, V in zip(broken.coefs_, whole.coefs_, strict=True):
            assert (W == V).all()


class Interrupted(rb.Callback):
    """Ctrl-C while the callback of a step or of an epoch is told."""

    def __init__(self, step: int) -> None:
        self.left = step

    def on_step(self, step: rb.Step) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_an_interrupted_fit_is_gone_on_with() -> None:
    """Seven batches make an epoch: ten steps, and the last four of the second epoch."""
    settings: dict[str, Any] = {"shuffle": False, "batch_size": 32}
    whole = quick(max_iter=2, **settings).fit(X, y)
    clf = quick(max_iter=9, callback=Interrupted(10), **settings)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        clf.fit(X, y)
    clf.partial_fit(X[96:], y[96:])
    assert (clf.coefs_[0] == whole.coefs_[0]).all()


def test_what_cannot_be_gone_on_with_begins_anew() -> None:
    """A minimiser leaves no memory."""
    for solver in ("lbfgs", rb.LBFGS()):
        clf = quick(solver=solver, max_iter=2).fit(X, y).set_params(solver="adam")
        clf.partial_fit(X, y)
        assert clf._learner.core.memory[0][0] == 1


@pytest.mark.parametrize(
    "loss",
    ["log_loss", "focal", "squared_error", rb.Huber(0.5), "hinge", "squared_hinge"],
    ids=repr,
)
@pytest.mark.parametrize("kind", ["classes", "binary", "multilabel"])
def test_learn_one_takes_what_partial_fit_takes(kind: str, loss: Any) -> None:
    labels, classes = y, np.arange(10)
    if kind == "binary":
        labels, classes = y % 2, np.arange(2)
    if kind == "multilabel":
        labels, classes = (y[:, None] >> np.arange(3)) & 1, np.arange(3)
    one, many = (quick(loss=loss).partial_fit(X, labels, classes=classes) for _ in range(2))
    for x, label in zip(X[:5], labels[:5], strict=True):
        one.learn_one(x, label)
        many.partial_fit(x[None], label[None])
    assert (one.coefs_[0] == many.coefs_[0]).all()


def test_learn_one_knows_the_classes_of_the_last_fit() -> None:
    one, many = (quick(max_iter=2).fit(X, y).learn_one(X[0], 1) for _ in range(2))
    one.fit(X, y + 1).learn_one(X[0], 10)
    many.fit(X, y + 1).partial_fit(X[:1], [10])
    assert (one.coefs_[0] == many.coefs_[0]).all()
    with pytest.raises(ValueError, match="y: got 0, needed one of"):
        one.learn_one(X[0], 0)


@pytest.mark.parametrize(
    "other",
    [{"alpha": 0.5}, {"loss": "squared_error"}, {"dropout": [0.5]}, {"input_dropout": 0.3}],
    ids=str,
)
@pytest.mark.parametrize("batch", [False, True])
def test_what_every_call_reads(batch: bool, other: dict[str, Any]) -> None:
    """As if the estimator had been pickled between; the optimiser goes on."""
    used = quick(max_iter=2).fit(X, y).partial_fit(X, y)
    twin = pickle.loads(pickle.dumps(used))
    same = pickle.loads(pickle.dumps(used))
    for clf in (used, twin, same):
        clf.set_params(**(other if clf is not same else {}))
        if batch:
            clf.partial_fit(X, y)
        else:
            clf.learn_one(X[0], y[0])
    assert (used.coefs_[0] == twin.coefs_[0]).all()
    assert (used.coefs_[0] != same.coefs_[0]).any()
    assert used._learner.core.memory[0] == same._learner.core.memory[0]


def test_the_same_numbers_again_are_no_change() -> None:
    clf = quick(alpha=0.25, dropout=[0.5]).partial_fit(X, y, classes=range(10))
    learner = clf._learner
    for _ in range(2):
        clf.set_params(alpha=float("0.25"), dropout=np.array([0.5])).learn_one(X[0], y[0])
        assert clf._learner is learner


def test_masks_differ_where_a_setting_changes_in_every_call() -> None:
    """Steps of length 0: only the masks make a difference."""
    clf = quick(solver="sgd", learning_rate_init=1e-300, dropout=0.5, batch_size=50)
    for i in range(4):
        clf.set_params(alpha=i * 1e-300).partial_fit(X, y, classes=range(10))
    assert len(set(clf.loss_curve_)) == 4


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize(
    "wrong", [{"alpha": -1.0}, {"loss": "hinge"}, {"dropout": [0.5, 0.5]}], ids=str
)
def test_what_is_refused_leaves_the_optimiser(wrong: dict[str, Any], begun: bool) -> None:
    clf, twin = (quick(max_iter=2).fit(X, y) for _ in range(2))
    if begun:
        for each in (clf, twin):
            each.partial_fit(X, y)
    right = {name: getattr(clf, name) for name in wrong}
    for call in (lambda: clf.partial_fit(X, y), lambda: clf.learn_one(X[0], y[0])):
        clf.set_params(**wrong)
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}: got"):
            call()
    for each in (clf.set_params(**right), twin):
        each.partial_fit(X, y)
    assert (clf.coefs_[0] == twin.coefs_[0]).all()


@pytest.mark.parametrize("solver", ["lbfgs", rb.LBFGS()], ids=repr)
def test_a_minimiser_takes_no_single_steps(solver: Any) -> None:
    clf = quick(solver=solver, max_iter=2).fit(X, y)
    before = clf.coefs_[0].copy()
    with pytest.raises(ValueError, match=r"solver: got .*, needed one that goes by steps"):
        clf.learn_one(X[0], y[0])
    assert (clf.coefs_[0] == before).all()


def damaged(settings: Any, core: Any, rate: Any) -> dict[str, Any]:
    numbers, states = core
    return {
        "nothing": (),
        "a number": 5,
        "two parts": (core, rate),
        "no settings": (None, core, rate),
        "too few settings": ({"solver": "sgd"}, core, rate),
        "another solver": (settings | {"solver": "adam"}, core, rate),
        "a minimiser": (settings | {"solver": rb.LBFGS()}, core, rate),
        "no core": (settings, None, rate),
        "too few numbers": (settings, (numbers[1:], states), rate),
        "words": (settings, (["a"] * 10, states), rate),
        "steps below 0": (settings, ([-1.0, *numbers[1:]], states), rate),
        "half an epoch": (settings, ([numbers[0], 0.5, *numbers[2:]], states), rate),
        "steps without end": (settings, ([1e300, *numbers[1:]], states), rate),
        "no number": (settings, ([np.nan, *numbers[1:]], states), rate),
        "no state": (settings, (numbers, []), rate),
        "a short state": (settings, (numbers, [states[0][1:]]), rate),
        "a state that is a number": (settings, (numbers, [states[0][0]]), rate),
        "a state of objects": (settings, (numbers, [states[0].astype(object)]), rate),
        "a state of words": (settings, (numbers, ["a"]), rate),
        "a word as a rate": (settings, core, "a"),
        "a rate below 0": (settings, core, -1.0),
        "rates": (settings, core, np.ones(2)),
    }


def test_a_damaged_memory_is_refused() -> None:
    """Whatever a pickle says; and `fit` needs none."""
    fitted = quick(solver="sgd", learning_rate="adaptive", max_iter=2).fit(X, y)
    for memory in damaged(*fitted._memory).values():
        clf = pickle.loads(pickle.dumps(fitted))
        clf._memory = memory
        clf = pickle.loads(pickle.dumps(clf))
        with pytest.raises(
            ValueError, match=r"memory: got|solver: got|learning_rate: the schedule"
        ):
            clf.partial_fit(X, y)
        assert (clf.fit(X, y).coefs_[0] == fitted.coefs_[0]).all()


def test_regressors_learn_one() -> None:
    one, many = (MLPRegressor(hidden_layer_sizes=5, random_state=0) for _ in range(2))
    Y = np.stack([X[:, 10], X[:, 20]], axis=1)
    for targets in (Y[:, 0], Y):
        for regressor in (one, many):
            regressor.__dict__.pop("coefs_", None)
            regressor.partial_fit(X[:50], targets[:50])
        for x, target in zip(X[50:60], targets[50:60], strict=True):
            one.learn_one(x, target)
            many.partial_fit(x[None], target[None])
        assert (one.coefs_[0] == many.coefs_[0]).all()
        assert np.all(one.predict_one(X[0]) == many.predict(X[:1])[0])


def test_what_learn_one_refuses() -> None:
    with pytest.raises(NotFittedError):
        quick().learn_one(X[0], 1)
    with pytest.raises(NotFittedError):
        quick().predict_one(X[0])
    clf = quick().partial_fit(X, y, classes=range(10))
    before = clf.coefs_[0].copy()
    with pytest.raises(ValueError, match="y: got 11, needed one of"):
        clf.learn_one(X[0], 11)
    with pytest.raises(ValueError, match=r"x: got shape \(65,\), expected \(64,\)"):
        clf.learn_one(np.ones(65), 1)
    with pytest.raises(ValueError, match="x: got nan"):
        clf.learn_one(np.full(64, np.nan), 1)
    with pytest.raises(ValueError, match=r"x: got shape \(2, 64\), expected \(64,\)"):
        clf.predict_one(X[:2])
    assert (clf.coefs_[0] == before).all()


def test_one_sample_takes_few_calls() -> None:
    """A call of a Python function takes about 0.1 us: these are some 25 of them."""
    clf = quick(hidden_layer_sizes=16).partial_fit(X, y, classes=range(10))
    x = X[0].copy()

    def calls(what: Any) -> int:
        seen: list[str] = []
        sys.setprofile(lambda _frame, event, _arg: seen.append(event))
        try:
            what()
        finally:
            sys.setprofile(None)
        return sum(event in ("call", "c_call") for event in seen)

    clf.learn_one(x, 3)  # the first call prepares the others
    assert calls(lambda: clf.predict_one(x)) < 40
    assert calls(lambda: clf.learn_one(x, 3)) < 40


def softmax(Z: Any) -> Any:
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def scores(clf: MLPClassifier, rows: Any) -> Any:
    """z of the output layer."""
    return clf._network().trace(rows).Z[-1]


@pytest.mark.parametrize("first", [[0, 1, 2], [3, 5, 9]])
def test_classes_that_come_later(first: list[int]) -> None:
    """The scores of the known classes keep their bits, and a new one has odds of 1 / t_ at most."""
    known = np.isin(y, first)
    clf = quick(grow=True).partial_fit(X[known], y[known])
    assert list(clf.classes_) == first
    before = scores(clf, X)
    clf._grow_classes(Counter([4, 7]))
    assert list(clf.classes_) == sorted([*first, 4, 7])
    places = np.searchsorted(clf.classes_, first)
    assert (scores(clf, X)[:, places] == before).all()
    rest = np.setdiff1d(np.arange(5), places)
    expected = before.mean(axis=1) + np.log(3 / clf.t_)
    np.testing.assert_allclose(scores(clf, X)[:, rest].T, [expected] * 2, rtol=1e-12)
    odds = clf.predict_proba(X)[:, rest] / clf.predict_proba(X)[:, places].sum(axis=1)[:, None]
    assert (odds <= 1.0001 / clf.t_).all()
    clf.partial_fit(X, y)
    assert list(clf.classes_) == list(range(10))
    assert clf.predict_proba(X).shape == (200, 10)
    for _ in range(300):
        clf.partial_fit(X, y)
    assert clf.score(X, y) > 0.9


def test_what_fit_left_grows_along() -> None:
    """Of a class and of features that were always 0 nothing is remembered but zeros."""
    settings: dict[str, Any] = {"grow": True, "alpha": 0.0, "shuffle": False, "max_iter": 3}
    wide, narrow = quick(**settings).fit(X, y), quick(**settings).fit(X, y)
    zeros = np.hstack([X, np.zeros((200, 3))])
    for _ in range(3):
        wide.partial_fit(zeros, y)
        narrow.partial_fit(X, y)
    assert (wide.coefs_[0][:64] == narrow.coefs_[0]).all()
    known = y < 5
    clf = quick(**settings).fit(X[known], y[known])
    (steps, *_), (mean, *_) = clf._memory[1]
    clf._grow_classes(Counter([7]))
    (steps_now, *_), (mean_now, *_) = clf._memory[1]
    assert steps_now == steps
    assert len(mean_now) == len(mean) + 13
    assert (mean_now[: 64 * 12] == mean[: 64 * 12]).all()
    clf.learn_one(X[0], 7)


@pytest.mark.parametrize(("first", "new"), [([2, 5], 3), ([2, 5], 1), ([2, 5], 7)])
def test_two_classes_become_three(first: list[int], new: int) -> None:
    """One logistic output becomes those of a softmax, whose old classes compare as before."""
    known = np.isin(y, first)
    clf = quick(grow=True).partial_fit(X[known], y[known])
    before = clf.predict_proba(X)
    clf._grow_classes(Counter([new]))
    after = clf.predict_proba(X)[:, np.searchsorted(clf.classes_, first)]
    np.testing.assert_allclose(after / after.sum(axis=1, keepdims=True), before, atol=1e-12)
    clf.learn_one(X[0], new)
    assert clf.out_activation_ == "softmax"


@pytest.mark.parametrize("new", [[1], [5], [1, 5], [4, 5]])
def test_one_class_becomes_more(new: list[int]) -> None:
    clf = quick(grow=True, learning_rate_init=0.01)
    for _ in range(20):
        clf.partial_fit(X[y == 3], y[y == 3])
    assert (clf.predict(X[y == 3]) == 3).all()
    clf._grow_classes(Counter(new))
    assert (clf.predict(X[y == 3]) == 3).all()
    assert sorted([3, *new]) == list(clf.classes_)


def test_features_that_come_later() -> None:
    """Outputs keep their bits, whatever the new features are; then they are learnt."""
    narrow = X[:, :40]
    clf = quick(grow=True).partial_fit(narrow, y, classes=range(10))
    twin = pickle.loads(pickle.dumps(clf))
    before = clf.predict_proba(narrow)
    clf._grow_features(64)
    assert (clf.predict_proba(X) == before).all()
    assert clf.n_features_in_ == 64
    for _ in range(5):
        clf.partial_fit(X, y)
        twin.partial_fit(np.hstack([narrow, np.zeros((200, 24))]), y)
    assert (clf.coefs_[0][40:] != 0).any()
    assert (twin.coefs_[0][40:] == 0).all()
    clf.learn_one(np.ones(70), 3)
    assert clf.coefs_[0].shape == (70, 12)
    with pytest.raises(ValueError, match="65 features"):
        quick().partial_fit(X, y, classes=range(10)).partial_fit(np.ones((2, 65)), [1, 2])


def test_what_the_optimiser_remembers_grows_along() -> None:
    """Features of zeros change nothing: the wide network goes on as the narrow one."""
    settings: dict[str, Any] = {"grow": True, "alpha": 0.0, "shuffle": False}
    wide, narrow = quick(**settings), quick(**settings)
    for clf in (wide, narrow):
        clf.partial_fit(X, y, classes=range(10))
    zeros = np.hstack([X, np.zeros((200, 3))])
    for _ in range(3):
        wide.partial_fit(zeros, y)
        narrow.partial_fit(X, y)
    assert (wide.coefs_[0][:64] == narrow.coefs_[0]).all()
    assert (wide.coefs_[1] == narrow.coefs_[1]).all()


def test_tables_whose_columns_come_later() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    clf = quick(grow=True).partial_fit(table.iloc[:, :32], y, classes=range(10))
    clf.partial_fit(table[table.columns[::-1]], y)
    assert list(clf.feature_names_in_[:32]) == list(table.columns[:32])
    assert clf.predict(table[clf.feature_names_in_]).shape == (200,)


def test_a_class_must_be_known_unless_it_may_grow() -> None:
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        quick().partial_fit(X, y)
    clf = quick().partial_fit(X, y, classes=range(10))
    with pytest.raises(ValueError, match=r"has classes not in `self\.classes_`"):
        clf.partial_fit(X, y + 1)


def test_what_does_not_go_by_calls() -> None:
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        quick(early_stopping=True).partial_fit(X, y, classes=range(10))
    with pytest.raises(AttributeError):
        quick(solver="lbfgs").partial_fit(X, y, classes=range(10))
