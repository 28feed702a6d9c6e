"""Estimators: scikit-learn's and rosenblatt's fit the same samples side by side."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .measure import spread

Say = Callable[[str], None]

SOLVERS = ("sgd", "adam", "lbfgs")
BATCHES: tuple[Any, ...] = (1, 8, 32, "auto")

# Rows of an epoch at a batch size: fewer where scikit-learn would take minutes for them.
MOST_STEPS = 2000

# Both fit from the same weights in the same order; rounding separates them by less than this in the
# few epochs that are timed, or the times are not of the same work.
AGREEMENT = 1e-6


@dataclass(frozen=True)
class Task:
    """Samples, and the estimator that fits them."""

    name: str
    estimator: str  # the class, in both libraries
    hidden: tuple[int, ...]
    samples: Callable[[], tuple[Any, Any]]
    epochs: int
    steps_of_lbfgs: int = 20


def digits() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X / 16, y


def breast_cancer() -> tuple[Any, Any]:
    from sklearn.datasets import load_breast_cancer
    from sklearn.preprocessing import scale

    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


def diabetes() -> tuple[Any, Any]:
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    return 20 * X, (y - y.mean()) / y.std()


def table() -> tuple[Any, Any]:
    """100,000 rows of 20 columns in three classes."""
    random = np.random.default_rng(0)
    X = random.normal(size=(100_000, 20))
    scores = np.tanh(X @ random.normal(size=(20, 6))) @ random.normal(size=(6, 3))
    return X, scores.argmax(axis=1)


def text() -> tuple[Any, Any]:
    """2,000 rows of 20,000 columns, of which 0.5 % are filled, as counts of words are."""
    from scipy import sparse

    random = np.random.default_rng(0)
    X = sparse.random_array(
        (2_000, 20_000), density=0.005, format="csr", rng=random, data_sampler=random.random
    )
    return X, (X @ random.normal(size=20_000) > 0).astype(int)


TASKS = (
    Task("digits", "MLPClassifier", (100,), digits, epochs=5),
    Task("breast_cancer", "MLPClassifier", (20,), breast_cancer, epochs=10),
    Task("diabetes", "MLPRegressor", (20,), diabetes, epochs=10),
    Task("100,000 rows", "MLPClassifier", (100,), table, epochs=1, steps_of_lbfgs=3),
    Task("text", "MLPClassifier", (50,), text, epochs=1, steps_of_lbfgs=3),
)


@dataclass(frozen=True)
class Case:
    """One comparison: a task, a solver, a batch size."""

    task: Task
    solver: str
    batch_size: Any

    @property
    def name(self) -> str:
        batch = "" if self.solver == "lbfgs" else f", batch {self.batch_size}"
        return f"{self.task.name}, {self.solver}{batch}"

    def rows(self, n: int) -> int:
        """Return how many of n samples are fitted."""
        if self.solver == "lbfgs" or self.batch_size == "auto":
            return n
        return min(n, MOST_STEPS * int(self.batch_size))

    def estimator(self, library: Any) -> Any:
        """Return it, not yet fitted; nothing but the number of epochs ends its training."""
        steps = self.task.steps_of_lbfgs if self.solver == "lbfgs" else self.task.epochs
        return getattr(library, self.task.estimator)(
            hidden_layer_sizes=self.task.hidden,
            solver=self.solver,
            batch_size=self.batch_size,
            max_iter=steps,
            n_iter_no_change=steps,
            tol=0.0,
            random_state=0,
        )


def cases(only: list[str], quick: bool) -> Iterator[Case]:
    """Give the comparisons whose names have a part of `only`, all where there is none."""
    for task in TASKS[:3] if quick else TASKS:
        for solver in SOLVERS:
            for batch_size in BATCHES[-1:] if quick or solver == "lbfgs" else BATCHES:
                case = Case(task, solver, batch_size)
                if not only or any(part in case.name for part in only):
                    yield case


def measure_estimators(rounds: int, only: list[str], quick: bool, say: Say) -> list[dict[str, Any]]:
    """Return seconds of both libraries for every case, and how many times faster one is.

    Raises
    ------
    ValueError
        Their weights differ by more than rounding, so that they did not do the same work.
    """
    made: dict[str, tuple[Any, Any]] = {}
    found = []
    for case in cases(only, quick):
        if case.task.name not in made:
            made[case.task.name] = case.task.samples()
        X, y = made[case.task.name]
        n = case.rows(X.shape[0])
        found.append(figures_of(case, X[:n], y[:n], rounds))
        ratio = found[-1]["ratio"]
        among = f"{ratio['low']:.2f}-{ratio['high']:.2f}"
        say(f"{case.name:<34} {ratio['median']:7.2f} times ({among})")
    return found


def figures_of(case: Case, X: Any, y: Any, rounds: int) -> dict[str, Any]:
    """Return the figures of a case: both fit in turns, so that a busy moment meets both."""
    from sklearn import neural_network

    from rosenblatt import sklearn as ours

    libraries = {"rosenblatt": ours, "scikit-learn": neural_network}
    check_agreement(case, [fitted(case.estimator(each), X, y) for each in libraries.values()])
    seconds: dict[str, list[float]] = {name: [] for name in libraries}
    for _ in range(rounds):
        for name, library in libraries.items():
            estimator = case.estimator(library)
            began = time.perf_counter()
            fitted(estimator, X, y)
            seconds[name].append(time.perf_counter() - began)
    pairs = zip(seconds["scikit-learn"], seconds["rosenblatt"], strict=True)
    return {
        "name": case.name,
        "task": case.task.name,
        "solver": case.solver,
        "batch_size": case.batch_size,
        "rows": int(X.shape[0]),
        "seconds": {name: spread(times).as_json() for name, times in seconds.items()},
        "ratio": spread([theirs / own for theirs, own in pairs]).as_json(),
    }


def fitted(estimator: Any, X: Any, y: Any) -> Any:
    """Fit without a word about epochs that were too few."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, y)


def check_agreement(case: Case, estimators: list[Any]) -> None:
    """Refuse times of different work.

    Raises
    ------
    ValueError
        The losses of the last epoch differ by more than rounding.
    """
    own, theirs = (float(each.loss_) for each in estimators)
    if abs(own - theirs) > AGREEMENT * max(1.0, abs(theirs)):
        raise ValueError(f"{case.name}: got a loss of {own}, scikit-learn {theirs}")
