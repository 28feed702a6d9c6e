"""The gradient of each sample has the reference's bits, and those of a batch of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import (
    ACTIVATIONS,
    DTYPES,
    assert_same_bits,
    labels,
    n_outputs_for,
    samples,
    targets,
    twins,
    with_every_loss,
    with_every_loss_of_labels,
)


@pytest.mark.parametrize("dtype", DTYPES)
@with_every_loss
def test_every_loss(loss: Any, output: str, dtype: str) -> None:
    n_outputs = n_outputs_for(loss, 3)
    core, book = twins([4, 6, n_outputs], output=output, dtype=dtype)
    X, Y = samples(7, 4, dtype), targets(loss, output, 7, n_outputs, dtype)
    got = core.per_sample_gradients(X, Y, loss=loss)
    wanted = book.per_sample_gradients(X.tolist(), Y.tolist(), loss=loss)
    assert_same_bits(got, np.array(wanted, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "layers", [[3, 2], [1, 1], [2, 17, 33, 3], [40, 35, 1], [5, 1, 4]], ids=str
)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_width_and_activation(activation: str, layers: list[int], dtype: str) -> None:
    core, book = twins(layers, activation=activation, dtype=dtype, seed=3)
    X = samples(6, layers[0], dtype)
    Y = targets("squared_error", "identity", 6, layers[-1], dtype)
    wanted = book.per_sample_gradients(X.tolist(), Y.tolist(), loss="squared_error")
    got = core.per_sample_gradients(X, Y, loss="squared_error")
    assert_same_bits(got, np.array(wanted, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 256, 300])
def test_a_row_is_the_gradient_of_a_batch_of_one(n: int, dtype: str) -> None:
    net, _ = twins([5, 9, 40, 3], activation="relu", output="softmax", dtype=dtype)
    X, y = samples(n, 5, dtype), labels(n, 3)
    each = net.per_sample_gradients(X, y, loss="log_loss")
    assert each.shape == (n, net.n_params)
    for i in range(n):
        alone = net.gradients(X[i : i + 1], y[i : i + 1], loss="log_loss").grad
        assert_same_bits(each[i], alone, f"row {i}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_outputs", [1, 3])
@with_every_loss_of_labels
def test_labels(loss: Any, output: str, n_outputs: int, dtype: str) -> None:
    core, book = twins([4, 6, n_outputs], output=output, dtype=dtype)
    X = samples(7, 4, dtype)
    y = labels(7, 2 if n_outputs == 1 and output != "softmax" else n_outputs)
    wanted = book.per_sample_gradients(X.tolist(), y.tolist(), loss=loss)
    got = core.per_sample_gradients(X, y, loss=loss)
    assert_same_bits(got, np.array(wanted, dtype))


def test_their_mean_is_the_gradient() -> None:
    net, _ = twins([4, 6, 3], output="softmax")
    X, y = samples(50, 4, "float64"), labels(50, 3)
    each = net.per_sample_gradients(X, y, loss="log_loss")
    s = np.random.default_rng(0).uniform(0.5, 2.0, 50)
    weighted = net.gradients(X, y, loss="log_loss", sample_weight=s).grad
    np.testing.assert_allclose(s @ each / s.sum(), weighted, rtol=0, atol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_change_no_bit(dtype: str) -> None:
    net = rb.Network([100, 80, 10], output="softmax", dtype=dtype, random_state=0)
    X, y = samples(600, 100, dtype), labels(600, 10)
    found = []
    for threads in (1, 3):
        net.threads = threads
        found.append(net.per_sample_gradients(X, y, loss="log_loss"))
    assert_same_bits(*found)
