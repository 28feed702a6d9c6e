"""Every instruction set gives the same bits; one that the machine lacks is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import (
    ACTIVATIONS,
    assert_same_bits,
    assert_same_gradients,
    n_outputs_for,
    samples,
    targets,
    twins,
    with_every_loss,
)

ISAS = rb.build_info()["isas"]


@pytest.fixture(autouse=True)
def the_best_afterwards() -> Iterator[None]:
    yield
    rb.set_isa(ISAS[0])


def run(dtype: str, layers: list[int], output: str, loss: Any, batch_size: int) -> list[np.ndarray]:
    """Train and take the gradients; whatever a kernel computes is in the result."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((67, layers[0]))
    Y = (
        rng.integers(0, max(layers[-1], 2), 67)
        if loss == "log_loss"
        else rng.random((67, layers[-1]))
    )
    activation = ["tanh", "logistic", "relu", "softmax", "identity"][: len(layers) - 2]
    net = rb.Network(layers, activation=activation, output=output, dtype=dtype, random_state=1)
    sgd = rb.SGD(learning_rate=0.1, momentum=0.5, nesterov=True)
    result = rb.train(net, X, Y, loss=loss, optimizer=sgd, batch_size=batch_size, epochs=2)
    found = net.gradients(X, Y, loss=loss)
    return [net.theta, np.array(result.loss_curve), net.forward(X), found.grad, found.dX]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "network",
    [
        ([5, 7, 33, 17, 3, 3], "softmax", "log_loss"),
        ([31, 64, 2], "logistic", "log_loss"),
        ([300, 16, 1], "identity", "squared_error"),
        ([300, 1], "logistic", "log_loss"),
        ([9, 300, 257], "tanh", "squared_error"),
    ],
    ids=str,
)
@pytest.mark.parametrize("batch_size", [1, 8, 23])
@pytest.mark.parametrize("isa", ISAS[1:])
def test_training_gives_the_same_bits(
    isa: str, dtype: str, network: tuple[list[int], str, Any], batch_size: int
) -> None:
    rb.set_isa(ISAS[0])
    wanted = run(dtype, *network, batch_size)
    rb.set_isa(isa)
    assert rb.build_info()["isa"] == isa
    for got, want in zip(run(dtype, *network, batch_size), wanted, strict=True):
        assert_same_bits(got, want)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@with_every_loss
@pytest.mark.parametrize("isa", ISAS)
def test_every_loss_has_the_bits_of_the_textbook(
    isa: str, loss: Any, output: str, dtype: str
) -> None:
    rb.set_isa(isa)
    n_outputs = n_outputs_for(loss, 19)
    core, book = twins([4, n_outputs], output=output, dtype=dtype)
    X, Y = samples(17, 4, dtype), targets(loss, output, 17, n_outputs, dtype)
    got = core.gradients(X, Y, loss=loss)
    assert_same_gradients(got, book.gradients(X.tolist(), Y.tolist(), loss=loss), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("isa", ISAS)
def test_every_hidden_activation_has_the_bits_of_the_textbook(
    isa: str, activation: str, dtype: str
) -> None:
    rb.set_isa(isa)
    core, book = twins([4, 37, 6, 3], activation=activation, dtype=dtype)
    core.W[0][:] *= 4  # reaches the ends of those that have some
    book.theta = core.theta.tolist()
    X, Y = samples(7, 4, dtype), targets("squared_error", "identity", 7, 3, dtype)
    got = core.gradients(X, Y, loss="squared_error")
    wanted = book.gradients(X.tolist(), Y.tolist(), loss="squared_error")
    assert_same_gradients(got, wanted, dtype)


def test_one_that_is_not_there_is_refused() -> None:
    with pytest.raises(RuntimeError, match=f"'sse9', expected .*{ISAS[-1]}"):
        rb.set_isa("sse9")
    assert rb.build_info()["isa"] == ISAS[0]


def test_the_environment_forces_one() -> None:
    code = "import rosenblatt as rb; print(rb.build_info()['isa'])"
    for isa in ISAS:
        environment = os.environ | {"ROSENBLATT_ISA": isa}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == isa
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"ROSENBLATT_ISA": "sse9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "expected one that this processor supports" in done.stderr
