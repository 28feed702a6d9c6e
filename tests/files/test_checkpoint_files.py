"""Checkpoint files: what is kept comes back, and nothing but a sound checkpoint is gone on with."""

from __future__ import annotations

import dataclasses
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rosenblatt as rb
from bits import DTYPES, assert_same_bits, samples, targets
from checksum import crc32c, sealed, with_zeros
from effort import cases
from rosenblatt._files import checkpoint_file
from rosenblatt._files import model as _files

X, Y = samples(11, 3, "float64"), targets("squared_error", "identity", 11, 2, "float64")
HOW: dict[str, Any] = {
    "loss": "squared_error",
    "optimizer": rb.Adam(0.05),
    "batch_size": 4,
    "ema": 0.9,
    "metrics": "r2",
    "validation": 0.3,
    "early_stopping": True,
}


def network(dtype: str = "float64", seed: int = 0) -> rb.Network:
    return rb.Network([3, 4, 2], activation="tanh", dtype=dtype, random_state=seed)


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a sound checkpoint with everything in it."""
    path = tmp_path_factory.mktemp("valid") / "c"
    rb.train(network(), X, Y, epochs=3, checkpoint=path, **HOW)
    return path.read_bytes()


def parts(content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The metadata, and the tensors by name."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__")
    data = content[8 + length :]
    dtypes = {"F32": "<f4", "F64": "<f8", "U8": "u1"}
    return metadata, {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], dtypes[entry["dtype"]]).reshape(
            entry["shape"]
        )
        for name, entry in header.items()
    }


def assemble(metadata: Any, tensors: dict[str, Any]) -> bytes:
    """A checkpoint from its parts, valid or not; its checksum is right if it has one."""
    names = {"float32": "F32", "float64": "F64", "uint8": "U8"}
    header: dict[str, Any] = {"__metadata__": metadata}
    begin = 0
    for name, array in tensors.items():
        end = begin + array.nbytes
        dtype = names[array.dtype.name]
        header[name] = {
            "dtype": dtype,
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode()
    data = b"".join(array.tobytes() for array in tensors.values())
    return sealed(len(text).to_bytes(8, "little") + text + data)


def read(content: bytes) -> checkpoint_file.SavedTraining:
    return checkpoint_file.read_from(io.BytesIO(content), len(content))


def go_on(content: bytes, folder: Path, net: rb.Network | None = None) -> rb.TrainResult:
    path = folder / "c"
    path.write_bytes(content)
    net = network(seed=5) if net is None else net
    return rb.train(net, X, Y, epochs=4, checkpoint=path, **HOW)


# ------------------------------------------------------------------------ what is kept comes back


@pytest.mark.parametrize("dtype", DTYPES)
def test_everything_comes_back(dtype: str) -> None:
    net = network(dtype)
    saved = checkpoint_file.SavedTraining(
        net=net,
        seed=2**64 - 1,
        converged=True,
        settings={"a": "b", "ü": "\x00"},
        history={"loss": [1.0, 0.1], "ü": [2.0**-1074, np.inf]},
        numbers=np.array([1.0, -0.0, 0.1]),
        vectors=[np.full(net.n_params, x, dtype) for x in (np.inf, -0.0, 1e-40)],
        best=np.full(net.n_params, 0.1, dtype),
    )
    back = read(checkpoint_file.to_bytes(saved))
    assert_same_bits(back.net.theta, net.theta, "theta")
    assert (back.seed, back.converged) == (saved.seed, True)
    assert back.settings == saved.settings
    assert back.history == saved.history
    assert back.epochs == 2
    assert_same_bits(back.numbers, saved.numbers, "numbers")
    for got, wanted in zip(back.vectors, saved.vectors, strict=True):
        assert_same_bits(got, wanted, "vector")
    assert back.best is not None
    assert saved.best is not None
    assert_same_bits(back.best, saved.best, "best")


def test_it_is_laid_out_as_documented(valid: bytes) -> None:
    metadata, tensors = parts(valid)
    assert list(metadata) == [
        *("format", "format_version", "crc32c", "random_state", "converged", "settings")
    ]
    assert metadata["format"] == "rosenblatt checkpoint"
    assert (metadata["format_version"], metadata["random_state"]) == ("2", "0")
    assert metadata["crc32c"] == f"{crc32c(with_zeros(valid)):08x}"
    assert json.loads(metadata["settings"])["batch_size"] == "4"
    shapes = {name: (array.dtype.name, array.shape) for name, array in tensors.items()}
    n = network().n_params
    assert shapes == {
        "numbers": ("float64", (10,)),
        "history/loss": ("float64", (3,)),
        "history/validation_loss": ("float64", (3,)),
        "history/learning_rate": ("float64", (3,)),
        "history/r2": ("float64", (3,)),
        "vector/0": ("float64", (n,)),
        "vector/1": ("float64", (n,)),
        "vector/2": ("float64", (n,)),
        "best": ("float64", (n,)),
        "network": ("uint8", tensors["network"].shape),
    }
    net = _files.from_bytes(tensors["network"].tobytes())
    assert net.layers == (3, 4, 2)
    assert read(assemble(metadata, tensors)).history == read(valid).history


def test_the_same_training_writes_the_same_bytes(valid: bytes, tmp_path: Path) -> None:
    rb.train(network(), X, Y, epochs=3, checkpoint=tmp_path / "c", threads=2, **HOW)
    assert (tmp_path / "c").read_bytes() == valid


def test_safetensors_reads_it(valid: bytes, tmp_path: Path) -> None:
    numpy_files = pytest.importorskip("safetensors.numpy")
    (tmp_path / "c").write_bytes(valid)
    _, tensors = parts(valid)
    found = numpy_files.load_file(tmp_path / "c")
    assert found.keys() == tensors.keys()
    for name, array in found.items():
        assert array.tobytes() == tensors[name].tobytes()


def test_a_model_and_a_checkpoint_are_told_apart(valid: bytes, tmp_path: Path) -> None:
    """Neither is taken for the other, and a model is not overwritten by a training."""
    (tmp_path / "c").write_bytes(valid)
    with pytest.raises(rb.ModelFormatError, match=r"it is a rosenblatt checkpoint; rb\.train"):
        rb.load(tmp_path / "c")
    network().save(tmp_path / "m")
    model = (tmp_path / "m").read_bytes()
    with pytest.raises(
        rb.ModelFormatError,
        match=r"/m is not a rosenblatt checkpoint: it is a rosenblatt model; rb\.load",
    ):
        rb.train(network(), X, Y, checkpoint=tmp_path / "m", **HOW)
    assert (tmp_path / "m").read_bytes() == model


# ----------------------------------------------------------------------------------- hostile files

Change = Callable[[dict[str, Any], dict[str, Any]], None]


def meta(key: str, value: Any) -> Change:
    def change(metadata: dict[str, Any], _: dict[str, Any]) -> None:
        metadata[key] = value

    return change


def tensor(name: str, value: Any) -> Change:
    def change(_: dict[str, Any], tensors: dict[str, Any]) -> None:
        tensors[name] = np.asarray(value)

    return change


def without(name: str) -> Change:
    def change(metadata: dict[str, Any], tensors: dict[str, Any]) -> None:
        metadata.pop(name, None)
        tensors.pop(name, None)

    return change


def number(name: str, index: int, value: float) -> Change:
    def change(_: dict[str, Any], tensors: dict[str, Any]) -> None:
        tensors[name] = tensors[name].copy()
        tensors[name][index] = value

    return change


def damaged_network(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    tensors["network"] = tensors["network"][:-1].copy()


N = network().n_params
REFUSED: dict[str, tuple[Change, str]] = {
    "another format": (meta("format", "x"), "format: got 'x', expected 'rosenblatt checkpoint'"),
    "a later version": (meta("format_version", "3"), "unsupported version: .* got '3', expected"),
    "no checksum": (without("crc32c"), "'crc32c' is missing"),
    "a further entry": (meta("more", ""), "__metadata__: got"),
    "a missing entry": (without("converged"), "__metadata__: got"),
    "a seed with a sign": (meta("random_state", "-1"), "random_state: got '-1'"),
    "a seed that is too large": (meta("random_state", str(2**64)), "random_state: got"),
    "a seed without end": (meta("random_state", "1" * 5000), "random_state: got"),
    "a seed in other digits": (meta("random_state", "٣"), "random_state: got"),
    "no flag": (meta("converged", "True"), "converged: got 'True'"),
    "settings that are no JSON": (meta("settings", "{"), "settings: not valid JSON"),
    "settings in a list": (meta("settings", "[]"), "settings: got"),
    "settings of numbers": (meta("settings", '{"a": 1}'), "settings: got"),
    "no network": (without("network"), "tensors: network is missing"),
    "no numbers": (without("numbers"), "tensors: numbers is missing"),
    "no losses": (without("history/loss"), "tensors: history/loss is missing"),
    "a damaged network": (damaged_network, "network: data: got"),
    "an unknown tensor": (tensor("W1", np.zeros(3)), "tensors: got 'W1', which no checkpoint has"),
    "no epoch": (tensor("history/loss", np.zeros(0)), "expected as many as the others, 1 or more"),
    "a shorter curve": (tensor("history/r2", np.zeros(2)), "got 2 epochs, expected as many"),
    "a curve of float32": (tensor("history/r2", np.zeros(3, "f4")), "got dtype 'F32', expected"),
    "a curve with a NaN": (number("history/r2", 1, np.nan), "history/r2': got a NaN"),
    "numbers in a matrix": (tensor("numbers", np.zeros((2, 5))), r"got shape \[2, 5\], expected"),
    "numbers with a NaN": (number("numbers", 3, np.nan), "numbers': got a NaN"),
    "a short vector": (tensor("vector/1", np.zeros(N - 1)), r"vector/1: got F64 \(25,\), expected"),
    "a float32 vector": (tensor("vector/1", np.zeros(N, "f4")), r"vector/1: got F32 \(26,\)"),
    "a vector with a NaN": (number("vector/1", 0, np.nan), "vector/1': got a NaN"),
    "a gap in the vectors": (without("vector/1"), "tensors: got .* expected"),
    "an infinite best": (number("best", 2, np.inf), r"best: got inf at \[2\]"),
    "a short best": (tensor("best", np.zeros(3)), r"best: got F64 \(3,\), expected F64"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_not_sound_is_refused(case: str, valid: bytes, tmp_path: Path) -> None:
    """The network is as it was, and so is the file."""
    metadata, tensors = parts(valid)
    change, message = REFUSED[case]
    change(metadata, tensors)
    net = network(seed=5)
    before = net.theta.copy()
    content = assemble(metadata, tensors)
    with pytest.raises(rb.ModelFormatError, match=message) as raised:
        go_on(content, tmp_path, net)
    assert str(raised.value).startswith(f"{tmp_path / 'c'} ")
    assert raised.value.path == str(tmp_path / "c")
    assert_same_bits(net.theta, before, "theta")
    assert (tmp_path / "c").read_bytes() == content


CONTRADICTING: dict[str, tuple[Change, str]] = {
    "too few vectors": (without("vector/2"), "is damaged: vectors: got 2, expected 3"),
    "too many vectors": (tensor("vector/3", np.zeros(N)), "is damaged: vectors: got 4, expected 3"),
    "too few numbers": (tensor("numbers", np.zeros(9)), "is damaged: numbers: got 9, expected 10"),
    "half a step": (number("numbers", 0, 0.5), "is damaged: numbers: got counts"),
    "steps without end": (number("numbers", 0, 1e300), "is damaged: numbers: got counts"),
    "infinitely many": (number("numbers", 0, np.inf), "is damaged: numbers: got counts"),
    "steps below 0": (number("numbers", 0, -1), "is damaged: numbers: got counts"),
    "other epochs": (number("numbers", 1, 2), "is damaged: numbers: got counts"),
    "a power above 1": (number("numbers", 3, 1.5), "is damaged: numbers: got counts"),
    "no best": (without("best"), "best: got none, .*the parameters of epoch"),
    "another metric": (
        tensor("history/x", np.zeros(3)),
        r"history: got .*expected \['learning_rate",
    ),
    "a metric less": (without("history/r2"), "history: got"),
}


@pytest.mark.parametrize("case", CONTRADICTING)
def test_a_file_that_contradicts_the_training_is_refused(
    case: str, valid: bytes, tmp_path: Path
) -> None:
    metadata, tensors = parts(valid)
    change, message = CONTRADICTING[case]
    change(metadata, tensors)
    net = network(seed=5)
    before = net.theta.copy()
    with pytest.raises(rb.DamagedFileError, match=message) as raised:
        go_on(assemble(metadata, tensors), tmp_path, net)
    assert raised.value.path == str(tmp_path / "c")
    assert_same_bits(net.theta, before, "theta")


def test_pairs_that_lbfgs_cannot_have_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c"
    options: Any = {"loss": "squared_error", "optimizer": rb.LBFGS(history=2), "batch_size": None}
    rb.train(network(), X, Y, epochs=2, checkpoint=path, **options)
    metadata, tensors = parts(path.read_bytes())
    assert sum(name.startswith("vector/") for name in tensors) == 4
    more = tensors | {"vector/4": np.zeros(N)}
    path.write_bytes(assemble(metadata, more))
    with pytest.raises(ValueError, match="vectors: got 5, expected pairs, at most 4 vectors"):
        rb.train(network(), X, Y, epochs=3, checkpoint=path, **options)
    path.write_bytes(assemble(metadata, more | {"vector/5": np.zeros(N)}))
    with pytest.raises(ValueError, match="vectors: got 6"):
        rb.train(network(), X, Y, epochs=3, checkpoint=path, **options)
    path.write_bytes(assemble(metadata, tensors | {"numbers": np.zeros(1)}))
    with pytest.raises(ValueError, match="numbers: got 1, expected none"):
        rb.train(network(), X, Y, epochs=3, checkpoint=path, **options)


def test_infinite_states_are_no_harm(valid: bytes, tmp_path: Path) -> None:
    """An optimiser may have them: a mean square of infinity is a parameter that stands still."""
    metadata, tensors = parts(valid)
    tensors["vector/1"] = np.full(N, np.inf)
    assert go_on(assemble(metadata, tensors), tmp_path).epochs == 4


@pytest.mark.parametrize(
    ("name", "place", "value"), [("vector/0", 3, 1.0), ("vector/2", 0, 5.0), ("numbers", 2, 0.5)]
)
def test_the_contents_of_the_file_count(
    name: str, place: int, value: float, valid: bytes, tmp_path: Path
) -> None:
    """Another mean, average or power of beta1 gives other bits."""
    ema = go_on(valid, tmp_path).ema
    metadata, tensors = parts(valid)
    number(name, place, value)(metadata, tensors)
    other_ema = go_on(assemble(metadata, tensors), tmp_path).ema
    assert ema is not None
    assert other_ema is not None
    assert (ema != other_ema).any()


@pytest.mark.parametrize("size", [0, 7, 8, 100])
def test_a_truncated_file_is_refused(size: int, valid: bytes, tmp_path: Path) -> None:
    with pytest.raises(rb.ModelFormatError):
        go_on(valid[:size], tmp_path)


def test_sizes_are_believed_only_when_the_bytes_are_there(valid: bytes) -> None:
    length = int.from_bytes(valid[:8], "little")
    header = json.loads(valid[8 : 8 + length])
    header["numbers"] = {
        "dtype": "F64",
        "shape": [2**50],
        "data_offsets": [0, 2**53],
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    with pytest.raises(rb.ModelFormatError, match="data_offsets"):
        read(sealed(len(text).to_bytes(8, "little") + text + valid[8 + length :]))


@settings(max_examples=cases(60))
@given(st.data())
def test_a_damaged_file_goes_on_soundly_or_is_refused(valid: bytes, data: st.DataObject) -> None:
    """Whatever a byte has become: an error of ours, or a training that ends."""
    damaged = bytearray(valid)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(valid) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    if damaged != valid:
        with pytest.raises(rb.ModelFormatError):
            read(bytes(damaged))
    _, tensors = parts(valid)
    begin = len(valid) - len(tensors["network"])  # the last tensor is a file in the file
    with_checksums = sealed(bytes(damaged[:begin]) + sealed(bytes(damaged[begin:])))
    with tempfile.TemporaryDirectory() as folder:
        net = network(seed=5)
        try:
            result = go_on(with_checksums, Path(folder), net)
        except (rb.ModelFormatError, rb.CheckpointMismatchError, FloatingPointError):
            return  # the last one: the parameters in the file diverge
        assert 1 <= result.epochs <= 4
        assert np.isfinite(net.theta).all()


@settings(max_examples=cases(100))
@given(noise=st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(rb.ModelFormatError):
        read(noise)


@pytest.mark.parametrize("layers", [[3, 5, 2], [3, 4, 4, 2], [4, 3, 2]], ids=str)
def test_a_network_of_another_shape_than_the_settings_say_is_refused(
    layers: list[int], tmp_path: Path
) -> None:
    """The settings are those of the call, so that only the core sees the difference."""
    how: dict[str, Any] = {"loss": "squared_error", "batch_size": 4}
    path = tmp_path / "c"
    rb.train(network(), X, Y, epochs=2, checkpoint=path, **how)
    saved = checkpoint_file.read(path)
    other = rb.Network(layers, activation="tanh", dtype="float64", random_state=1)
    checkpoint_file.write(dataclasses.replace(saved, net=other), path)
    net = network()
    before = net.theta.copy()
    with pytest.raises(ValueError, match="c is damaged: network: got another shape"):
        rb.train(net, X, Y, epochs=4, checkpoint=path, **how)
    assert_same_bits(net.theta, before, "theta")
