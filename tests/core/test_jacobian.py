"""The core's Jacobian has the reference's bits, and those of one backward pass for each output."""

from __future__ import annotations

import numpy as np
import pytest

import rosenblatt as rb
from bits import ACTIVATIONS, DTYPES, assert_same_bits, samples, twins
from tolerance import DIFFERENCES_RELATIVE, STENCIL, STEP

LAYERS = [[3, 2], [1, 1], [4, 1], [2, 17, 33, 3], [40, 35, 1], [5, 300, 4], [300, 3]]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", LAYERS, ids=str)
def test_every_depth_and_width(layers: list[int], dtype: str) -> None:
    core, book = twins(layers, dtype=dtype, seed=3)
    X = samples(5, layers[0], dtype)
    assert_same_bits(core.jacobian(X), np.array(book.jacobian(X.tolist()), dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("activation", "output"),
    [*((f, "identity") for f in ACTIVATIONS), *(("tanh", f) for f in ACTIVATIONS)],
)
def test_every_activation(activation: str, output: str, dtype: str) -> None:
    core, book = twins([4, 6, 5, 3], activation=activation, output=output, dtype=dtype)
    X = samples(7, 4, dtype)
    assert_same_bits(core.jacobian(X), np.array(book.jacobian(X.tolist()), dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 255, 256, 257, 600])
def test_a_row_is_the_backward_pass_of_its_output(n: int, dtype: str) -> None:
    """However the samples are cut into slices."""
    net, _ = twins([3, 5, 2], output="softmax", dtype=dtype)
    X = samples(n, 3, dtype)
    J = net.jacobian(X)
    assert J.shape == (n, 2, 3)
    for j in range(2):
        G = np.zeros((n, 2), dtype)
        G[:, j] = 1
        assert_same_bits(J[:, j], net.backward(X, G).dX)


@pytest.mark.parametrize("output", ACTIVATIONS)
def test_it_is_the_derivative_of_the_outputs(output: str) -> None:
    # With these seeds no z comes so near to a kink that a step crosses it.
    net, _ = twins([3, 4, 2], output=output, seed=16 if output == "selu" else 9)
    X = samples(5, 3, "float64")
    found = np.zeros((5, 2, 3))
    for k in range(3):
        for offset, weight in STENCIL:
            step = offset * STEP * np.eye(3)[k]
            found[:, :, k] += weight * (net.forward(X + step) - net.forward(X - step)) / STEP
    J = net.jacobian(X)
    assert np.linalg.norm(found - J) <= DIFFERENCES_RELATIVE * np.linalg.norm(J) + 1e-12


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_change_no_bit(dtype: str) -> None:
    net = rb.Network([300, 257, 129, 3], output="softmax", dtype=dtype, random_state=0)
    X = samples(300, 300, dtype)
    found = []
    for threads in (1, 3):
        net.threads = threads
        found.append(net.jacobian(X))
    assert_same_bits(*found)
