"""descent: the slide's loop meets least squares, makes train's steps, and ends when it is told."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import assert_same_bits
from rosenblatt.lecture import descent


def regression(n: int = 50) -> tuple[Any, Any]:
    random = np.random.default_rng(3)
    X = random.normal(size=(n, 3))
    return X, X @ [[1.0, -2.0], [0.5, 0.0], [3.0, 1.0]] + [0.5, -1.0] + random.normal(size=(n, 2))


def test_linear_regression_meets_the_closed_form() -> None:
    X, Y = regression()
    net = rb.Network([3, 2], dtype="float64", random_state=0)
    largest = np.linalg.eigvalsh(np.cov(X.T, bias=True) + np.outer(X.mean(0), X.mean(0))).max()
    rate = 0.5 / (largest + 1)
    *_, last = descent(net, X, Y, learning_rate=rate, until=lambda at: abs(at.dC_dw).max() < 1e-12)
    solution = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), Y, rcond=None)[0]
    # Where the gradient is below 1e-12 the parameters are off by less than 1e-12 over the smallest
    # curvature, an eigenvalue of the inputs' second moments, which is above 0.3 here.
    assert np.allclose(net.W[0], solution[:3].T, rtol=0, atol=1e-11)
    assert np.allclose(net.b[0], solution[3], rtol=0, atol=1e-11)
    residuals = X @ solution[:3] + solution[3] - Y
    assert pytest.approx(0.5 * (residuals**2).sum(axis=1).mean(), rel=1e-12) == last.C


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["squared_error", rb.Huber(0.5)])
def test_updates_have_the_bits_of_a_training_with_all_samples(dtype: str, loss: Any) -> None:
    X, Y = regression()
    net = rb.Network([3, 4, 2], activation="tanh", dtype=dtype, random_state=0)
    twin = net.copy()
    ours = list(itertools.islice(descent(net, X, Y, loss=loss, learning_rate=0.05), 7))
    sgd = rb.SGD(learning_rate=0.05)
    rb.train(twin, X, Y, loss=loss, optimizer=sgd, batch_size=len(X), epochs=7, shuffle=False)
    assert_same_bits(net.theta, twin.theta)
    assert_same_bits(ours[-1].w, twin.theta)


def test_each_update_is_w_less_epsilon_times_the_derivative() -> None:
    X, Y = regression()
    net = rb.Network([3, 2], dtype="float64", random_state=0)
    start = net.gradients(X, Y, loss="squared_error")
    w, dC_dw = net.theta.copy(), start.grad
    costs = [start.cost]
    for i, update in enumerate(descent(net, X, Y, learning_rate=0.125, max_updates=5)):
        assert np.allclose(update.w, w - 0.125 * dC_dw, rtol=1e-15, atol=1e-15)
        assert_same_bits(update.w, net.theta)
        here = net.gradients(X, Y, loss="squared_error")
        assert_same_bits(update.dC_dw, here.grad)
        assert update.C == here.cost < costs[-1]
        w, dC_dw = update.w, update.dC_dw
        costs.append(update.C)
        assert i < 5
    assert len(costs) == 6


def test_the_condition_is_asked_before_every_update() -> None:
    X, Y = regression()
    net = rb.Network([3, 2], dtype="float64", random_state=0)
    before = net.theta.copy()
    assert list(descent(net, X, Y, until=lambda at: True)) == []
    assert_same_bits(net.theta, before)
    asked: list[float] = []

    def twice(at: Any) -> bool:
        asked.append(at.C)
        return len(asked) > 2

    found = list(descent(net, X, Y, until=twice))
    assert [update.C for update in found] == asked[1:]
    assert list(descent(net, X, Y, max_updates=0)) == []


def test_a_step_that_is_too_large_is_not_done() -> None:
    X, Y = regression()
    net = rb.Network([3, 2], dtype="float64", random_state=0)
    with pytest.raises(FloatingPointError, match="expected a smaller learning_rate"):
        list(descent(net, X, Y, learning_rate=1e200))
    assert np.isfinite(net.theta).all()


def test_the_samples_are_those_of_the_call() -> None:
    X, Y = regression()
    net, twin = (rb.Network([3, 2], dtype="float64", random_state=0) for _ in range(2))
    X_later = X.copy()
    running = descent(net, X_later, Y, max_updates=3)
    X_later[:] = 0.0
    for _ in running:
        pass
    for _ in descent(twin, X, Y, max_updates=3):
        pass
    assert_same_bits(net.theta, twin.theta)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"learning_rate": 0.0}, ValueError, "learning_rate: got 0.0"),
        ({"learning_rate": True}, TypeError, "learning_rate: got True"),
        ({"until": 1e-6}, TypeError, "until: got 1e-06, expected a callable or None"),
        ({"max_updates": -1}, ValueError, "max_updates: got -1"),
        ({"X": [[1.0]]}, ValueError, "X: got"),
        ({"X": np.full((50, 3), np.nan)}, ValueError, "X: got nan"),
        ({"Y": [1.0]}, ValueError, "Y: got"),
        ({"loss": "mse"}, ValueError, "loss: got 'mse'"),
        ({"net": 1}, TypeError, "net: got int"),
    ],
)
def test_bad_input_is_refused_by_the_call(
    settings: dict[str, Any], error: Any, message: str
) -> None:
    X, Y = regression()
    net = rb.Network([3, 2], dtype="float64", random_state=0)
    given: dict[str, Any] = {"net": net, "X": X, "Y": Y} | settings
    with pytest.raises(error, match=re.escape(message)):
        descent(**given)
