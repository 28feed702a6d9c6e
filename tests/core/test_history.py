"""The history of a training: the learning rate and the norm of the gradient have their bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import DTYPES, assert_same_bits, samples, targets, twins
from rosenblatt import reference, schedules
from test_update import REGULARISATIONS, in_the_textbook, name

OPTIMIZERS = (rb.SGD(0.1), rb.SGD(0.1, momentum=0.9), rb.Adam(0.05), rb.Rprop(), rb.LBFGS())


def trainings(
    optimizer: Any, dtype: str, layers: list[int], regularisation: dict[str, float], **options: Any
) -> tuple[rb.TrainResult, Any, rb.Network, rb.Network]:
    """One on the core and one on the textbook that measure gradients, and one that does not."""
    core, book = twins(layers, dtype=dtype)
    plain = core.copy()
    X = samples(11, layers[0], dtype)
    Y = targets("squared_error", "identity", 11, layers[-1], dtype)
    how: Any = {"loss": "squared_error", "epochs": 4, "batch_size": 4} | options
    if isinstance(optimizer, rb.LBFGS):
        how["batch_size"] = 11
    got = rb.train(core, X, Y, optimizer=optimizer, gradient_norm=True, **how, **regularisation)
    rb.train(plain, X, Y, optimizer=optimizer, **how, **regularisation)
    wanted = reference.train(
        book,
        X.tolist(),
        Y.tolist(),
        optimizer=in_the_textbook(optimizer),
        regularisation=reference.Regularisation(**regularisation),
        gradient_norm=True,
        **how,
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")
    return got, wanted, core, plain


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name)
@pytest.mark.parametrize("layers", [[3, 2], [5, 9, 4], [17, 33, 1]], ids=str)
def test_the_norm_has_the_bits_of_the_textbook(
    layers: list[int], optimizer: Any, dtype: str
) -> None:
    """Its measuring changes no bit of the training."""
    got, wanted, core, plain = trainings(optimizer, dtype, layers, {})
    assert len(got.history["gradient_norm"]) == got.epochs
    assert got.history["gradient_norm"] == wanted.gradient_norms
    assert_same_bits(core.theta, plain.theta, "theta")


@pytest.mark.parametrize("regularisation", REGULARISATIONS, ids=name)
def test_it_is_that_before_penalties_and_limits(regularisation: dict[str, float]) -> None:
    whole: Any = {"batch_size": 11}  # so that the first step's is the first epoch's
    got, wanted, core, plain = trainings(rb.SGD(0.1), "float64", [5, 9, 4], regularisation, **whole)
    assert got.history["gradient_norm"] == wanted.gradient_norms
    assert_same_bits(core.theta, plain.theta, "theta")
    free, _, _, _ = trainings(rb.SGD(0.1), "float64", [5, 9, 4], {}, **whole)
    assert got.history["gradient_norm"][0] == free.history["gradient_norm"][0]


def test_lbfgs_measures_before_its_penalty_and_its_step() -> None:
    got, wanted, _, _ = trainings(rb.LBFGS(), "float64", [4, 3], {"l2": 0.1})
    assert got.history["gradient_norm"] == wanted.gradient_norms
    net, _ = twins([4, 3], dtype="float64")
    X, Y = samples(11, 4, "float64"), targets("squared_error", "", 11, 3, "float64")
    first = np.linalg.norm(net.gradients(X, Y, loss="squared_error").grad)
    assert got.history["gradient_norm"][0] == pytest.approx(first, rel=1e-14)


def test_it_is_the_mean_over_the_steps() -> None:
    """By hand: the gradients of the batches, from the parameters before each."""
    net = rb.Network([4, 3], dtype="float64", random_state=0)
    X, Y = samples(9, 4, "float64"), targets("squared_error", "", 9, 3, "float64")
    weights = np.array([0.0, 0, 0, 0, 1, 2, 3, 4, 5])  # the first batch is passed over
    before: list[Any] = [net.theta.copy()]

    class Keep(rb.Callback):
        def on_step(self, step: rb.Step) -> None:
            before.append(net.theta.copy())

    how: Any = {"loss": "squared_error", "batch_size": 4, "epochs": 1, "shuffle": False}
    result = rb.train(net, X, Y, sample_weight=weights, gradient_norm=True, callback=Keep(), **how)
    norms = []
    for theta, rows in zip(before, (slice(4, 8), slice(8, 9)), strict=False):
        net.theta = theta
        of_batch = net.gradients(
            X[rows], Y[rows], loss="squared_error", sample_weight=weights[rows]
        )
        norms.append(np.linalg.norm(of_batch.grad))
    assert result.history["gradient_norm"][0] == pytest.approx(np.mean(norms), rel=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_change_no_bit(dtype: str) -> None:
    random = np.random.default_rng(0)
    X, y = random.standard_normal((450, 300)), random.integers(0, 10, 450)
    found = set()
    for threads in (1, 2, 3):
        net = rb.Network([300, 257, 10], output="softmax", dtype=dtype, random_state=0)
        how: Any = {"batch_size": 200, "epochs": 2, "threads": threads, "gradient_norm": True}
        found.add(rb.train(net, X, y, loss="log_loss", **how).history["gradient_norm"])
    assert len(found) == 1


def test_the_learning_rate_is_that_of_the_last_step() -> None:
    schedule = schedules.Exponential(0.1, factor=0.5)
    told: list[rb.Epoch] = []
    got, wanted, _, _ = trainings(
        rb.SGD(schedule), "float32", [5, 9, 4], {}, batch_size=4, epochs=3
    )
    assert got.history["learning_rate"] == wanted.learning_rates
    assert got.history["learning_rate"] == (0.1 * 0.5**2, 0.1 * 0.5**5, 0.1 * 0.5**8)
    net = rb.Network([5, 4], random_state=0)
    X, Y = samples(11, 5, "float32"), targets("squared_error", "", 11, 4, "float32")
    how: Any = {"loss": "squared_error", "epochs": 3, "callback": told.append}
    result = rb.train(net, X, Y, optimizer=rb.Adam(schedule), gradient_norm=True, **how)
    assert tuple(epoch.learning_rate for epoch in told) == result.history["learning_rate"]
    assert tuple(epoch.gradient_norm for epoch in told) == result.history["gradient_norm"]


@pytest.mark.parametrize("optimizer", [rb.Rprop(), rb.LBFGS()], ids=name)
def test_some_have_no_learning_rate(optimizer: Any) -> None:
    told: list[rb.Epoch] = []
    net = rb.Network([5, 4], random_state=0)
    X, Y = samples(11, 5, "float32"), targets("squared_error", "", 11, 4, "float32")
    how: Any = {"loss": "squared_error", "batch_size": None, "callback": told.append}
    result = rb.train(net, X, Y, optimizer=optimizer, **how)
    assert set(result.history) == {"loss"}
    assert told[0].learning_rate is None
    assert told[0].gradient_norm is None
