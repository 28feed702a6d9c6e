"""The core's derivatives have the reference's bits, and they are the derivatives of the cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rosenblatt as rb
from bits import (
    ACTIVATIONS,
    ALL_LOSSES,
    DTYPES,
    Array,
    assert_same_bits,
    assert_same_gradients,
    n_outputs_for,
    samples,
    targets,
    twins,
    with_every_combination,
)
from effort import cases
from tolerance import DIFFERENCES_RELATIVE, DIFFERENCES_ROUNDING, STENCIL, STEP


def compare(
    layers: list[int],
    n: int,
    *,
    activation: str = "tanh",
    loss: Any = "squared_error",
    output: str = "identity",
    dtype: str,
    seed: int = 0,
) -> None:
    """One call of `gradients` on the core and on the textbook."""
    layers = [*layers[:-1], n_outputs_for(loss, layers[-1])]
    core, book = twins(layers, activation=activation, output=output, dtype=dtype, seed=seed)
    X, Y = samples(n, layers[0], dtype), targets(loss, output, n, layers[-1], dtype)
    got = core.gradients(X, Y, loss=loss)
    assert_same_gradients(got, book.gradients(X.tolist(), Y.tolist(), loss=loss), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@with_every_combination
def test_every_activation_and_loss(loss: Any, output: str, activation: str, dtype: str) -> None:
    compare([4, 6, 5, 3], 8, activation=activation, loss=loss, output=output, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "layers", [[3, 2], [1, 1], [4, 3, 2], [6, 5, 4, 3, 2], [2, 17, 33, 3], [40, 35, 1]], ids=str
)
@pytest.mark.parametrize("n", [1, 5, 18])
def test_every_depth_and_width(layers: list[int], n: int, dtype: str) -> None:
    compare(layers, n, dtype=dtype, seed=3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_out", [255, 256, 257, 271, 300])
@pytest.mark.parametrize("n_in", [1, 3, 16, 17])
def test_long_sums(n_in: int, n_out: int, dtype: str) -> None:
    compare([n_in, n_out], 3, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["relu", "gelu", "elu"])  # f' from a, from z
def test_long_sums_within_a_network(activation: str, dtype: str) -> None:
    compare([3, 4, 260, 2], 3, activation=activation, dtype=dtype)
    compare([260, 5, 270, 3], 3, activation=activation, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_of_the_weights_is_one_chain_over_a_long_batch(dtype: str) -> None:
    compare([3, 2, 2], 300, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_of_a_bias_starts_at_plus_zero(dtype: str) -> None:
    """A saturated output below its target: delta is -0, and the sum +0 + -0 is +0."""
    core, book = twins([1, 1], output="tanh", dtype=dtype)
    core.theta[:] = book.theta = [100.0, 0.0]
    got = core.gradients(np.ones((1, 1), dtype), [[2.0]], loss="squared_error")
    assert np.signbit(got.delta[0]).all()
    assert not np.signbit(got.db[0]).any()
    assert_same_gradients(got, book.gradients([[1.0]], [[2.0]], loss="squared_error"), dtype)


@settings(max_examples=cases(40))
@given(
    layers=st.lists(st.integers(1, 20), min_size=2, max_size=5),
    activation=st.sampled_from(ACTIVATIONS),
    loss_output=st.sampled_from(ALL_LOSSES),
    dtype=st.sampled_from(DTYPES),
    n=st.integers(1, 12),
    seed=st.integers(0, 2**64 - 1),
)
def test_any_small_network(
    *,
    layers: list[int],
    activation: str,
    loss_output: tuple[Any, str],
    dtype: str,
    n: int,
    seed: int,
) -> None:
    loss, output = loss_output
    compare(layers, n, activation=activation, loss=loss, output=output, dtype=dtype, seed=seed)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("n_outputs", [1, 3, 18])
def test_a_custom_cost(n_outputs: int, output: str, dtype: str) -> None:
    core, book = twins([4, 6, n_outputs], output=output, dtype=dtype)
    X = samples(11, 4, dtype)
    G = targets("squared_error", output, 11, n_outputs, dtype)
    got, wanted = core.backward(X, G), book.backward(X.tolist(), G.tolist())
    for name in ("delta", "dW", "db"):
        for a, b in zip(getattr(got, name), getattr(wanted, name), strict=True):
            assert_same_bits(a, np.array(b, dtype), name)
    flat = [x.ravel() for dW, db in zip(got.dW, got.db, strict=True) for x in (dW.T, db)]
    assert_same_bits(got.grad, np.concatenate(flat))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("output", ACTIVATIONS)
def test_backward_continues_after_a_loss_with_slopes_by_a(output: str, dtype: str) -> None:
    """With the loss's own dC/dA it gives the loss's gradients, dX included."""
    net = rb.Network([4, 6, 3], activation="tanh", output=output, dtype=dtype, random_state=0)
    X, Y = samples(8, 4, dtype), targets("squared_error", output, 8, 3, dtype)
    wanted = net.gradients(X, Y, loss="squared_error")
    got = net.backward(X, (net.forward(X) - Y) / np.array(8, dtype))
    assert_same_bits(got.grad, wanted.grad)
    assert_same_bits(got.dX, wanted.dX)
    for a, b in zip(got.delta, wanted.delta, strict=True):
        assert_same_bits(a, b)


def test_backward_takes_one_column_as_numbers() -> None:
    net = rb.Network([4, 1], random_state=0)
    X, g = samples(8, 4, "float32"), np.linspace(-1, 1, 8)
    assert_same_bits(net.backward(X, g).grad, net.backward(X, g[:, None]).grad)


def central_difference(
    net: rb.Network, X: Array, Y: Array, loss: Any, sample_weight: Array
) -> Array:
    """dC/dtheta from the reported cost alone."""
    theta = net.theta
    found = np.zeros_like(theta)

    def cost_at(i: int, w: float) -> float:
        theta[i] = w
        return net.gradients(X, Y, loss=loss, sample_weight=sample_weight).cost

    for i, w in enumerate(theta.tolist()):
        for offset, weight in STENCIL:
            h = offset * STEP
            found[i] += weight * (cost_at(i, w + h) - cost_at(i, w - h)) / STEP
        theta[i] = w
    return found


@pytest.mark.parametrize("n_outputs", [1, 3])
@with_every_combination
def test_the_reported_cost_is_the_function_whose_gradient_is_used(
    loss: Any, output: str, activation: str, n_outputs: int
) -> None:
    # With these seeds no z comes so near to a kink of an activation, and no output to one of a
    # loss, that a step crosses it.
    n_outputs = n_outputs_for(loss, n_outputs)
    net, _ = twins(
        [3, 4, n_outputs], activation=activation, output=output, seed=16 if output == "selu" else 9
    )
    X, Y = samples(5, 3, "float64"), targets(loss, output, 5, n_outputs, "float64")
    s = np.array([1.0, 0.5, 2.0, 0.0, 1.5])
    got = net.gradients(X, Y, loss=loss, sample_weight=s)
    cost, grad = got.cost, got.grad.copy()
    away = np.linalg.norm(central_difference(net, X, Y, loss, s) - grad)
    rounding = DIFFERENCES_ROUNDING * cost * np.sqrt(grad.size)
    assert away <= DIFFERENCES_RELATIVE * np.linalg.norm(grad) + rounding
