"""Input noise: the reference's bits, and what the noise is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import DTYPES, assert_same_bits, samples, twins
from rosenblatt import reference
from rosenblatt.reference.arithmetic import NUMBER_TYPES
from rosenblatt.reference.noise import InputNoise


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size", [1, 4, 11])
@pytest.mark.parametrize("rates", [[], [0.25, 0.5]], ids=["alone", "before dropout"])
@pytest.mark.parametrize("n_features", [1, 16, 17, 70])
def test_training_with_noise_has_the_references_bits(
    n_features: int, rates: list[float], batch_size: int, dtype: str
) -> None:
    X, Y = samples(11, n_features, dtype), samples(11, 2, dtype)
    core, book = twins([n_features, 5, 2], dtype=dtype, seed=1)
    options: dict[str, Any] = {"loss": "squared_error", "batch_size": batch_size, "epochs": 2}
    options |= {"random_state": 2**40 + 5, "input_noise": 0.3}
    dropped = {"input_dropout": rates[0], "dropout": rates[1:]} if rates else {}
    got = rb.train(
        core, X, Y, optimizer=rb.SGD(0.01), validation=(X[:3], Y[:3]), **dropped, **options
    )
    wanted = reference.train(
        book,
        X.tolist(),
        Y.tolist(),
        optimizer=reference.SGD(0.01),
        dropout=rates,
        validation=(X[:3].tolist(), Y[:3].tolist()),
        **options,
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")
    for name in ("loss_curve", "validation_curve"):
        assert_same_bits(np.array(getattr(got, name)), np.array(getattr(wanted, name)), name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_noise_is_added_to_scaled_inputs(dtype: str) -> None:
    X, Y = samples(9, 3, dtype) * 50 + 7, samples(9, 2, dtype)
    core, book = twins([3, 5, 2], dtype=dtype, seed=2)
    options: dict[str, Any] = {"loss": "squared_error", "batch_size": 4, "epochs": 2}
    options |= {"input_noise": 0.5, "scale_inputs": "standard"}
    rb.train(core, X, Y, **options)
    reference.train(book, X.tolist(), Y.tolist(), **options)
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("isa", rb.build_info()["isas"])
def test_threads_and_instruction_sets_add_the_same(isa: str, threads: int) -> None:
    X, Y = samples(300, 200, "float32"), samples(300, 40, "float32")
    options: dict[str, Any] = {"loss": "squared_error", "input_noise": 0.1, "epochs": 1}
    options |= {"batch_size": 128, "optimizer": rb.SGD(0.01)}
    one, other = (rb.Network([200, 300, 300, 40], random_state=0) for _ in range(2))
    rb.train(one, X, Y, threads=1, **options)
    best = rb.build_info()["isa"]
    try:
        rb.set_isa(isa)
        rb.train(other, X, Y, threads=threads, **options)
    finally:
        rb.set_isa(best)
    assert_same_bits(one.theta, other.theta, "theta")


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_noise_is_normal_and_never_the_same(dtype: str) -> None:
    """Moments of 19,200 numbers lie within five standard deviations of those of the normal ones.

    The mean of n has the deviation 1 / sqrt(n), that of x^2 sqrt(2 / n), of x^3 sqrt(15 / n), of
    x^4 sqrt(96 / n), of the product of two of them 1 / sqrt(n).
    """
    noise = InputNoise(NUMBER_TYPES[dtype], 1.0, seed=7)
    zeros = [[0.0] * 160 for _ in range(120)]
    one, later = np.array(noise.on(zeros, 0, 0)), np.array(noise.on(zeros, 1, 0))
    for x in (one, later):
        for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
            assert abs((x**power).mean() - mean) < 5 * np.sqrt(variance / x.size), power
        assert len(np.unique(x[:, 0])) == len(x)
    pairs = (
        (one, later),
        (one[:, :-1], one[:, 1:]),
        (one[:, :-16], one[:, 16:]),
        (one[1:], one[:-1]),
    )
    for a, b in pairs:
        assert abs((a * b).mean()) < 5 / np.sqrt(a.size)
    assert_same_bits(np.array(noise.on(zeros[:3], 0, 50)), one[50:53], "the rows of an epoch")


def test_both_types_get_the_same_noise_but_for_rounding() -> None:
    zeros = [[0.0] * 40] * 40
    one, other = (
        np.array(InputNoise(NUMBER_TYPES[dtype], 1.0, seed=3).on(zeros, 0, 0)) for dtype in DTYPES
    )
    # cos and sin of an angle up to 2 pi: half an ulp of the angle, 2^-22, times a radius up to 5.8
    assert np.abs(one - other).max() < 2e-6


def test_a_deviation_of_zero_is_no_noise() -> None:
    X, Y = samples(20, 4, "float32"), samples(20, 3, "float32")
    one, other = (rb.Network([4, 7, 3], random_state=0) for _ in range(2))
    rb.train(one, X, Y, loss="squared_error", input_noise=0)
    rb.train(other, X, Y, loss="squared_error")
    assert_same_bits(one.theta, other.theta, "theta")


def test_many_networks_get_the_noise_that_each_gets_alone() -> None:
    X, Y = samples(20, 4, "float32"), samples(20, 3, "float32")
    nets, alone = ([rb.Network([4, 7, 3], random_state=0) for _ in range(3)] for _ in range(2))
    seeds = [{"random_state": i, "input_noise": 0.1 * i} for i in range(3)]
    rb.train_many(nets, X, Y, loss="squared_error", settings=seeds)
    for net, twin, own in zip(nets, alone, seeds, strict=True):
        rb.train(twin, X, Y, loss="squared_error", **own)
        assert_same_bits(net.theta, twin.theta, "theta")


@pytest.mark.parametrize(
    ("deviation", "error"),
    [
        (-0.1, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        (1e39, ValueError),
        (1e-46, ValueError),
        (True, TypeError),
        ("much", TypeError),
        ([0.1], TypeError),
    ],
)
def test_a_bad_deviation_is_refused(deviation: Any, error: type[Exception]) -> None:
    net = rb.Network([4, 7, 3], random_state=0)
    before = net.theta.copy()
    X, Y = samples(9, 4, "float32"), samples(9, 3, "float32")
    with pytest.raises(error, match="input_noise: got"):
        rb.train(net, X, Y, loss="squared_error", input_noise=deviation)
    assert_same_bits(net.theta, before, "theta")


def test_a_line_search_refuses_noise() -> None:
    net = rb.Network([4, 5, 3], random_state=0)
    X, Y = samples(9, 4, "float32"), samples(9, 3, "float32")
    with pytest.raises(ValueError, match="input_noise: got some with LBFGS"):
        rb.train(
            net, X, Y, loss="squared_error", input_noise=0.5, optimizer=rb.LBFGS(), batch_size=None
        )
