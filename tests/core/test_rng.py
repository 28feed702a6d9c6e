"""The core draws the reference's random numbers: the stream, the shuffle, the initial weights."""

from __future__ import annotations

import numpy as np
import pytest

import rosenblatt as rb
from bits import ACTIVATIONS, DTYPES, assert_same_bits
from rosenblatt import _core, reference
from rosenblatt.reference.rng import (
    INITIAL_BIASES,
    INITIAL_WEIGHTS,
    SHUFFLE,
    random_u64,
    shuffled,
)

SEEDS = (0, 1, 2**32 - 1, 2**32, 0x0123456789ABCDEF, 2**64 - 1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("purpose", [INITIAL_WEIGHTS, SHUFFLE, INITIAL_BIASES])
@pytest.mark.parametrize("epoch", [0, 1, 2**32 - 1])
def test_stream(seed: int, purpose: int, epoch: int) -> None:
    got = _core.random_u64(seed, purpose, epoch, 101)
    assert got.dtype == np.uint64
    assert got.tolist() == [random_u64(seed, purpose, epoch, i) for i in range(101)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 1001])
def test_shuffle(seed: int, n: int) -> None:
    for epoch in (0, 1, 7):
        got = _core.shuffled(seed, epoch, n)
        assert got.dtype == np.int64
        assert got.tolist() == shuffled(seed, epoch, n)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_initial_weights(activation: str, dtype: str, seed: int) -> None:
    layers = [5, 7, 3, 4]
    core = rb.Network(
        layers, activation=activation, output="softmax", dtype=dtype, random_state=seed
    )
    book = reference.Network(
        layers, activation=activation, output="softmax", dtype=dtype, random_state=seed
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")
    for layer in range(3):
        assert_same_bits(core.W[layer], np.array(book.W[layer], dtype), f"W[{layer}]")
        assert_same_bits(core.b[layer], np.array(book.b[layer], dtype), f"b[{layer}]")
