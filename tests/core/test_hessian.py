"""H v has the reference's bits; it is symmetric, linear, and the derivative of the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import (
    DTYPES,
    LABEL_LOSSES,
    Array,
    assert_same_bits,
    labels,
    n_outputs_for,
    name_of,
    samples,
    targets,
    twins,
    with_every_combination,
    with_every_loss,
    with_every_loss_of_labels,
)
from tolerance import DIFFERENCES_RELATIVE, DIFFERENCES_ROUNDING, STENCIL, STEP

WEIGHTS = np.array([1.0, 0.5, 2.0, 0.0, 1.5, 3.0])


def direction(net: rb.Network, seed: int = 0) -> Array:
    """(n_params,) numbers of length 1, some of them 0."""
    random = np.random.default_rng(seed)
    v = random.normal(size=net.n_params)
    v[1:][random.random(len(v) - 1) < 0.1] = 0.0
    return (v / np.linalg.norm(v)).astype(net.dtype)


def compare(core: rb.Network, book: Any, X: Array, Y: Array, *, loss: Any, s: Any = None) -> None:
    v = direction(core)
    weights = None if s is None else s.tolist()
    wanted = book.hessian_vector_product(
        X.tolist(), Y.tolist(), v.tolist(), loss=loss, sample_weight=weights
    )
    got = core.hessian_vector_product(X, Y, v, loss=loss, sample_weight=s)
    assert_same_bits(got, np.array(wanted, core.dtype))


# ---- the reference's bits --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@with_every_combination
def test_every_activation_and_loss(loss: Any, output: str, activation: str, dtype: str) -> None:
    n_outputs = n_outputs_for(loss, 3)
    core, book = twins([4, 5, 4, n_outputs], activation=activation, output=output, dtype=dtype)
    X, Y = samples(6, 4, dtype), targets(loss, output, 6, n_outputs, dtype)
    compare(core, book, X, Y, loss=loss, s=WEIGHTS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_outputs", [1, 3])
@with_every_loss_of_labels
def test_labels(loss: Any, output: str, n_outputs: int, dtype: str) -> None:
    core, book = twins([4, 6, n_outputs], output=output, dtype=dtype)
    y = labels(7, 2 if n_outputs == 1 and output != "softmax" else n_outputs)
    compare(core, book, samples(7, 4, dtype), y, loss=loss)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "layers",
    [[3, 2], [1, 1], [4, 1], [6, 5, 4, 3, 2], [2, 17, 33, 3], [40, 35, 1], [3, 260, 2], [260, 3]],
    ids=str,
)
@pytest.mark.parametrize("n", [1, 18])
def test_every_depth_and_width(layers: list[int], n: int, dtype: str) -> None:
    core, book = twins(layers, dtype=dtype, seed=3)
    Y = targets("squared_error", "identity", n, layers[-1], dtype)
    compare(core, book, samples(n, layers[0], dtype), Y, loss="squared_error")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [30.0, 1000.0])
@pytest.mark.parametrize("loss", ["log_loss", "focal", rb.Focal(gamma=0.5)], ids=str)
@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_sure_outputs(output: str, loss: Any, scale: float, dtype: str) -> None:
    """An output that is 0 or 1 to the last bit has second derivatives, all finite."""
    core, book = twins([4, 3], output=output, dtype=dtype)
    core.theta[:] *= np.array(scale, dtype)
    book.theta = core.theta.tolist()
    X, Y = samples(11, 4, dtype), targets(loss, output, 11, 3, dtype)
    compare(core, book, X, Y, loss=loss)
    assert np.isfinite(core.hessian_vector_product(X, Y, direction(core), loss=loss)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@with_every_loss
def test_an_output_that_is_right_to_the_bit(loss: Any, output: str, dtype: str) -> None:
    """In the kinks: a relu with z = 0, a slope that jumps, an output of zeros."""
    core, book = twins([2, 3, 4], activation="relu", output=output, dtype=dtype)
    core.b[0][1] = core.b[1][1] = core.b[1][2] = 0
    core.W[0][1] = 0
    core.W[1][1:3] = 0
    book.theta = core.theta.tolist()
    X = samples(7, 2, dtype)
    Y = targets(loss, output, 7, 4, dtype)
    if name_of(loss) not in (*LABEL_LOSSES, "gaussian_nll", "poisson"):
        Y = core.forward(X)
        Y[Y.any(axis=1) == 0] = 1
    compare(core, book, X, Y, loss=loss)


# ---- what it is ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_outputs", [1, 3])
@with_every_combination
def test_it_is_the_derivative_of_the_gradient(
    loss: Any, output: str, activation: str, n_outputs: int
) -> None:
    # With these seeds no z comes so near to a kink of an activation, and no output to one of a
    # loss, that a step crosses it.
    n_outputs = n_outputs_for(loss, n_outputs)
    seed = 10 if output == "hard_tanh" else 9
    net, _ = twins([3, 4, n_outputs], activation=activation, output=output, seed=seed)
    X, Y = samples(6, 3, "float64"), targets(loss, output, 6, n_outputs, "float64")
    v, theta = direction(net), net.theta.copy()

    def gradient_at(t: float) -> Array:
        net.theta[:] = theta + t * v
        return net.gradients(X, Y, loss=loss, sample_weight=WEIGHTS).grad

    found = sum(
        weight * (gradient_at(offset * STEP) - gradient_at(-offset * STEP)) / STEP
        for offset, weight in STENCIL
    )
    grad = gradient_at(0.0)
    got = net.hessian_vector_product(X, Y, v, loss=loss, sample_weight=WEIGHTS)
    # theta + t v is rounded, and so are the gradient and what it is made of, numbers of about 1
    rounding = 10 * DIFFERENCES_ROUNDING * (1 + np.linalg.norm(grad) + np.linalg.norm(got))
    assert np.linalg.norm(found - got) <= DIFFERENCES_RELATIVE * np.linalg.norm(got) + rounding


@with_every_combination
def test_the_hessian_is_symmetric(loss: Any, output: str, activation: str) -> None:
    n_outputs = n_outputs_for(loss, 3)
    net, _ = twins([4, 5, n_outputs], activation=activation, output=output)
    X, Y = samples(6, 4, "float64"), targets(loss, output, 6, n_outputs, "float64")
    H = np.array([net.hessian_vector_product(X, Y, e, loss=loss) for e in np.eye(net.n_params)])
    assert np.abs(H - H.T).max() <= 1e-13 * np.abs(H).max()
    u, v = direction(net, 1), direction(net, 2)
    Hu, Hv = (net.hessian_vector_product(X, Y, w, loss=loss) for w in (u, v))
    size = np.abs(H).max() * net.n_params
    assert abs(u @ Hv - v @ Hu) <= 1e-14 * size
    np.testing.assert_allclose(Hv, H @ v, rtol=0, atol=1e-14 * size)


def test_it_is_the_weighted_mean_over_the_samples() -> None:
    net, _ = twins([4, 5, 3], output="softmax")
    X, y, v = samples(6, 4, "float64"), labels(6, 3), direction(net)
    each = np.array(
        [
            net.hessian_vector_product(X[i : i + 1], y[i : i + 1], v, loss="log_loss")
            for i in range(6)
        ]
    )
    got = net.hessian_vector_product(X, y, v, loss="log_loss", sample_weight=WEIGHTS)
    np.testing.assert_allclose(got, WEIGHTS @ each / WEIGHTS.sum(), rtol=0, atol=1e-15)


def test_of_a_line_it_is_the_second_moments() -> None:
    net = rb.Network([1, 1], dtype="float64", random_state=0)
    X, y = [[1.0], [2.0], [6.0]], [0.0, 1.0, 2.0]
    H = [net.hessian_vector_product(X, y, e, loss="squared_error").tolist() for e in np.eye(2)]
    np.testing.assert_allclose(H, [[41 / 3, 3.0], [3.0, 1.0]], rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_change_no_bit(dtype: str) -> None:
    net = rb.Network([300, 257, 129, 10], output="softmax", dtype=dtype, random_state=0)
    X, y = samples(200, 300, dtype), labels(200, 10)
    found = []
    for threads in (1, 3):
        net.threads = threads
        found.append(net.hessian_vector_product(X, y, direction(net), loss="log_loss"))
    assert_same_bits(*found)


def test_the_network_and_its_gradient_stay_as_they_are() -> None:
    net, _ = twins([4, 5, 3])
    X, Y = samples(6, 4, "float64"), targets("squared_error", "identity", 6, 3, "float64")
    before, grad = net.theta.copy(), net.gradients(X, Y, loss="squared_error").grad
    net.hessian_vector_product(X, Y, direction(net), loss="squared_error")
    assert_same_bits(net.theta, before)
    assert_same_bits(net.gradients(X, Y, loss="squared_error").grad, grad)
