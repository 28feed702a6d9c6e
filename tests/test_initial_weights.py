"""Initial weights: the core draws the reference's, and they have the statistics of their names."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, get_args

import numpy as np
import pytest

import rosenblatt as rb
import tolerance
from bits import DTYPES, assert_same_bits
from rosenblatt import _core, _weights, reference

INITIALISERS: list[Any] = [
    *_weights.NAMES,
    rb.Uniform(0.3),
    rb.Normal(0.3),
    rb.Orthogonal(gain=2.5),
]
VARIANCES = {
    "glorot": lambda n_in, n_out: 2 / (n_in + n_out),
    "he": lambda n_in, n_out: 2 / n_in,
    "lecun": lambda n_in, n_out: 1 / n_in,
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weights", INITIALISERS, ids=str)
@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_the_core_draws_the_textbooks_weights(weights: Any, seed: int, dtype: str) -> None:
    layers = [5, 7, 7, 3, 1]
    activation = ["selu", "gelu", "tanh"]
    core, book = (
        network(layers, activation=activation, dtype=dtype, random_state=seed, weights=weights)
        for network in (rb.Network, reference.Network)
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")


@pytest.mark.parametrize("isa", rb.build_info()["isas"])
def test_every_instruction_set_draws_the_same(isa: str) -> None:
    best = rb.build_info()["isa"]
    wanted = [rb.Network([40, 70, 9], weights=w, random_state=3).theta for w in INITIALISERS]
    try:
        rb.set_isa(isa)
        for weights, theta in zip(INITIALISERS, wanted, strict=True):
            got = rb.Network([40, 70, 9], weights=weights, random_state=3).theta
            assert_same_bits(got, theta, str(weights))
    finally:
        rb.set_isa(best)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("family", VARIANCES)
def test_uniform_and_normal_have_the_same_variance(family: str, dtype: str) -> None:
    n_in, n_out = 300, 200
    variance = VARIANCES[family](n_in, n_out)
    limit = np.sqrt(3 * variance)
    for shape in ("uniform", "normal"):
        net = rb.Network([n_in, n_out], dtype=dtype, weights=f"{family}_{shape}", random_state=0)
        W = net.W[0].astype(np.float64)
        if shape == "uniform":
            assert 0.999 * limit < np.abs(W).max() < 1.0000001 * limit
            assert abs(W.mean()) < tolerance.mean_of_uniform(limit, W.size)
            assert abs(W.var() - variance) < tolerance.variance_of_uniform(limit, W.size)
        else:
            assert abs(W.mean()) < tolerance.mean_of_normal(variance, W.size)
            assert abs(W.var() - variance) < tolerance.variance_of_normal(variance, W.size)
        assert not net.b[0].any()


def test_normal_weights_are_normal() -> None:
    """As many within one, two and three standard deviations as there should be."""
    W = rb.Network([400, 500], dtype="float64", weights=rb.Normal(2.0), random_state=1).W[0] / 2
    for deviations, share in ((1, 0.6826894921), (2, 0.9544997361), (3, 0.9973002039)):
        found = np.mean(np.abs(W) < deviations)
        assert abs(found - share) < 5 * np.sqrt(share * (1 - share) / W.size)
    neighbours = np.corrcoef(W.T.ravel()[::2], W.T.ravel()[1::2])[0, 1]  # of one radius
    assert abs(neighbours) < 5 / np.sqrt(W.size / 2)


@pytest.mark.parametrize("layers", [[30, 30], [50, 20], [20, 50], [1, 7], [7, 1], [1, 1]], ids=str)
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_orthogonal_weights_are_orthogonal(layers: list[int], gain: float) -> None:
    weights = "orthogonal" if gain == 1.0 else rb.Orthogonal(gain)
    W = rb.Network(layers, dtype="float64", weights=weights, random_state=0).W[0]
    if len(W) > W.shape[1]:
        W = W.T
    assert np.abs(W @ W.T - gain**2 * np.eye(len(W))).max() < tolerance.ORTHOGONAL


def test_an_orthogonal_direction_is_as_likely_as_its_opposite() -> None:
    nets = [rb.Network([3, 3], weights="orthogonal", random_state=seed) for seed in range(400)]
    W = np.array([net.W[0] for net in nets], np.float64)
    assert np.abs(W.mean(axis=0)).max() < 5 * np.sqrt(1 / 3 / len(nets))
    assert 0.35 < np.mean(np.linalg.det(W) > 0) < 0.65  # five deviations are 0.125


def test_zeros_are_zeros() -> None:
    net = rb.Network([3, 4, 2], weights="zeros")
    assert not net.theta.any()
    assert not np.signbit(net.theta).any()


def test_each_layer_may_have_its_own() -> None:
    given = np.arange(12.0).reshape(3, 4)
    net = rb.Network(
        [5, 4, 3, 2],
        weights=["he_normal", given, rb.Uniform(0.25)],
        random_state=0,
    )
    whole = rb.Network([5, 4, 3, 2], weights="he_normal", random_state=0)
    assert_same_bits(net.W[0], whole.W[0])
    assert np.array_equal(net.W[1], given)
    assert 0.2 < np.abs(net.W[2]).max() <= 0.25
    assert not any(b.any() for b in net.b)
    given[:] = -1  # a copy was taken
    assert net.W[1][2, 3] == 11


def test_given_weights_are_all_there_is() -> None:
    W = [np.ones((4, 3)), [[1, 2, 3, 4]]]
    net = rb.Network([3, 4, 1], weights=W)
    assert np.array_equal(net.W[0], W[0])
    assert np.array_equal(net.W[1], W[1])


def test_auto_is_the_rule_of_the_activation() -> None:
    for name, rule in (
        ("relu", "he_uniform"),
        ("gelu", "he_uniform"),
        ("selu", "lecun_uniform"),
        ("tanh", "glorot_uniform"),
        ("softmax", "glorot_uniform"),
    ):
        auto, named = (
            rb.Network([6, 5], output=name, weights=weights, random_state=4)
            for weights in ("auto", rule)
        )
        assert_same_bits(auto.theta, named.theta, name)


def test_each_list_of_initialisers_has_the_same_names() -> None:
    assert get_args(_weights.InitialiserName) == _weights.NAMES
    with_parameter = {each.name for each in _weights.WITH_PARAMETER}
    assert set(_core.initialisers()) == set(_weights.NAMES) | with_parameter


BAD_WEIGHTS = {
    "unknown": ("xavier", ValueError, "xavier"),
    "in capitals": ("ZEROS", ValueError, "ZEROS"),
    "a name that needs a number": ("normal", ValueError, "normal"),
    "bytes": (b"zeros", TypeError, "zeros"),
    "a number": (0.1, TypeError, "0.1"),
    "None": (None, TypeError, "None"),
    "the class": (rb.Normal, TypeError, "Normal"),
    "one array": (np.ones((4, 3)), TypeError, "(4, 3)"),
    "too few": (["zeros"], ValueError, "1"),
    "too many": (["zeros"] * 3, ValueError, "3"),
    "none": ([], ValueError, "0"),
    "one unknown": (["zeros", "xavier"], ValueError, "xavier"),
    "one None": (["zeros", None], TypeError, "None"),
    "one a number": ([1.0, "zeros"], TypeError, "1.0"),
    "transposed": (["zeros", np.ones((4, 2))], ValueError, "(4, 2)"),
    "flat": (["zeros", np.ones(8)], ValueError, "(8,)"),
    "NaN": (["zeros", np.full((2, 4), np.nan)], ValueError, "NaN"),
    "complex": (["zeros", np.ones((2, 4), complex)], TypeError, "complex"),
    "ragged": (["zeros", [[1, 2], [3]]], (TypeError, ValueError), ""),
    "too large for float32": (["zeros", np.full((2, 4), 1e39)], ValueError, "float32"),
}


@pytest.mark.parametrize("bad", BAD_WEIGHTS.values(), ids=list(BAD_WEIGHTS))
def test_bad_weights_are_refused(bad: tuple[Any, Any, str]) -> None:
    value, error, shows = bad
    with pytest.raises(error) as caught:
        rb.Network([3, 4, 2], weights=value)
    message = str(caught.value)
    assert re.match(r"weights\b", message), message
    assert shows in message
    assert "got" in message
    assert "needed" in message


@pytest.mark.parametrize("cls", _weights.WITH_PARAMETER)
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (0, ValueError),
        (-1.0, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        (True, TypeError),
        ("1", TypeError),
        (None, TypeError),
    ],
)
def test_a_bad_parameter_is_refused(cls: Any, value: Any, error: type[Exception]) -> None:
    (field,) = dataclasses.fields(cls)
    with pytest.raises(error, match=rf"{field.name}: got .*, needed"):
        cls(value)


def test_a_seed_beside_given_weights_is_refused() -> None:
    with pytest.raises(ValueError, match=r"random_state: got 0, needed None"):
        rb.Network([2, 1], weights=[np.ones((1, 2))], random_state=0)


def test_weights_that_float32_cannot_hold_are_refused() -> None:
    for weights in (rb.Uniform(1e300), rb.Normal(1e300), rb.Orthogonal(1e300)):
        with pytest.raises(ValueError, match=r"weights: got .*1e\+300.*, needed .*float32"):
            rb.Network([3, 2], weights=weights, random_state=0)
        assert np.isfinite(
            rb.Network([3, 2], dtype="float64", weights=weights, random_state=0).theta
        ).all()
