"""Whole training runs of the core have the reference's bits: the weights and both loss curves."""

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
    COMBINATIONS,
    DTYPES,
    LABEL_LOSSES,
    LOSSES,
    Array,
    assert_same_bits,
    labels,
    n_outputs_for,
    one_hot,
    samples,
    targets,
    twins,
    with_each,
)
from effort import cases
from rosenblatt import reference

TRAINABLE = [(loss, f, g) for loss, f, g in COMBINATIONS if "step" not in (f, g)]


def compare(
    layers: list[int],
    X: Array,
    Y: Array,
    *,
    activation: str = "tanh",
    output: str = "identity",
    loss: Any = "squared_error",
    rule: dict[str, Any] | None = None,
    validation: tuple[Array, Array] | None = None,
    seed: int = 0,
    **options: Any,
) -> None:
    """One training run on the core and one on the textbook: both the same, or both diverge."""
    dtype = str(X.dtype)
    rule = rule or {"learning_rate": 0.1}
    core, book = twins(layers, activation=activation, output=output, dtype=dtype, seed=seed)
    wanted = reference.train(
        book,
        X.tolist(),
        Y.tolist(),
        loss=loss,
        optimizer=reference.SGD(**rule),
        validation=validation and (validation[0].tolist(), validation[1].tolist()),
        **options,
    )

    def train_core() -> rb.TrainResult:
        sgd = rb.SGD(**rule)
        return rb.train(core, X, Y, loss=loss, optimizer=sgd, validation=validation, **options)

    if not np.isfinite([*wanted.loss_curve, *(wanted.validation_curve or ()), *book.theta]).all():
        with pytest.raises(FloatingPointError):
            train_core()
        return
    got = train_core()
    assert_same_bits(np.array(got.loss_curve), np.array(wanted.loss_curve), "loss_curve")
    assert (got.validation_curve is None) == (wanted.validation_curve is None)
    if got.validation_curve is not None:
        assert_same_bits(
            np.array(got.validation_curve), np.array(wanted.validation_curve), "validation_curve"
        )
    assert got.epochs == wanted.epochs
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")


@pytest.mark.parametrize("dtype", DTYPES)
@with_each("loss, output, activation", TRAINABLE)
def test_every_activation_and_loss(loss: Any, output: str, activation: str, dtype: str) -> None:
    n_outputs = n_outputs_for(loss, 3)
    X, Y = samples(21, 4, dtype), targets(loss, output, 21, n_outputs, dtype)
    compare(
        [4, 6, n_outputs],
        X,
        Y,
        activation=activation,
        output=output,
        loss=loss,
        rule={"learning_rate": 0.01 if activation == "log_softmax" else 0.1},  # it is steep
        batch_size=8,
        epochs=3,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size", [1, 3, 6, 7, 24, 100])
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_cut_into_batches(batch_size: int, shuffle: bool, dtype: str) -> None:
    X, Y = samples(24, 3, dtype), targets("squared_error", "identity", 24, 2, dtype)
    compare([3, 5, 2], X, Y, batch_size=batch_size, shuffle=shuffle, epochs=3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "rule",
    [
        {"learning_rate": 0.05, "momentum": 0.9},
        {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("random_state", [0, 2**64 - 1])
def test_momentum(rule: dict[str, Any], random_state: int, dtype: str) -> None:
    X, y = samples(50, 4, dtype), labels(50, 3)
    compare(
        [4, 8, 3],
        X,
        y,
        activation="relu",
        output="softmax",
        loss="log_loss",
        rule=rule,
        batch_size=16,
        epochs=5,
        random_state=random_state,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@with_each("loss, output", [pair for pair in LOSSES if pair[1] != "step"])
def test_validation(loss: Any, output: str, dtype: str) -> None:
    n = n_outputs_for(loss, 3)
    X, Y = samples(20, 4, dtype), targets(loss, output, 20, n, dtype)
    held_out = samples(70, 4, dtype, seed=1), targets(loss, output, 70, n, dtype, seed=1)
    compare([4, 5, n], X, Y, output=output, loss=loss, validation=held_out, batch_size=8, epochs=3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("output", ["softmax", "logistic"])
@pytest.mark.parametrize("name", LABEL_LOSSES)
def test_labels_in_training_and_validation(name: str, output: str, dtype: str) -> None:
    if (name, output) not in ALL_LOSSES:
        output = "identity" if "hinge" in name else "softmax"
    X, y = samples(20, 4, dtype), labels(20, 3)
    held_out = samples(9, 4, dtype, seed=1), labels(9, 3, seed=1)
    compare([4, 5, 3], X, y, output=output, loss=name, validation=held_out, batch_size=8, epochs=3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_labels_train_as_one_hot_rows(output: str, dtype: str) -> None:
    X, y = samples(100, 4, dtype), labels(100, 3)
    curves = []
    thetas = []
    for Y in (y, one_hot(y, 3, dtype)):
        net, _ = twins([4, 16, 3], output=output, dtype=dtype)
        result = rb.train(net, X, Y, loss="log_loss", validation=(X, Y), batch_size=32, epochs=4)
        assert result.validation_curve is not None
        curves.append(np.array([result.loss_curve, result.validation_curve]))
        thetas.append(net.theta)
    assert_same_bits(curves[0], curves[1], "curves")
    assert_same_bits(thetas[0], thetas[1], "theta")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", [[3, 270, 2], [270, 3, 2], [2, 3, 260]], ids=str)
def test_long_sums(layers: list[int], dtype: str) -> None:
    X = samples(6, layers[0], dtype)
    Y = targets("squared_error", "identity", 6, layers[-1], dtype)
    compare(layers, X, Y, rule={"learning_rate": 0.01}, batch_size=4, epochs=2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", [[2, 1], [5, 33, 17, 4, 3], [40, 48, 1]], ids=str)
def test_every_depth_and_width(layers: list[int], dtype: str) -> None:
    X = samples(18, layers[0], dtype)
    Y = targets("squared_error", "identity", 18, layers[-1], dtype)
    compare(layers, X, Y, activation="relu", rule={"learning_rate": 0.01}, batch_size=7, epochs=2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_handwritten_digits(dtype: str) -> None:
    digits = rb.datasets.load_digits()
    X, y = digits.X[:80].astype(dtype), digits.y[:80]
    compare(
        [64, 12, 10],
        X,
        y,
        activation="relu",
        output="softmax",
        loss="log_loss",
        rule={"learning_rate": 0.1, "momentum": 0.9},
        batch_size=32,
        epochs=3,
    )


@settings(max_examples=cases(30))
@given(
    layers=st.lists(st.integers(1, 12), min_size=2, max_size=4),
    activation=st.sampled_from([name for name in ACTIVATIONS if name != "step"]),
    loss_output=st.sampled_from([pair for pair in ALL_LOSSES if pair[1] != "step"]),
    dtype=st.sampled_from(DTYPES),
    n=st.integers(1, 20),
    batch_size=st.integers(1, 24),
    momentum=st.sampled_from([0.0, 0.3, 0.9]),
    nesterov=st.booleans(),
    shuffle=st.booleans(),
    random_state=st.integers(0, 2**64 - 1),
)
def test_any_small_run(
    *,
    layers: list[int],
    activation: str,
    loss_output: tuple[Any, str],
    dtype: str,
    n: int,
    batch_size: int,
    momentum: float,
    nesterov: bool,
    shuffle: bool,
    random_state: int,
) -> None:
    loss, output = loss_output
    layers = [*layers[:-1], n_outputs_for(loss, layers[-1])]
    nesterov = nesterov and momentum > 0
    compare(
        layers,
        samples(n, layers[0], dtype),
        targets(loss, output, n, layers[-1], dtype),
        activation=activation,
        output=output,
        loss=loss,
        rule={"learning_rate": 0.05, "momentum": momentum, "nesterov": nesterov},
        batch_size=batch_size,
        epochs=2,
        shuffle=shuffle,
        random_state=random_state,
        seed=random_state,
    )
