"""Model files: a network in the safetensors layout, saved atomically, loaded as untrusted data.

The format, and all that the loader refuses, is described for a reader in docs/model-files.md.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from .._checks import arguments
from .._checks.shown import shown
from . import atomic
from .errors import DamagedFileError, UnknownActivationError, UnsupportedVersionError, refusing
from .safetensors import (
    CHECKSUM,
    DTYPES,
    MODEL,
    Source,
    check_finite,
    checked_tensor,
    header,
    is_integer,
    is_unicode,
    name_of,
    names_in_order,
    parse_json,
    row_blocks,
    write_to,
)

if TYPE_CHECKING:
    from .._activation import Activation, ActivationName
    from .._network import Network, Norm
    from .._scaling import Scaling

# Versions without a checksum: of a plain network, with one or two scalings, with a norm or a skip
# connection.
PLAIN, SCALED, BESIDE = MODEL.older_versions
KEYS = ("layers", "activations")
KEYS_BESIDE = ("norms", "skips")  # of BESIDE; in the present version both or none
ALWAYS = ("format", "format_version", CHECKSUM)  # what `safetensors` reads
TILE = 256  # columns; four times as fast as rows of 5,000 numbers as a whole, 64 to 512 do as well
OUR_KEYS = (*ALWAYS, *KEYS, *KEYS_BESIDE)


# ---- one layout, written and read ----------------------------------------------------------------


TENSORS_OF_NORM = {None: (), "layer": ("g",), "batch": ("g", "running_mean", "running_var")}


def tensor_shapes(layers: Iterable[int], norms: Iterable[Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of W1 (n_out, n_in), b1 (n_out,), W2 and so on, in the file's order.

    A layer with a norm also has g1 (n_out,); with batch norm it has running_mean1 and running_var1
    of the same shape.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    pairs = zip(itertools.pairwise(layers), (*norms, None), strict=True)
    for number, ((n_in, n_out), norm) in enumerate(pairs, start=1):
        shapes[f"W{number}"] = (n_out, n_in)
        for name in ("b", *TENSORS_OF_NORM[norm]):
            shapes[f"{name}{number}"] = (n_out,)
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
    of_layers = zip(net.W, net.b, net.g, net.running_mean, net.running_var, strict=True)
    views = [view for of_layer in of_layers for view in of_layer if view is not None]
    return zip(tensor_shapes(net.layers, net.norms), views, strict=True)


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
    file = io.BytesIO()
    write(file, net, metadata)
    return file.getvalue()


def write(file: BinaryIO, net: Network, metadata: Mapping[str, str] | None) -> None:
    """Write the network block by block: no second copy of all its tensors is made."""
    net = net.copy()  # one moment's parameters; a RuntimeError while another thread trains them
    write_to(file, _header(net, metadata), _checked_blocks(net))


def _checked_blocks(net: Network) -> Iterator[NDArray[np.floating[Any]]]:
    for name, tensor in itertools.chain(tensors(net), _scaling_tensors(net)):
        for rows in row_blocks(tensor.shape, tensor.itemsize):
            block = _packed(tensor[rows], net.dtype)
            _check_numbers(name, block, ValueError, rows.start)
            yield block


def _packed(rows: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a copy without gaps; in tiles, because W is the transpose of what memory holds."""
    block = np.empty(rows.shape, dtype)
    for first in range(0, rows.shape[-1], TILE):
        block[..., first : first + TILE] = rows[..., first : first + TILE]
    return block


def check_metadata(net: Network, metadata: Mapping[str, str]) -> None:
    """Refuse, before hours of work, metadata that `save` would refuse.

    Raises
    ------
    TypeError, ValueError
        As `to_bytes`.
    """
    _header(net, metadata)


def _scaling_tensors(net: Network) -> Iterator[tuple[str, NDArray[np.floating[Any]]]]:
    """Yield the names of `scaling_shapes`, each with its numbers: those of the network's dtype."""
    for side, scaling in scalings(net).items():
        yield from zip(scaling_names(side), (scaling.offset, scaling.factor), strict=True)


def description(net: Network) -> dict[str, str]:
    """Return the description of the network in the header, without its numbers and dtype."""
    texts = {"layers": json.dumps(net.layers), "activations": json.dumps(net.activations)}
    if any(net.norms) or any(net.skips):
        texts |= {"norms": json.dumps(net.norms), "skips": json.dumps(net.skips)}
    return texts


def _header(net: Network, metadata: Mapping[str, str] | None) -> bytes:
    shapes = tensor_shapes(net.layers, net.norms) | scaling_shapes(net.layers, scalings(net))
    dtype_name = name_of(net.dtype)
    return header(
        MODEL,
        description(net) | _extra_metadata(metadata),
        {name: (dtype_name, shape) for name, shape in shapes.items()},
    )


def _extra_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return the caller's entries, checked."""
    extra = dict(metadata or {})
    for key, value in extra.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"metadata: got {shown({key: value})}, expected str keys and values")
        if key in OUR_KEYS:
            raise ValueError(f"metadata: got the key {key!r}, which the format itself uses")
        if not is_unicode(key + value):
            raise ValueError(f"metadata: got half of a surrogate pair in entry {shown(key)}")
    return extra


# ---- saving --------------------------------------------------------------------------------------


def save(
    net: Network, path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> None:
    """Save the network, whole or not at all: see `atomic.replace`.

    Parameters
    ----------
    net : Network
    path : path-like
    metadata : mapping of str to str, optional
        Further entries for the header, returned by `read`.

    Raises
    ------
    OSError
        As `atomic.replace`.
    TypeError, ValueError, RuntimeError
        As `to_bytes`.
    """
    atomic.replace(path, lambda file: write(file, net, metadata))


# ---- reading -------------------------------------------------------------------------------------


def from_bytes(data: bytes, activations: Sequence[Activation] = ()) -> Network:
    """Return the network that `to_bytes` wrote. Pickled networks come back through here.

    `activations` are the user's own that the network has.

    Raises
    ------
    ModelFormatError
        If the bytes are anything else. No code is run from them, and the memory taken is in
        proportion to their length, whatever sizes they claim.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"data: got {type(data).__name__}, expected bytes")
    with refusing("the pickled network", MODEL.name, None):
        return read_from(io.BytesIO(data), memoryview(data).nbytes, by_name(activations))[0]


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
    UnknownFormatError, DamagedFileError, UnsupportedVersionError, UnknownActivationError
        If the file is not a model, is not as it was saved, was written by a newer version, or names
        an activation that is neither known nor given. Each is a `ModelFormatError`, which is a
        ValueError.
    TypeError, ValueError
        If `activations` are none, or two have one name.
    OSError
        If the file is missing or cannot be read.
    """
    return read(arguments.path("path", path), activations)[0]


def by_name(activations: object) -> dict[str, Activation]:
    """Return the custom activations, checked."""
    from .._activation import Activation

    expected = "expected a sequence of rosenblatt.Activation"
    if not isinstance(activations, Sequence) or isinstance(activations, str | bytes):
        raise TypeError(f"activations: got {shown(activations)}, {expected}")
    named: dict[str, Activation] = {}
    for i, each in enumerate(activations):
        if not isinstance(each, Activation):
            raise TypeError(f"activations[{i}]: got {shown(each)}, {expected}")
        if named.setdefault(each.name, each) != each:
            raise ValueError(f"activations: got {shown(each.name)} twice, expected it once")
    return named


def read(
    path: str | os.PathLike[str], activations: Sequence[Activation] = ()
) -> tuple[Network, dict[str, str]]:
    """Load a network and the further metadata entries that were saved with it; raises as `load`."""
    own = by_name(activations)
    with atomic.opened(os.fsdecode(path), MODEL.name) as (file, size):
        return read_from(file, size, own)


def check_is_model(path: str | os.PathLike[str]) -> None:
    """Read just enough of a file to decide whether it is a model, damaged or not.

    Raises
    ------
    UnknownFormatError
        It is none.
    OSError
        It is missing or cannot be read.
    """
    with (
        contextlib.suppress(DamagedFileError, UnsupportedVersionError),
        atomic.opened(os.fsdecode(path), MODEL.name) as (file, size),
    ):
        Source(file, size, MODEL)


@dataclass(frozen=True, slots=True)
class Header:
    """A checked header: the network it describes, and the tensors in the order of the data."""

    layers: list[int]
    activations: list[str]
    norms: list[Norm | None]  # of the hidden layers
    skips: list[bool]
    dtype: np.dtype[Any]
    scaled: tuple[str, ...]  # "input", "target", both or none
    tensors: list[str]
    extra: dict[str, str]


def read_from(
    stream: io.BufferedIOBase, size: int, own: Mapping[str, Activation]
) -> tuple[Network, dict[str, str]]:
    """Read a model of ``size`` bytes; return the network and the further metadata.

    ``own`` are the activations of the user's own, by name. No tensor is allocated before the header
    agrees with ``size``.
    """
    source = Source(stream, size, MODEL)
    header = _checked_header(source)
    try:
        net = _network(header, own)
    except UnknownActivationError:
        source.verify_rest()  # a flipped bit makes an unknown name of a known one
        raise
    sizes = scaling_shapes(header.layers, header.scaled)
    of_scalings = {name: np.empty(shape, net.dtype) for name, shape in sizes.items()}
    places = dict(tensors(net)) | of_scalings
    for name in header.tensors:
        for rows, block in source.blocks(header.dtype, places[name].shape):
            _check_numbers(name, block, DamagedFileError, rows.start)
            places[name][rows] = block
    source.finish()
    _take_scalings(net, header.scaled, of_scalings)
    return net, header.extra


def _network(header: Header, own: Mapping[str, Activation]) -> Network:
    """Return a network like the header's; its parameters are 0."""
    from .._checks.arguments import ACTIVATIONS
    from .._network import Network

    names = cast("list[ActivationName]", header.activations)  # Network checks them
    *hidden, output = (own.get(name, name) for name in names)
    try:
        return Network(
            header.layers,
            activation=hidden,
            output=output,
            dtype=header.dtype.newbyteorder("=").name,
            weights="zeros",
            norm=header.norms,
            skip=header.skips,
        )
    except (TypeError, ValueError) as error:
        reason = f"no such network: {str(error)[:200]}"
        if {*names} <= {*ACTIVATIONS, *own}:
            raise DamagedFileError(reason) from None
        raise UnknownActivationError(
            f"{reason}; give one of your own: load(path, activations=[...])"
        ) from None


def _take_scalings(net: Network, sides: Iterable[str], numbers: dict[str, NDArray[Any]]) -> None:
    from .._scaling import Scaling

    try:
        for side in sides:
            offset, factor = (numbers[name] for name in scaling_names(side))
            setattr(net, f"{side}_scaling", Scaling(offset, factor))
    except ValueError as error:  # a factor that is not above 0, an output that is not identity
        raise DamagedFileError(f"no such scaling: {str(error)[:200]}") from None


def _checked_header(source: Source) -> Header:
    """Check everything before the data."""
    metadata, entries, version = source.metadata, source.entries, source.version
    keys = _keys_of(version, metadata)
    for key in keys:
        if key not in metadata:
            raise DamagedFileError(f"__metadata__: {key!r} is missing")
    scaled = _checked_scalings(entries, version)
    norms, skips = _checked_beside(metadata, version) if "norms" in keys else (None, None)
    of_norms = sum(len(TENSORS_OF_NORM[norm]) for norm in norms or ())
    layers = _checked_layers(metadata["layers"], len(entries) - 2 * len(scaled) - of_norms)
    n_hidden = len(layers) - 2
    activations = _checked_activations(metadata["activations"], n_layers=len(layers))
    norms, skips = norms or [None] * n_hidden, skips or [False] * n_hidden
    if not len(norms) == len(skips) == n_hidden:
        raise DamagedFileError(
            f"norms, skips: got {len(norms)} and {len(skips)}, expected {n_hidden} for"
            f" {len(layers)} layers"
        )
    shapes = tensor_shapes(layers, norms) | scaling_shapes(layers, scaled)
    dtype_name, offsets = _checked_tensors(entries, shapes)
    return Header(
        layers=layers,
        activations=activations,
        norms=norms,
        skips=skips,
        dtype=DTYPES[dtype_name],
        scaled=scaled,
        tensors=names_in_order(offsets, source.n_data),
        extra={key: value for key, value in metadata.items() if key not in (*ALWAYS, *keys)},
    )


def _keys_of(version: str, metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the entries that describe the network in a file of this version."""
    has_beside = version == MODEL.version and any(key in metadata for key in KEYS_BESIDE)
    return KEYS + (KEYS_BESIDE if version == BESIDE or has_beside else ())


def _checked_layers(text: str, n_tensors: int) -> list[int]:
    """Return the layers' sizes, compared with the number of tensors before they cost memory."""
    layers = parse_json("layers", text)
    if not isinstance(layers, list) or not all(is_integer(n) and n >= 1 for n in layers):
        raise DamagedFileError(
            f"layers: got {shown(layers)}, expected a list of integers from 1 on"
        )
    if len(layers) < 2:
        raise DamagedFileError(f"layers: got {shown(layers)}, expected at least two")
    if n_tensors != 2 * (len(layers) - 1):
        raise DamagedFileError(
            f"tensors: got {n_tensors}, expected {2 * (len(layers) - 1)} for {len(layers)} layers"
        )
    return layers


def _checked_scalings(entries: dict[str, Any], version: str) -> tuple[str, ...]:
    """Return the scalings in the file, in pairs; the version tells whether there are any."""
    sides = []
    for side in ("input", "target"):
        missing = [name for name in scaling_names(side) if name not in entries]
        if len(missing) == 1:
            raise DamagedFileError(
                f"tensors: {missing[0]} is missing, got one of the {side}s alone"
            )
        if not missing:
            sides.append(side)
    if version in (PLAIN, SCALED) and (version == SCALED) != bool(sides):
        raise DamagedFileError(
            f"format_version: got {version!r} with {len(sides)} scalings, expected {PLAIN!r}"
            f" without any, {SCALED!r} with one or two"
        )
    return tuple(sides)


def _checked_beside(metadata: dict[str, str], version: str) -> tuple[list[Norm | None], list[bool]]:
    """Return norm and skip of every hidden layer."""
    norms, skips = (parse_json(key, metadata[key]) for key in KEYS_BESIDE)
    if not isinstance(norms, list) or not all(_is_norm(each) for each in norms):
        raise DamagedFileError(
            f"norms: got {shown(norms)}, expected a list of 'batch', 'layer' and null"
        )
    if not isinstance(skips, list) or not all(type(each) is bool for each in skips):
        raise DamagedFileError(f"skips: got {shown(skips)}, expected a list of true and false")
    if not any(norms) and not any(skips):
        raise DamagedFileError(
            f"format_version: got {version!r} with norms and skips that are none, expected at least"
            " one"
        )
    return norms, skips


def _is_norm(value: object) -> bool:
    return value is None or (isinstance(value, str) and value in TENSORS_OF_NORM)


def _check_numbers(
    name: str, rows: NDArray[Any], exception: type[ValueError], first_row: int
) -> None:
    check_finite(name, rows, exception, first_row)
    if name.startswith("running_var") and (rows < 0).any():
        index = int(np.argmax(rows < 0))
        raise exception(
            f"{name}: got {rows[index]} at [{first_row + index}], expected finite numbers of at"
            " least 0"
        )


def _checked_activations(text: str, n_layers: int) -> list[str]:
    """Return one name per weight layer; `Network` checks the names."""
    activations = parse_json("activations", text)
    if not isinstance(activations, list) or not all(isinstance(a, str) for a in activations):
        raise DamagedFileError(f"activations: got {shown(activations)}, expected a list of names")
    if len(activations) != n_layers - 1:
        raise DamagedFileError(
            f"activations: got {len(activations)}, expected {n_layers - 1} for {n_layers} layers"
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
            raise DamagedFileError(f"tensors: {name} is missing, got {shown(list(entries))}")
        dtype_name, offsets[name] = checked_tensor(name, entries[name], shape)
        dtype_names.add(dtype_name)
    if len(dtype_names) != 1:
        raise DamagedFileError(f"dtype: got {sorted(dtype_names)}, expected one for all tensors")
    return dtype_names.pop(), offsets
