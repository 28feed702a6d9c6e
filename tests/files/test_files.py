"""Model files: what is saved comes back bit for bit, and nothing but a sound model is loaded."""

import copy
import errno
import io
import json
import os
import pickle
import resource
import socket
import stat
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rosenblatt as rb
from checksum import crc32c, sealed, with_zeros
from effort import cases, seconds
from rosenblatt._files import model as _files

Header = dict[str, Any]

SHAPES = [
    ([1, 1], [], "identity"),
    ([3, 2], [], "softmax"),
    ([2, 3, 1], ["tanh"], "logistic"),
    ([5, 7, 4, 3], ["relu", "logistic"], "identity"),
    ([64, 33, 10], ["relu"], "softmax"),
]


def example(dtype: str = "float32", random_state: int = 1) -> rb.Network:
    """A network of 2 x 3 x 2 whose numbers are all different, biases included."""
    net = rb.Network(
        [2, 3, 2], activation="relu", output="softmax", dtype=dtype, random_state=random_state
    )
    net.theta[...] = np.random.default_rng(random_state).standard_normal(net.n_params)
    return net


def uniform(value: float, layers: tuple[int, ...] = (200, 100, 10)) -> rb.Network:
    """A network all of whose parameters are `value`, so that a mixture of two would show."""
    net = rb.Network(layers, random_state=0)
    net.theta[...] = value
    return net


def assert_same(loaded: rb.Network, saved: rb.Network) -> None:
    assert loaded.layers == saved.layers
    assert loaded.activations == saved.activations
    assert loaded.dtype == saved.dtype
    assert loaded.theta.tobytes() == saved.theta.tobytes()


def header_and_data(model: bytes) -> tuple[Header, bytes]:
    length = int.from_bytes(model[:8], "little")
    return json.loads(model[8 : 8 + length]), model[8 + length :]


def assemble(header: Header | str | bytes, data: bytes) -> bytes:
    """A model file from its parts, valid or not; its checksum is right if it has one."""
    if isinstance(header, dict):
        header = json.dumps(header, separators=(",", ":"))
    if isinstance(header, str):
        header = header.encode()
    return sealed(len(header).to_bytes(8, "little") + header + data)


def of_version(version: str, header: Header) -> Header:
    """The header as the version without a checksum had it."""
    header = json.loads(json.dumps(header))
    header["__metadata__"]["format_version"] = version
    header["__metadata__"].pop("crc32c", None)
    return header


# ---- What is saved comes back --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("layers", "hidden", "output"), SHAPES)
def test_round_trip_keeps_every_bit(
    layers: list[int], hidden: Any, output: Any, dtype: str, tmp_path: Path
) -> None:
    net = rb.Network(layers, activation=hidden, output=output, dtype=dtype, random_state=3)
    net.theta[...] = np.random.default_rng(3).standard_normal(net.n_params)
    net.theta[0] = -0.0
    net.theta[-1] = np.finfo(dtype).smallest_subnormal
    net.b[0][0] = np.finfo(dtype).max
    assert_same(_files.from_bytes(_files.to_bytes(net)), net)
    net.save(tmp_path / "model.safetensors")
    assert_same(rb.load(tmp_path / "model.safetensors"), net)
    assert_same(rb.load(str(tmp_path / "model.safetensors")), net)


def test_the_loaded_network_answers_as_the_saved_one(tmp_path: Path) -> None:
    net = example()
    net.save(tmp_path / "m")
    X = np.random.default_rng(0).standard_normal((7, 2)).astype(np.float32)
    assert rb.load(tmp_path / "m").forward(X).tobytes() == net.forward(X).tobytes()


def test_the_same_network_gives_the_same_bytes() -> None:
    assert _files.to_bytes(example()) == _files.to_bytes(example())


def test_the_file_is_laid_out_as_documented() -> None:
    net = example("float64")
    model = _files.to_bytes(net, {"table": "ü"})
    header, data = header_and_data(model)
    assert header["__metadata__"].pop("crc32c") == f"{crc32c(with_zeros(model)):08x}"
    assert header == {
        "__metadata__": {
            "format": "rosenblatt",
            "format_version": "4",
            "layers": "[2, 3, 2]",
            "activations": '["relu", "softmax"]',
            "table": "ü",
        },
        "W1": {"dtype": "F64", "shape": [3, 2], "data_offsets": [0, 48]},
        "b1": {"dtype": "F64", "shape": [3], "data_offsets": [48, 72]},
        "W2": {"dtype": "F64", "shape": [2, 3], "data_offsets": [72, 120]},
        "b2": {"dtype": "F64", "shape": [2], "data_offsets": [120, 136]},
    }
    assert (len(model) - len(data)) % 8 == 0
    parameters = [net.W[0], net.b[0], net.W[1], net.b[1]]
    assert data == b"".join(p.astype("<f8").tobytes() for p in parameters)


def test_further_metadata_comes_back(tmp_path: Path) -> None:
    metadata = {"table": '{"columns": ["größe", "a\\nb"]}', "": "", "\U0001f642": "\x00"}
    _files.save(example(), tmp_path / "m", metadata)
    net, returned = _files.read(tmp_path / "m")
    assert returned == metadata
    assert_same(net, example())
    _files.save(example(), tmp_path / "m")
    assert _files.read(tmp_path / "m")[1] == {}


@pytest.mark.parametrize(
    ("metadata", "exception", "message"),
    [
        ({"format": "x"}, ValueError, "'format', which the format itself uses"),
        ({"layers": "x"}, ValueError, "'layers', which the format itself uses"),
        ({"a": 1}, TypeError, r"\{'a': 1\}, expected str"),
        ({1: "a"}, TypeError, r"\{1: 'a'\}, expected str"),
        ({"a": "\ud800"}, ValueError, "got half of a surrogate pair in entry 'a'"),
        ({"\udfff": "a"}, ValueError, "got half of a surrogate pair"),
        ({"a": "b" * (1 << 20)}, ValueError, "at most 1048576"),
    ],
)
def test_metadata_that_could_not_be_loaded_is_not_saved(
    metadata: Any, exception: type[Exception], message: str, tmp_path: Path
) -> None:
    example().save(tmp_path / "m")
    with pytest.raises(exception, match=message):
        _files.save(example(random_state=2), tmp_path / "m", metadata)
    assert_same(rb.load(tmp_path / "m"), example())
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_not_saved(value: float, tmp_path: Path) -> None:
    net = example()
    net.save(tmp_path / "m")
    net.W[1][1, 2] = value
    with pytest.raises(ValueError, match=r"W2: got -?(nan|inf) at \[1, 2\], expected finite"):
        net.save(tmp_path / "m")
    assert_same(rb.load(tmp_path / "m"), example())
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pickle_and_deepcopy_go_through_the_same_bytes(dtype: str) -> None:
    net = example(dtype)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert_same(pickle.loads(pickle.dumps(net, protocol)), net)
    twin = copy.deepcopy(net)
    assert_same(twin, net)
    twin.theta[...] = 0
    assert net.theta.any()
    function, (model,) = net.__reduce__()[:2]
    assert function is _files.from_bytes
    assert model == _files.to_bytes(net)


def test_a_pickle_with_damaged_bytes_is_refused() -> None:
    pickled = pickle.dumps(example()).replace(b"softmax", b"hardmax")
    with pytest.raises(rb.ModelFormatError):
        pickle.loads(pickled)


# ---- The safetensors package reads our files, and we its -----------------------------------------


def test_safetensors_reads_our_files(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors")
    net = example()
    _files.save(net, tmp_path / "m", {"table": "ü\x00"})
    with safetensors.safe_open(tmp_path / "m", framework="numpy") as file:
        assert set(file.keys()) == {"W1", "b1", "W2", "b2"}
        assert file.metadata()["layers"] == "[2, 3, 2]"
        assert file.metadata()["table"] == "ü\x00"
        for name, array in _files.tensors(net):
            assert file.get_tensor(name).tobytes() == array.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_we_read_what_safetensors_writes(dtype: str, tmp_path: Path) -> None:
    numpy_files = pytest.importorskip("safetensors.numpy")
    net = example(dtype)
    header = of_version("1", header_and_data(_files.to_bytes(net))[0])  # it knows no checksum
    metadata = header["__metadata__"] | {"note": "rewritten"}
    tensors = {name: np.ascontiguousarray(array) for name, array in _files.tensors(net)}
    for names in (list(tensors), list(reversed(tensors))):
        numpy_files.save_file({n: tensors[n] for n in names}, tmp_path / "m", metadata)
        loaded, extra = _files.read(tmp_path / "m")
        assert_same(loaded, net)
        assert extra == {"note": "rewritten"}


@pytest.mark.parametrize("order", [["b2", "W2", "b1", "W1"], ["W2", "W1", "b2", "b1"]])
def test_tensors_may_lie_in_any_order(order: list[str]) -> None:
    net = example()
    header, _ = header_and_data(_files.to_bytes(net))
    arrays = dict(_files.tensors(net))
    data = b""
    for name in order:
        entry = header.pop(name)
        entry["data_offsets"] = [len(data), len(data) + arrays[name].nbytes]
        header[name] = entry
        data += arrays[name].tobytes()
    assert_same(_files.from_bytes(assemble(header, data)), net)


# ---- The loader refuses everything else ----------------------------------------------------------


def set_to(*place: str, value: Any) -> Callable[[Header], None]:
    """A change of the header: the entry at `place` becomes `value`."""

    def change(header: Header) -> None:
        *above, last = place
        for key in above:
            header = header[key]
        header[last] = value

    return change


def without(*place: str) -> Callable[[Header], None]:
    """A change of the header: the entry at `place` goes."""

    def change(header: Header) -> None:
        *above, last = place
        for key in above:
            header = header[key]
        del header[last]

    return change


def meta(key: str, value: Any) -> Callable[[Header], None]:
    return set_to("__metadata__", key, value=value)


def shift(name: str, by: int) -> Callable[[Header], None]:
    def change(header: Header) -> None:
        header[name]["data_offsets"] = [offset + by for offset in header[name]["data_offsets"]]

    return change


def swap_widths(header: Header) -> None:
    """The same number of bytes for W1, but as (2, 3)."""
    header["W1"]["shape"].reverse()


HEADERS: dict[str, tuple[Callable[[Header], object], str]] = {
    "no metadata": (without("__metadata__"), "format: got None, expected 'rosenblatt'"),
    "metadata null": (
        set_to("__metadata__", value=None),
        "__metadata__: got None, expected an obj",
    ),
    "metadata a list": (set_to("__metadata__", value=[]), r"__metadata__: got \[\]"),
    "metadata not text": (meta("note", 1), "'note': got 1, expected a string"),
    "metadata nested": (meta("note", {"a": "b"}), "'note': got {'a': 'b'}, expected a string"),
    "metadata half a surrogate pair": (meta("note", "\ud800"), "'note': got half of a surrogate"),
    "metadata key half a surrogate pair": (meta("\udc00", ""), "got half of a surrogate"),
    "no format": (without("__metadata__", "format"), "format: got None"),
    "another format": (meta("format", "pt"), "format: got 'pt', expected 'rosenblatt'"),
    "no version": (without("__metadata__", "format_version"), "format_version: got None"),
    "a later version": (meta("format_version", "5"), "got '5', expected one of '1', '2', '3', '4'"),
    "a version with scalings": (
        lambda header: header.update(of_version("2", header)),
        "got '2' with 0 scalings, expected '1'",
    ),
    "no checksum": (without("__metadata__", "crc32c"), "__metadata__: 'crc32c' is missing"),
    "checksum in capitals": (meta("crc32c", "0000000A"), "crc32c: got '0000000A', expected eight"),
    "checksum of seven digits": (meta("crc32c", "0" * 7), "crc32c: got '0000000', expected eight"),
    "checksum in other digits": (meta("crc32c", "٣" * 8), "crc32c: got '٣٣٣٣٣٣٣٣', expected eight"),
    "version a number": (meta("format_version", 1), "'format_version': got 1, expected a string"),
    "no layers": (without("__metadata__", "layers"), "'layers' is missing"),
    "layers not JSON": (meta("layers", "[2, 3"), "layers: not valid JSON"),
    "layers empty text": (meta("layers", ""), "layers: not valid JSON"),
    "layers a number": (meta("layers", "3"), "layers: got 3, expected a list"),
    "layers an object": (meta("layers", "{}"), "layers: got {}, expected a list"),
    "layers none": (meta("layers", "[]"), r"layers: got \[\], expected at least two"),
    "layers one": (meta("layers", "[2]"), r"layers: got \[2\], expected at least two"),
    "layers too few": (meta("layers", "[2, 2]"), "tensors: got 4, expected 2 for 2 layers"),
    "layers too many": (meta("layers", "[2, 3, 2, 2]"), "tensors: got 4, expected 6 for 4 layers"),
    "layers very many": (meta("layers", str([1] * 99999)), "tensors: got 4, expected 199996"),
    "layer of 0": (
        meta("layers", "[2, 0, 2]"),
        "layers: got .*, expected a list of integers from 1",
    ),
    "layer of -3": (meta("layers", "[2, -3, 2]"), r"layers: got \[2, -3, 2\], expected"),
    "layer true": (meta("layers", "[2, true, 2]"), r"layers: got \[2, True, 2\], expected"),
    "layer 3.0": (
        meta("layers", "[2, 3.0, 2]"),
        "layers: got the number '3.0', which is not allowed",
    ),
    "layer 3e0": (
        meta("layers", "[2, 3e0, 2]"),
        "layers: got the number '3e0', which is not allowed",
    ),
    "layer '3'": (meta("layers", '[2, "3", 2]'), r"layers: got \[2, '3', 2\], expected"),
    "layer null": (meta("layers", "[2, null, 2]"), "layers: got"),
    "layer NaN": (
        meta("layers", "[2, NaN, 2]"),
        "layers: got the number 'NaN', which is not allowed",
    ),
    "layer Infinity": (meta("layers", "[2, Infinity, 2]"), "layers: got the number 'Infinity'"),
    "layer 2^62": (meta("layers", f"[2, {1 << 62}, 2]"), "W1: got shape"),
    "layer 2^64": (meta("layers", f"[2, {1 << 64}, 2]"), "layers: got the number '1844"),
    "layer of 5000 digits": (meta("layers", f"[2, {'9' * 5000}, 2]"), "layers: got the number '9"),
    "layers nested deeply": (meta("layers", "[" * 100000), "layers: not valid JSON: .*recursion"),
    "no activations": (without("__metadata__", "activations"), "'activations' is missing"),
    "activations not JSON": (meta("activations", "relu"), "activations: not valid JSON"),
    "activations a name": (
        meta("activations", '"relu"'),
        "activations: got 'relu', expected a list",
    ),
    "activations a number": (meta("activations", '["relu", 1]'), "activations: got"),
    "activations too few": (meta("activations", '["relu"]'), "activations: got 1, expected 2"),
    "activations too many": (
        meta("activations", '["relu", "relu", "relu"]'),
        "activations: got 3, expected 2",
    ),
    "activation unknown": (meta("activations", '["relu", "evil"]'), "no such network: .*evil"),
    "hidden activation unknown": (meta("activations", '["", "relu"]'), "no such network: "),
    "activation very long": (
        meta("activations", json.dumps(["relu", "x" * 500_000])),
        "no such network: ",
    ),
    "a tensor missing": (without("b1"), "tensors: got 3, expected 4"),
    "a tensor more": (
        set_to("W3", value={"dtype": "F32", "shape": [0], "data_offsets": [68, 68]}),
        "tensors: got 5, expected 4",
    ),
    "a tensor of another name": (
        lambda header: header.update(w1=header.pop("W1")),
        "tensors: W1 is missing, got",
    ),
    "no tensors": (
        lambda header: [header.pop(name) for name in ("W1", "b1", "W2", "b2")],
        "tensors: got 0, expected 4",
    ),
    "entry null": (set_to("W1", value=None), "W1: got None, expected dtype, shape and"),
    "entry a list": (set_to("W1", value=["F32", [3, 2], [0, 24]]), "W1: got"),
    "entry without dtype": (without("W1", "dtype"), "W1: got .* expected dtype"),
    "entry without shape": (without("b2", "shape"), "b2: got .* expected dtype"),
    "entry without offsets": (without("b2", "data_offsets"), "b2: got .* expected dtype"),
    "entry with more": (set_to("W1", "code", value="print()"), "W1: got .* expected dtype"),
    "dtype of integers": (
        set_to("W1", "dtype", value="I32"),
        "W1: got dtype 'I32', expected 'F32'",
    ),
    "dtype in small letters": (set_to("W1", "dtype", value="f32"), "W1: got dtype 'f32'"),
    "dtype of Python": (set_to("W1", "dtype", value="object"), "W1: got dtype 'object'"),
    "dtype a list": (set_to("W1", "dtype", value=["F32"]), r"W1: got dtype \['F32'\]"),
    "dtype null": (set_to("W1", "dtype", value=None), "W1: got dtype None"),
    "dtype of other size": (set_to("W1", "dtype", value="F64"), "W1: got data_offsets"),
    "shape of other rank": (set_to("b1", "shape", value=[3, 1]), r"b1: got shape \[3, 1\]"),
    "shape transposed": (swap_widths, r"W1: got shape \[2, 3\], expected \[3, 2\]"),
    "shape a number": (set_to("b1", "shape", value=3), "b1: got shape 3, expected"),
    "shape text": (set_to("b1", "shape", value="3"), "b1: got shape '3', expected"),
    "shape true": (set_to("W1", "shape", value=[3, True]), "W1: got shape"),
    "shape 3.0": (set_to("b1", "shape", value=[3.0]), "got the number '3.0', which is not allowed"),
    "shape huge": (set_to("b1", "shape", value=[1 << 62]), "b1: got shape"),
    "shape negative": (set_to("W1", "shape", value=[-3, -2]), "W1: got shape"),
    "offsets three": (set_to("W1", "data_offsets", value=[0, 24, 24]), "W1: got data_offsets"),
    "offsets one": (set_to("W1", "data_offsets", value=[24]), "W1: got data_offsets"),
    "offsets a number": (set_to("W1", "data_offsets", value=24), "W1: got data_offsets"),
    "offsets text": (set_to("W1", "data_offsets", value=["0", "24"]), "W1: got data_offsets"),
    "offsets true": (set_to("W1", "data_offsets", value=[False, 24]), "W1: got data_offsets"),
    "offsets backwards": (set_to("W1", "data_offsets", value=[24, 0]), "W1: got data_offsets"),
    "offsets too short": (set_to("W1", "data_offsets", value=[0, 20]), "W1: got data_offsets"),
    "offsets too long": (set_to("b2", "data_offsets", value=[60, 72]), "b2: got data_offsets"),
    "offsets out of range": (shift("b2", 1000), "b2: got data_offsets that begin at 1060"),
    "offsets below 0": (shift("W1", -24), "W1: got data_offsets that begin at -24, expected 0"),
    "offsets of 2^62": (shift("b2", 1 << 62), "b2: got data_offsets that begin at"),
    "offsets overlapping": (
        set_to("W2", "data_offsets", value=[0, 24]),
        r"W2: got data_offsets that begin at 0, expected 24|W1: got data_offsets",
    ),
    "offsets one byte over": (
        shift("W2", -1),
        "W2: got data_offsets that begin at 35, expected 36",
    ),
    "a gap": (shift("b2", 4), "b2: got data_offsets that begin at 64, expected 60"),
    "a gap at the beginning": (
        lambda header: [shift(name, 4)(header) for name in ("W1", "b1", "W2", "b2")],
        "W1: got data_offsets that begin at 4, expected 0",
    ),
}


def scaled_example(dtype: str = "float32") -> rb.Network:
    """A network of 2 x 3 x 1 that scales its inputs and its targets."""
    net = rb.Network([2, 3, 1], dtype=dtype, random_state=1)
    net.input_scaling = rb.Scaling([0.5, -3.0], [2.0, 0.25])
    net.target_scaling = rb.Scaling([100.0], [0.125])
    return net


def test_scalings_are_laid_out_as_documented() -> None:
    header, data = header_and_data(_files.to_bytes(scaled_example()))
    assert list(header)[5:] == ["input_offset", "input_factor", "target_offset", "target_factor"]
    assert header["input_factor"] == {"dtype": "F32", "shape": [2], "data_offsets": [60, 68]}
    assert header["target_offset"] == {"dtype": "F32", "shape": [1], "data_offsets": [68, 72]}
    assert np.frombuffer(data[52:], "<f4").tolist() == [0.5, -3.0, 2.0, 0.25, 100.0, 0.125]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scalings_come_back(dtype: str) -> None:
    net = _files.from_bytes(_files.to_bytes(scaled_example(dtype)))
    assert repr(net) == repr(scaled_example(dtype))
    X = np.random.default_rng(0).standard_normal((7, 2))
    assert net.forward(X).tobytes() == scaled_example(dtype).forward(X).tobytes()


SCALED: dict[str, tuple[Callable[[Header], object], str]] = {
    "the version of plain files": (
        lambda header: header.update(of_version("1", header)),
        "got '1' with 2 scalings, expected",
    ),
    "half a scaling": (without("input_factor"), "input_factor is missing"),
    "the other half": (without("target_offset"), "target_offset is missing"),
    "a shape of another size": (
        set_to("input_offset", "shape", value=[3]),
        "input_offset: got sha",
    ),
    "another dtype": (set_to("input_offset", "dtype", value="I8"), "input_offset: got dtype"),
    "two dtypes": (
        lambda header: header["target_factor"].update(dtype="F64", data_offsets=[72, 80]),
        r"dtype: got \['F32', 'F64'\]",
    ),
    "an overlap": (shift("target_offset", -4), "data_offsets that begin at"),
    "an output of one sign": (
        meta("activations", '["relu", "relu"]'),
        "no such scaling: target_scaling: got one for output 'relu'",
    ),
    "a tensor missing": (without("b1"), "tensors: got 3, expected 4"),
}


@pytest.mark.parametrize("case", SCALED)
def test_a_scaling_that_is_not_sound_is_refused(case: str) -> None:
    change, message = SCALED[case]
    header, data = header_and_data(_files.to_bytes(scaled_example()))
    change(header)
    with pytest.raises(rb.ModelFormatError, match=message):
        _files.from_bytes(assemble(header, data))


@pytest.mark.parametrize("place", [52, 60, 72])
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_numbers_of_a_scaling_that_are_not_sound_are_refused(value: float, place: int) -> None:
    header, data = header_and_data(_files.to_bytes(scaled_example()))
    data = data[:place] + np.float32(value).tobytes() + data[place + 4 :]
    if place == 52 and np.isfinite(value):  # an offset may be any number
        assert _files.from_bytes(assemble(header, data)).input_scaling is not None
        return
    with pytest.raises(rb.ModelFormatError, match=r"factor|offset"):
        _files.from_bytes(assemble(header, data))


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_that_is_not_sound_is_refused(case: str, tmp_path: Path) -> None:
    change, message = HEADERS[case]
    header, data = header_and_data(_files.to_bytes(example()))
    change(header)
    model = assemble(header, data)
    with pytest.raises(rb.ModelFormatError, match=message) as raised:
        _files.from_bytes(model)
    assert len(str(raised.value)) < 500
    path = tmp_path / "model"
    path.write_bytes(model)
    with pytest.raises(rb.ModelFormatError, match=message) as raised:
        rb.load(path)
    assert str(raised.value).startswith(f"{path} ")
    assert raised.value.path == str(path)


def replaced(old: str, new: str) -> Callable[[bytes], bytes]:
    """A change of the model's bytes: its header's text with `new` in place of `old`."""

    def change(model: bytes) -> bytes:
        header, data = header_and_data(model)
        text = json.dumps(header, separators=(",", ":"))
        assert text.count(old) == 1
        return assemble(text.replace(old, new), data)

    return change


def with_header(header: str | bytes) -> Callable[[bytes], bytes]:
    return lambda model: assemble(header, header_and_data(model)[1])


def with_number(name: str, index: int, number: float) -> Callable[[bytes], bytes]:
    """A change of the model's bytes: one number of a tensor becomes `number`."""

    def change(model: bytes) -> bytes:
        header, data = header_and_data(model)
        begin = header[name]["data_offsets"][0] + 4 * index
        return assemble(header, data[:begin] + np.float32(number).tobytes() + data[begin + 4 :])

    return change


BYTES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "it is empty"),
    "seven bytes": (lambda model: model[:7], "got 7 bytes, expected at least 8"),
    "a length alone": (lambda model: model[:8], r"header: got a length of \d+ bytes, but 0 follow"),
    "length 0": (lambda _: bytes(8), r"header: got b''…, expected JSON that begins with '{'"),
    "half a header": (lambda model: model[:100], r"header: got a length of \d+ bytes, but 92 fol"),
    "no data": (
        lambda model: assemble(header_and_data(model)[0], b""),
        "data: got 0 bytes, expected",
    ),
    "one byte less": (lambda model: model[:-1], "data: got 67 bytes, expected 68"),
    "one byte more": (lambda model: model + b"\0", "data: got 69 bytes, expected 68"),
    "two models": (lambda model: model + model, r"data: got \d+ bytes, expected 68"),
    "a length of 2^64 - 1": (lambda model: b"\xff" * 8 + model[8:], "expected at most 1048576"),
    "a length over 1 MiB": (
        lambda model: assemble(
            json.dumps(header_and_data(model)[0]) + " " * (1 << 20), header_and_data(model)[1]
        ),
        r"header: got a length of \d+ bytes, expected at most 1048576",
    ),
    "a pickle": (lambda model: pickle.dumps([model]), "it is a pickle"),
    "a zip file": (lambda _: b"PK\x03\x04" + bytes(1000), "it is a zip archive"),
    "text": (lambda _: b"x,y,label\n1,2,a\n", "is not a rosenblatt model: it is text"),
    "header of spaces": (with_header(" " * 80), "expected JSON that begins with '{'"),
    "header after a space": (replaced('{"__meta', ' {"__meta'), "expected JSON that begins with"),
    "header after a byte order mark": (
        replaced('{"__meta', '\ufeff{"__meta'),
        "expected JSON that begins with",
    ),
    "header a list": (with_header("[]"), "expected JSON that begins with '{'"),
    "header an empty object": (with_header("{}"), "format: got None, expected 'rosenblatt'"),
    "header cut": (with_header('{"__metadata__": {'), "header: not valid JSON"),
    "header twice": (with_header("{}{}"), "header: not valid JSON: Extra data"),
    "header in UTF-16": (with_header('{"a": "b"}'.encode("utf-16-le")), "header: not valid JSON"),
    "header not UTF-8": (with_header(b'{"a": "\xff"}'), "header: byte 7 is not valid UTF-8"),
    "overlong UTF-8": (with_header(b'{"a": "\xc0\xaf"}'), "header: byte 7 is not valid UTF-8"),
    "surrogates in UTF-8": (with_header(b'{"a": "\xed\xa0\x80"}'), "byte 7 is not valid UTF-8"),
    "a control character": (with_header('{"a": "\n"}'), "header: not valid JSON"),
    "a comment": (replaced('{"__meta', '{/**/"__meta'), "header: not valid JSON"),
    "a trailing comma": (with_header('{"a": "b",}'), "header: not valid JSON"),
    "nested deeply": (with_header('{"a":' * 150_000), "header: not valid JSON: .*recursion"),
    "lists nested deeply": (with_header('{"a":' + "[" * 900_000), "header: not valid JSON: .*recu"),
    "nested within bounds": (with_header('{"a":' * 90 + "0" + "}" * 90), "format: got None"),
    "a tensor twice": (replaced('"b1":', '"W1":'), "header: got the key 'W1' more than once"),
    "a field twice": (
        replaced('"shape":[3,2],', '"shape":[3,2],"shape":[3,2],'),
        "header: got the key 'shape' more than once",
    ),
    "metadata twice": (
        replaced('{"__meta', '{"__metadata__": {}, "__meta'),
        "header: got the key '__metadata__' more than once",
    ),
    "a key twice, once escaped": (
        replaced('"b1":', '"\\u00571":'),
        "got the key 'W1' more than once",
    ),
    "NaN": (replaced("[0,24]", "[NaN, 24]"), "header: got the number 'NaN', which is not allowed"),
    "Infinity": (replaced("[0,24]", "[0, Infinity]"), "header: got the number 'Infinity'"),
    "-Infinity": (replaced("[0,24]", "[-Infinity, 24]"), "header: got the number '-Infinity'"),
    "1e999": (replaced("[0,24]", "[0, 1e999]"), "header: got the number '1e999'"),
    "a million digits": (
        replaced("[0,24]", f"[0, {'9' * 1_000_000}]"),
        "header: got the number '9",
    ),
    "a weight NaN": (with_number("W1", 3, np.nan), r"W1: got nan at \[1, 1\], expected finite"),
    "a weight inf": (with_number("W2", 5, np.inf), r"W2: got inf at \[1, 2\], expected finite"),
    "a bias -inf": (with_number("b2", 1, -np.inf), r"b2: got -inf at \[1\], expected finite"),
}


@pytest.mark.parametrize("case", BYTES)
def test_bytes_that_are_not_a_model_are_refused(case: str, tmp_path: Path) -> None:
    change, message = BYTES[case]
    model = change(_files.to_bytes(example()))
    with pytest.raises(rb.ModelFormatError, match=message) as raised:
        _files.from_bytes(model)
    assert len(str(raised.value)) < 500
    path = tmp_path / "model"
    path.write_bytes(model)
    with pytest.raises(rb.ModelFormatError, match=message) as raised:
        rb.load(path)
    assert str(raised.value).startswith(f"{path} ")
    assert raised.value.path == str(path)


def test_tensors_of_two_dtypes_are_refused() -> None:
    header, data = header_and_data(_files.to_bytes(example()))
    header["b2"] = {"dtype": "F64", "shape": [2], "data_offsets": [60, 76]}
    with pytest.raises(rb.ModelFormatError, match=r"dtype: got \['F32', 'F64'\], expected one"):
        _files.from_bytes(assemble(header, data + bytes(8)))


@pytest.mark.parametrize("data", ["text", None, 3, [1, 2]])
def test_from_bytes_takes_bytes_alone(data: Any) -> None:
    with pytest.raises(TypeError, match=r"data: got .*, expected bytes"):
        _files.from_bytes(data)


def test_the_error_is_a_value_error_of_the_package() -> None:
    assert issubclass(rb.ModelFormatError, ValueError)
    assert type(pickle.loads(pickle.dumps(rb.ModelFormatError("x")))) is rb.ModelFormatError


def claiming(layers: list[int]) -> bytes:
    """The header of a float64 model with these layers, consistent in itself."""
    header: Header = {
        "__metadata__": {
            "format": "rosenblatt",
            "format_version": "1",
            "layers": str(layers),
            "activations": json.dumps(["relu"] * (len(layers) - 1)),
        }
    }
    begin = 0
    for name, shape in _files.tensor_shapes(layers, [None] * (len(layers) - 2)).items():
        end = begin + prod(shape) * 8
        header[name] = {"dtype": "F64", "shape": list(shape), "data_offsets": [begin, end]}
        begin = end
    return assemble(header, b"")


@pytest.mark.parametrize("layers", [[1 << 20, 1 << 20], [1 << 31, 1 << 31], [3, 1 << 59, 3]])
def test_sizes_are_believed_only_when_the_bytes_are_there(layers: list[int]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(rb.ModelFormatError):
            _files.from_bytes(claiming(layers))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_huge_file_costs_no_more_than_its_header(tmp_path: Path) -> None:
    """A sparse file of a terabyte, which is refused after a look at its first bytes."""
    path = tmp_path / "huge"
    path.write_bytes(_files.to_bytes(example()))
    try:
        os.truncate(path, 1 << 40)
    except OSError:
        pytest.skip("this file system has no files of a terabyte")
    start = time.process_time()
    with pytest.raises(rb.ModelFormatError, match=r"data: got 10995.* bytes, expected 68"):
        rb.load(path)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "header",
    [
        "[" * (1 << 20),
        '{"a":[' + "[]," * 300_000,
        '{"a":"' + "\\u00e4" * 170_000 + '"}',
        "{" + ",".join(f'"{i}":0' for i in range(90_000)) + "}",
        "{" + ",".join('"a":0' for _ in range(150_000)) + "}",
        '{"a":[' + ",".join(["9" * 19] * 50_000) + "]}",
    ],
    ids=["deep", "lists", "escapes", "keys", "one key", "integers"],
)
def test_a_costly_header_is_refused_soon(header: str) -> None:
    """Processor seconds are generous: measured are 0.15 at most, on one core of a small server."""
    start = time.process_time()
    with pytest.raises(rb.ModelFormatError):
        _files.from_bytes(assemble(header, b""))
    assert time.process_time() - start < 5


VALID = _files.to_bytes(example(), {"note": "a model to be damaged"})
PARTS = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"{", b"}", b"[", b"]", b'"', b"\\", b",", b"0", b"-", b"NaN", b"\x00" * 8]),
)


@settings(max_examples=cases(400))
@given(data=st.data())
def test_a_damaged_model_loads_soundly_or_is_refused(data: st.DataObject) -> None:
    model = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(model)))
        damage = data.draw(st.sampled_from(["flip", "cut", "drop", "insert", "overwrite"]))
        if damage == "flip" and at < len(model):
            model[at] ^= 1 << data.draw(st.integers(0, 7))
        elif damage == "cut":
            del model[at:]
        elif damage == "drop":
            del model[at : at + data.draw(st.integers(1, 30))]
        elif damage == "insert":
            model[at:at] = data.draw(PARTS)
        elif damage == "overwrite":
            part = data.draw(PARTS)
            model[at : at + len(part)] = part
    assert_sound_or_refused(sealed(bytes(model)))
    if model != VALID:
        with pytest.raises(rb.ModelFormatError):
            _files.from_bytes(bytes(model))


@settings(max_examples=cases(100))
@given(
    st.dictionaries(
        st.sampled_from(["__metadata__", "W1", "b1", "W2", "b2", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["dtype", "shape", "data_offsets", "layers", "format"]), inner
                )
            ),
            max_leaves=8,
        ),
    )
)
def test_a_header_with_other_values_loads_soundly_or_is_refused(changes: Header) -> None:
    header, data = header_and_data(VALID)
    assert_sound_or_refused(assemble(header | changes, data))


@settings(max_examples=cases(200))
@given(st.binary(max_size=300), st.booleans())
def test_noise_is_refused(noise: bytes, with_length: bool) -> None:
    assert_sound_or_refused(assemble(noise, b"") if with_length else noise)


def assert_sound_or_refused(model: bytes) -> None:
    """Either a network that is whole, or a ModelFormatError; never much memory."""
    tracemalloc.start()
    try:
        net = _files.from_bytes(model)
    except rb.ModelFormatError:
        pass
    else:
        assert net.n_params * net.dtype.itemsize < len(model)
        assert np.isfinite(net.theta).all()
        assert_same(_files.from_bytes(_files.to_bytes(net)), net)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2_000_000


# ---- Only a regular file is read -----------------------------------------------------------------


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        rb.load(tmp_path / "nowhere")


@pytest.mark.usefixtures("file_rights_apply")
def test_an_unreadable_file_is_an_os_error(tmp_path: Path) -> None:
    example().save(tmp_path / "m")
    (tmp_path / "m").chmod(0)
    with pytest.raises(PermissionError):
        rb.load(tmp_path / "m")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(rb.ModelFormatError, match="is not a rosenblatt model: it is a directory"):
        rb.load(tmp_path)


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(rb.ModelFormatError, match="is not a rosenblatt model: it is a named pipe"):
        rb.load(tmp_path / "pipe")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(device: str) -> None:
    with pytest.raises(rb.ModelFormatError, match="is not a rosenblatt model: it is a device"):
        rb.load(device)


def test_a_file_that_shrinks_while_it_is_read_is_refused() -> None:
    """The size is asked first, and the reads may find less."""
    header, data = header_and_data(VALID)
    stream = io.BytesIO(assemble(header, data[:-4]))
    with pytest.raises(rb.ModelFormatError, match="got 4 bytes, expected 8"):
        _files.read_from(stream, len(assemble(header, data)), {})


# ---- Saving is atomic ----------------------------------------------------------------------------


def test_saving_leaves_the_model_alone_in_its_directory(tmp_path: Path) -> None:
    for random_state in (1, 2):
        example(random_state=random_state).save(tmp_path / "m")
        assert_same(rb.load(tmp_path / "m"), example(random_state=random_state))
        assert os.listdir(tmp_path) == ["m"]


def test_the_longest_file_name_works(tmp_path: Path) -> None:
    path = tmp_path / ("m" * 255)
    example().save(path)
    assert_same(rb.load(path), example())


def test_a_relative_path_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example().save("m")
    assert_same(rb.load("m"), example())
    assert os.listdir(tmp_path) == ["m"]


@contextmanager
def umask(mask: int) -> Iterator[None]:
    old = os.umask(mask)
    try:
        yield
    finally:
        os.umask(old)


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0, 0o666)])
def test_a_new_file_has_the_permissions_of_the_umask(
    mask: int, expected: int, tmp_path: Path
) -> None:
    with umask(mask):
        example().save(tmp_path / "m")
    assert permissions(tmp_path / "m") == expected


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_a_replaced_file_hands_on_its_permissions(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"")
    path.chmod(mode)
    with umask(0o027):
        example().save(path)
    assert permissions(path) == mode
    assert_same(rb.load(path), example())


def test_a_private_file_is_never_public_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    example().save(path)
    path.chmod(0o600)
    seen = []
    chmod = os.fchmod

    def watched(fd: int, mode: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(fd).st_mode))
        chmod(fd, mode)

    monkeypatch.setattr(os, "fchmod", watched)
    with umask(0):
        example().save(path)
    assert seen == [0o600]


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target, link, chain = elsewhere / "target", tmp_path / "link", tmp_path / "chain"
    link.symlink_to("elsewhere/target")
    chain.symlink_to("link")
    for path, random_state in ((link, 1), (chain, 2)):  # the first finds no target yet
        example(random_state=random_state).save(path)
        assert link.is_symlink()
        assert chain.is_symlink()
        assert_same(rb.load(target), example(random_state=random_state))
    assert sorted(os.listdir(tmp_path)) == ["chain", "elsewhere", "link"]
    assert os.listdir(elsewhere) == ["target"]


def test_links_in_a_circle_are_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        example().save(tmp_path / "a")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_directory_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    with pytest.raises(IsADirectoryError):
        example().save(tmp_path / "m")
    assert os.listdir(tmp_path) == ["m"]


def test_a_pipe_or_a_socket_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")  # relative, for a socket's path may have some 100 bytes
    for name, kind in (("pipe", "a named pipe"), ("socket", "a socket")):
        with pytest.raises(OSError, match=f"{kind}, expected a regular file to replace"):
            example().save(name)
    assert sorted(os.listdir(tmp_path)) == ["pipe", "socket"]


def test_a_missing_directory_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        example().save(tmp_path / "nowhere" / "m")


@pytest.mark.usefixtures("file_rights_apply")
def test_a_read_only_directory_or_file_is_an_os_error(tmp_path: Path) -> None:
    path = tmp_path / "m"
    example().save(path)
    path.chmod(0o444)
    with pytest.raises(PermissionError):
        example(random_state=2).save(path)
    path.chmod(0o644)
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(PermissionError):
            example(random_state=2).save(path)
    finally:
        tmp_path.chmod(0o755)
    assert_same(rb.load(path), example())
    assert os.listdir(tmp_path) == ["m"]


def test_the_file_reaches_the_disk_before_it_takes_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(fd: int) -> None:
        is_directory = stat.S_ISDIR(os.fstat(fd).st_mode)
        events.append("directory" if is_directory else f"file of {os.fstat(fd).st_size}")
        fsync(fd)

    def watched_replace(source: str, target: str) -> None:
        events.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    example().save(tmp_path / "m")
    assert events == [f"file of {(tmp_path / 'm').stat().st_size}", "rename", "directory"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("exception", [OSError(errno.EIO, "a broken disk"), KeyboardInterrupt()])
def test_whatever_fails_the_old_file_stays(
    function: str, exception: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    example().save(path)

    def fail(*_: object) -> None:
        raise exception

    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        with pytest.raises(type(exception)):
            example(random_state=2).save(path)
    assert_same(rb.load(path), example())
    assert os.listdir(tmp_path) == ["m"]


def test_a_file_system_that_does_not_sync_directories_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EINVAL says that it cannot; another error says that it should have."""
    fsync = os.fsync

    def files_alone(fd: int, error: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(error, "a directory")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", partial(files_alone, error=errno.EINVAL))
    example().save(tmp_path / "m")
    assert_same(rb.load(tmp_path / "m"), example())
    monkeypatch.setattr(os, "fsync", partial(files_alone, error=errno.EIO))
    with pytest.raises(OSError, match="a directory"):
        example(random_state=2).save(tmp_path / "m")
    assert_same(rb.load(tmp_path / "m"), example(random_state=2))  # the name was changed before


@pytest.mark.parametrize("limit", [0, 100, 5_000, 80_000])
def test_a_write_that_the_system_cuts_off_leaves_the_old_file(limit: int, tmp_path: Path) -> None:
    """The limit on a file's size stands in for a full disk; Python ignores its signal."""
    path = tmp_path / "m"
    uniform(1).save(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(OSError, match=f"File too large: '{path}'"):
            uniform(2).save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_same(rb.load(path), uniform(1))
    assert os.listdir(tmp_path) == ["m"]


def run(script: str, *arguments: str | Path, prefix: tuple[str, ...] = ()) -> str:
    """Run a Python script in a process of its own; return what it printed."""
    command = [*prefix, sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds(100), check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# A file system of our own, without being root: it ends with the process.
PRIVATE_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")

FULL_DISK = """
import errno, os, subprocess, sys
import rosenblatt as rb

def mount(*options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", *options, "none", sys.argv[1]], check=True)

def uniform(value):
    net = rb.Network([100, 100], random_state=0)
    net.theta[...] = value
    return net

def assert_the_old_file_is_there():
    assert (rb.load("m").theta == 1).all()
    assert os.listdir() == ["m"], os.listdir()

mount("size=64k")  # one model of 40 kB fits, a second does not
os.chdir(sys.argv[1])
uniform(1).save("m")
try:
    uniform(2).save("m")
except OSError as error:
    assert error.errno == errno.ENOSPC and error.filename == "m", error
else:
    raise AssertionError("it fitted")
assert_the_old_file_is_there()

mount("remount,size=640k")
uniform(1).save("m")
mount("remount,ro")
try:
    uniform(2).save("m")
except OSError as error:
    assert error.errno == errno.EROFS, error
else:
    raise AssertionError("it was writeable")
assert_the_old_file_is_there()
"""


def test_a_full_or_a_read_only_disk_leaves_the_old_file(tmp_path: Path) -> None:
    probe = [*PRIVATE_MOUNTS, "mount", "-t", "tmpfs", "none", str(tmp_path)]
    try:
        subprocess.run(probe, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    run(FULL_DISK, tmp_path, prefix=PRIVATE_MOUNTS)


KILLED = """
import os, random, signal, sys, time
import rosenblatt as rb

path, least_kills = sys.argv[1], int(sys.argv[2])
folder = os.path.dirname(path)
models = [rb.Network([200, 100, 10], random_state=0) for _ in range(2)]
for value, net in enumerate(models, start=1):
    net.theta[...] = value
models[0].save(path)
random.seed(1)

kills = hits = 0
while kills < least_kills or (hits < 3 and kills < 20 * least_kills):
    child = os.fork()
    if child == 0:
        while True:
            for net in models:
                net.save(path)
    time.sleep(random.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    kills += 1
    theta = rb.load(path).theta
    assert theta[0] in (1, 2) and (theta == theta[0]).all()
    left = set(os.listdir(folder)) - {os.path.basename(path)}
    assert len(left) <= 1, left  # each save removes what the kill before left
    hits += len(left)

models[1].save(path)
assert (rb.load(path).theta == 2).all()
assert os.listdir(folder) == [os.path.basename(path)]
print(hits)
"""


def test_a_kill_leaves_the_whole_old_or_the_whole_new_file(tmp_path: Path) -> None:
    """Kills at random moments, until at least three of them hit the writing itself."""
    assert int(run(KILLED, tmp_path / "m", str(cases(15)))) >= 3


def test_a_network_in_training_is_saved_by_its_callback_alone(tmp_path: Path) -> None:
    """Another thread would save a mixture of two steps: it gets a RuntimeError."""
    net = example()
    in_callback, tried = threading.Event(), threading.Event()

    def callback(_: rb.Epoch) -> bool:
        in_callback.set()
        assert tried.wait(60)
        net.save(tmp_path / "by the callback")
        return True

    X, Y = np.ones((4, 2)), np.array([0, 1, 1, 0])
    how = {"loss": "log_loss", "epochs": 2, "callback": callback}
    training = threading.Thread(target=rb.train, args=(net, X, Y), kwargs=how)
    training.start()
    try:
        assert in_callback.wait(60)
        with pytest.raises(RuntimeError, match="trained"):
            net.save(tmp_path / "by another")
        with pytest.raises(RuntimeError, match="trained"):
            pickle.dumps(net)
    finally:
        tried.set()
        training.join(60)
    assert os.listdir(tmp_path) == ["by the callback"]
    assert_same(rb.load(tmp_path / "by the callback"), net)


def test_savers_of_one_path_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Whoever reads meanwhile sees one saver's network, whole."""
    path = tmp_path / "m"
    uniform(1).save(path)
    failures: list[BaseException] = []

    def save_often(value: int) -> None:
        try:
            net = uniform(value)
            for _ in range(20):
                net.save(path)
        except BaseException as error:
            failures.append(error)

    savers = [threading.Thread(target=save_often, args=(value,)) for value in range(2, 6)]
    for saver in savers:
        saver.start()
    while any(saver.is_alive() for saver in savers):
        theta = rb.load(path).theta
        assert 1 <= theta[0] <= 5
        assert (theta == theta[0]).all()
    for saver in savers:
        saver.join(60)
    assert not failures
    assert os.listdir(tmp_path) == ["m"]
