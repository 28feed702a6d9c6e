"""The core's exp, log, tanh, sin and their kin have the reference's bits for all numbers."""

from __future__ import annotations

import numpy as np
import pytest

from bits import DTYPES, Array, assert_same_bits
from rosenblatt import _core
from rosenblatt.reference.arithmetic import NUMBER_TYPES
from rosenblatt.reference.math import CONSTANTS, FUNCTIONS

NEIGHBOURS = 3  # how many numbers on each side of a threshold
TINY = {"float32": np.float32(2.0**-126), "float64": np.float64(2.0**-1022)}
SMALLEST = {"float32": np.float32(2.0**-149), "float64": np.float64(2.0**-1074)}


def around(centres: Array) -> Array:
    """The centres with their nearest neighbours below and above."""
    below, above, found = centres, centres, [centres]
    for _ in range(NEIGHBOURS):
        below = np.nextafter(below, np.array(-np.inf, centres.dtype))
        above = np.nextafter(above, np.array(np.inf, centres.dtype))
        found += [below, above]
    return np.concatenate(found)


def any_bits(n: int, dtype: str, seed: int) -> Array:
    """Numbers with random bits: every exponent, subnormals, infinities, NaN."""
    unsigned = np.uint32 if dtype == "float32" else np.uint64
    random = np.random.default_rng(seed)
    return random.integers(np.iinfo(unsigned).max, size=n, dtype=unsigned, endpoint=True).view(
        dtype
    )


def thresholds(dtype: str) -> Array:
    """Every number at which one of the functions changes what it does, and its negative."""
    k = CONSTANTS[NUMBER_TYPES[dtype]]
    steps = (np.arange(-40, 40) + 0.5) * np.log(2)  # where the reduction of exp changes n
    turns = (np.arange(40) + 0.5) * np.pi / 2  # where the reduction of sin does
    named = [0.0, 0.5, 1.0, k.exp_lowest, k.exp_highest, k.tanh_saturates, np.sqrt(2), np.sqrt(0.5)]
    named += [k.expm1_ends, k.angle_ends, k.normal_ends, *turns, *(turns + np.pi / 4)]
    ends = [TINY[dtype], 2 * TINY[dtype], SMALLEST[dtype], np.finfo(dtype).max]
    positive = np.concatenate([named, ends, np.abs(steps), np.abs(steps / 2)]).astype(dtype)
    return np.concatenate([positive, -positive])


def values(function: str, dtype: str) -> Array:
    """Some thousands of arguments that the function allows."""
    random = np.random.default_rng(1)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        x = np.concatenate(
            [
                special,
                around(thresholds(dtype)),
                any_bits(3000, dtype, seed=2),
                random.uniform(-1, 1, 1500).astype(dtype),
                random.uniform(-20, 20, 1500).astype(dtype),
                random.uniform(-750, 750, 1000).astype(dtype),
                (random.uniform(-1, 1, 500) * 2.0 ** random.integers(-60, 0, 500)).astype(dtype),
            ]
        )
    if function == "log":
        x = np.concatenate([x, around(2.0 ** np.arange(0, 127, dtype=dtype))])
        x = np.abs(x)
        return x[np.isnan(x) | ((x >= 1) & np.isfinite(x))]
    if function == "log1p":
        x = np.concatenate([x, 2.0 ** -np.arange(0, 126, dtype=dtype)])
        x = np.abs(x)
        return x[np.isnan(x) | (x <= 1)]
    if function == "expm1":
        return -np.abs(x)
    if function in ("sin", "cos"):  # all of the range in which angles are reduced, and beyond
        return np.concatenate([x, random.uniform(-1.1e6, 1.1e6, 2000).astype(dtype)])
    return x


def textbook(function: str, x: Array) -> Array:
    """The reference's values."""
    T, f = NUMBER_TYPES[str(x.dtype)], FUNCTIONS[function]
    return np.array([f(T, v) for v in x.tolist()], x.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_core_has_the_bits_of_the_textbook(function: str, dtype: str) -> None:
    x = values(function, dtype)
    assert len(x) > 1000
    assert_same_bits(_core.evaluate(function, x), textbook(function, x), function)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_neither_length_nor_alignment_changes_a_bit(function: str, dtype: str) -> None:
    lowest, highest = {"log": (1.0, 9.0), "log1p": (0.0, 1.0), "expm1": (-9.0, 0.0)}.get(
        function, (-9.0, 9.0)
    )
    x = np.linspace(lowest, highest, 44, dtype=dtype)
    wanted = textbook(function, x)
    for start in range(4):
        for n in range(40):
            part = slice(start, start + n)
            assert_same_bits(_core.evaluate(function, x[part]), wanted[part], function)
