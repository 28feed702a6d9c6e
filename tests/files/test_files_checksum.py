"""The checksum of files: the core computes the documented one, and damage is noticed."""

from __future__ import annotations

import json
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rosenblatt as rb
from checksum import MARK, crc32c, sealed, with_zeros
from effort import cases
from rosenblatt import _core
from rosenblatt._files import model as _files
from stored_files import CHECKPOINTS, FOLDER, MODELS
from test_files import assemble, example, header_and_data, of_version

# ---- CRC-32C -------------------------------------------------------------------------------------

# From RFC 3720, appendix B.4, and the usual check value.
VECTORS = [
    (b"", 0x00000000),
    (b"123456789", 0xE3069283),
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(reversed(range(32))), 0x113FDB5C),
    (
        bytes.fromhex(
            "01c00000000000000000000000000000"
            "14000000000004000000001400000018"
            "28000000000000000200000000000000"
        ),
        0xD9963A56,
    ),
]


@pytest.mark.parametrize(("data", "wanted"), VECTORS)
def test_the_published_values(data: bytes, wanted: int) -> None:
    assert crc32c(data) == wanted
    assert _core.crc32c(data) == wanted


@settings(max_examples=cases(200))
@given(st.binary(max_size=100), st.lists(st.integers(0, 100), max_size=4))
def test_pieces_give_the_sum_of_the_whole(data: bytes, cuts: list[int]) -> None:
    """Pieces of any length, at any address."""
    crc = 0
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
        crc = _core.crc32c(memoryview(data)[begin:end], crc)
    assert crc == crc32c(data)


def test_a_sum_that_releases_the_interpreter_is_the_same() -> None:
    data = np.random.default_rng(0).integers(0, 256, 1 << 17, np.uint8).tobytes()
    crc = 0
    for begin in range(0, len(data), 1000):
        crc = _core.crc32c(data[begin : begin + 1000], crc)
    assert _core.crc32c(data) == crc


def test_bytes_with_gaps_are_refused() -> None:
    with pytest.raises(ValueError, match="contiguous"):
        _core.crc32c(np.zeros((4, 4))[:, ::2])
    with pytest.raises(TypeError, match="incompatible function arguments"):
        _core.crc32c("text")  # type: ignore[arg-type]


# ---- Files that are damaged ----------------------------------------------------------------------

MODEL = _files.to_bytes(example(), {"note": "ü"})


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a small checkpoint."""
    path = tmp_path_factory.mktemp("checkpoint") / "c"
    train(path)
    return path.read_bytes()


def train(path: Path, epochs: int = 2) -> None:
    net = rb.Network([1, 1], dtype="float64", weights="zeros")
    rb.train(net, [[0.5]], [[0.25]], loss="squared_error", epochs=epochs, checkpoint=path)


def flipped(content: bytes, bit: int) -> bytes:
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def test_every_flipped_bit_of_a_model_is_noticed() -> None:
    """Every single one, the length, the checksum and the padding included."""
    for bit in range(8 * len(MODEL)):
        with pytest.raises(rb.DamagedFileError):
            _files.from_bytes(flipped(MODEL, bit))


def test_every_flipped_bit_of_a_scaled_and_normalised_model_is_noticed() -> None:
    net = rb.Network([2, 2, 2, 1], norm=["batch", "layer"], skip=[True, False], random_state=0)
    net.input_scaling = rb.Scaling([0.5, -3.0], [2.0, 0.25])
    model = _files.to_bytes(net)
    for bit in range(0, 8 * len(model), 3):
        with pytest.raises(rb.DamagedFileError):
            _files.from_bytes(flipped(model, bit))


@settings(max_examples=cases(300))
@given(st.data())
def test_a_flipped_bit_of_a_checkpoint_is_noticed(
    checkpoint: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped"
    path.write_bytes(flipped(checkpoint, data.draw(st.integers(0, 8 * len(checkpoint) - 1))))
    with pytest.raises(rb.DamagedFileError, match="flipped is damaged: ") as raised:
        train(path)
    assert raised.value.path == str(path)


@settings(max_examples=cases(200))
@given(st.data())
def test_a_burst_of_damaged_bits_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Up to 32 bits in a row; the file is named."""
    path = tmp_path_factory.getbasetemp() / "burst"
    first = data.draw(st.integers(0, 8 * len(MODEL) - 32))
    pattern = data.draw(st.integers(1, 2**32 - 1)) << first
    bits = int.from_bytes(MODEL, "little") ^ pattern
    path.write_bytes(bits.to_bytes(len(MODEL), "little"))
    with pytest.raises(rb.ModelFormatError) as raised:
        rb.load(path)
    assert raised.value.path == str(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("size", [*range(150, len(MODEL), 37), len(MODEL) - 1])
def test_a_file_that_is_cut_off_is_damaged(size: int) -> None:
    with pytest.raises(rb.DamagedFileError):
        _files.from_bytes(MODEL[:size])


def test_numbers_in_another_place_are_noticed() -> None:
    header, data = header_and_data(MODEL)
    swapped = data[4:8] + data[:4] + data[8:]
    with pytest.raises(rb.DamagedFileError, match=r"crc32c: got [0-9a-f]{8} for the bytes, exp"):
        _files.from_bytes(MODEL[: len(MODEL) - len(data)] + swapped)
    loaded = _files.from_bytes(assemble(header, swapped))  # with a checksum of its own
    assert loaded.W[0][0, 0] == example().W[0][0, 1]


# ---- What the checksum says of versions ----------------------------------------------------------


def test_the_present_version_needs_a_checksum() -> None:
    header, data = header_and_data(MODEL)
    del header["__metadata__"]["crc32c"]
    with pytest.raises(rb.DamagedFileError, match="'crc32c' is missing"):
        _files.from_bytes(assemble(header, data))


def test_an_older_version_needs_none_and_is_compared_if_it_has_one() -> None:
    header, data = header_and_data(MODEL)
    old = of_version("1", header)
    assert _files.from_bytes(assemble(old, data)).layers == (2, 3, 2)
    old["__metadata__"]["crc32c"] = "00000000"
    with_one = assemble(old, data)
    assert _files.from_bytes(with_one).layers == (2, 3, 2)
    with pytest.raises(rb.DamagedFileError, match="crc32c: got"):
        _files.from_bytes(with_zeros(with_one))


def test_a_newer_version_is_told_from_a_damaged_one() -> None:
    header, data = header_and_data(MODEL)
    header["__metadata__"]["format_version"] = "17"
    newer = assemble(header, data)
    with pytest.raises(rb.UnsupportedVersionError, match="got '17', expected one of '1', '2', '3'"):
        _files.from_bytes(newer)
    with pytest.raises(rb.DamagedFileError, match="crc32c: got"):
        _files.from_bytes(with_zeros(newer))
    del header["__metadata__"]["crc32c"]  # a version that has another kind of checksum
    with pytest.raises(rb.UnsupportedVersionError):
        _files.from_bytes(assemble(header, data))


def test_a_flipped_bit_in_the_name_of_an_activation_is_damage_and_not_a_name() -> None:
    assert MODEL.count(b"relu") == 1
    with pytest.raises(rb.DamagedFileError, match="crc32c: got"):
        _files.from_bytes(MODEL.replace(b"relu", b"semu"))
    with pytest.raises(rb.UnknownActivationError, match="'semu'"):
        _files.from_bytes(sealed(MODEL.replace(b"relu", b"semu")))


def test_the_text_of_the_checksum_in_other_metadata_is_no_checksum() -> None:
    for metadata in ({"note": MARK.decode() + '00000000"'}, {'"crc32c":"': '"crc32c":"ffffffff"'}):
        model = _files.to_bytes(example(), metadata)
        assert model.count(MARK) == 1
        assert _files.from_bytes(model).layers == (2, 3, 2)


# ---- Other readers -------------------------------------------------------------------------------


def test_the_safetensors_package_opens_models_and_checkpoints(
    checkpoint: bytes, tmp_path: Path
) -> None:
    safetensors = pytest.importorskip("safetensors")
    for content in (MODEL, checkpoint):
        (tmp_path / "file").write_bytes(content)
        with safetensors.safe_open(tmp_path / "file", framework="numpy") as file:
            assert file.metadata()["crc32c"] == f"{crc32c(with_zeros(content)):08x}"
            for name in file.keys():  # noqa: SIM118
                assert file.get_tensor(name).size > 0


def test_a_checksum_computed_elsewhere_is_accepted() -> None:
    """Another writer: its own order, its own spaces, the sum by the documentation alone."""
    header, data = header_and_data(MODEL)
    header["__metadata__"]["crc32c"] = "00000000"
    text = json.dumps(dict(reversed(header.items())), indent=1)
    text = re.sub(r'"crc32c": "', '"crc32c":"', text)
    zeros = len(text.encode()).to_bytes(8, "little") + text.encode() + data
    content = zeros.replace(MARK + b"00000000", MARK + b"%08x" % crc32c(zeros))
    assert _files.from_bytes(content).theta.tobytes() == example().theta.tobytes()


# ---- Memory --------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [[2000, 1500, 3], [3_000_000, 1], [1, 1_500_000, 1]], ids=str)
def test_a_large_model_is_read_and_written_in_blocks(layers: list[int], tmp_path: Path) -> None:
    """12 MB and more of parameters, which the core has: NumPy's own memory is some blocks."""
    net = rb.Network(layers, random_state=0)
    net.theta[...] = np.random.default_rng(0).standard_normal(net.n_params, np.float32)
    block = max(layers[0] * 4, 1 << 22)
    tracemalloc.start()
    try:
        net.save(tmp_path / "m")
        assert tracemalloc.get_traced_memory()[1] < 3 * block
        tracemalloc.reset_peak()
        loaded = rb.load(tmp_path / "m")
        assert tracemalloc.get_traced_memory()[1] < 3 * block
    finally:
        tracemalloc.stop()
    assert loaded.theta.tobytes() == net.theta.tobytes()


def test_a_place_in_a_later_block_is_named(tmp_path: Path) -> None:
    net = rb.Network([1000, 3000, 1], weights="zeros")
    net.W[0][2900, 7] = np.nan
    with pytest.raises(ValueError, match=r"W1: got nan at \[2900, 7\], expected finite"):
        net.save(tmp_path / "m")
    net.W[0][2900, 7] = 0.5
    header, data = header_and_data(_files.to_bytes(net))
    place = (2900 * 1000 + 7) * 4
    with pytest.raises(rb.DamagedFileError, match=r"W1: got nan at \[2900, 7\], expected finite"):
        _files.from_bytes(
            assemble(header, data[:place] + np.float32(np.nan).tobytes() + data[place + 4 :])
        )


@pytest.mark.parametrize("name", [*MODELS, *CHECKPOINTS])
def test_the_stored_files_of_the_present_versions_have_a_checksum(name: str) -> None:
    """And those of earlier versions none, so that a loader that does without is tested."""
    has_one = name.startswith(("model-4", "checkpoint-2"))
    assert (MARK in (FOLDER / name).read_bytes()) == has_one
