"""The core's gradient descent step has the reference's bits, plain, with momentum, Nesterov's."""

from __future__ import annotations

import numpy as np
import pytest

import rosenblatt as rb
from bits import DTYPES, assert_same_bits, samples, targets, twins
from rosenblatt import reference
from rosenblatt.reference.arithmetic import NUMBER_TYPES
from rosenblatt.reference.update import step

RULES = (
    {"learning_rate": 0.1},
    {"learning_rate": 0.3, "momentum": 0.9},
    {"learning_rate": 0.3, "momentum": 0.9, "nesterov": True},
    {"learning_rate": 1e-3, "momentum": 0.5, "nesterov": True},
    {"learning_rate": 0.3, "momentum": 1e-60},  # 0 in float32: a plain step
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("layers", [[3, 2], [5, 9, 4], [17, 33, 1]], ids=str)
def test_steps_on_one_batch(layers: list[int], steps: int, rule: dict, dtype: str) -> None:
    """A batch of everything, so that an epoch is a step; the velocity lives on between them."""
    core, book = twins(layers, dtype=dtype)
    X = samples(6, layers[0], dtype)
    Y = targets("squared_error", "identity", 6, layers[-1], dtype)
    rb.train(core, X, Y, loss="squared_error", optimizer=rb.SGD(**rule), batch_size=6, epochs=steps)
    reference.train(
        book,
        X.tolist(),
        Y.tolist(),
        loss="squared_error",
        optimizer=reference.SGD(**rule),
        batch_size=6,
        epochs=steps,
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", RULES[:1], ids=str)
def test_a_plain_step_goes_down_the_gradient(rule: dict, dtype: str) -> None:
    core, _ = twins([5, 9, 4], dtype=dtype)
    X, Y = samples(6, 5, dtype), targets("squared_error", "identity", 6, 4, dtype)
    w, grad = core.theta.copy(), core.gradients(X, Y, loss="squared_error").grad
    rb.train(
        core,
        X,
        Y,
        loss="squared_error",
        optimizer=rb.SGD(**rule),
        batch_size=6,
        epochs=1,
        shuffle=False,
    )
    T, sgd = NUMBER_TYPES[dtype], reference.SGD(**rule)
    pairs = zip(w.tolist(), grad.tolist(), strict=True)
    wanted = [step(T, w_i, dw_i, 0.0, sgd)[0] for w_i, dw_i in pairs]
    assert_same_bits(core.theta, np.array(wanted, dtype), "theta")
