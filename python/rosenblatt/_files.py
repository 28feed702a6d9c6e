"""Model files: a network in the safetensors layout, saved atomically, read by a distrustful loader.

The format, and all that the loader refuses, is described for a reader in docs/model-files.md.
"""

from __future__ import annotations

import io
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from . import _arguments, _saving
from ._layout import (
    DTYPES,
    ModelFormatError,
    bytes_of,
    check_cover,
    check_finite,
    checked_tensor,
    checked_texts,
    fill,
    header,
    is_integer,
    is_unicode,
    name_of,
    parse_json,
    read_entries,
)
from ._shown import shown

if TYPE_CHECKING:
    from ._activation import Activation, ActivationName
    from ._network import Network, Norm
    from ._scaling import Scaling

FORMAT = "rosenblatt"
FORMAT_OF_CHECKPOINTS = "rosenblatt checkpoint"
# format_version: of a plain network, with one or two scalings; with a norm or a skip connection.
PLAIN, SCALED, BESIDE = "1", "2", "3"
FORMAT_VERSIONS = (PLAIN, SCALED, BESIDE)
OUR_KEYS = ("format", "format_version", "layers", "activations")
KEYS_BESIDE = ("norms", "skips")  # of format_version 3


# ---- one layout, written and read ----------------------------------------------------------------


TENSORS_OF_NORM = {None: (), "layer": ("g",), "batch": ("g", "running_mean", "running_var")}


def tensor_shapes(layers: Iterable[int], norms: Iterable[Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of W1 (n_out, n_in), b1 (n_out,), W2 and so on, in the file's order.

    A layer with a norm has g1 (n_out,), too, with batch norm running_mean1 and running_var1, alike.
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
    return b"".join(chunks(net, metadata))


def chunks(net: Network, metadata: Mapping[str, str] | None) -> Iterator[bytes | memoryview[int]]:
    """Yield the file piece by piece, so that `save` holds no second copy of all the tensors."""
    net = net.copy()  # one moment's parameters; a RuntimeError while another thread trains them
    dtype_name = name_of(net.dtype)
    yield _header(net, dtype_name, metadata)
    for name, view in itertools.chain(tensors(net), _scaling_tensors(net)):
        tensor = np.ascontiguousarray(view, DTYPES[dtype_name])
        _check_numbers(name, tensor, ValueError)
        yield bytes_of(tensor, dtype_name)


def _scaling_tensors(net: Network) -> Iterator[tuple[str, NDArray[np.floating[Any]]]]:
    """Yield the names of `scaling_shapes`, each with its numbers: those of the network's dtype."""
    for side, scaling in scalings(net).items():
        yield from zip(scaling_names(side), (scaling.offset, scaling.factor), strict=True)


def description(net: Network) -> dict[str, str]:
    """Return what the header says of the network beside its numbers and their type."""
    texts = {"layers": json.dumps(net.layers), "activations": json.dumps(net.activations)}
    if _has_beside(net):
        texts |= {"norms": json.dumps(net.norms), "skips": json.dumps(net.skips)}
    return texts


def _has_beside(net: Network) -> bool:
    return any(net.norms) or any(net.skips)


def _header(net: Network, dtype_name: str, metadata: Mapping[str, str] | None) -> bytes:
    sides = scalings(net)
    shapes = tensor_shapes(net.layers, net.norms) | scaling_shapes(net.layers, sides)
    entries = {
        "format": FORMAT,
        "format_version": BESIDE if _has_beside(net) else SCALED if sides else PLAIN,
        **description(net),
        **_extra_metadata(metadata),
    }
    return header(entries, {name: (dtype_name, shape) for name, shape in shapes.items()})


def _extra_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return the caller's entries, checked."""
    extra = dict(metadata or {})
    for key, value in extra.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"metadata: got {shown({key: value})}, needed str keys and values")
        if key in OUR_KEYS + KEYS_BESIDE:
            raise ValueError(f"metadata: got the key {key!r}, which the format itself uses")
        if not is_unicode(key + value):
            raise ValueError(f"metadata: got half of a surrogate pair in entry {shown(key)}")
    return extra


# ---- saving --------------------------------------------------------------------------------------


def save(
    net: Network, path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> None:
    """Save the network, whole or not at all: see `_saving.replace`.

    Parameters
    ----------
    net : Network
    path : path-like
    metadata : mapping of str to str, optional
        Further entries for the header, returned by `read`.

    Raises
    ------
    OSError
        As `_saving.replace`.
    TypeError, ValueError, RuntimeError
        As `to_bytes`.
    """
    _saving.replace(path, chunks(net, metadata))


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
    return read_from(io.BytesIO(data), memoryview(data).nbytes, _by_name(activations))[0]


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
    return read(_arguments.path("path", path), activations)[0]


def _by_name(activations: object) -> dict[str, Activation]:
    from ._activation import Activation

    needed = "needed a sequence of rosenblatt.Activation"
    if not isinstance(activations, Sequence) or isinstance(activations, str | bytes):
        raise TypeError(f"activations: got {shown(activations)}, {needed}")
    named: dict[str, Activation] = {}
    for i, each in enumerate(activations):
        if not isinstance(each, Activation):
            raise TypeError(f"activations[{i}]: got {shown(each)}, {needed}")
        if named.setdefault(each.name, each) != each:
            raise ValueError(f"activations: got {shown(each.name)} twice, needed each once")
    return named


def read(
    path: str | os.PathLike[str], activations: Sequence[Activation] = ()
) -> tuple[Network, dict[str, str]]:
    """Load a network and the further metadata entries that were saved with it; raises as `load`."""
    own = _by_name(activations)
    with _saving.opened(os.fsdecode(path)) as (file, size):
        return read_from(file, size, own)


@dataclass(frozen=True, slots=True)
class Header:
    """A checked header: the network it describes, and where each tensor lies."""

    layers: list[int]
    activations: list[str]
    norms: list[Norm | None]  # of the hidden layers
    skips: list[bool]
    dtype_name: str
    scaled: tuple[str, ...]  # "input", "target", both or none
    positions: dict[str, int]  # of each tensor's first byte, from the beginning of the file
    extra: dict[str, str]


def read_from(
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
            norm=header.norms,
            skip=header.skips,
        )
    except (TypeError, ValueError) as error:  # an unknown activation, for one
        unknown = not {*names} <= {*ACTIVATIONS, *own}
        hint = "; one of your own must be given: load(path, activations=[...])" if unknown else ""
        raise ModelFormatError(f"no such network: {str(error)[:300]}{hint}") from None

    def tensor(name: str, shape: tuple[int, ...]) -> NDArray[np.floating[Any]]:
        memory = np.empty(prod(shape) * dtype.itemsize, np.uint8)
        stream.seek(header.positions[name])
        fill(stream, memory)
        numbers = memory.view(dtype).reshape(shape)
        _check_numbers(name, numbers, ModelFormatError)
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
    entries, data_begins = read_entries(stream, size)
    metadata = _checked_metadata(entries.pop("__metadata__", {}))
    scaled = _checked_scalings(entries, metadata["format_version"])
    norms, skips = _checked_beside(metadata)
    of_norms = sum(len(TENSORS_OF_NORM[norm]) for norm in norms)
    layers = _checked_layers(metadata["layers"], len(entries) - 2 * len(scaled) - of_norms)
    activations = _checked_activations(metadata["activations"], n_layers=len(layers))
    if metadata["format_version"] != BESIDE:
        norms, skips = [None] * (len(layers) - 2), [False] * (len(layers) - 2)
    if not len(norms) == len(skips) == len(layers) - 2:
        raise ModelFormatError(
            f"norms, skips: got {len(norms)} and {len(skips)}, needed {len(layers) - 2} for"
            f" {len(layers)} layers"
        )
    shapes = tensor_shapes(layers, norms) | scaling_shapes(layers, scaled)
    dtype_name, offsets = _checked_tensors(entries, shapes)
    check_cover(offsets, size - data_begins)
    return Header(
        layers=layers,
        activations=activations,
        norms=norms,
        skips=skips,
        dtype_name=dtype_name,
        scaled=scaled,
        positions={name: data_begins + begin for name, (begin, _) in offsets.items()},
        extra={key: value for key, value in metadata.items() if key not in _keys_of(metadata)},
    )


def _checked_metadata(found: object) -> dict[str, str]:
    metadata = checked_texts(found)
    if metadata.get("format") != FORMAT:
        hint = ""
        if metadata.get("format") == FORMAT_OF_CHECKPOINTS:
            hint = ": it is a checkpoint, with which rb.train(..., checkpoint=path) goes on"
        found_format = shown(metadata.get("format"))
        raise ModelFormatError(f"format: got {found_format}, needed {FORMAT!r}{hint}")
    if metadata.get("format_version") not in FORMAT_VERSIONS:
        raise ModelFormatError(
            f"format_version: got {shown(metadata.get('format_version'))}, needed"
            f" {' or '.join(map(repr, FORMAT_VERSIONS))}, those that this rosenblatt reads"
        )
    for key in _keys_of(metadata):
        if key not in metadata:
            raise ModelFormatError(f"__metadata__: {key!r} is missing")
    return metadata


def _checked_layers(text: str, n_tensors: int) -> list[int]:
    """Return the layers' sizes, compared with the number of tensors before they cost memory."""
    layers = parse_json("layers", text)
    if not isinstance(layers, list) or not all(is_integer(n) and n >= 1 for n in layers):
        raise ModelFormatError(f"layers: got {shown(layers)}, needed a list of integers from 1 on")
    if len(layers) < 2:
        raise ModelFormatError(f"layers: got {shown(layers)}, needed at least two")
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
    if version != BESIDE and (version == SCALED) != bool(sides):
        raise ModelFormatError(
            f"format_version: got {version!r} with {len(sides)} scalings, needed {PLAIN!r} without"
            f" any, {SCALED!r} with one or two"
        )
    return tuple(sides)


def _keys_of(metadata: dict[str, str]) -> tuple[str, ...]:
    """Return the entries that are the format's own in a file of this version."""
    return OUR_KEYS + (KEYS_BESIDE if metadata["format_version"] == BESIDE else ())


def _checked_beside(metadata: dict[str, str]) -> tuple[list[Norm | None], list[bool]]:
    """Return norm and skip of every hidden layer; empty where the version has none."""
    if metadata["format_version"] != BESIDE:
        return [], []
    norms, skips = (parse_json(key, metadata[key]) for key in KEYS_BESIDE)
    if not isinstance(norms, list) or not all(_is_norm(each) for each in norms):
        raise ModelFormatError(
            f"norms: got {shown(norms)}, needed a list of 'batch', 'layer' and null"
        )
    if not isinstance(skips, list) or not all(type(each) is bool for each in skips):
        raise ModelFormatError(f"skips: got {shown(skips)}, needed a list of true and false")
    if not any(norms) and not any(skips):
        raise ModelFormatError(
            f"format_version: got {BESIDE!r} without a norm or a skip connection, needed"
            f" {PLAIN!r} or {SCALED!r}"
        )
    return norms, skips


def _is_norm(value: object) -> bool:
    return value is None or (isinstance(value, str) and value in TENSORS_OF_NORM)


def _check_numbers(name: str, tensor: NDArray[Any], exception: type[ValueError]) -> None:
    check_finite(name, tensor, exception)
    if name.startswith("running_var") and (tensor < 0).any():
        index = int(np.argmax(tensor < 0))
        raise exception(
            f"{name}: got {tensor[index]} at [{index}], needed finite numbers of at least 0"
        )


def _checked_activations(text: str, n_layers: int) -> list[str]:
    """Return one name per weight layer; `Network` knows which names there are."""
    activations = parse_json("activations", text)
    if not isinstance(activations, list) or not all(isinstance(a, str) for a in activations):
        raise ModelFormatError(f"activations: got {shown(activations)}, needed a list of names")
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
            raise ModelFormatError(f"tensors: {name} is missing, got {shown(list(entries))}")
        dtype_name, offsets[name] = checked_tensor(name, entries[name], shape)
        dtype_names.add(dtype_name)
    if len(dtype_names) != 1:
        raise ModelFormatError(f"dtype: got {sorted(dtype_names)}, needed one for all tensors")
    return dtype_names.pop(), offsets
