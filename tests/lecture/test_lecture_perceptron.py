"""The lecture's perceptron: each correction, Novikoff's bound, and XOR, where it cycles."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from rosenblatt.lecture import Line, Perceptron
from rosenblatt.lecture._margin import convergence_bound, nearest_point

CORNERS = [[0, 0], [0, 1], [1, 0], [1, 1]]


def parts(line: Line) -> tuple[list[float], float]:
    return line.w.tolist(), line.b


def test_or_by_hand() -> None:
    # w = (0, 0), b = 0. Pass 1: (0, 0) is 0, right; (0, 1): 0 is wrong, w = (0, 1), b = 1;
    #   (1, 0) and (1, 1) are 1, right.
    # Pass 2: (0, 0): b = 1 > 0 is wrong, b = 0; (0, 1) right; (1, 0): 0 is wrong, w = (1, 1),
    #   b = 1; (1, 1) right.
    # Pass 3: (0, 0) is wrong, b = 0; the others are right, and so is all of pass 4.
    perceptron = Perceptron()
    found = [
        (each.epoch, each.sample, each.y, each.y_hat, parts(each.before), parts(each.after))
        for each in perceptron.steps(CORNERS, [0, 1, 1, 1])
    ]
    assert found == [
        (1, 1, 1, 0, ([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0)),
        (2, 0, 0, 1, ([0.0, 1.0], 1.0), ([0.0, 1.0], 0.0)),
        (2, 2, 1, 0, ([0.0, 1.0], 0.0), ([1.0, 1.0], 1.0)),
        (3, 0, 0, 1, ([1.0, 1.0], 1.0), ([1.0, 1.0], 0.0)),
    ]
    assert (perceptron.n_mistakes, perceptron.n_epochs) == (4, 4)
    assert perceptron.converged
    assert perceptron.cycle is None
    # The best margin in the space of (x, 1): (2, 2, -1)/3 is 1/3 away from the first three points.
    # R^2 = 1 + 1 + 1, so (R / gamma)^2 = 27.
    bound = perceptron.bound()
    assert bound.gamma == pytest.approx(1 / 3, rel=1e-12)
    assert bound.mistakes == pytest.approx(27, rel=1e-12)
    assert np.allclose([*bound.w, bound.b], np.array([2, 2, -1]) / 3, atol=1e-12)
    assert "4 mistakes in 4 passes" in str(perceptron)
    assert "(R/gamma)^2 = (1.732/0.3333)^2 = 27" in str(perceptron)


def test_xor_cycles_and_stays_bounded() -> None:
    y = [0, 1, 1, 0]
    perceptron = Perceptron()
    corrections = list(perceptron.steps(CORNERS, y))
    assert not perceptron.converged
    assert perceptron.cycle is not None
    start, end = perceptron.cycle
    after_pass = {
        epoch: [c.after for c in corrections if c.epoch <= epoch][-1] for epoch in (start, end)
    }
    assert parts(after_pass[start]) == parts(after_pass[end])
    assert perceptron.n_epochs == end < 20
    assert perceptron.largest_norm < 3
    bound = perceptron.bound()
    assert (bound.gamma, bound.mistakes) == (0.0, np.inf)
    assert "It cycles: the line after pass" in str(perceptron)
    assert "No line separates the classes" in str(perceptron)


def test_a_pass_limit_ends_it() -> None:
    perceptron = Perceptron()
    assert len(list(perceptron.steps(CORNERS, [0, 1, 1, 1], max_epochs=2))) == 3
    assert (perceptron.n_epochs, perceptron.converged, perceptron.cycle) == (2, False, None)


def separable(seed: int, n: int, n_features: int) -> tuple[Any, Any]:
    """n points of two classes, a little away from a random plane."""
    random = np.random.default_rng([seed, n, n_features])
    u = random.normal(size=n_features)
    u /= np.linalg.norm(u)
    X = random.normal(size=(n, n_features))
    side = X @ u + 0.3
    X += np.sign(side)[:, None] * 0.1 * u
    return X, (side > 0).astype(int)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("n", "n_features"), [(2, 1), (20, 2), (60, 3), (30, 25)])
def test_mistakes_stay_below_the_bound(seed: int, n: int, n_features: int) -> None:
    X, y = separable(seed, n, n_features)
    if len(set(y)) < 2:
        y[0] = 1 - y[1]
        X[0] = -X[1]
    perceptron = Perceptron(learning_rate=0.25)
    n_mistakes = sum(1 for _ in perceptron.steps(X, y, max_epochs=100_000))
    assert perceptron.converged
    answers = (X @ perceptron.line.w + perceptron.line.b > 0) if perceptron.line else None
    assert np.array_equal(answers, y == 1)
    bound = perceptron.bound()
    assert 0 < n_mistakes == perceptron.n_mistakes <= bound.mistakes < np.inf


@pytest.mark.parametrize("seed", range(20))
def test_the_margin_is_the_best_one(seed: int) -> None:
    """Its own u reaches it, and a point of the hull, which no margin can exceed, is as near."""
    X, y = separable(seed, 40, 1 + seed % 4)
    V = np.column_stack([X, np.ones(len(X))])
    V[y == 0] *= -1
    nearest = np.linalg.norm(nearest_point(V))
    bound = convergence_bound(X, y == 1)
    reached = (V @ [*bound.w, bound.b]).min()
    assert reached == pytest.approx(bound.gamma, rel=1e-12)
    assert np.linalg.norm([*bound.w, bound.b]) == pytest.approx(1, rel=1e-12)
    assert bound.gamma == pytest.approx(nearest, rel=1e-9)


def test_repeated_and_collinear_points_do_not_stop_the_search() -> None:
    X = np.array([[1.0], [1.0], [2.0], [3.0], [-1.0], [-1.0], [-2.0]])
    bound = convergence_bound(X, X[:, 0] > 0)
    # v = (1, 1), (1, -1) are the nearest: u = (1, 0), gamma = 1; R^2 = 9 + 1.
    assert bound.gamma == pytest.approx(1, rel=1e-12)
    assert bound.mistakes == pytest.approx(10, rel=1e-12)


def test_two_labels_of_any_kind() -> None:
    perceptron = Perceptron()
    for _ in perceptron.steps([[0.0], [1.0]], ["no", "yes"]):
        pass
    assert perceptron.classes == ("no", "yes")
    assert perceptron.converged
    for _ in perceptron.steps([[0.0], [1.0]], [-1, 1]):
        pass
    assert perceptron.classes == (-1, 1)


def test_a_second_run_starts_anew() -> None:
    perceptron = Perceptron()
    first = [str(each) for each in perceptron.steps(CORNERS, [0, 1, 1, 1])]
    assert [str(each) for each in perceptron.steps(CORNERS, [0, 1, 1, 1])] == first


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"y": [0, 1, 2, 1]}, ValueError, "y: got the classes [0, 1, 2], expected two"),
        ({"y": [5, 5, 5, 5]}, ValueError, "y: got the classes [5], expected two"),
        ({"y": [0, 1]}, ValueError, "y: got shape (2,), expected (4,)"),
        ({"y": [0.0, np.nan, 1.0, 1.0]}, TypeError, "y: got"),
        ({"y": [None, 1, 1, 0]}, TypeError, "y: got"),
        ({"X": [1.0, 2.0]}, ValueError, "X: got shape (2,), expected (n, n_features)"),
        ({"X": np.full((4, 2), np.inf)}, ValueError, "X: got inf at X[0, 0]"),
        ({"max_epochs": 0}, ValueError, "max_epochs: got 0"),
    ],
)
def test_bad_input(settings: dict[str, Any], error: Any, message: str) -> None:
    given: dict[str, Any] = {"X": CORNERS, "y": [0, 1, 1, 1]} | settings
    with pytest.raises(error, match=re.escape(message)):
        Perceptron().steps(**given)


def test_bad_settings() -> None:
    with pytest.raises(ValueError, match="learning_rate: got 0"):
        Perceptron(learning_rate=0)
    with pytest.raises(RuntimeError, match="expected a call of steps first"):
        Perceptron().bound()
