"""The safetensors layout: a header of JSON and tensors after it, written, and read distrustfully.

Model files and checkpoints have it. The layout, and all that is refused, is described for a reader
in docs/model-files.md.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NoReturn, TypeGuard

import numpy as np
from numpy.typing import NDArray

from ._shown import shown

DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "U8": np.dtype("u1"),
}
LENGTH_BYTES = 8  # the header's length, a little-endian unsigned integer
ALIGNMENT = 8  # bytes; the data begins at a multiple of it, as the layout asks
HEADER_LIMIT = 1 << 20  # bytes; room for about 7,000 layers, and parsed in milliseconds at worst
DIGIT_LIMIT = 19  # digits of 2^63 - 1; a longer integer is refused before Python converts it


class ModelFormatError(ValueError):
    """The bytes are not a file that this version reads; the message says where and why."""

    __module__ = "rosenblatt"


# ---- writing -------------------------------------------------------------------------------------


def name_of(dtype: np.dtype[Any]) -> str:
    """Return the file's name of a dtype."""
    return {each: name for name, each in DTYPES.items()}[dtype.newbyteorder("<")]


def header(
    metadata: Mapping[str, str], tensors: Mapping[str, tuple[str, tuple[int, ...]]]
) -> bytes:
    """Return the length and the JSON header, padded with spaces to the data's alignment.

    Parameters
    ----------
    metadata
        What stands there beside the tensors.
    tensors
        The dtype's name and the shape of each, in the order of the data.

    Raises
    ------
    ValueError
        The header is longer than 1 MiB: the reader would refuse it.
    """
    entries: dict[str, object] = {"__metadata__": dict(metadata)}
    begin = 0
    for name, (dtype_name, shape) in tensors.items():
        end = begin + prod(shape) * DTYPES[dtype_name].itemsize
        entries[name] = {"dtype": dtype_name, "shape": shape, "data_offsets": (begin, end)}
        begin = end
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    if len(text) > HEADER_LIMIT:
        raise ValueError(
            f"the file's header: got {len(text)} bytes, needed at most {HEADER_LIMIT}"
            " (it describes the tensors and carries the metadata)"
        )
    return len(text).to_bytes(LENGTH_BYTES, "little") + text


def bytes_of(tensor: NDArray[Any], dtype_name: str) -> memoryview[int]:
    """Return a tensor as it lies in the file."""
    exact = np.ascontiguousarray(tensor, DTYPES[dtype_name])
    return exact.reshape(-1).view(np.uint8).data


# ---- reading -------------------------------------------------------------------------------------


def read_entries(stream: io.BufferedIOBase, size: int) -> tuple[dict[str, Any], int]:
    """Return what the header of a file of ``size`` bytes says, and where its data begins."""
    if size < LENGTH_BYTES:
        raise ModelFormatError(f"got {size} bytes, needed at least {LENGTH_BYTES} (truncated?)")
    length = int.from_bytes(take(stream, LENGTH_BYTES), "little")
    if length > HEADER_LIMIT:
        raise ModelFormatError(
            f"header: got a length of {length} bytes, needed at most {HEADER_LIMIT} (not a model?)"
        )
    if LENGTH_BYTES + length > size:
        raise ModelFormatError(
            f"header: got a length of {length} bytes, but {size - LENGTH_BYTES} follow (truncated?)"
        )
    return _parse_header(take(stream, length)), LENGTH_BYTES + length


def _parse_header(raw: bytes) -> dict[str, Any]:
    if not raw.startswith(b"{"):
        raise ModelFormatError(f"header: got {shown(raw[:8])}…, needed JSON that begins with '{{'")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise ModelFormatError(f"header: byte {error.start} is not valid UTF-8") from None
    entries: dict[str, Any] = parse_json("header", text)  # a dict, for the text begins with '{'
    return entries


def checked_texts(metadata: object) -> dict[str, str]:
    """Return the header's metadata, which are texts."""
    if not isinstance(metadata, dict):
        raise ModelFormatError(f"__metadata__: got {shown(metadata)}, needed an object")
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise ModelFormatError(f"{shown(key)}: got {shown(value)}, needed a string")
        if not is_unicode(key + value):
            raise ModelFormatError(f"{shown(key)}: got half of a surrogate pair in its text")
    return metadata


def checked_tensor(
    name: str,
    entry: object,
    shape: tuple[int, ...],
    dtype_names: Sequence[str] = ("F32", "F64"),
) -> tuple[str, tuple[int, int]]:
    """Return the tensor's dtype name and its (begin, end), which agree with its shape."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ModelFormatError(f"{name}: got {shown(entry)}, needed dtype, shape and data_offsets")
    dtype_name = entry["dtype"]
    if not isinstance(dtype_name, str) or dtype_name not in dtype_names:
        needed = " or ".join(map(repr, dtype_names))
        raise ModelFormatError(f"{name}: got dtype {shown(dtype_name)}, needed {needed}")
    if not are_integers(entry["shape"]) or tuple(entry["shape"]) != shape:
        raise ModelFormatError(f"{name}: got shape {shown(entry['shape'])}, needed {list(shape)}")
    n_bytes = prod(shape) * DTYPES[dtype_name].itemsize
    offsets = entry["data_offsets"]
    if not are_integers(offsets) or len(offsets) != 2 or offsets[1] - offsets[0] != n_bytes:
        raise ModelFormatError(
            f"{name}: got data_offsets {shown(offsets)}, needed [begin, begin + {n_bytes}]"
        )
    return dtype_name, (offsets[0], offsets[1])


def check_cover(offsets: dict[str, tuple[int, int]], n_data: int) -> None:
    """Check that the tensors, in whatever order, tile the data: no gap, no overlap, no rest."""
    covered = 0
    for name, (begin, end) in sorted(offsets.items(), key=lambda item: item[1]):
        if begin != covered:
            raise ModelFormatError(
                f"{name}: got data_offsets that begin at {begin}, needed {covered}, where the"
                " tensor before it ends"
            )
        covered = end
    if covered != n_data:
        raise ModelFormatError(f"data: got {n_data} bytes, needed {covered} for the tensors")


def take(stream: io.BufferedIOBase, n_bytes: int) -> bytes:
    memory = np.empty(n_bytes, np.uint8)
    fill(stream, memory)
    return memory.tobytes()


def fill(stream: io.BufferedIOBase, memory: NDArray[np.uint8]) -> None:
    """Read until ``memory`` (n_bytes,) is full."""
    n_read = stream.readinto(memory.data)
    if n_read != memory.size:
        raise ModelFormatError(f"got {n_read} bytes, needed {memory.size} (truncated meanwhile?)")


def check_finite(name: str, tensor: NDArray[Any], exception: type[ValueError]) -> None:
    finite = np.isfinite(tensor)
    if not finite.all():
        index = [int(i) for i in np.unravel_index(np.argmin(finite), finite.shape)]
        raise exception(f"{name}: got {tensor[tuple(index)]} at {index}, needed finite numbers")


# ---- JSON, strictly ------------------------------------------------------------------------------


def parse_json(name: str, text: str) -> Any:
    """Parse JSON without Python's extras: no NaN, no key twice, and of numbers only integers."""
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_int=_bounded_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except ModelFormatError as error:
        raise ModelFormatError(f"{name}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ModelFormatError(f"{name}: not valid JSON: {error}") from None


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        [(key, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ModelFormatError(f"the key {shown(key)} stands there more than once")
    return unique


def _bounded_integer(digits: str) -> int:
    if len(digits) > DIGIT_LIMIT:
        _refuse_number(digits)
    return int(digits)


def _refuse_number(text: str) -> NoReturn:
    raise ModelFormatError(f"got the number {shown(text)}, needed integers below 2^63")


def is_integer(value: object) -> bool:
    return type(value) is int  # a bool is not a number


def are_integers(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(map(is_integer, value))


def is_unicode(text: str) -> bool:
    r"""Tell whether the text can be written as UTF-8; JSON's "\ud800" alone, for one, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
