"""L-BFGS: the core's steps have the reference's bits, and they lead down to a minimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import DTYPES, assert_same_bits, labels, samples, targets, twins
from rosenblatt import reference

PROBLEMS: dict[str, dict[str, Any]] = {
    "one layer": {"layers": [4, 1]},
    "two layers": {"layers": [4, 6, 3]},
    "with a penalty": {"layers": [4, 6, 3], "l2": 0.01},
    "wide": {"layers": [3, 40, 2]},
    "classes": {"layers": [4, 5, 3], "output": "softmax", "loss": "log_loss"},
    "corners": {"layers": [4, 6, 2], "loss": "absolute_error"},
    "two pairs": {"layers": [4, 6, 3], "settings": {"history": 2}},
    "few evaluations": {"layers": [4, 6, 3], "settings": {"history": 1, "evaluations": 2}},
    "one evaluation": {"layers": [4, 6, 3], "settings": {"evaluations": 1}},
}


def compare(
    layers: list[int],
    dtype: str,
    *,
    output: str = "identity",
    loss: str = "squared_error",
    l2: float = 0.0,
    settings: dict[str, Any] | None = None,
    epochs: int = 25,
) -> rb.TrainResult:
    """One training on the core and one on the textbook."""
    core, book = twins(layers, output=output, dtype=dtype)
    X = samples(13, layers[0], dtype)
    Y = labels(13, 3) if loss == "log_loss" else targets(loss, output, 13, layers[-1], dtype)
    got = rb.train(
        core,
        X,
        Y,
        loss=loss,  # type: ignore[arg-type]
        optimizer=rb.LBFGS(**(settings or {})),
        l2=l2,
        batch_size=None,
        epochs=epochs,
        validation=(X[:5], Y[:5]),
    )
    wanted = reference.train(
        book,
        X.tolist(),
        Y.tolist(),
        loss=loss,
        optimizer=reference.LBFGS(**(settings or {})),
        regularisation=reference.Regularisation(l2=l2),
        epochs=epochs,
        validation=(X[:5].tolist(), Y[:5].tolist()),
    )
    assert_same_bits(np.array(got.loss_curve), np.array(wanted.loss_curve), "loss_curve")
    assert_same_bits(
        np.array(got.validation_curve), np.array(wanted.validation_curve), "validation_curve"
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")
    return got


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_it_has_the_bits_of_the_textbook(problem: dict[str, Any], dtype: str) -> None:
    result = compare(dtype=dtype, **problem)
    assert result.loss_curve[-1] < result.loss_curve[0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_finds_the_least_squares(dtype: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 5)) @ rng.standard_normal((5, 5))
    y = rng.standard_normal(60)
    net = rb.Network([5, 1], dtype=dtype, random_state=0)
    options: Any = {"loss": "squared_error", "batch_size": None, "epochs": 200}
    result = rb.train(net, X, y, optimizer=rb.LBFGS(tolerance_change=0.0), **options)
    assert result.stop_reason == "converged"
    assert result.epochs < 100
    with_one = np.column_stack([X, np.ones(60)])
    best = np.linalg.lstsq(with_one, y, rcond=None)[0]
    # Converged, the gradient is 1e-7 in float64 and of the size of its rounding in float32; the
    # smallest eigenvalue of the second derivatives carries it to the parameters.
    smallest = np.linalg.eigvalsh(with_one.T @ with_one / 60)[0]
    gradient = 1e-7 if dtype == "float64" else 60 * 2.0**-24
    assert np.abs(net.theta - best).max() <= np.sqrt(6) * gradient / smallest


def test_it_goes_further_down_than_gradient_descent() -> None:
    X, y = rb.datasets.load_digits()
    X, y = X[:300], y[:300]
    options: Any = {"loss": "log_loss", "batch_size": None, "epochs": 100, "l2": 0.001}
    costs = []
    for optimizer in (rb.LBFGS(), rb.SGD(0.5, momentum=0.9)):
        net = rb.Network([64, 10], output="softmax", dtype="float64", random_state=0)
        rb.train(net, X, y, optimizer=optimizer, **options)
        penalty = 0.0005 * float((np.asarray(net.W[0]) ** 2).sum())
        costs.append(net.gradients(X, y, loss="log_loss").cost + penalty)
    assert costs[0] < costs[1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_change_no_bit(dtype: str) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((300, 300)), rng.integers(0, 10, 300)
    bits = []
    for threads in (1, 2, 3, None):
        net = rb.Network([300, 257, 10], output="softmax", dtype=dtype, random_state=0)
        options: Any = {"batch_size": None, "epochs": 5, "threads": threads, "l2": 1e-4}
        rb.train(net, X, y, loss="log_loss", optimizer=rb.LBFGS(), **options)
        bits.append(net.theta.tobytes())
    assert len(set(bits)) == 1


def small() -> tuple[rb.Network, Any, Any]:
    net = rb.Network([4, 6, 2], activation="tanh", dtype="float64", random_state=0)
    return net, samples(13, 4, "float64"), targets("squared_error", "identity", 13, 2, "float64")


def test_a_callback_may_end_it_and_change_the_network() -> None:
    net, X, Y = small()
    options: Any = {"loss": "squared_error", "optimizer": rb.LBFGS(), "batch_size": None}
    result = rb.train(net, X, Y, epochs=50, callback=lambda epoch: epoch.epoch == 3, **options)
    assert result.epochs == 4
    assert result.stop_reason == "callback"
    other, _, _ = small()
    start = other.theta.copy()

    def back_to_the_start(epoch: rb.Epoch) -> None:
        if epoch.epoch == 2:
            other.theta = start

    result = rb.train(other, X, Y, epochs=6, callback=back_to_the_start, **options)
    assert result.loss_curve[3:] == result.loss_curve[:3]


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_weighs_samples(dtype: str) -> None:
    core, book = twins([4, 6, 2], dtype=dtype)
    X, Y = samples(13, 4, dtype), targets("squared_error", "identity", 13, 2, dtype)
    weights = np.random.default_rng(0).random(13)
    rb.train(
        core,
        X,
        Y,
        loss="squared_error",
        optimizer=rb.LBFGS(),
        batch_size=None,
        sample_weight=weights,
    )
    reference.train(
        book,
        X.tolist(),
        Y.tolist(),
        loss="squared_error",
        optimizer=reference.LBFGS(),
        sample_weight=weights.tolist(),
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")


def test_it_takes_a_custom_loss() -> None:
    def half_the_square(A: Any, Y: Any) -> tuple[float, Any]:
        return float(((A - Y) ** 2).sum() / 2 / len(A)), (A - Y) / len(A)

    curves = []
    for loss in ("squared_error", half_the_square):
        net, X, Y = small()
        result = rb.train(
            net,
            X,
            Y,
            loss=loss,  # type: ignore[arg-type]
            optimizer=rb.LBFGS(),
            batch_size=None,
            validation=(X[:5], Y[:5]),
        )
        assert result.validation_curve is not None
        curves.append([*result.loss_curve, *result.validation_curve])
    # The same but for some roundings, which ten steps do not magnify a millionfold.
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-9)


def test_steps_are_watched_and_time_is_limited() -> None:
    seen: list[tuple[int, float]] = []

    class Watcher(rb.Callback):
        def on_step(self, step: rb.Step) -> None:
            seen.append((step.epoch, step.loss))

    net, X, Y = small()
    options: Any = {"loss": "squared_error", "optimizer": rb.LBFGS(), "batch_size": None}
    result = rb.train(net, X, Y, epochs=5, callback=Watcher(), **options)
    assert seen == list(enumerate(result.loss_curve))
    result = rb.train(net, X, Y, epochs=50, time_limit=1e-9, **options)
    assert (result.epochs, result.stop_reason) == (1, "time_limit")


def test_a_network_at_a_minimum_stays_there() -> None:
    net = rb.Network([3, 1], random_state=0)
    net.theta = np.zeros(4)
    options: Any = {"loss": "squared_error", "optimizer": rb.LBFGS(), "batch_size": None}
    result = rb.train(net, np.ones((5, 3)), np.zeros(5), epochs=9, **options)
    assert (result.epochs, result.stop_reason, result.loss_curve) == (1, "converged", (0.0,))
    assert not net.theta.any()


@pytest.mark.parametrize(
    "bad",
    [
        {"batch_size": 12},
        {"batch_size": 32, "l1": 0.1},
        {"batch_size": None, "clip_norm": 1.0},
        {"batch_size": None, "clip_value": 1.0},
        {"batch_size": None, "max_norm": 1.0},
        {"batch_size": None, "max_weight": 1.0},
        {"batch_size": None, "ema": 0.9},
    ],
    ids=str,
)
def test_incompatible_options_are_refused(bad: dict[str, Any]) -> None:
    net, X, Y = small()
    before = net.theta.tobytes()
    argument = list(bad)[-1]
    with pytest.raises(ValueError, match=rf"{argument}: got .*LBFGS.*expected"):
        rb.train(net, X, Y, loss="squared_error", optimizer=rb.LBFGS(), **bad)
    assert net.theta.tobytes() == before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_validation_loss_that_is_not_finite_gives_the_parameters_back(dtype: str) -> None:
    """Those of the step before, and the initial ones if it is the first step's."""
    x = 1e36 if dtype == "float32" else 1e153
    validation: Any = [[x]], [[0.0]]  # its loss is finite at w = 1, and is not at w = 1e3
    options: Any = {"loss": "squared_error", "optimizer": rb.LBFGS(), "batch_size": None}
    net = rb.Network([1, 1], dtype=dtype, random_state=0)
    net.theta = [1.0, 0.0]
    seen: list[Any] = []
    with pytest.raises(FloatingPointError, match="validation loss") as caught:
        rb.train(
            net,
            [[1.0], [2.0]],
            [[1e3], [2e3]],
            epochs=50,
            validation=validation,
            callback=lambda _: seen.append(net.theta.copy()),
            **options,
        )
    assert f"in epoch {len(seen) + 1};" in str(caught.value)
    assert_same_bits(net.theta, seen[-1] if seen else np.array([1.0, 0.0], dtype), "theta")


def test_a_cost_that_is_not_finite_is_a_divergence() -> None:
    net = rb.Network([1, 1], random_state=0)
    net.theta = [1e30, 0.0]
    options: Any = {"loss": "squared_error", "optimizer": rb.LBFGS(), "batch_size": None}
    with pytest.raises(FloatingPointError, match="epoch 1"):
        rb.train(net, [[1e20]], [[0.0]], **options)
    assert net.theta.tolist() == [np.float32(1e30), 0.0]
