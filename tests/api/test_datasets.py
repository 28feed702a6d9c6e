"""The bundled digits are the original ones, number for number."""

import hashlib
from importlib.resources import files

import numpy as np

import rosenblatt as rb
from rosenblatt.datasets import Digits, load_digits

# Of optdigits.tes as UCI serves it, 264,712 bytes of text.
OPTDIGITS_TES_SHA256 = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"


def test_shapes_types_and_range() -> None:
    digits = load_digits()
    assert isinstance(digits, Digits)
    X, y = digits
    assert X.shape == (1797, 64)
    assert X.dtype == np.float32
    assert y.shape == (1797,)
    assert y.dtype == np.int64
    assert X.min() == 0
    assert X.max() == 1
    assert set(y.tolist()) == set(range(10))


def test_the_values_are_those_of_the_source() -> None:
    """Written as the source writes them, they have the source's checksum."""
    X, y = load_digits()
    grey_levels = X * 16
    assert np.array_equal(grey_levels, np.rint(grey_levels))
    table = np.column_stack([grey_levels.astype(np.int64), y])
    text = "".join(",".join(map(str, row)) + "\n" for row in table.tolist())
    assert len(text) == 264_712
    assert hashlib.sha256(text.encode()).hexdigest() == OPTDIGITS_TES_SHA256


def test_counts_per_class_and_the_sum_of_grey_levels() -> None:
    """The counts are those of UCI's documentation for the test part."""
    X, y = load_digits()
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert int((X * 16).sum(dtype=np.float64)) == 561_718


def test_every_call_gives_new_writeable_arrays() -> None:
    first, second = load_digits(), load_digits()
    for array in first:
        assert array.flags.writeable
        assert array.flags.c_contiguous
        assert array.flags.aligned
    first.X[...] = -1
    first.y[...] = -1
    assert second.X.min() == 0
    assert second.y.min() == 0
    assert load_digits().X.min() == 0


def test_the_licence_lies_beside_the_data() -> None:
    package = files("rosenblatt.datasets")
    licence = package.joinpath("DIGITS-LICENCE.txt").read_text(encoding="utf-8")
    for expected in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432/C50P49", "What was changed"):
        assert expected in licence
    assert len(package.joinpath("digits.npz").read_bytes()) < 60_000


def test_the_package_offers_it() -> None:
    assert rb.datasets.load_digits is load_digits
