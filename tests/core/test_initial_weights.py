"""Initial weights and biases: the core draws the reference's, whose statistics are right."""

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
BIASES = ("auto", "zeros", "uniform")
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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("biases", [*BIASES, ["uniform", "zeros", "auto", "uniform"]], ids=str)
@pytest.mark.parametrize("norm", [None, "layer", "batch", [None, "batch", None]], ids=str)
def test_the_core_draws_the_textbooks_biases(biases: Any, norm: Any, dtype: str) -> None:
    core, book = (
        network([3, 70, 7, 7, 5], dtype=dtype, random_state=2**40, biases=biases, norm=norm)
        for network in (rb.Network, reference.Network)
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")


@pytest.mark.parametrize("isa", rb.build_info()["isas"])
def test_every_instruction_set_draws_the_same(isa: str) -> None:
    best = rb.build_info()["isa"]

    def drawn(weights: Any) -> np.ndarray:
        return rb.Network([40, 70, 9], weights=weights, biases="uniform", random_state=3).theta

    wanted = [drawn(weights) for weights in INITIALISERS]
    try:
        rb.set_isa(isa)
        for weights, theta in zip(INITIALISERS, wanted, strict=True):
            got = drawn(weights)
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
    assert get_args(_weights.BiasInitialiserName) == _weights.BIAS_NAMES
    assert tuple(_core.bias_initialisers()) == _weights.BIAS_NAMES == BIASES


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
    "NaN": (["zeros", np.full((2, 4), np.nan)], ValueError, "nan at weights[1][0, 0]"),
    "complex": (["zeros", np.ones((2, 4), complex)], TypeError, "complex"),
    "ragged": (["zeros", [[1, 2], [3]]], (TypeError, ValueError), ""),
    "too large for float32": (["zeros", np.full((2, 4), 1e39)], ValueError, "float32"),
}


@pytest.mark.parametrize("bad", BAD_WEIGHTS.values(), ids=list(BAD_WEIGHTS))
def test_bad_weights_are_refused(bad: tuple[Any, Any, str]) -> None:
    value, error, shows = bad
    with pytest.raises(error) as caught:
        rb.Network([3, 4, 2], weights=value)
    assert_names_what_it_got(str(caught.value), "weights", shows)


def assert_names_what_it_got(message: str, argument: str, shows: str) -> None:
    assert re.match(rf"{argument}\b", message), message
    assert shows in message
    assert "got" in message
    assert "expected" in message
    assert len(message) < 400


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
    with pytest.raises(error, match=rf"{field.name}: got .*, expected"):
        cls(value)


def test_a_seed_beside_given_weights_is_refused() -> None:
    given = {"weights": [np.ones((1, 2))], "random_state": 0}
    for biases in ("auto", "zeros", [np.ones(1)]):
        with pytest.raises(ValueError, match=r"random_state: got 0, expected None"):
            rb.Network([2, 1], biases=biases, **given)
    assert rb.Network([2, 1], biases="uniform", **given).b[0].any()  # this one is drawn


def test_weights_that_float32_cannot_hold_are_refused() -> None:
    for weights in (rb.Uniform(1e300), rb.Normal(1e300), rb.Orthogonal(1e300)):
        with pytest.raises(ValueError, match=r"weights: got .*1e\+300.*, expected .*float32"):
            rb.Network([3, 2], weights=weights, random_state=0)
        assert np.isfinite(
            rb.Network([3, 2], dtype="float64", weights=weights, random_state=0).theta
        ).all()


# ------------------------------------------------------------------------------- initial biases


@pytest.mark.parametrize("dtype", DTYPES)
def test_uniform_biases_lie_within_one_over_the_root_of_the_inputs(dtype: str) -> None:
    n_in, n_out = 16, 20_000
    net = rb.Network([n_in, n_out, 3], dtype=dtype, biases="uniform", random_state=0)
    for b, limit in ((net.b[0], 1 / 4), (net.b[1], 1 / np.sqrt(n_out))):
        assert 0.3 * limit < np.abs(b).max() < 1.0000001 * limit
    b = net.b[0].astype(np.float64)
    assert np.abs(b).max() > 0.999 / 4
    assert abs(b.mean()) < tolerance.mean_of_uniform(1 / 4, n_out)
    assert abs(b.var() - 1 / 48) < tolerance.variance_of_uniform(1 / 4, n_out)


def test_auto_biases_are_uniform_in_hidden_layers_and_zero_at_the_output() -> None:
    auto, uniform = (
        rb.Network([6, 5, 4, 3], biases=biases, random_state=1) for biases in ("auto", "uniform")
    )
    assert_same_bits(auto.b[0], uniform.b[0])
    assert_same_bits(auto.b[1], uniform.b[1])
    assert uniform.b[2].all()
    assert_zeros(auto.b[2])
    assert_zeros(rb.Network([6, 3], random_state=1).b[0])  # its only layer is the output


def test_auto_biases_are_zero_after_weights_that_are_zero_or_given() -> None:
    weights = ["zeros", np.ones((4, 5)), "auto", "auto"]
    net = rb.Network([6, 5, 4, 3, 2], weights=weights, random_state=1)
    assert_zeros(net.b[0])
    assert_zeros(net.b[1])
    assert net.b[2].all()


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_auto_biases_are_zero_after_a_norm(norm: Any) -> None:
    net = rb.Network([6, 5, 4, 3], norm=[norm, None], random_state=1)
    assert_zeros(net.b[0])
    assert net.b[1].all()
    assert rb.Network([6, 5, 3], norm=norm, biases="uniform", random_state=1).b[0].all()


def assert_zeros(b: np.ndarray) -> None:
    assert not b.any()
    assert not np.signbit(b).any()


@pytest.mark.parametrize("weights", ["auto", "orthogonal", rb.Normal(0.3)], ids=str)
def test_biases_leave_the_weights_of_a_seed_alone(weights: Any) -> None:
    nets = [rb.Network([6, 5, 3], weights=weights, biases=b, random_state=9) for b in BIASES]
    for net in nets[1:]:
        for W, first in zip(net.W, nets[0].W, strict=True):
            assert_same_bits(W, first)


def test_biases_may_be_given() -> None:
    given = np.array([1.0, -2.0, 0.5, 4.0])
    net = rb.Network([3, 4, 2], biases=[given, "zeros"], random_state=0)
    assert net.b[0].tolist() == given.tolist()
    assert_zeros(net.b[1])
    assert rb.Network([3, 2], biases=[[0.5, 1]]).b[0].tolist() == [0.5, 1.0]
    given[:] = 0  # a copy was taken
    assert net.b[0][3] == 4.0


BAD_BIASES = {
    "unknown": ("ones", ValueError, "'ones'"),
    "in capitals": ("ZEROS", ValueError, "ZEROS"),
    "an initialiser of weights": (rb.Uniform(0.1), TypeError, "Uniform"),
    "bytes": (b"zeros", TypeError, "zeros"),
    "a number": (0.1, TypeError, "0.1"),
    "None": (None, TypeError, "None"),
    "one array": (np.ones(4), TypeError, "(4,)"),
    "too few": (["zeros"], ValueError, "1"),
    "too many": (["zeros"] * 3, ValueError, "3"),
    "none": ([], ValueError, "0"),
    "one unknown": (["zeros", "ones"], ValueError, "biases[1]"),
    "one None": ([None, "zeros"], TypeError, "None"),
    "one a number": ([1.0, "zeros"], TypeError, "1.0"),
    "one an initialiser of weights": ([rb.Normal(0.1), "zeros"], TypeError, "Normal"),
    "of another layer": ([np.ones(2), np.ones(4)], ValueError, "biases[0]: got shape (2,)"),
    "a column": (["zeros", np.ones((2, 1))], ValueError, "(2, 1)"),
    "a scalar array": (["zeros", np.array(1.0)], ValueError, "()"),
    "NaN": (["zeros", [1.0, np.nan]], ValueError, "nan at biases[1][1]"),
    "infinity": (["zeros", [1.0, np.inf]], ValueError, "inf"),
    "complex": (["zeros", np.ones(2, complex)], TypeError, "complex"),
    "words": (["zeros", ["a", "b"]], (TypeError, ValueError), "biases[1]"),
    "ragged": (["zeros", [[1, 2], [3]]], (TypeError, ValueError), ""),
    "too large for float32": (["zeros", np.full(2, 1e39)], ValueError, "float32"),
}


@pytest.mark.parametrize("bad", BAD_BIASES.values(), ids=list(BAD_BIASES))
def test_bad_biases_are_refused(bad: tuple[Any, Any, str]) -> None:
    value, error, shows = bad
    with pytest.raises(error) as caught:
        rb.Network([3, 4, 2], biases=value)
    assert_names_what_it_got(str(caught.value), "biases", shows)


def test_a_network_of_tanh_learns_spirals_that_are_symmetric_about_the_origin() -> None:
    """With biases of zero it stays an odd function and its loss above 0.5, for most seeds."""
    X, y = rb.datasets.make_spirals(300)

    def loss_of(seed: int) -> float:
        layers = [2, 32, 32, 1]
        net = rb.Network(layers, activation="tanh", output="logistic", random_state=seed)
        settings: Any = {"optimizer": rb.Adam(0.01), "epochs": 200, "random_state": seed}
        return rb.train(net, X, y, loss="log_loss", **settings).loss_curve[-1]

    losses = [loss_of(seed) for seed in range(10)]
    assert sum(loss < 0.05 for loss in losses) >= 9, losses
