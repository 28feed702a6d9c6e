"""Random calls of an estimator in a random order: a call that raises changes nothing."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

pytest.importorskip("sklearn")

import scipy.sparse

import effort
import rosenblatt as rb
from hostile import HOSTILE
from rosenblatt.sklearn import MLPClassifier, MLPRegressor, Perceptron
from snapshots import assert_unchanged, snapshot

N, FEATURES = 24, 3
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(N, FEATURES))
LABELS = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.4, 0.4])]
SEVERAL = (X[:, :2] > 0).astype(int)
NUMBERS = X[:, 0] + X[:, 1] ** 2


CACHES = ["_targets_of", "_has_sorted_indices", "_has_canonical_format"]  # two are SciPy's


class CallbackError(Exception):
    """What a callback raises."""


def raising(error: BaseException) -> Callable[[rb.Epoch], None]:
    def told(epoch: rb.Epoch) -> None:
        if epoch.epoch == 1:
            raise error

    return told


MLP: dict[str, Any] = {"hidden_layer_sizes": (3,), "max_iter": 3, "batch_size": 8}

# For each kind: how an estimator is made, its targets, and targets that it must refuse.
KINDS: dict[str, tuple[Callable[..., Any], Any, list[Any]]] = {
    "two classes": (
        lambda **more: MLPClassifier(**MLP, **more),
        LABELS == "a",
        [LABELS, SEVERAL, NUMBERS],
    ),
    "three classes": (
        lambda **more: MLPClassifier(**MLP, **more),
        LABELS,
        [np.where(LABELS == "a", "z", LABELS), SEVERAL, NUMBERS],
    ),
    "growing": (
        lambda **more: MLPClassifier(**MLP, grow=True, **more),
        LABELS,
        [np.arange(N) % 3, SEVERAL, NUMBERS],
    ),
    "several labels": (
        lambda **more: MLPClassifier(**MLP, **more),
        SEVERAL,
        [LABELS, np.c_[SEVERAL, SEVERAL], NUMBERS],
    ),
    "batch norm, dropout": (
        lambda **more: MLPClassifier(**MLP, norm="batch", dropout=0.3, **more),
        LABELS,
        [SEVERAL, NUMBERS],
    ),
    "numbers": (
        lambda **more: MLPRegressor(**MLP, grow=True, **more),
        NUMBERS,
        [np.c_[NUMBERS, NUMBERS], np.where(LABELS == "a", np.nan, 1.0), NUMBERS * 1j],
    ),
    "float32": (
        lambda **more: MLPRegressor(**MLP, dtype="float32", loss="huber", **more),
        np.c_[NUMBERS, -NUMBERS],
        [NUMBERS, np.full((N, 2), 1e39)],
    ),
    "perceptron": (
        lambda **more: Perceptron(max_iter=2, n_iter_no_change=9, **more),
        LABELS,
        [SEVERAL, NUMBERS],
    ),
}

GENERATORS: dict[str, Callable[[], Any]] = {
    "a seed": lambda: 3,
    "a generator": lambda: np.random.RandomState(3),
    "NumPy's own": lambda: None,
}

NOT_A_NUMBER = np.where(np.eye(N, FEATURES) > 0, np.nan, X)
BAD_X: list[Any] = [
    NOT_A_NUMBER,
    scipy.sparse.csr_matrix(NOT_A_NUMBER),
    X[:-1],
    X[:0],
    X[:, :2],
    X * 1j,
    X[0],
    [*X.tolist()[:-1], ["x"] * FEATURES],
    np.full((N, FEATURES), np.inf),
]
NEGATIVE = -np.ones(N)
BAD_WEIGHTS: list[Any] = [np.ones(N - 1), NEGATIVE, np.full(N, np.nan), np.ones((N, 2)), "one"]
BAD_PARAMETERS: list[dict[str, Any]] = [
    {"alpha": -1.0},
    {"hidden_layer_sizes": (0,)},
    {"hidden_layer_sizes": (5, 5)},
    {"activation": "no such function"},
    {"activation": "tanh"},
    {"solver": rb.SGD(1e300)},
    {"solver": "lbfgs", "callback": raising(CallbackError())},
    {"dropout": [0.1] * 5},
    {"loss": "no such loss"},
    {"callback": raising(CallbackError())},
    {"callback": raising(MemoryError()), "early_stopping": True, "validation_fraction": 0.3},
    {"early_stopping": True, "validation_fraction": 0.01},
    {"coefs_init": [np.ones(1)], "intercepts_init": []},
    {"class_weight": {"a": -1.0}},
    {"batch_size": 0},
    {"n_iter_no_change": 0},
]


@settings(
    max_examples=effort.cases(40),
    stateful_step_count=12,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
class Calls(RuleBasedStateMachine):
    """One estimator, valid calls, and calls with one bad argument."""

    @initialize(
        kind=st.sampled_from(sorted(KINDS)),
        random_state=st.sampled_from(sorted(GENERATORS)),
        fitted=st.booleans(),
        warm=st.booleans(),
    )
    def begin(self, kind: str, random_state: str, fitted: bool, warm: bool) -> None:
        make, self.y, self.bad_targets = KINDS[kind]
        self.estimator = make(random_state=GENERATORS[random_state](), warm_start=warm)
        if fitted:
            self.call("fit", X, self.y)

    # ---- Calls

    @property
    def is_perceptron(self) -> bool:
        return isinstance(self.estimator, Perceptron)

    @property
    def is_fitted(self) -> bool:
        return hasattr(self.estimator, "n_features_in_")

    def call(self, method: str, *args: Any, **more: Any) -> None:
        """Call a method; if it raises, nothing may have changed: the estimator, the arguments."""
        everything = self.estimator, args, more, np.random.mtrand._rand
        before = snapshot(everything, ignored=CACHES)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                getattr(self.estimator, method)(*args, **more)
        except (Exception, SystemExit):
            assert_unchanged(before, everything, ignored=CACHES)
            self.raised = True
        else:
            self.raised = False

    def refused(self, method: str, *args: Any, **more: Any) -> None:
        self.call(method, *args, **more)
        assert self.raised

    def valid(self, method: str) -> dict[str, Any]:
        """Valid arguments of a method."""
        if method in ("learn_one", "predict_one"):
            row = {"x": X[0]}
            return row if method == "predict_one" else row | {"y": self.y[0]}
        if method in ("predict", "activations"):
            return {"X": X}
        arguments = {"X": X, "y": self.y}
        if method == "partial_fit" and not self.is_fitted and self.is_classifier:
            classes = np.unique(self.y) if self.y.ndim == 1 else np.arange(2)
            arguments["classes"] = classes
        return arguments

    @property
    def is_classifier(self) -> bool:
        return not isinstance(self.estimator, MLPRegressor)

    # ---- Valid calls

    @rule(method=st.sampled_from(["fit", "partial_fit", "learn_one", "predict", "predict_one"]))
    def works(self, method: str) -> None:
        if hasattr(self.estimator, method):
            self.call(method, **self.valid(method))

    @rule(way=st.sampled_from([copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))]))
    def is_copied(self, way: Callable[[Any], Any]) -> None:
        before = snapshot(self.estimator)
        copied = way(self.estimator)
        assert_unchanged(before, self.estimator)
        self.estimator = copied

    # ---- Calls with one bad argument

    @rule(
        method=st.sampled_from(["fit", "partial_fit", "predict", "activations"]),
        i=st.integers(0, len(BAD_X) - 1),
    )
    def bad_samples(self, method: str, i: int) -> None:
        if hasattr(self.estimator, method):
            self.call(method, **self.valid(method) | {"X": BAD_X[i]})

    @rule(
        method=st.sampled_from(["fit", "partial_fit"]),
        i=st.integers(0, len(BAD_WEIGHTS) - 1),
    )
    def bad_weights(self, method: str, i: int) -> None:
        weights = BAD_WEIGHTS[i]
        if self.is_perceptron and weights is NEGATIVE:
            return  # a factor of the update
        self.refused(method, **self.valid(method), sample_weight=weights)

    @precondition(lambda self: self.is_fitted)
    @rule(i=st.integers(0, 2))
    def bad_targets_of_a_batch(self, i: int) -> None:
        if i < len(self.bad_targets):
            self.refused("partial_fit", X, self.bad_targets[i])

    @precondition(lambda self: not self.is_perceptron)
    @rule(i=st.integers(0, len(BAD_PARAMETERS) - 1), method=st.sampled_from(["fit", "partial_fit"]))
    def bad_parameters(self, i: int, method: str) -> None:
        changed = {
            name: value
            for name, value in BAD_PARAMETERS[i].items()
            if name in self.estimator.get_params()
        }
        good = {name: getattr(self.estimator, name) for name in changed}
        self.estimator.set_params(**changed)
        if hasattr(self.estimator, method):
            self.call(method, **self.valid(method))
        self.estimator.set_params(**good)

    @precondition(lambda self: not self.is_perceptron)
    @rule(
        i=st.integers(0, 2),
        validation=st.sampled_from(
            [3, (X,), (X[:, :2], NUMBERS), (X[:3], ["?"] * 3), (X, X, X, X)]
        ),
    )
    def bad_validation(self, i: int, validation: Any) -> None:
        self.refused("fit", X, self.y, validation=validation)
        if i < len(self.bad_targets):
            self.call("fit", X, self.y, validation=(X, self.bad_targets[i]))

    @rule(
        method=st.sampled_from(["fit", "partial_fit", "learn_one", "predict", "predict_one"]),
        which=st.integers(0, 3),
        kind=st.sampled_from(sorted(HOSTILE)),
    )
    def a_hostile_argument(self, method: str, which: int, kind: str) -> None:
        if not hasattr(self.estimator, method):
            return
        arguments = self.valid(method)
        names = [*arguments, *(["sample_weight"] if "y" in arguments else [])]
        if method == "partial_fit" and self.is_classifier:
            names.append("classes")
        self.call(method, **arguments | {names[which % len(names)]: HOSTILE[kind]()})

    @precondition(lambda self: hasattr(self.estimator, "learn_one"))
    @rule(
        x=st.sampled_from(
            [X[0, :2], np.append(X[0], np.nan), X[0] * 1j, X[:1], ["x"] * FEATURES, X[0] * np.inf]
        ),
        weight=st.sampled_from([1.0, 0.0]),
    )
    def a_bad_row(self, x: Any, weight: float) -> None:
        self.call("learn_one", x, self.y[0], weight)

    @precondition(lambda self: hasattr(self.estimator, "learn_one"))
    @rule(
        y=st.sampled_from([None, "?", 7, 1.5, ["a"], np.nan]), weight=st.sampled_from([1.0, -1.0])
    )
    def a_bad_target(self, y: Any, weight: float) -> None:
        self.call("learn_one", X[0], y, weight)

    @rule(method=st.sampled_from(["fit", "partial_fit"]))
    def a_warning_that_is_an_error(self, method: str) -> None:
        everything = self.estimator, np.random.mtrand._rand
        before = snapshot(everything, ignored=CACHES)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                getattr(self.estimator, method)(**self.valid(method))
            except Exception:
                assert_unchanged(before, everything, ignored=CACHES)


TestCalls = Calls.TestCase
