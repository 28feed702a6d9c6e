"""Divergence: FloatingPointError names the epoch, and the last good epoch's weights are kept."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb

N = 32
X = np.random.default_rng(0).standard_normal((N, 4))
Y = np.random.default_rng(1).standard_normal((N, 2))
LABELS = np.arange(N) % 2


@dataclass(frozen=True)
class Blowup:
    """A training that diverges, and not in its first epoch."""

    activation: str = "identity"
    output: str = "identity"
    dtype: str = "float32"
    loss: str = "squared_error"
    Y: Any = field(default_factory=lambda: Y)
    optimizer: rb.SGD = field(default_factory=lambda: rb.SGD(learning_rate=1.5))
    batch_size: int = N
    layers: tuple[int, ...] = (4, 2)

    def network(self) -> rb.Network:
        return rb.Network(
            self.layers,
            activation=self.activation,
            output=self.output,
            dtype=self.dtype,
            random_state=0,
        )

    def train(self, net: rb.Network, epochs: int, **options: Any) -> rb.TrainResult:
        return rb.train(
            net,
            X,
            self.Y,
            loss=self.loss,
            optimizer=self.optimizer,
            batch_size=self.batch_size,
            epochs=epochs,
            **options,
        )


BLOWUPS = {
    "one step per epoch": Blowup(),
    "in the middle of an epoch": Blowup(batch_size=3),
    "float64": Blowup(dtype="float64"),
    "momentum": Blowup(optimizer=rb.SGD(learning_rate=4.0, momentum=0.9)),
    "nesterov": Blowup(optimizer=rb.SGD(learning_rate=1.2, momentum=0.5, nesterov=True)),
    "relu": Blowup(activation="relu", layers=(4, 8, 2), optimizer=rb.SGD(learning_rate=2.0)),
    "log_loss": Blowup(
        activation="relu",
        output="softmax",
        loss="log_loss",
        Y=LABELS,
        layers=(4, 8, 2),
        optimizer=rb.SGD(learning_rate=100.0, momentum=0.99),
        batch_size=8,
    ),
    "poisson": Blowup(
        loss="poisson",
        Y=LABELS[:, None],
        layers=(4, 1),
        optimizer=rb.SGD(learning_rate=0.8),
        batch_size=8,
    ),
    "squared_hinge": Blowup(
        loss="squared_hinge",
        Y=LABELS,
        layers=(4, 8, 2),
        optimizer=rb.SGD(learning_rate=1.0, momentum=0.99),
    ),
}
blowups = pytest.mark.parametrize("blowup", BLOWUPS.values(), ids=BLOWUPS)


def epoch_in(error: FloatingPointError) -> int:
    """The number of the epoch, counted from 1, that the message begins with."""
    found = re.search(r"\bepoch (\d+)\b", str(error))
    assert found, str(error)
    return int(found[1])


@blowups
def test_the_last_good_epoch_is_kept(blowup: Blowup) -> None:
    """The named epoch is the first to fail: those before it succeed and end with these weights."""
    net = blowup.network()
    with pytest.raises(FloatingPointError) as caught:
        blowup.train(net, 10**4)
    epoch = epoch_in(caught.value)
    assert epoch > 1
    good = blowup.network()
    assert blowup.train(good, epoch - 1).epochs == epoch - 1
    assert net.theta.tobytes() == good.theta.tobytes()
    assert np.isfinite(net.theta).all()
    with pytest.raises(FloatingPointError):
        blowup.train(blowup.network(), epoch)


@blowups
def test_callbacks_saw_the_good_epochs(blowup: Blowup) -> None:
    net, seen = blowup.network(), []
    with pytest.raises(FloatingPointError) as caught:
        blowup.train(net, 10**4, callback=lambda epoch: seen.append((epoch.epoch, epoch.loss)))
    assert [epoch for epoch, _ in seen] == list(range(epoch_in(caught.value) - 1))
    assert np.isfinite([loss for _, loss in seen]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [N, 4])
def test_the_first_epoch_leaves_the_initial_weights(batch_size: int, dtype: str) -> None:
    net = rb.Network([4, 8, 2], dtype=dtype, random_state=0)
    before = net.theta.tobytes()
    sgd = rb.SGD(float(np.finfo(dtype).max) / 8)
    with pytest.raises(FloatingPointError) as caught:
        rb.train(
            net, 1e3 * X, Y, loss="squared_error", optimizer=sgd, batch_size=batch_size, epochs=3
        )
    assert epoch_in(caught.value) == 1
    assert net.theta.tobytes() == before


def test_one_step_too_far_is_seen_in_its_own_epoch() -> None:
    """The only step of the epoch makes a weight infinite, after a loss that was finite."""
    net = rb.Network([1, 1], random_state=0)
    before = net.theta.tobytes()
    with pytest.raises(FloatingPointError) as caught:
        rb.train(net, [[1e10]], [[1e10]], loss="squared_error", optimizer=rb.SGD(1e20), epochs=1)
    assert epoch_in(caught.value) == 1
    assert net.theta.tobytes() == before


def test_an_infinite_validation_loss_is_a_divergence() -> None:
    net = rb.Network([4, 8, 2], activation="relu", random_state=0)
    before = net.theta.tobytes()
    huge = np.full((3, 4), np.finfo(np.float32).max)
    with pytest.raises(FloatingPointError, match="validation") as caught:
        rb.train(net, X, Y, loss="squared_error", validation=(huge, np.zeros((3, 2))))
    assert epoch_in(caught.value) == 1
    assert net.theta.tobytes() == before


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_network_that_is_not_finite_does_not_train(value: float) -> None:
    """Its views are writeable, so it can be given any number."""
    net = rb.Network([4, 8, 2], activation="tanh", random_state=0)
    net.W[0][0, 0] = value
    before = net.theta.tobytes()
    with pytest.raises((FloatingPointError, ValueError)):
        rb.train(net, X, Y, loss="squared_error")
    assert net.theta.tobytes() == before


def test_a_number_put_in_between_two_steps_does_not_outlive_its_epoch() -> None:
    """Somebody who sees the network after a step can change it: also after the last of an epoch."""

    class Spoiler(rb.Callback):
        good = b""

        def on_epoch(self, epoch: rb.Epoch) -> None:
            self.good = net.theta.tobytes()

        def on_step(self, step: rb.Step) -> None:
            if step.epoch == 1 and step.batch + 1 == len(X) // 4:
                net.theta[:] = np.nan

    net = rb.Network([4, 8, 2], random_state=0)
    spoiler = Spoiler()
    with pytest.raises(FloatingPointError) as caught:
        rb.train(net, X, Y, loss="squared_error", batch_size=4, epochs=3, callback=spoiler)
    assert epoch_in(caught.value) == 2
    assert net.theta.tobytes() == spoiler.good


def test_the_network_can_be_trained_again() -> None:
    blowup = BLOWUPS["one step per epoch"]
    net = blowup.network()
    with pytest.raises(FloatingPointError):
        blowup.train(net, 10**4)
    net.theta[:] = 0
    result = rb.train(net, X, Y, loss="squared_error", optimizer=rb.SGD(0.01), epochs=5)
    assert result.loss_curve[-1] < result.loss_curve[0]


@pytest.mark.parametrize("mode", ["ignore", "warn", "raise"])
def test_numpys_own_error_handling_is_left_alone(mode: str) -> None:
    """It neither decides what is raised nor is it changed; no warning comes with the error."""
    blowup = BLOWUPS["one step per epoch"]
    with np.errstate(all=mode), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        before = np.geterr()
        with pytest.raises(FloatingPointError) as caught:
            blowup.train(blowup.network(), 10**4)
        assert np.geterr() == before
    assert epoch_in(caught.value) > 1
    assert not warned


def test_training_that_converges_raises_nothing_in_raise_mode() -> None:
    """Underflow and inexact results are everyday matters."""
    with np.errstate(all="raise"):
        net = rb.Network([4, 8, 2], activation="logistic", output="softmax", random_state=0)
        result = rb.train(net, 1e-30 * X, LABELS, loss="log_loss", epochs=3)
        assert result.epochs == 3
