"""Products of every size sum in index order: single elements against a chain written out.

The sizes are those at which the core changes its way of computing (docs/kernels.md): a few terms,
one output, registers half filled, tiles, blocks of rows and terms that are copied first.
"""

from __future__ import annotations

import numpy as np
import pytest

import rosenblatt as rb
from bits import DTYPES, Array, assert_same_bits
from rosenblatt.reference.arithmetic import Float32, Float64, sum_of_products

SIZES = [  # samples, inputs, outputs
    (1, 33, 17),
    (3, 64, 1),
    (4, 20, 40),
    (5, 300, 16),
    (9, 16, 300),
    (1, 257, 7),  # interleaved sums: few rows, and a rest of one term
    (3, 271, 5),
    (13, 303, 9),
    (19, 256, 3),
    (21, 5, 263),
    (40, 1024, 2),
    (33, 700, 1),
    (57, 130, 65),
    (230, 1030, 520),  # more than a block of rows and of terms, blocks that are not whole
    (530, 261, 71),  # columns that are copied first, the last of them few
    (600, 1024, 1024),  # rows a page apart
    (1200, 128, 2048),
]


def summed(dtype: str, start: float, x: Array, y: Array, n_results: int | None) -> float:
    """The sum of docs/arithmetic.md, section 1; None for a gradient of weights, a single chain."""
    T = Float32 if dtype == "float32" else Float64
    many = 10**9 if n_results is None else n_results
    return sum_of_products(T, start, x.tolist(), y.tolist(), many)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("threads", [1, 3])
def test_single_elements(size: tuple[int, int, int], dtype: str, threads: int) -> None:
    n, n_in, n_out = size
    rng = np.random.default_rng(0)
    net = rb.Network([n_in, n_out], output="identity", dtype=dtype, random_state=0)
    net.threads = threads
    net.b[0] = rng.standard_normal(n_out)
    X = rng.standard_normal((n, n_in)).astype(dtype)
    Y = rng.standard_normal((n, n_out)).astype(dtype)
    Z = net.trace(X).Z[0]
    found = net.gradients(X, Y, loss="squared_error")
    W, b, delta = net.W[0], net.b[0], found.delta[0]
    for _ in range(12):
        i, j, k = rng.integers(n), rng.integers(n_out), rng.integers(n_in)
        assert Z[i, j] == summed(dtype, float(b[j]), X[i], W[j], n_out)
        assert found.dX[i, k] == summed(dtype, 0.0, delta[i], W[:, k], n_in)
        assert found.dW[0][j, k] == summed(dtype, 0.0, delta[:, j], X[:, k], None)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_step_is_the_gradient_and_the_update(size: tuple[int, int, int], dtype: str) -> None:
    """Computed in one pass or in two, the parameters after a step are fma(-epsilon, dC/dw, w)."""
    n, n_in, n_out = size
    rng = np.random.default_rng(1)
    net = rb.Network([n_in, n_out], output="identity", dtype=dtype, random_state=0)
    X = rng.standard_normal((n, n_in)).astype(dtype)
    Y = rng.standard_normal((n, n_out)).astype(dtype)
    theta = net.theta.copy()
    grad = net.gradients(X, Y, loss="squared_error").grad
    rb.train(
        net,
        X,
        Y,
        loss="squared_error",
        optimizer=rb.SGD(0.5),
        batch_size=n,
        epochs=1,
        shuffle=False,
    )
    # An epsilon of 1/2 makes the product exact, so that one rounding is all there is.
    assert_same_bits(net.theta, theta - grad * theta.dtype.type(0.5))
