"""The core's forward pass has the reference's bits: every z and a, for every kind of layer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rosenblatt as rb
from bits import ACTIVATIONS, DTYPES, KINDS, assert_same_bits, samples, twins
from effort import cases
from rosenblatt import reference


def assert_same_trace(core: rb.Network, book: reference.Network, X: np.ndarray) -> None:
    """Compare every z and a, and the outputs alone."""
    got, wanted = core.trace(X), book.trace(X.tolist())
    for name in ("Z", "A"):
        for layer, (a, b) in enumerate(zip(getattr(got, name), getattr(wanted, name), strict=True)):
            assert_same_bits(a, np.array(b, X.dtype), f"{name}[{layer}]")
    assert_same_bits(core.forward(X), np.array(book.forward(X.tolist()), X.dtype), "forward")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("activation", "output"),
    [(f, g) for f in ACTIVATIONS for g in ACTIVATIONS if f == g or (f in KINDS and g in KINDS)],
)
def test_every_activation(activation: str, output: str, dtype: str) -> None:
    core, book = twins([5, 9, 4], activation=activation, output=output, dtype=dtype)
    assert_same_trace(core, book, samples(7, 5, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "layers",
    [[3, 2], [1, 1], [4, 3, 2], [6, 5, 4, 3, 2], [2, 17, 33, 3], [40, 35, 1], [17, 1, 17]],
    ids=str,
)
def test_every_depth_and_width(layers: list[int], dtype: str) -> None:
    core, book = twins(layers, dtype=dtype, seed=3)
    assert_same_trace(core, book, samples(19, layers[0], dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_in", [255, 256, 257, 271, 272, 300])
@pytest.mark.parametrize("n_out", [1, 3, 16, 17])
def test_long_sums(n_in: int, n_out: int, dtype: str) -> None:
    core, book = twins([n_in, n_out], dtype=dtype)
    assert_same_trace(core, book, samples(3, n_in, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_long_sums_within_a_network(dtype: str) -> None:
    core, book = twins([2, 260, 5], activation="relu", output="softmax", dtype=dtype)
    assert_same_trace(core, book, samples(4, 2, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("scale", [2.0**-70, 2.0**5, 2.0**7, 2.0**60])
def test_tiny_and_huge_numbers(activation: str, scale: float, dtype: str) -> None:
    core, book = twins([4, 6, 3], activation=activation, output=activation, dtype=dtype)
    core.theta[:] *= np.array(scale, dtype)
    book.theta = core.theta.tolist()
    assert_same_trace(core, book, samples(9, 4, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_overflow_and_nan_on_the_way(activation: str, dtype: str) -> None:
    core, book = twins([3, 5, 2], activation=activation, output=activation, dtype=dtype)
    core.theta[:] *= np.finfo(dtype).max / 4
    book.theta = core.theta.tolist()
    assert_same_trace(core, book, samples(9, 3, dtype) * np.array(8, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", [[5, 33, 3], [300, 8, 2]], ids=str)
def test_the_cut_of_a_batch_changes_no_bit(layers: list[int], dtype: str) -> None:
    core, _ = twins(layers, output="softmax", dtype=dtype)
    X = samples(67, layers[0], dtype)
    whole = core.forward(X)
    for size in (1, 2, 13, 32, 66):
        parts = [core.forward(X[start : start + size]) for start in range(0, len(X), size)]
        assert_same_bits(np.concatenate(parts), whole, f"batches of {size}")


@settings(max_examples=cases(40))
@given(
    layers=st.lists(st.integers(1, 20), min_size=2, max_size=5),
    activation=st.sampled_from(ACTIVATIONS),
    output=st.sampled_from(ACTIVATIONS),
    dtype=st.sampled_from(DTYPES),
    n=st.integers(1, 12),
    seed=st.integers(0, 2**64 - 1),
)
def test_any_small_network(
    *, layers: list[int], activation: str, output: str, dtype: str, n: int, seed: int
) -> None:
    core, book = twins(layers, activation=activation, output=output, dtype=dtype, seed=seed)
    assert_same_trace(core, book, samples(n, layers[0], dtype))
