"""Dropout: the reference's bits, and what the masks are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import DTYPES, assert_same_bits, samples, twins
from rosenblatt import reference
from rosenblatt.reference.arithmetic import NUMBER_TYPES
from rosenblatt.reference.dropout import Dropout


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["relu", "tanh", "softmax", "gelu"])
@pytest.mark.parametrize(
    ("layers", "rates"),
    [
        ([4, 7, 3], [0.0, 0.5]),
        ([4, 7, 3], [0.3, 0.0]),
        ([5, 70, 9, 1], [0.25, 0.5, 0.1]),
        ([3, 5, 260, 6], [0.0, 0.5, 0.9]),  # sums on the way back that are interleaved
    ],
    ids=str,
)
def test_training_with_dropout_has_the_references_bits(
    layers: list[int], rates: list[float], activation: str, dtype: str
) -> None:
    X, Y = samples(11, layers[0], dtype), samples(11, layers[-1], dtype)
    core, book = twins(layers, activation=activation, output="identity", dtype=dtype, seed=1)
    options: dict[str, Any] = {"batch_size": 4, "epochs": 2, "random_state": 2**40 + 5}
    validation = (X[:3], Y[:3])
    got = rb.train(
        core,
        X,
        Y,
        loss="squared_error",
        optimizer=rb.SGD(0.01, momentum=0.5),
        dropout=rates[1:],
        input_dropout=rates[0],
        validation=validation,
        **options,
    )
    wanted = reference.train(
        book,
        X.tolist(),
        Y.tolist(),
        loss="squared_error",
        optimizer=reference.SGD(0.01, momentum=0.5),
        dropout=rates,
        validation=(validation[0].tolist(), validation[1].tolist()),
        **options,
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")
    assert_same_bits(np.array(got.loss_curve), np.array(wanted.loss_curve), "loss_curve")
    assert got.validation_curve is not None
    assert wanted.validation_curve is not None
    assert_same_bits(
        np.array(got.validation_curve), np.array(wanted.validation_curve), "validation_curve"
    )


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("isa", rb.build_info()["isas"])
def test_threads_and_instruction_sets_drop_the_same(isa: str, threads: int) -> None:
    X, Y = samples(300, 200, "float32"), samples(300, 40, "float32")
    options: dict[str, Any] = {"loss": "squared_error", "dropout": 0.4, "input_dropout": 0.1}
    options |= {"epochs": 1, "batch_size": 128, "optimizer": rb.SGD(0.01)}
    one, other = (rb.Network([200, 300, 300, 40], random_state=0) for _ in range(2))
    rb.train(one, X, Y, threads=1, **options)
    best = rb.build_info()["isa"]
    try:
        rb.set_isa(isa)
        rb.train(other, X, Y, threads=threads, **options)
    finally:
        rb.set_isa(best)
    assert_same_bits(one.theta, other.theta, "theta")


def test_the_masks_are_fair_and_differ() -> None:
    """Of 60,000 units a share of 0.3 is dropped, within five standard deviations."""
    left_out = Dropout(NUMBER_TYPES["float64"], [0.3, 0.3], seed=7)
    first, second = left_out.masks(0, 0, 100, [300, 300])
    later = left_out.masks(1, 0, 100, [300, 300])[0]
    masks = np.array([first, second, later])
    deviation = np.sqrt(0.3 * 0.7 / masks[0].size)
    for mask in masks:
        assert abs((mask == 0).mean() - 0.3) < 5 * deviation
        assert set(np.unique(mask)) == {0.0, 1 / 0.7}
        assert len(np.unique(mask, axis=0)) == 100  # no row is another's
    for one, other in ((0, 1), (0, 2), (1, 2)):
        both = ((masks[one] == 0) & (masks[other] == 0)).mean()
        assert abs(both - 0.09) < 5 * np.sqrt(0.09 * 0.91 / masks[0].size)


def test_a_rate_of_zero_is_no_dropout() -> None:
    X, Y = samples(20, 4, "float32"), samples(20, 3, "float32")
    one, other = (rb.Network([4, 7, 3], random_state=0) for _ in range(2))
    rb.train(one, X, Y, loss="squared_error", dropout=[0.0], input_dropout=0)
    rb.train(other, X, Y, loss="squared_error")
    assert_same_bits(one.theta, other.theta, "theta")


def test_dropped_inputs_have_no_gradient() -> None:
    """With all inputs but some dropped, a step changes the weights of those alone."""
    X, Y = np.ones((1, 50), np.float32), np.full((1, 3), 9.0, np.float32)
    net = rb.Network([50, 3], random_state=0)
    before = net.W[0].copy()
    rb.train(net, X, Y, loss="squared_error", input_dropout=0.8, epochs=1, shuffle=False)
    changed = (net.W[0] != before).any(axis=0)
    wanted = Dropout(NUMBER_TYPES["float32"], [0.8], seed=0).mask_of_row(0, 0, 0, 50)
    assert changed.tolist() == [m > 0 for m in wanted]
    assert 0 < changed.sum() < 50


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dropout": 1.0}, ValueError, "dropout: got 1.0, expected a number from 0 to below 1"),
        ({"dropout": -0.1}, ValueError, "dropout: got -0.1"),
        ({"dropout": float("nan")}, ValueError, "dropout: got nan"),
        ({"dropout": True}, TypeError, "dropout: got True"),
        ({"dropout": "much"}, TypeError, "dropout: got 'much'"),
        ({"dropout": [0.1, 0.2]}, ValueError, "dropout: got 2 numbers, expected 1"),
        ({"dropout": [None]}, TypeError, r"dropout\[0\]: got None"),
        ({"input_dropout": 1}, ValueError, "input_dropout: got 1.0"),
        ({"input_dropout": [0.1]}, TypeError, r"input_dropout: got \[0.1\]"),
    ],
)
def test_bad_rates_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    net = rb.Network([4, 7, 3], random_state=0)
    before = net.theta.copy()
    with pytest.raises(error, match=message):
        rb.train(
            net, samples(9, 4, "float32"), samples(9, 3, "float32"), loss="squared_error", **options
        )
    assert_same_bits(net.theta, before, "theta")


def test_hidden_dropout_needs_hidden_layers() -> None:
    net = rb.Network([4, 3], random_state=0)
    X, Y = samples(9, 4, "float32"), samples(9, 3, "float32")
    with pytest.raises(ValueError, match=r"dropout: got 0.5 without hidden layers"):
        rb.train(net, X, Y, loss="squared_error", dropout=0.5)


def test_a_line_search_refuses_dropout() -> None:
    net = rb.Network([4, 5, 3], random_state=0)
    X, Y = samples(9, 4, "float32"), samples(9, 3, "float32")
    with pytest.raises(ValueError, match="dropout: got some with LBFGS"):
        rb.train(
            net, X, Y, loss="squared_error", dropout=0.5, optimizer=rb.LBFGS(), batch_size=None
        )
