"""The safetensors layout: a JSON header followed by tensors, read as untrusted data.

Model files and checkpoints have it, with a checksum over all their bytes. The layout, and all that
is refused, is described for a reader in docs/model-files.md.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO, Final, NoReturn, TypeGuard

import numpy as np
from numpy.typing import NDArray

from .._checks.shown import shown
from .._core import crc32c
from .errors import DamagedFileError, UnknownFormatError, UnsupportedVersionError

DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "U8": np.dtype("u1"),
}
LENGTH_BYTES = 8  # the header's length, a little-endian unsigned integer
ALIGNMENT = 8  # bytes; the data begins at a multiple of it, as the layout asks
HEADER_LIMIT = 1 << 20  # bytes; room for about 7,000 layers, and parsed in milliseconds at worst
DIGIT_LIMIT = 19  # digits of 2^63 - 1; a longer integer is refused before Python converts it
BLOCK = 1 << 22  # bytes of a tensor that are read, written or summed at a time

CHECKSUM: Final = "crc32c"  # its entry in __metadata__
NO_CHECKSUM: Final = "0" * 8  # the digits while the sum is taken
BEFORE_CHECKSUM: Final = f'"{CHECKSUM}":"'.encode()  # in no header twice, because JSON escapes "


@dataclass(frozen=True)
class Kind:
    """A kind of file that has the layout.

    Attributes
    ----------
    name
        What a message calls it.
    format
        The entry `format` of its metadata.
    version
        The `format_version` that is written; it has a checksum.
    older_versions
        Those without a checksum, which are still read.
    use
        What reads it.
    """

    name: str
    format: str
    version: str
    older_versions: tuple[str, ...]
    use: str


MODEL: Final = Kind("model", "rosenblatt", "4", ("1", "2", "3"), "rb.load reads it")
CHECKPOINT: Final = Kind(
    "checkpoint",
    "rosenblatt checkpoint",
    "2",
    ("1",),
    "rb.train(..., checkpoint=path) resumes it",
)
# The first bytes of other kinds of files.
SIGNATURES: Final = {
    b"PK\x03\x04": "a zip archive",  # npz, PyTorch, Keras
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip archive",
}
PICKLE: Final = re.compile(rb"\x80[\x02-\x05][\x95c\]}]")  # not the length of a sound header


# ---- writing -------------------------------------------------------------------------------------


def name_of(dtype: np.dtype[Any]) -> str:
    """Return the file's name of a dtype."""
    return {each: name for name, each in DTYPES.items()}[dtype.newbyteorder("<")]


def header(
    kind: Kind, metadata: Mapping[str, str], tensors: Mapping[str, tuple[str, tuple[int, ...]]]
) -> bytes:
    """Return the length and the JSON header, padded with spaces to the data's alignment.

    Parameters
    ----------
    kind
        What the file is; the checksum is zeros so far.
    metadata
        The further texts.
    tensors
        The dtype's name and the shape of each, in the order of the data.

    Raises
    ------
    ValueError
        The header is longer than 1 MiB: the reader would refuse it.
    """
    first = {"format": kind.format, "format_version": kind.version, CHECKSUM: NO_CHECKSUM}
    entries: dict[str, object] = {"__metadata__": first | dict(metadata)}
    begin = 0
    for name, (dtype_name, shape) in tensors.items():
        end = begin + prod(shape) * DTYPES[dtype_name].itemsize
        entries[name] = {"dtype": dtype_name, "shape": shape, "data_offsets": (begin, end)}
        begin = end
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    if len(text) > HEADER_LIMIT:
        raise ValueError(
            f"the file's header: got {len(text)} bytes, expected at most {HEADER_LIMIT}"
            " (it describes the tensors and carries the metadata)"
        )
    return len(text).to_bytes(LENGTH_BYTES, "little") + text


def write_to(file: BinaryIO, head: bytes, blocks: Iterable[NDArray[Any]]) -> None:
    """Write `header` and the data, then put the checksum of both into the header.

    Parameters
    ----------
    file
        It is at its beginning, and can seek.
    head
        The header.
    blocks
        The tensors, or parts of their rows, in the order of the header.
    """
    crc = crc32c(head)
    file.write(head)
    for block in blocks:
        data = bytes_of(np.ascontiguousarray(block, DTYPES[name_of(block.dtype)]))
        crc = crc32c(data, crc)
        file.write(data)
    file.seek(head.index(BEFORE_CHECKSUM) + len(BEFORE_CHECKSUM))
    file.write(f"{crc:08x}".encode())


def bytes_of(array: NDArray[Any]) -> memoryview[int]:
    """Return the memory of an array without gaps."""
    return array.reshape(-1).view(np.uint8).data


def row_blocks(shape: tuple[int, ...], itemsize: int) -> Iterator[slice]:
    """Yield slices of an array's rows, each of at most `BLOCK` bytes or one row."""
    n_rows = max(1, BLOCK // max(1, prod(shape[1:]) * itemsize))
    for first in range(0, shape[0], n_rows):
        yield slice(first, first + n_rows)


# ---- reading -------------------------------------------------------------------------------------


class Source:
    """A file of the layout, read once from beginning to end, with its checksum.

    Parameters
    ----------
    stream
        It is at its beginning, and can seek.
    size
        Its bytes.
    kind
        What it should be.

    Attributes
    ----------
    metadata
        The texts of the header.
    version
        That of the format; it is one of the kind's.
    entries
        What the header says of each tensor, unchecked.
    n_data
        The bytes of the data.

    Raises
    ------
    UnknownFormatError
        It is no such file.
    DamagedFileError
        It is one whose header is not what was written.
    UnsupportedVersionError
        It is one of another version, and intact as far as can be known.
    """

    def __init__(self, stream: io.BufferedIOBase, size: int, kind: Kind) -> None:
        self._stream = stream
        try:
            head, self.entries = _entries(stream, size)
            self.metadata = _texts(self.entries.pop("__metadata__", {}))
            _check_format(self.metadata.get("format"), kind)
        except DamagedFileError as error:
            _check_is_ours(stream, size, str(error))
            raise
        self.n_data = self._left = size - len(head)
        self._expected = _checksum(head, self.metadata)
        self._crc = crc32c(_without_checksum(head))
        self.version = self.metadata.get("format_version", "")
        if self.version not in (*kind.older_versions, kind.version):
            self._refuse_version(kind)
        if self._expected is None and self.version == kind.version:
            raise DamagedFileError(f"__metadata__: {CHECKSUM!r} is missing")

    def take(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """Return the next numbers of the data."""
        memory = np.empty(shape, dtype)
        data = bytes_of(memory)
        n_read = self._stream.readinto(data)
        if n_read != data.nbytes:
            raise DamagedFileError(
                f"data: got {n_read} bytes, expected {data.nbytes} (truncated meanwhile?)"
            )
        self._left -= data.nbytes
        self._crc = crc32c(data, self._crc)
        return memory

    def blocks(
        self, dtype: np.dtype[Any], shape: tuple[int, ...]
    ) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield the next tensor in parts of its rows, each with its place."""
        for rows in row_blocks(shape, dtype.itemsize):
            n_rows = min(rows.stop, shape[0]) - rows.start
            yield rows, self.take(dtype, (n_rows, *shape[1:]))

    def finish(self) -> None:
        """Compare the checksum after all data was read.

        Raises
        ------
        DamagedFileError
            It is another one than the header has.
        """
        if self._expected is not None and self._expected != f"{self._crc:08x}":
            raise DamagedFileError(
                f"{CHECKSUM}: got {self._crc:08x} for the bytes, expected {self._expected}"
            )

    def verify_rest(self) -> None:
        """Read the rest of the data for the checksum alone, and compare it; raises as `finish`.

        It says whether a text that nobody knows is one that was written.
        """
        if self._expected is not None:
            for _ in self.blocks(DTYPES["U8"], (self._left,)):
                pass
            self.finish()

    def _refuse_version(self, kind: Kind) -> NoReturn:
        """Distinguish a newer version from a damaged text."""
        self.verify_rest()
        known = ", ".join(map(repr, (*kind.older_versions, kind.version)))
        raise UnsupportedVersionError(
            f"format_version: got {shown(self.metadata.get('format_version'))}, expected one of"
            f" {known}; a newer rosenblatt may read the file"
        )


def _entries(stream: io.BufferedIOBase, size: int) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes before the data, and their contents."""
    if size < LENGTH_BYTES:
        raise DamagedFileError(f"got {size} bytes, expected at least {LENGTH_BYTES} (truncated?)")
    first = stream.read(LENGTH_BYTES)
    length = int.from_bytes(first, "little")
    if length > HEADER_LIMIT:
        raise DamagedFileError(
            f"header: got a length of {length} bytes, expected at most {HEADER_LIMIT}"
        )
    if LENGTH_BYTES + length > size:
        raise DamagedFileError(
            f"header: got a length of {length} bytes, but {size - LENGTH_BYTES} follow (truncated?)"
        )
    raw = stream.read(length)
    if len(raw) != length:
        raise DamagedFileError(
            f"header: got {len(raw)} bytes, expected {length} (truncated meanwhile?)"
        )
    return first + raw, _parse_header(raw)


def _parse_header(raw: bytes) -> dict[str, Any]:
    if not raw.startswith(b"{"):
        raise DamagedFileError(
            f"header: got {shown(raw[:8])}…, expected JSON that begins with '{{'"
        )
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise DamagedFileError(f"header: byte {error.start} is not valid UTF-8") from None
    entries: dict[str, Any] = parse_json("header", text)  # a dict, because the text begins with '{'
    return entries


def _texts(metadata: object) -> dict[str, str]:
    """Return the header's metadata, which are texts."""
    if not isinstance(metadata, dict):
        raise DamagedFileError(f"__metadata__: got {shown(metadata)}, expected an object")
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise DamagedFileError(f"{shown(key)}: got {shown(value)}, expected a string")
        if not is_unicode(key + value):
            raise DamagedFileError(f"{shown(key)}: got half of a surrogate pair in its text")
    return metadata


def _check_format(found: str | None, kind: Kind) -> None:
    for other in (MODEL, CHECKPOINT):
        if found == other.format != kind.format:
            raise UnknownFormatError(f"it is a rosenblatt {other.name}; {other.use}")
    if found != kind.format:
        raise DamagedFileError(f"format: got {shown(found)}, expected {kind.format!r}")


def _check_is_ours(stream: io.BufferedIOBase, size: int, reason: str) -> None:
    """Distinguish a damaged header from a foreign file, by texts that our headers have."""
    stream.seek(0)
    head = stream.read(min(size, LENGTH_BYTES + HEADER_LIMIT))
    if PICKLE.match(head):  # perhaps of a network, in whose bytes the texts are
        raise UnknownFormatError("it is a pickle")
    if BEFORE_CHECKSUM in head or b'"format":"rosenblatt' in head:
        return
    if size == 0:
        raise UnknownFormatError("it is empty")
    for signature, what in SIGNATURES.items():
        if head.startswith(signature):
            raise UnknownFormatError(f"it is {what}")
    first = head[:LENGTH_BYTES]  # of a file of the layout the last of them is 0
    raise UnknownFormatError("it is text" if first.isascii() and 0 not in first else reason)


def _checksum(head: bytes, metadata: Mapping[str, str]) -> str | None:
    """Return the eight digits that the header has, None if it has none."""
    text = metadata.get(CHECKSUM)
    if text is None:
        return None
    if not re.fullmatch("[0-9a-f]{8}", text, re.ASCII):
        raise DamagedFileError(
            f"{CHECKSUM}: got {shown(text)}, expected eight digits of 0123456789abcdef"
        )
    if head.count(BEFORE_CHECKSUM) != 1 or BEFORE_CHECKSUM + text.encode() + b'"' not in head:
        raise DamagedFileError(
            f'{CHECKSUM}: got other bytes than {BEFORE_CHECKSUM.decode()}{text}", expected these,'
            " once, without spaces and escapes"
        )
    return text


def _without_checksum(head: bytes) -> bytes:
    """Return the bytes before the data with zeros for the digits of the checksum."""
    before, mark, after = head.partition(BEFORE_CHECKSUM)
    return before + mark + NO_CHECKSUM.encode() + after[len(NO_CHECKSUM) :] if mark else head


def checked_tensor(
    name: str,
    entry: object,
    shape: tuple[int, ...],
    dtype_names: Sequence[str] = ("F32", "F64"),
) -> tuple[str, tuple[int, int]]:
    """Return the tensor's dtype name and its (begin, end), which agree with its shape."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise DamagedFileError(
            f"{name}: got {shown(entry)}, expected dtype, shape and data_offsets"
        )
    dtype_name = entry["dtype"]
    if not isinstance(dtype_name, str) or dtype_name not in dtype_names:
        expected = " or ".join(map(repr, dtype_names))
        raise DamagedFileError(f"{name}: got dtype {shown(dtype_name)}, expected {expected}")
    if not are_integers(entry["shape"]) or tuple(entry["shape"]) != shape:
        raise DamagedFileError(f"{name}: got shape {shown(entry['shape'])}, expected {list(shape)}")
    n_bytes = prod(shape) * DTYPES[dtype_name].itemsize
    offsets = entry["data_offsets"]
    if not are_integers(offsets) or len(offsets) != 2 or offsets[1] - offsets[0] != n_bytes:
        raise DamagedFileError(
            f"{name}: got data_offsets {shown(offsets)}, expected [begin, begin + {n_bytes}]"
        )
    return dtype_name, (offsets[0], offsets[1])


def names_in_order(offsets: dict[str, tuple[int, int]], n_data: int) -> list[str]:
    """Return the tensors in the order of the data, which they tile: no gap, no overlap, no rest."""
    covered = 0
    names = sorted(offsets, key=offsets.__getitem__)
    for name in names:
        begin, end = offsets[name]
        if begin != covered:
            raise DamagedFileError(
                f"{name}: got data_offsets that begin at {begin}, expected {covered}, where the"
                " tensor before it ends"
            )
        covered = end
    if covered != n_data:
        raise DamagedFileError(f"data: got {n_data} bytes, expected {covered} for the tensors")
    return names


def check_finite(
    name: str, rows: NDArray[Any], exception: type[ValueError], first_row: int = 0
) -> None:
    """Check a tensor, or some of its rows."""
    finite = np.isfinite(rows)
    if not finite.all():
        first, *index = (int(i) for i in np.unravel_index(np.argmin(finite), finite.shape))
        number = rows[(first, *index)]
        place = [first_row + first, *index]
        raise exception(f"{name}: got {number} at {place}, expected finite numbers")


# ---- JSON, strictly ------------------------------------------------------------------------------


def parse_json(name: str, text: str, real: Callable[[str], float] | None = None) -> Any:
    """Parse JSON without Python's extras: no NaN, no key twice, no number that is not an integer.

    `real` reads the numbers that are no integers, if there may be such.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_int=_bounded_integer,
            parse_float=real or _refuse_number,
            parse_constant=_refuse_number,
        )
    except DamagedFileError as error:
        raise DamagedFileError(f"{name}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"{name}: not valid JSON: {error}") from None


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        [(key, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise DamagedFileError(f"got the key {shown(key)} more than once, expected it once")
    return unique


def _bounded_integer(digits: str) -> int:
    if len(digits) > DIGIT_LIMIT:
        _refuse_number(digits)
    return int(digits)


def _refuse_number(text: str) -> NoReturn:
    raise DamagedFileError(f"got the number {shown(text)}, which is not allowed here")


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
