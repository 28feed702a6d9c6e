"""Arrays: however numbers lie in memory, the bits of the results are those of a plain copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb

DTYPES = ["float32", "float64"]
N, N_FEATURES, N_OUTPUTS = 23, 7, 3


class Subclass(np.ndarray):
    """An ndarray by another name."""


class Frame:
    """What pandas and its like offer: no array, but a way to one."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.array if dtype is None else self.array.astype(dtype)


class Interface:
    """An object that shows its memory, as images and other libraries' arrays do."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.__array_interface__ = array.__array_interface__


def between(plain: np.ndarray) -> np.ndarray:
    """The same numbers as every second one of a larger array, in every dimension."""
    big = np.full([2 * n for n in plain.shape], 77, plain.dtype)
    view = big[tuple(slice(1, None, 2) for _ in plain.shape)]
    view[...] = plain
    return view


def reversed_view(plain: np.ndarray) -> np.ndarray:
    backwards = (slice(None, None, -1),) * plain.ndim
    return plain[backwards].copy()[backwards]


def column_slice(plain: np.ndarray) -> np.ndarray:
    """The same numbers as the left part of a wider array: whole rows with gaps between them."""
    big = np.full((*plain.shape[:-1], plain.shape[-1] + 5), 77, plain.dtype)
    big[..., : plain.shape[-1]] = plain
    return big[..., : plain.shape[-1]]


def read_only(plain: np.ndarray) -> np.ndarray:
    array = plain.copy()
    array.flags.writeable = False
    return array


def unaligned(plain: np.ndarray) -> np.ndarray:
    memory = np.zeros(plain.nbytes + 1, np.uint8)
    array = memory[1:].view(plain.dtype).reshape(plain.shape)
    array[...] = plain
    return array


def swapped(plain: np.ndarray) -> np.ndarray:
    """The other byte order."""
    return plain.astype(plain.dtype.newbyteorder("S"))


LAYOUTS: dict[str, Callable[[np.ndarray], Any]] = {
    "list": lambda plain: plain.tolist(),
    "tuple of tuples": lambda plain: tuple(
        tuple(row) if isinstance(row, list) else row for row in plain.tolist()
    ),
    "list of arrays": list,
    "0-d arrays in lists": lambda plain: np.vectorize(np.array, otypes=[object])(plain).tolist(),
    "column-major": np.asfortranarray,
    "strided": between,
    "reversed": reversed_view,
    "part of a wider array": column_slice,
    "read-only": read_only,
    "unaligned": unaligned,
    "byte-swapped": swapped,
    "byte-swapped and strided": lambda plain: between(swapped(plain)),
    "byte-swapped and column-major": lambda plain: np.asfortranarray(swapped(plain)),
    "subclass": lambda plain: plain.view(Subclass),
    "strided subclass": lambda plain: between(plain).view(Subclass),
    "masked array without masked entries": np.ma.array,
    "with __array__": Frame,
    "with __array__, strided": lambda plain: Frame(between(plain)),
    "with __array_interface__": Interface,
    "buffer": memoryview,
}
layouts = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


def network(dtype: str, output: str = "identity") -> rb.Network:
    return rb.Network(
        [N_FEATURES, 6, N_OUTPUTS], activation="tanh", output=output, dtype=dtype, random_state=0
    )


def plain_X() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((N, N_FEATURES))


def plain_Y() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((N, N_OUTPUTS))


def plain_weights() -> np.ndarray:
    return np.random.default_rng(2).uniform(0.5, 2, N)


def results(dtype: str, X: Any, Y: Any, weights: Any, loss: str = "squared_error") -> list[bytes]:
    """The bits of everything that can be computed from the data."""
    net = network(dtype, "identity" if loss == "squared_error" else "softmax")
    trace = net.trace(X)
    gradients = net.gradients(X, Y, loss=loss, sample_weight=weights)
    bits = [net.forward(X), *trace.Z, *trace.A, gradients.grad, gradients.dX, *gradients.delta]
    done = rb.train(net, X, Y, loss=loss, batch_size=5, epochs=2, validation=(X, Y))
    curves = np.array([gradients.cost, *done.loss_curve, *done.validation_curve])
    return [np.ascontiguousarray(array).tobytes() for array in (*bits, net.theta, curves)]


@layouts
@pytest.mark.parametrize("data_dtype", DTYPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_any_layout_gives_the_bits_of_a_plain_copy(
    layout: Callable[[np.ndarray], Any], dtype: str, data_dtype: str
) -> None:
    data = [array.astype(data_dtype) for array in (plain_X(), plain_Y(), plain_weights())]
    assert results(dtype, *map(layout, data)) == results(dtype, *data)


@pytest.mark.parametrize("mode", ["r", "c"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_memory_mapped_files(tmp_path: Path, dtype: str, mode: str) -> None:
    data, mapped = [plain_X(), plain_Y(), plain_weights()], []
    for i, array in enumerate(data):
        np.save(tmp_path / f"{i}.npy", array)
        mapped.append(np.load(tmp_path / f"{i}.npy", mmap_mode=mode))
    assert isinstance(mapped[0], np.memmap)
    assert results(dtype, *mapped) == results(dtype, *data)


@pytest.mark.parametrize(
    "data_dtype",
    ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16"],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_any_kind_of_real_number(dtype: str, data_dtype: str) -> None:
    rng = np.random.default_rng(0)
    shapes = [(N, N_FEATURES), (N, N_OUTPUTS), (N,)]
    data = [rng.integers(0, 2 if data_dtype == "bool" else 100, shape) for shape in shapes]
    data[2][0] = 1  # one weight above 0
    expected = results(dtype, *(array.astype(np.float64) for array in data))
    assert results(dtype, *(array.astype(data_dtype) for array in data)) == expected


def test_rows_that_share_memory() -> None:
    row = np.arange(7.0)
    X, Y, weights = (
        np.broadcast_to(row, (N, 7)),
        np.broadcast_to(1.5, (N, 3)),
        np.broadcast_to(2.0, N),
    )
    assert results("float64", X, Y, weights) == results(
        "float64", X.copy(), Y.copy(), weights.copy()
    )


@layouts
@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_labels_of_any_layout_are_their_one_hot_rows(
    layout: Callable[[np.ndarray], Any], output: str
) -> None:
    labels = np.random.default_rng(3).integers(0, N_OUTPUTS, N)
    one_hot = np.eye(N_OUTPUTS)[labels]
    bits = []
    for Y in (layout(labels), one_hot, layout(one_hot), one_hot.astype(bool)):
        net = network("float32", output)
        gradients = net.gradients(plain_X(), Y, loss="log_loss", sample_weight=plain_weights())
        done = rb.train(net, plain_X(), Y, loss="log_loss", epochs=2, validation=(plain_X(), Y))
        bits.append(
            (
                gradients.cost,
                gradients.grad.tobytes(),
                net.theta.tobytes(),
                done.loss_curve,
                done.validation_curve,
            )
        )
    assert len(set(bits)) == 1


@pytest.mark.parametrize(
    "data_dtype",
    ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", ">i2", ">i8"],
)
def test_labels_of_any_integer_dtype(data_dtype: str) -> None:
    labels = np.random.default_rng(3).integers(0, N_OUTPUTS, N)
    net = network("float32", "softmax")
    plain = net.gradients(plain_X(), labels, loss="log_loss")
    other = net.gradients(plain_X(), labels.astype(data_dtype), loss="log_loss")
    assert plain.cost == other.cost
    assert plain.grad.tobytes() == other.grad.tobytes()


@pytest.mark.parametrize(
    ("output", "loss"),
    [("logistic", "log_loss"), ("identity", "squared_error"), ("tanh", "squared_error")],
)
def test_targets_of_one_output_may_be_flat(output: str, loss: str) -> None:
    """(n,) is (n, 1): real targets, and for log_loss the answers 0 and 1."""
    y = np.random.default_rng(3).integers(0, 2, N)
    targets = [y, y[:, None]] if loss == "log_loss" else [y / 3, y[:, None] / 3, (y / 3).tolist()]
    bits = []
    for Y in targets:
        net = rb.Network([N_FEATURES, 5, 1], output=output, random_state=0)
        gradients = net.gradients(plain_X(), Y, loss=loss)
        rb.train(net, plain_X(), Y, loss=loss, epochs=2)
        bits.append((gradients.cost, gradients.grad.tobytes(), net.theta.tobytes()))
    assert len(set(bits)) == 1


# ---- conversion ------------------------------------------------------------------------------


def test_float64_into_a_float32_network_is_converted_once() -> None:
    X, Y, weights = plain_X(), plain_Y(), plain_weights()
    assert results("float32", X, Y, weights) == results(
        "float32", X.astype(np.float32), Y.astype(np.float32), weights
    )


def test_float32_into_a_float64_network_is_exact() -> None:
    X, Y = plain_X().astype(np.float32), plain_Y().astype(np.float32)
    assert results("float64", X, Y, None) == results(
        "float64", X.astype(np.float64), Y.astype(np.float64), None
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_integers_are_rounded_once(sign: int) -> None:
    """2^60 + 2^36 + 1 lies above the middle of two float32; as a float64 it would lie on it."""
    net = rb.Network([1, 1], random_state=0)
    net.W[0] = [[1]]
    assert net.forward([[sign * (2**60 + 2**36 + 1)]]).item() == sign * (2**60 + 2**37)
    assert net.forward([[sign * (2**60 + 2**36 - 1)]]).item() == sign * 2**60


def test_subnormal_numbers_are_kept() -> None:
    net = rb.Network([1, 1], random_state=0)
    net.W[0] = [[1]]
    X = np.array([[1e-45], [-1e-40], [1e-46]])  # the last is nearer to 0 than to any other float32
    assert net.forward(X).tobytes() == X.astype(np.float32).tobytes()


# ---- what came stays as it is ----------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    "layout", ["column-major", "strided", "reversed", "byte-swapped", "subclass"]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_no_input_is_modified(dtype: str, layout: str, shuffle: bool) -> None:
    plain = [array.astype(dtype) for array in (plain_X(), plain_Y(), plain_weights())]
    for data in (plain, [LAYOUTS[layout](array) for array in plain]):
        before = [array.tobytes() for array in data]
        X, Y, weights = data
        net = network(dtype)
        net.forward(X)
        net.trace(X)
        net.gradients(X, Y, loss="squared_error", sample_weight=weights)
        rb.train(net, X, Y, loss="squared_error", epochs=2, shuffle=shuffle, validation=(X, Y))
        assert [array.tobytes() for array in data] == before


def test_results_do_not_share_memory_with_the_input() -> None:
    X = plain_X()
    net = rb.Network([N_FEATURES, N_FEATURES], dtype="float64", random_state=0)
    A = net.forward(X)
    kept = A.tobytes()
    X[:] = 0
    assert A.tobytes() == kept


# ---- the cut of a batch ----------------------------------------------------------------------

CUT_LAYERS = [[7, 6, 3], [300, 5], [300, 40, 1], [64, 100, 33], [1, 300, 16, 2]]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", CUT_LAYERS, ids=str)
@pytest.mark.parametrize("name", ["tanh", "softmax"])
def test_however_a_batch_is_cut_its_rows_are_the_same(
    layers: list[int], dtype: str, name: str
) -> None:
    n = 37
    net = rb.Network(layers, activation=name, output=name, dtype=dtype, random_state=0)
    X = np.random.default_rng(0).standard_normal((n, layers[0]))
    whole, trace = net.forward(X), net.trace(X)
    for size in range(1, n):
        pieces = [net.forward(X[i : i + size]) for i in range(0, n, size)]
        assert np.concatenate(pieces).tobytes() == whole.tobytes()
        traces = [net.trace(X[i : i + size]).Z[0] for i in range(0, n, size)]
        assert np.concatenate(traces).tobytes() == trace.Z[0].tobytes()
    assert np.array([net.forward(x) for x in X]).tobytes() == whole.tobytes()


@pytest.mark.parametrize("n", [255, 256, 257, 1000])
def test_the_size_of_a_large_batch_does_not_matter(n: int) -> None:
    net = rb.Network([20, 30, 4], random_state=0)
    X = np.random.default_rng(0).standard_normal((n, 20))
    pieces = [net.forward(piece) for piece in np.split(X, [3, 130, 254])]
    assert np.concatenate(pieces).tobytes() == net.forward(X).tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", CUT_LAYERS, ids=str)
def test_a_samples_delta_does_not_depend_on_its_company(layers: list[int], dtype: str) -> None:
    """Up to the share of the sample in the cost, here a power of two."""
    net = rb.Network(layers, activation="tanh", dtype=dtype, random_state=0)
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((32, layers[0])), rng.standard_normal((32, layers[-1]))
    together = net.gradients(X, Y, loss="squared_error")
    for i in (0, 13, 31):
        alone = net.gradients(X[i : i + 1], Y[i : i + 1], loss="squared_error")
        assert np.array_equal(together.dX[i] * 32, alone.dX[0])
        for many, one in zip(together.delta, alone.delta, strict=True):
            assert np.array_equal(many[i] * 32, one[0])
