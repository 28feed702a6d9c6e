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
from snapshots import assert_unchanged, snapshot

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


def test_an_incompatible_state_starts_again() -> None:
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
    with pytest.raises(ValueError, match="y: got 0, expected one of"):
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
def test_a_refused_call_leaves_the_optimiser(wrong: dict[str, Any], begun: bool) -> None:
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
    with pytest.raises(ValueError, match=r"solver: got .*, expected a solver with steps"):
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
        with pytest.raises(ValueError, match=r"memory: got|solver: got|learning_rate: got"):
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
    with pytest.raises(ValueError, match="y: got 11, expected one of"):
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


def test_the_state_of_fit_grows_too() -> None:
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


def test_the_state_of_the_optimiser_grows_too() -> None:
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


def test_options_that_need_whole_fits() -> None:
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        quick(early_stopping=True).partial_fit(X, y, classes=range(10))
    with pytest.raises(AttributeError):
        quick(solver="lbfgs").partial_fit(X, y, classes=range(10))


# ---- what a stream can bring ---------------------------------------------------------------------


CACHES = ["_targets_of"]  # what each label is to the core


def answers(clf: MLPClassifier) -> Any:
    return clf.classes_.tolist(), clf.n_features_in_, clf.predict_proba(X[:9, :4]).tolist()


TWO = np.array(["a", "b"] * 5)


def growing(labels: Any = TWO) -> MLPClassifier:
    return MLPClassifier((8,), grow=True, random_state=0).partial_fit(X[:10, :4], labels)


def test_a_refused_sample_admits_neither_its_class_nor_its_features() -> None:
    clf = growing()
    before = answers(clf)
    with pytest.raises(ValueError, match=r"x: got nan at x\[3\], expected finite numbers"):
        clf.learn_one([1, 2, 3, np.nan], "new")
    with pytest.raises(ValueError, match=r"Input X contains NaN. \(in column 4 of X\)"):
        clf.partial_fit(np.c_[X[:1, :4], np.nan], ["a"])
    with pytest.raises(ValueError, match=r"x: got nan at x\[5\]"):
        clf.learn_one([1, 2, 3, 4, 5, np.nan], "a")
    assert answers(clf) == before


def test_a_refused_first_call_leaves_no_trace() -> None:
    clf = MLPClassifier((8,), grow=True, random_state=0)
    before = vars(clf).copy()
    with pytest.raises(ValueError, match="Input X contains NaN"):
        clf.partial_fit([[np.nan]], ["a"])
    assert vars(clf) == before
    with pytest.raises(NotFittedError):
        clf.learn_one([1.0], "a")


@pytest.mark.parametrize(
    ("first", "later", "words"),
    [
        (["a", "b"], 7, r"y: got 7 \(int\), expected a str like the earlier labels"),
        (["a", "b"], None, r"y: got None \(NoneType\), expected a str"),
        ([0, 1], "x", r"y: got 'x' \(str\), expected an int like the earlier labels"),
        ([0, 1], True, ""),
        ([True, False], "maybe", r"y: got 'maybe' \(str\), expected a bool"),
        ([0, 1], 2.5, "y: got 2.5, expected a whole number like the earlier labels"),
        ([0, 1], 2.0, ""),
    ],
)
def test_labels_of_another_kind(first: list[Any], later: Any, words: str) -> None:
    """They are refused, unless they are equal to an integer in Python."""
    for call in ("learn_one", "partial_fit"):
        clf = growing(first * 5)
        before = answers(clf)
        one = call == "learn_one"
        arguments = (X[0, :4], later) if one else (X[:3, :4], [later] * 3)
        if words:
            with pytest.raises(ValueError, match=words):
                getattr(clf, call)(*arguments)
            assert answers(clf) == before
        else:
            getattr(clf, call)(*arguments)
            assert clf.classes_.tolist() == sorted({*first, int(later)})
            assert clf.classes_.dtype.kind == "i"


def test_ids_of_64_bits_stay_apart() -> None:
    """As floating-point numbers these would be one and the same."""
    ids = [2**62, 2**62 + 1, 2**62 + 2]
    clf = growing(ids[:2] * 5).learn_one(X[0, :4], ids[2])
    assert clf.classes_.tolist() == ids
    clf.learn_one(X[0, :4], 2**63 + 1)
    assert clf.classes_.tolist() == [*ids, 2**63 + 1]
    for label in (-1, 2**64):
        with pytest.raises(ValueError, match=r"y: got labels from .*, expected a range that int64"):
            clf.learn_one(X[0, :4], label)
    assert clf.classes_.tolist() == [*ids, 2**63 + 1]


@pytest.mark.filterwarnings("ignore:Got `batch_size`")
def test_a_batch_of_one_with_batch_norm() -> None:
    reg = MLPRegressor(hidden_layer_sizes=(8,), norm="batch", batch_size=32, random_state=0)
    words = "norm: got 'batch' with a batch of 1 sample, expected batches of at least 2"
    with pytest.raises(ValueError, match=words):
        reg.partial_fit(X[:33], y[:33])
    assert not hasattr(reg, "coefs_")
    reg.partial_fit(X[:32], y[:32])
    before = reg.predict(X)
    for call in (
        lambda: reg.partial_fit(X[:1], y[:1]),
        lambda: reg.partial_fit(X[:33], y[:33]),
        lambda: reg.learn_one(X[0], 1.0),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    assert np.isfinite(before).all()
    assert (reg.predict(X) == before).all()


def test_a_named_class_is_absent() -> None:
    """A class that a batch or a validation set lacks keeps its weight."""
    rows, labels = X[:4, :4], ["ok", "ok", "fraud", "ok"]
    heavy = MLPClassifier((8,), class_weight={"fraud": 20.0}, random_state=0)
    clf = heavy.partial_fit(rows, labels, classes=["fraud", "ok"]).partial_fit(rows, ["ok"] * 4)
    equal = MLPClassifier((8,), random_state=0)
    weights = [1, 1, 20, 1]
    equal.partial_fit(rows, labels, classes=["fraud", "ok"], sample_weight=weights)
    equal.partial_fit(rows, ["ok"] * 4)
    assert (clf.coefs_[0] == equal.coefs_[0]).all()
    grown = MLPClassifier((8,), class_weight={"fraud": 20.0}, grow=True, random_state=0)
    grown.partial_fit(rows, ["ok"] * 4).partial_fit(rows, ["new", "ok", "fraud", "ok"])
    assert grown.classes_.tolist() == ["fraud", "new", "ok"]
    heavy.set_params(max_iter=2).fit(rows, labels, validation=(rows, ["ok"] * 4))
    ok = heavy.predict_proba(rows)[:, 1]
    assert heavy.validation_loss_curve_[-1] == pytest.approx(-np.log(ok).mean())


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_batch_without_weight_is_passed_over(kind: Any) -> None:
    more = {"classes": [0, 1]} if kind is MLPClassifier else {}
    model = kind(hidden_layer_sizes=(4,), random_state=0).partial_fit(X, y % 2, **more)
    before = snapshot(model, ignored=CACHES)
    model.partial_fit(X, y % 2, sample_weight=np.zeros(200))
    model.learn_one(X[0], 1, sample_weight=0)
    assert_unchanged(before, model, ignored=CACHES)


def test_a_weight_multiplies_the_step_of_a_sample() -> None:
    def step(weight: float) -> Any:
        settings = {"solver": "sgd", "momentum": 0.0, "alpha": 0.0, "learning_rate_init": 1e-3}
        reg = MLPRegressor(hidden_layer_sizes=(4,), random_state=0, **settings).partial_fit(X, y)
        before = reg.coefs_[0].copy()
        return reg.learn_one(X[0], 1.0, sample_weight=weight).coefs_[0] - before

    np.testing.assert_allclose(step(3.0), 3 * step(1.0), rtol=1e-9, atol=1e-15)


def test_one_sample_of_a_third_class_moves_no_answers() -> None:
    rows = np.random.default_rng(0).normal(size=(400, 4))
    labels = np.where(rows[:, 0] > 0, "z", "m")
    clf = MLPClassifier((16,), grow=True, random_state=0, learning_rate_init=0.01)
    for _ in range(30):
        clf.partial_fit(rows, labels)
    before = clf.predict_proba(rows)
    clf.learn_one(np.array([0.0, 3.0, 0.0, 0.0]), "new")
    assert clf.classes_.tolist() == ["m", "new", "z"]
    after = clf.predict_proba(rows)
    assert (clf.predict(rows) == clf.classes_[[0, 2]][before.argmax(axis=1)]).mean() >= 0.99
    assert after[:, 1].max() < 0.01
    np.testing.assert_allclose(after[:, [0, 2]], before, atol=0.05)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda clf, reg: clf.learn_one(X[0], np.array("a")), TypeError, "y: got ndarray, exp"),
        (lambda clf, reg: clf.learn_one(X[0], ["a"]), TypeError, "y: got list, expected one label"),
        (lambda clf, reg: clf.learn_one(X[0], np.nan), ValueError, "y: got nan, expected one of"),
        (lambda clf, reg: reg.predict_one(X[0, :3]), ValueError, r"x: got shape \(3,\), expected"),
        (lambda clf, reg: reg.learn_one(X[:1], 1.0), ValueError, r"x: got shape \(1, 64\), exp"),
        (lambda clf, reg: reg.predict_one(X[:1]), ValueError, r"x: got shape \(1, 64\), expected"),
        (lambda clf, reg: reg.learn_one(X[0] + 1j, 1.0), TypeError, "x: got dtype complex128"),
        (lambda clf, reg: reg.predict_one(X[0] + 1j), TypeError, "x: got dtype complex128"),
        (lambda clf, reg: reg.learn_one(["1"] * 64, 1.0), TypeError, "x: got dtype <U1"),
        (lambda clf, reg: reg.learn_one(X[0], "1"), TypeError, "y: got dtype <U1"),
        (lambda clf, reg: reg.learn_one(X[0], 1j), TypeError, "y: got dtype complex128"),
        (lambda clf, reg: reg.learn_one(X[0], [1, 2]), ValueError, r"y: got shape \(2,\), exp"),
        (lambda clf, reg: reg.learn_one(X[0], 1.0, -1), ValueError, "sample_weight: got -1.0"),
        (lambda clf, reg: reg.learn_one(X[0], 1.0, np.nan), ValueError, "sample_weight: got nan"),
    ],
    ids=range(14),
)
def test_odd_arguments_of_one_sample(call: Any, error: Any, words: str) -> None:
    clf = quick().partial_fit(X, np.where(y > 4, "a", "b"), classes=["a", "b"])
    reg = MLPRegressor(hidden_layer_sizes=(4,), random_state=0).partial_fit(X, X[:, 0])
    before = snapshot([clf, reg], ignored=CACHES)
    with pytest.raises(error, match=words):
        call(clf, reg)
    assert_unchanged(before, [clf, reg], ignored=CACHES)


def test_calls_with_dropout_have_the_masks_of_epochs() -> None:
    clf = quick(solver=rb.SGD(0.1), dropout=0.5, alpha=0.0, shuffle=False, batch_size=50)
    clf.partial_fit(X, y, classes=range(10), sample_weight=np.zeros(200))  # begins, takes no step
    net = clf._net.copy()
    clf.partial_fit(X, y).partial_fit(X, y)
    rb.train(
        net,
        X,
        y,
        loss="log_loss",
        optimizer=rb.SGD(0.1),
        dropout=0.5,
        epochs=2,
        batch_size=50,
        shuffle=False,
        random_state=clf._learner.masks[0],
    )
    assert (net.theta == clf._net.theta).all()
