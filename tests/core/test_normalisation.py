"""Batch norm, layer norm and skip connections: the reference's bits, and true derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import DTYPES, Array, assert_same_bits, assert_same_gradients, samples, targets, twins
from rosenblatt import reference
from rosenblatt.reference.forward import forward as forward_of_book

# Both norms and skips alone, together, from the first layer on; rows of 1 to 260 numbers; f' from z
# and from a, and over rows; sums that are interleaved on both ways.
NETS: dict[str, dict[str, Any]] = {
    "layer": {"layers": [4, 7, 7, 3], "norm": "layer"},
    "batch": {"layers": [4, 7, 7, 3], "norm": "batch", "activation": "gelu"},
    "skip": {"layers": [4, 7, 7, 3], "skip": True, "activation": "relu"},
    "all": {
        "layers": [5, 5, 20, 20, 2],
        "norm": ["layer", "batch", None],
        "skip": True,
        "activation": ["silu", "softsign", "mish"],
    },
    "rows": {"layers": [9, 9, 33, 33, 1], "norm": "batch", "skip": True, "activation": "softmax"},
    "units of one": {"layers": [3, 1, 1, 2], "norm": ["batch", "layer"], "skip": [False, True]},
}
WIDE: dict[str, dict[str, Any]] = {
    "wide": {"layers": [3, 5, 5, 260, 6], "norm": ["batch", None, "layer"], "skip": True},
    "narrow": {"layers": [260, 9, 9, 1], "norm": "layer", "skip": True, "activation": "elu"},
}
every_net = pytest.mark.parametrize("net", NETS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def made(net: str, dtype: str, seed: int = 1) -> tuple[rb.Network, reference.Network]:
    return twins(**(NETS | WIDE)[net], dtype=dtype, seed=seed)


def data(core: rb.Network, n: int = 9) -> tuple[Array, Array]:
    """X and Y of n samples."""
    dtype = core.dtype.name
    X = samples(n, core.layers[0], dtype)
    return X, targets("squared_error", "identity", n, core.layers[-1], dtype)


# ---- the reference's bits ------------------------------------------------------------------------


@every_dtype
@pytest.mark.parametrize("net", [*NETS, *WIDE])
def test_forward_and_gradients_have_the_references_bits(net: str, dtype: str) -> None:
    core, book = made(net, dtype)
    X, Y = data(core, 5 if net in WIDE else 9)
    assert_same_bits(core.forward(X), np.array(book.forward(X.tolist()), dtype), "forward")
    got, wanted = core.trace(X), book.trace(X.tolist())
    for name in ("Z", "A"):
        for a, b in zip(getattr(got, name), getattr(wanted, name), strict=True):
            assert_same_bits(a, np.array(b, dtype), name)
    s = np.arange(1.0, len(X) + 1)
    assert_same_gradients(
        core.gradients(X, Y, loss="squared_error", sample_weight=s),
        book.gradients(X.tolist(), Y.tolist(), loss="squared_error", sample_weight=s.tolist()),
        dtype,
    )


@every_dtype
@every_net
def test_further_derivatives_have_the_references_bits(net: str, dtype: str) -> None:
    core, book = made(net, dtype)
    X, Y = data(core, 4)
    x, y = X.tolist(), Y.tolist()
    loss: Any = "squared_error"
    assert_same_bits(core.jacobian(X), np.array(book.jacobian(x), dtype), "jacobian")
    each = core.per_sample_gradients(X, Y, loss=loss)
    assert_same_bits(each, np.array(book.per_sample_gradients(x, y, loss=loss), dtype), "each")
    v = np.random.default_rng(0).normal(size=core.n_params).astype(dtype)
    Hv = core.hessian_vector_product(X, Y, v, loss=loss)
    wanted = book.hessian_vector_product(x, y, v.tolist(), loss=loss)
    assert_same_bits(Hv, np.array(wanted, dtype), "H v")


def trained_twins(
    net: str, dtype: str, optimizers: tuple[Any, Any], settings: tuple[Any, Any], n: int = 9
) -> None:
    """Train both networks, each with its own settings, and compare all that comes of it."""
    core, book = made(net, dtype)
    here, there = settings
    X, Y = data(core, n)
    common: dict[str, Any] = {"loss": "squared_error", "epochs": 2, "random_state": 4}
    here, there = {"batch_size": 3} | here, {"batch_size": 3} | there
    validation = (X[:4], Y[:4])
    got = rb.train(core, X, Y, optimizer=optimizers[0], validation=validation, **common, **here)
    wanted = reference.train(
        book,
        X.tolist(),
        Y.tolist(),
        optimizer=optimizers[1],
        validation=(X[:4].tolist(), Y[:4].tolist()),
        **common,
        **there,
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")
    assert_same_bits(np.array(got.loss_curve), np.array(wanted.loss_curve), "loss_curve")
    curves = np.array(got.validation_curve), np.array(wanted.validation_curve)
    assert_same_bits(*curves, "validation_curve")
    if wanted.ema is not None:
        assert_same_bits(np.array(got.ema), np.array(wanted.ema, dtype), "ema")
    for name in ("running_mean", "running_var"):
        for view, numbers in zip(getattr(core, name), getattr(book, name), strict=True):
            if view is not None:
                assert_same_bits(view, np.array(numbers, dtype), name)


@every_dtype
@every_net
def test_steps_have_the_references_bits(net: str, dtype: str) -> None:
    sgd = rb.SGD(0.01, momentum=0.5), reference.SGD(0.01, momentum=0.5)
    trained_twins(net, dtype, sgd, ({}, {}), n=8)  # the last batch is a shorter one


@every_dtype
@pytest.mark.parametrize("net", ["all", "rows"])
def test_other_steps_have_the_references_bits(net: str, dtype: str) -> None:
    settings = {"clip_value": 0.05, "l2": 0.01, "max_norm": 0.9, "ema": 0.9}
    there = {"regularisation": reference.update.Regularisation(**settings)}
    trained_twins(net, dtype, (rb.Adam(), reference.Adam()), (settings, there))
    settings = {"clip_norm": 0.1}
    there = {"regularisation": reference.update.Regularisation(**settings)}
    trained_twins(net, dtype, (rb.SGD(0.1), reference.SGD(0.1)), (settings, there))


@every_dtype
def test_steps_with_dropout_have_the_references_bits(dtype: str) -> None:
    here = {"dropout": [0.2, 0.3, 0.4], "input_dropout": 0.1}
    there = {"dropout": [0.1, 0.2, 0.3, 0.4]}
    trained_twins("all", dtype, (rb.SGD(0.01), reference.SGD(0.01)), (here, there))


@every_dtype
@pytest.mark.parametrize("net", ["layer", "skip"])
def test_without_batch_norm_a_batch_may_be_one_sample(net: str, dtype: str) -> None:
    one = {"batch_size": 1}
    trained_twins(net, dtype, (rb.SGD(0.01), reference.SGD(0.01)), (one, one), n=4)


@every_dtype
def test_a_line_search_has_the_references_bits(dtype: str) -> None:
    core, book = twins([4, 6, 6, 2], norm="layer", skip=True, dtype=dtype)
    X, Y = data(core)
    options: dict[str, Any] = {"loss": "squared_error", "epochs": 3}
    rb.train(core, X, Y, optimizer=rb.LBFGS(), batch_size=None, l2=0.01, **options)
    l2 = reference.update.Regularisation(l2=0.01)
    reference.train(
        book, X.tolist(), Y.tolist(), optimizer=reference.LBFGS(), regularisation=l2, **options
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")


# ---- any number of threads, any instruction set, any cut -----------------------------------------


@pytest.mark.parametrize("isa", rb.build_info()["isas"])
@every_dtype
def test_threads_and_instruction_sets_change_no_bit(dtype: str, isa: str) -> None:
    """300,000 numbers a layer: enough that samples and units are cut for threads."""
    best = rb.build_info()["isa"]
    found = []
    for threads, table in ((1, best), (3, isa)):
        layers, norm = [2, 300, 4, 300, 3], ["layer", None, "batch"]
        net = rb.Network(layers, norm=norm, dtype=dtype, random_state=0)
        net.threads = threads
        X, Y = data(net, 1000)
        try:
            rb.set_isa(table)
            options: dict[str, Any] = {"batch_size": None, "epochs": 1, "random_state": 0}
            rb.train(net, X, Y, loss="squared_error", optimizer=rb.SGD(0.01), **options)
            outputs = net.forward(X)
        finally:
            rb.set_isa(best)
        running = [view for view in (*net.running_mean, *net.running_var) if view is not None]
        found.append(np.concatenate([net.theta, outputs.ravel(), *running]))
    assert_same_bits(*found)


@every_net
def test_a_batch_may_be_cut_for_inference(net: str) -> None:
    core, _ = made(net, "float32")
    X, _ = data(core, 700)
    whole = core.forward(X)
    assert_same_bits(np.concatenate([core.forward(X[:1]), core.forward(X[1:])]), whole)
    assert_same_bits(np.concatenate([core.forward(x[None]) for x in X[:20]]), whole[:20])
    assert_same_bits(core.trace(X).A[-1], whole)


# ---- derivatives are derivatives -----------------------------------------------------------------

STEP = 1e-5  # the truncation of a central difference is about its square, the rounding 1e-16 / STEP
AWAY = 1e-8


def slopes(f: Callable[[], float], theta: Any) -> Array:
    """df/dtheta by central differences; `theta` can be read and set by place."""
    found = []
    for i in range(len(theta)):
        w = theta[i]
        theta[i] = w + STEP
        above = f()
        theta[i] = w - STEP
        found.append((above - f()) / (2 * STEP))
        theta[i] = w
    return np.array(found)


@every_net
def test_gradients_are_the_slopes_of_the_cost(net: str) -> None:
    core, _ = made(net, "float64")
    X, Y = data(core)
    grad = core.gradients(X, Y, loss="squared_error").grad
    found = slopes(lambda: core.gradients(X, Y, loss="squared_error").cost, core.theta)
    np.testing.assert_allclose(grad, found, rtol=AWAY, atol=AWAY)


@every_net
def test_inputs_gradients_are_slopes(net: str) -> None:
    core, _ = made(net, "float64")
    X, Y = data(core, 3)
    dX = core.gradients(X, Y, loss="squared_error").dX
    found = slopes(lambda: core.gradients(X, Y, loss="squared_error").cost, X.reshape(-1))
    np.testing.assert_allclose(dX.ravel(), found, rtol=AWAY, atol=AWAY)


@every_net
def test_a_hessian_times_a_vector_is_the_slope_of_the_gradient(net: str) -> None:
    core, _ = made(net, "float64")
    X, Y = data(core)
    theta, v = core.theta.copy(), np.random.default_rng(0).normal(size=core.n_params)
    gradients = []
    for step in (STEP, -STEP):
        core.theta = theta + step * v
        gradients.append(core.gradients(X, Y, loss="squared_error").grad)
    core.theta = theta
    Hv = core.hessian_vector_product(X, Y, v, loss="squared_error")
    found = (gradients[0] - gradients[1]) / (2 * STEP)
    np.testing.assert_allclose(Hv, found, rtol=0, atol=1e-7 * np.abs(Hv).max())


def test_a_step_goes_along_the_slopes_of_the_batchs_own_cost() -> None:
    """In training the mean and the variance move with the weights."""
    core, book = twins([3, 4, 4, 2], norm=["layer", "batch"], skip=True, dtype="float64")
    X, Y = data(core)
    theta = book.theta

    def cost() -> float:
        book.theta = theta
        A = forward_of_book(book, X.tolist(), of_batch=True).A[-1]
        return float(((np.array(A) - Y) ** 2).sum() / 2 / len(X))

    found = slopes(cost, theta)
    before = core.theta.copy()
    rb.train(core, X, Y, loss="squared_error", optimizer=rb.SGD(1.0), batch_size=None, epochs=1)
    np.testing.assert_allclose(before - core.theta, found, rtol=AWAY, atol=AWAY)
