"""Model files: a network in the safetensors layout, saved atomically, read by a distrustful loader.

The format, and all that the loader refuses, is described for a reader in docs/model-files.md.
"""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import json
import os
import reprlib
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ._activation import Activation, ActivationName
    from ._network import Network
    from ._scaling import Scaling

FORMAT = "rosenblatt"
PLAIN, SCALED = "1", "2"  # format_version: without scalings, with one or two
FORMAT_VERSIONS = (PLAIN, SCALED)
DTYPES: dict[str, np.dtype[np.floating[Any]]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}
OUR_KEYS = ("format", "format_version", "layers", "activations")

LENGTH_BYTES = 8  # the header's length, a little-endian unsigned integer
ALIGNMENT = 8  # bytes; the data begins at a multiple of it, as the layout asks
HEADER_LIMIT = 1 << 20  # bytes; room for about 7,000 layers, and parsed in milliseconds at worst
DIGIT_LIMIT = 19  # digits of 2^63 - 1; a longer integer is refused before Python converts it


class ModelFormatError(ValueError):
    """The bytes are not a model that this version reads; the message says where and why."""

    __module__ = "rosenblatt"


# ---- one layout, written and read ----------------------------------------------------------------


def tensor_shapes(layers: Iterable[int]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of W1 (n_out, n_in), b1 (n_out,), W2 and so on, in the file's order."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number, (n_in, n_out) in enumerate(itertools.pairwise(layers), start=1):
        shapes[f"W{number}"] = (n_out, n_in)
        shapes[f"b{number}"] = (n_out,)
    return shapes


def scaling_names(side: str) -> tuple[str, str]:
    """Return the names of the tensors offset and factor of "input" or "target"."""
    return f"{side}_offset", f"{side}_factor"


def scaling_shapes(layers: Iterable[int], sides: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the scalings' tensors, (n_features,) or (n_outputs,), in order."""
    n_features, *_, n_outputs = layers
    size = {"input": n_features, "target": n_outputs}
    return {name: (size[side],) for side in sides for name in scaling_names(side)}


def scalings(net: Network) -> dict[str, Scaling]:
    """Return the scalings that the network has."""
    both = {"input": net.input_scaling, "target": net.target_scaling}
    return {side: scaling for side, scaling in both.items() if scaling is not None}


def tensors(net: Network) -> Iterator[tuple[str, NDArray[np.floating[Any]]]]:
    """Yield the names of `tensor_shapes`, each with the network's own view of its memory."""
    views = itertools.chain.from_iterable(zip(net.W, net.b, strict=True))
    return zip(tensor_shapes(net.layers), views, strict=True)


# ---- writing -------------------------------------------------------------------------------------


def to_bytes(net: Network, metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the network as the bytes of a model file.

    Parameters
    ----------
    net : Network
    metadata : mapping of str to str, optional
        Further entries for the header, returned by `read`.

    Raises
    ------
    TypeError
        If a key or value of ``metadata`` is not a str.
    ValueError
        If a weight is NaN or infinite, if ``metadata`` uses a key of the format or is not valid
        Unicode, or if the header is longer than 1 MiB: the loader would refuse the result.
    RuntimeError
        If another thread is training the network.
    """
    return b"".join(_chunks(net, metadata))


def _chunks(net: Network, metadata: Mapping[str, str] | None) -> Iterator[bytes | memoryview[int]]:
    """Yield the file piece by piece, so that `save` holds no second copy of all the tensors."""
    net = net.copy()  # one moment's parameters; a RuntimeError while another thread trains them
    dtype_name = {dtype: name for name, dtype in DTYPES.items()}[net.dtype.newbyteorder("<")]
    yield _header(net, dtype_name, metadata)
    for name, view in itertools.chain(tensors(net), _scaling_tensors(net)):
        tensor = np.ascontiguousarray(view, DTYPES[dtype_name])
        _check_finite(name, tensor, ValueError)
        yield tensor.reshape(-1).view(np.uint8).data


def _scaling_tensors(net: Network) -> Iterator[tuple[str, NDArray[np.floating[Any]]]]:
    """Yield the names of `scaling_shapes`, each with its numbers: those of the network's dtype."""
    for side, scaling in scalings(net).items():
        yield from zip(scaling_names(side), (scaling.offset, scaling.factor), strict=True)


def _header(net: Network, dtype_name: str, metadata: Mapping[str, str] | None) -> bytes:
    """Return the length and the JSON header, padded with spaces to the data's alignment."""
    sides = scalings(net)
    entries: dict[str, object] = {
        "__metadata__": {
            "format": FORMAT,
            "format_version": SCALED if sides else PLAIN,
            "layers": json.dumps(net.layers),
            "activations": json.dumps(net.activations),
            **_extra_metadata(metadata),
        }
    }
    begin = 0
    for name, shape in (tensor_shapes(net.layers) | scaling_shapes(net.layers, sides)).items():
        end = begin + prod(shape) * DTYPES[dtype_name].itemsize
        entries[name] = {"dtype": dtype_name, "shape": shape, "data_offsets": (begin, end)}
        begin = end
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    if len(text) > HEADER_LIMIT:
        raise ValueError(
            f"the model file's header: got {len(text)} bytes, needed at most {HEADER_LIMIT}"
            " (it describes the layers and carries the metadata)"
        )
    return len(text).to_bytes(LENGTH_BYTES, "little") + text


def _extra_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return the caller's entries, checked."""
    extra = dict(metadata or {})
    for key, value in extra.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"metadata: got {_shown({key: value})}, needed str keys and values")
        if key in OUR_KEYS:
            raise ValueError(f"metadata: got the key {key!r}, which the format itself uses")
        if not _is_unicode(key + value):
            raise ValueError(f"metadata: got half of a surrogate pair in entry {_shown(key)}")
    return extra


# ---- saving --------------------------------------------------------------------------------------


def save(
    net: Network, path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> None:
    """Save the network; at every moment ``path`` is the whole old file or the whole new one.

    The bytes go to a temporary file in the same directory, reach the disk, and only then take the
    name. If anything fails, a full disk included, the temporary file is removed and the old file is
    untouched. A process killed in the middle may leave a ``.rosenblatt-*.tmp`` behind.

    Parameters
    ----------
    net : Network
    path : path-like
        A symbolic link is followed: its target is replaced, the link stays. A replaced file hands
        on its permissions; a new one has those of the umask.
    metadata : mapping of str to str, optional
        Further entries for the header, returned by `read`.

    Raises
    ------
    OSError
        If the file cannot be written, or if ``path`` is write-protected, a directory, a device or
        another thing that is not a regular file.
    TypeError, ValueError, RuntimeError
        As `to_bytes`.
    """
    path = os.fsdecode(path)
    target = os.path.realpath(path)
    directory = os.path.dirname(target)
    old_permissions = _permissions_to_keep(target)
    temporary = os.path.join(directory, f".rosenblatt-{os.urandom(8).hex()}.tmp")
    chunks = _chunks(net, metadata)

    directory_fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Never more readable than the file it replaces, not even before fchmod.
        creation_mode = 0o666 if old_permissions is None else old_permissions
        with open(temporary, "xb", opener=partial(os.open, mode=creation_mode)) as file:
            if old_permissions is not None:
                os.fchmod(file.fileno(), old_permissions)
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync_directory(directory_fd)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename is None:  # "No space left": say for what
            error.filename = path
        raise
    finally:
        os.close(directory_fd)


def _permissions_to_keep(target: str) -> int | None:
    """Return the permission bits of the file that is to be replaced, None where there is none.

    The rename alone would override a write protection, so the right to write is asked for here.
    """
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"{_kind(mode)}, needed a regular file to replace", target)
    os.close(os.open(target, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    return mode & 0o777


def _sync_directory(directory_fd: int) -> None:
    """Make the new name outlast a power failure, on the file systems that know how."""
    try:
        os.fsync(directory_fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: this file system does not sync directories
            raise


# ---- reading -------------------------------------------------------------------------------------


def from_bytes(data: bytes, activations: Sequence[Activation] = ()) -> Network:
    """Return the network that `to_bytes` wrote. Pickled networks come back through here.

    `activations` are those of the user's own that it has.

    Raises
    ------
    ModelFormatError
        If the bytes are anything else. No code is run from them, and the memory taken is in
        proportion to their length, whatever sizes they claim.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"data: got {type(data).__name__}, needed bytes")
    return _read(io.BytesIO(data), memoryview(data).nbytes, _by_name(activations))[0]


def load(path: str | os.PathLike[str], *, activations: Sequence[Activation] = ()) -> Network:
    """Load a network that was saved with `Network.save`.

    The file is taken as hostile until every part has been checked; no code is ever run from it.

    Parameters
    ----------
    path : path-like
    activations : sequence of Activation, optional
        Those of your own that the network has: a file holds their names alone.

    Returns
    -------
    Network
        With the very bits that were saved.

    Raises
    ------
    ModelFormatError
        If the file is not a model that this version reads, or names an activation that is neither
        known nor given. It is a ValueError.
    TypeError, ValueError
        If `activations` are none, or two have one name.
    OSError
        If the file is missing or cannot be read.
    """
    return read(path, activations)[0]


def _by_name(activations: object) -> dict[str, Activation]:
    from ._activation import Activation

    needed = "needed a sequence of rosenblatt.Activation"
    if not isinstance(activations, Sequence) or isinstance(activations, str | bytes):
        raise TypeError(f"activations: got {activations!r}, {needed}")
    named: dict[str, Activation] = {}
    for i, each in enumerate(activations):
        if not isinstance(each, Activation):
            raise TypeError(f"activations[{i}]: got {each!r}, {needed}")
        if named.setdefault(each.name, each) != each:
            raise ValueError(f"activations: got {each.name!r} twice, needed each once")
    return named


def read(
    path: str | os.PathLike[str], activations: Sequence[Activation] = ()
) -> tuple[Network, dict[str, str]]:
    """Load a network and the further metadata entries that were saved with it; raises as `load`."""
    own = _by_name(activations)
    path = os.fsdecode(path)
    # Without O_NONBLOCK, opening a named pipe would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ModelFormatError(f"got {_kind(status.st_mode)}, needed a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return _read(file, status.st_size, own)
    except ModelFormatError as error:
        raise ModelFormatError(f"{path}: {error}") from None
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Header:
    """A checked header: the network it describes, and where each tensor lies."""

    layers: list[int]
    activations: list[str]
    dtype_name: str
    scaled: tuple[str, ...]  # "input", "target", both or none
    positions: dict[str, int]  # of each tensor's first byte, from the beginning of the file
    extra: dict[str, str]


def _read(
    stream: io.BufferedIOBase, size: int, own: Mapping[str, Activation]
) -> tuple[Network, dict[str, str]]:
    """Read a model of ``size`` bytes; return the network and the further metadata.

    ``own`` are the activations of the user's own, by name. No tensor is allocated before the header
    agrees with ``size``.
    """
    from ._arguments import ACTIVATIONS
    from ._network import Network
    from ._scaling import Scaling

    header = _read_header(stream, size)
    names = cast("list[ActivationName]", header.activations)  # whether they are, Network checks
    *hidden, output = (own.get(name, name) for name in names)
    dtype = DTYPES[header.dtype_name]
    try:
        net = Network(
            header.layers,
            activation=hidden,
            output=output,
            dtype=dtype.newbyteorder("=").name,
            random_state=0,
        )
    except (TypeError, ValueError) as error:  # an unknown activation, for one
        unknown = not {*names} <= {*ACTIVATIONS, *own}
        hint = "; one of your own must be given: load(path, activations=[...])" if unknown else ""
        raise ModelFormatError(f"no such network: {str(error)[:300]}{hint}") from None

    def tensor(name: str, shape: tuple[int, ...]) -> NDArray[np.floating[Any]]:
        memory = np.empty(prod(shape) * dtype.itemsize, np.uint8)
        stream.seek(header.positions[name])
        _fill(stream, memory)
        numbers = memory.view(dtype).reshape(shape)
        _check_finite(name, numbers, ModelFormatError)
        return numbers

    for name, view in tensors(net):
        view[...] = tensor(name, view.shape)
    sizes = scaling_shapes(net.layers, header.scaled)
    try:
        for side in header.scaled:
            offset, factor = (tensor(name, sizes[name]) for name in scaling_names(side))
            setattr(net, f"{side}_scaling", Scaling(offset, factor))
    except ModelFormatError:
        raise
    except ValueError as error:  # a factor that is not above 0, an output that is not identity
        raise ModelFormatError(f"no such scaling: {str(error)[:300]}") from None
    return net, header.extra


def _read_header(stream: io.BufferedIOBase, size: int) -> Header:
    """Read and check all that stands before the data."""
    if size < LENGTH_BYTES:
        raise ModelFormatError(f"got {size} bytes, needed at least {LENGTH_BYTES} (truncated?)")
    length = int.from_bytes(_take(stream, LENGTH_BYTES), "little")
    data_begins = LENGTH_BYTES + length
    if length > HEADER_LIMIT:
        raise ModelFormatError(
            f"header: got a length of {length} bytes, needed at most {HEADER_LIMIT} (not a model?)"
        )
    if data_begins > size:
        raise ModelFormatError(
            f"header: got a length of {length} bytes, but {size - LENGTH_BYTES} follow (truncated?)"
        )
    entries = _parse_header(_take(stream, length))
    metadata = _checked_metadata(entries.pop("__metadata__", {}))
    scaled = _checked_scalings(entries, metadata["format_version"])
    layers = _checked_layers(metadata["layers"], n_tensors=len(entries) - 2 * len(scaled))
    activations = _checked_activations(metadata["activations"], n_layers=len(layers))
    shapes = tensor_shapes(layers) | scaling_shapes(layers, scaled)
    dtype_name, offsets = _checked_tensors(entries, shapes)
    _check_cover(offsets, size - data_begins)
    return Header(
        layers=layers,
        activations=activations,
        dtype_name=dtype_name,
        scaled=scaled,
        positions={name: data_begins + begin for name, (begin, _) in offsets.items()},
        extra={key: value for key, value in metadata.items() if key not in OUR_KEYS},
    )


def _parse_header(raw: bytes) -> dict[str, Any]:
    if not raw.startswith(b"{"):
        raise ModelFormatError(f"header: got {_shown(raw[:8])}…, needed JSON that begins with '{{'")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise ModelFormatError(f"header: byte {error.start} is not valid UTF-8") from None
    entries: dict[str, Any] = _parse_json("header", text)  # a dict, for the text begins with '{'
    return entries


def _checked_metadata(metadata: object) -> dict[str, str]:
    if not isinstance(metadata, dict):
        raise ModelFormatError(f"__metadata__: got {_shown(metadata)}, needed an object")
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise ModelFormatError(f"{_shown(key)}: got {_shown(value)}, needed a string")
        if not _is_unicode(key + value):
            raise ModelFormatError(f"{_shown(key)}: got half of a surrogate pair in its text")
    if metadata.get("format") != FORMAT:
        raise ModelFormatError(f"format: got {_shown(metadata.get('format'))}, needed {FORMAT!r}")
    if metadata.get("format_version") not in FORMAT_VERSIONS:
        raise ModelFormatError(
            f"format_version: got {_shown(metadata.get('format_version'))}, needed"
            f" {' or '.join(map(repr, FORMAT_VERSIONS))}, those that this rosenblatt reads"
        )
    for key in OUR_KEYS:
        if key not in metadata:
            raise ModelFormatError(f"__metadata__: {key!r} is missing")
    return metadata


def _checked_layers(text: str, n_tensors: int) -> list[int]:
    """Return the layers' sizes, compared with the number of tensors before they cost memory."""
    layers = _parse_json("layers", text)
    if not isinstance(layers, list) or not all(_is_integer(n) and n >= 1 for n in layers):
        raise ModelFormatError(f"layers: got {_shown(layers)}, needed a list of integers from 1 on")
    if len(layers) < 2:
        raise ModelFormatError(f"layers: got {_shown(layers)}, needed at least two")
    if n_tensors != 2 * (len(layers) - 1):
        raise ModelFormatError(
            f"tensors: got {n_tensors}, needed {2 * (len(layers) - 1)} for {len(layers)} layers"
        )
    return layers


def _checked_scalings(entries: dict[str, Any], version: str) -> tuple[str, ...]:
    """Return the scalings whose tensors are there, in pairs; the version says whether any are."""
    sides = []
    for side in ("input", "target"):
        missing = [name for name in scaling_names(side) if name not in entries]
        if len(missing) == 1:
            raise ModelFormatError(
                f"tensors: {missing[0]} is missing, got one of the {side}s alone"
            )
        if not missing:
            sides.append(side)
    if (version == SCALED) != bool(sides):
        raise ModelFormatError(
            f"format_version: got {version!r} with {len(sides)} scalings, needed {PLAIN!r} without"
            f" any, {SCALED!r} with one or two"
        )
    return tuple(sides)


def _checked_activations(text: str, n_layers: int) -> list[str]:
    """Return one name per weight layer; `Network` knows which names there are."""
    activations = _parse_json("activations", text)
    if not isinstance(activations, list) or not all(isinstance(a, str) for a in activations):
        raise ModelFormatError(f"activations: got {_shown(activations)}, needed a list of names")
    if len(activations) != n_layers - 1:
        raise ModelFormatError(
            f"activations: got {len(activations)}, needed {n_layers - 1} for {n_layers} layers"
        )
    return activations


def _checked_tensors(
    entries: dict[str, Any], shapes: dict[str, tuple[int, ...]]
) -> tuple[str, dict[str, tuple[int, int]]]:
    """Return the dtype's name and each tensor's (begin, end) in the data, in bytes."""
    offsets = {}
    dtype_names = set()
    for name, shape in shapes.items():
        if name not in entries:
            raise ModelFormatError(f"tensors: {name} is missing, got {_shown(list(entries))}")
        dtype_name, offsets[name] = _checked_tensor(name, entries[name], shape)
        dtype_names.add(dtype_name)
    if len(dtype_names) != 1:
        raise ModelFormatError(f"dtype: got {sorted(dtype_names)}, needed one for all tensors")
    return dtype_names.pop(), offsets


def _checked_tensor(
    name: str, entry: object, shape: tuple[int, ...]
) -> tuple[str, tuple[int, int]]:
    """Return the tensor's dtype name and its (begin, end), which agree with its shape."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ModelFormatError(f"{name}: got {_shown(entry)}, needed dtype, shape and data_offsets")
    dtype_name = entry["dtype"]
    if not isinstance(dtype_name, str) or dtype_name not in DTYPES:
        raise ModelFormatError(f"{name}: got dtype {_shown(dtype_name)}, needed 'F32' or 'F64'")
    if not _are_integers(entry["shape"]) or tuple(entry["shape"]) != shape:
        raise ModelFormatError(f"{name}: got shape {_shown(entry['shape'])}, needed {list(shape)}")
    n_bytes = prod(shape) * DTYPES[dtype_name].itemsize
    offsets = entry["data_offsets"]
    if not _are_integers(offsets) or len(offsets) != 2 or offsets[1] - offsets[0] != n_bytes:
        raise ModelFormatError(
            f"{name}: got data_offsets {_shown(offsets)}, needed [begin, begin + {n_bytes}]"
        )
    return dtype_name, (offsets[0], offsets[1])


def _check_cover(offsets: dict[str, tuple[int, int]], n_data: int) -> None:
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


def _take(stream: io.BufferedIOBase, n_bytes: int) -> bytes:
    memory = np.empty(n_bytes, np.uint8)
    _fill(stream, memory)
    return memory.tobytes()


def _fill(stream: io.BufferedIOBase, memory: NDArray[np.uint8]) -> None:
    """Read until ``memory`` (n_bytes,) is full."""
    n_read = stream.readinto(memory.data)
    if n_read != memory.size:
        raise ModelFormatError(f"got {n_read} bytes, needed {memory.size} (truncated meanwhile?)")


def _check_finite(name: str, tensor: NDArray[Any], exception: type[ValueError]) -> None:
    finite = np.isfinite(tensor)
    if not finite.all():
        index = [int(i) for i in np.unravel_index(np.argmin(finite), finite.shape)]
        raise exception(f"{name}: got {tensor[tuple(index)]} at {index}, needed finite numbers")


# ---- JSON, strictly ------------------------------------------------------------------------------


def _parse_json(name: str, text: str) -> Any:
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
        raise ModelFormatError(f"the key {_shown(key)} stands there more than once")
    return unique


def _bounded_integer(digits: str) -> int:
    if len(digits) > DIGIT_LIMIT:
        _refuse_number(digits)
    return int(digits)


def _refuse_number(text: str) -> NoReturn:
    raise ModelFormatError(f"got the number {_shown(text)}, needed integers below 2^63")


def _is_integer(value: object) -> bool:
    return type(value) is int  # a bool is not a number


def _are_integers(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_integer, value))


def _is_unicode(text: str) -> bool:
    r"""Tell whether the text can be written as UTF-8; JSON's "\ud800" alone, for one, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# ---- words for messages --------------------------------------------------------------------------


def _shown(value: object) -> str:
    """Return a short form of a value from a file, however large or deep it is."""
    return reprlib.repr(value)


def _kind(mode: int) -> str:
    """Name the kind of a file that is not a regular one."""
    kinds = {
        stat.S_IFDIR: "a directory",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "a special file")
