"""Checkpoint files: a training between two epochs, written whole or not at all, read distrustfully.

The format is described for a reader in docs/checkpoints.md.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _files, _saving
from ._activation import Activation
from ._layout import (
    DTYPES,
    ModelFormatError,
    are_integers,
    bytes_of,
    check_cover,
    check_finite,
    checked_tensor,
    checked_texts,
    fill,
    header,
    name_of,
    parse_json,
    read_entries,
)
from ._network import Network
from ._shown import shown

FORMAT = _files.FORMAT_OF_CHECKPOINTS
FORMAT_VERSION = "1"
KEYS = ("format", "format_version", "random_state", "converged", "settings")
HISTORY, VECTOR = "history/", "vector/"


@dataclass(frozen=True, eq=False)
class SavedTraining:
    """A training between two epochs.

    Attributes
    ----------
    net
        With the parameters after the last finished epoch.
    seed
        What the order of the samples, and all else that is drawn, depends on.
    converged
        Whether L-BFGS found the cost flat, so that no epoch follows.
    settings
        What decides the bits of the epochs, as texts by name: see `_fingerprint`.
    history
        A number for every finished epoch, of which there is at least one, by name; "loss" is there.
    numbers, vectors
        What the optimiser remembers: float64 numbers, and arrays (n_params,) of the network's dtype
        in theta's order. They may be infinite.
    best
        The parameters of the best epoch, and its running statistics behind them, where early
        stopping keeps them.
    """

    net: Network
    seed: int
    converged: bool
    settings: Mapping[str, str]
    history: Mapping[str, list[float]]
    numbers: NDArray[np.float64]
    vectors: list[NDArray[Any]]
    best: NDArray[Any] | None

    @property
    def epochs(self) -> int:
        """How many are finished."""
        return len(self.history["loss"])


# ---- writing -------------------------------------------------------------------------------------


def write(saved: SavedTraining, path: str | os.PathLike[str]) -> None:
    """Write a checkpoint; at every moment ``path`` is the whole old file or the whole new one.

    Raises
    ------
    OSError
        The file cannot be written; an older one is as it was.
    ValueError
        A parameter of the network is NaN or infinite, or the settings are too long for a header.
    """
    _saving.replace(path, chunks(saved))


def chunks(saved: SavedTraining) -> Iterator[bytes | memoryview[int]]:
    """Yield the file piece by piece; the tensors of larger numbers come first, for alignment."""
    tensors = {"numbers": saved.numbers}
    tensors |= {HISTORY + name: np.array(values) for name, values in saved.history.items()}
    tensors |= {f"{VECTOR}{i}": vector for i, vector in enumerate(saved.vectors)}
    if saved.best is not None:
        tensors["best"] = saved.best
    tensors["network"] = np.frombuffer(_files.to_bytes(saved.net), np.uint8)
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "random_state": str(saved.seed),
        "converged": json.dumps(saved.converged),
        "settings": json.dumps(dict(saved.settings)),
    }
    yield header(metadata, {name: (name_of(x.dtype), x.shape) for name, x in tensors.items()})
    for tensor in tensors.values():
        yield bytes_of(tensor, name_of(tensor.dtype))


# ---- reading -------------------------------------------------------------------------------------


def read(path: str | os.PathLike[str], activations: Sequence[Activation] = ()) -> SavedTraining:
    """Read a checkpoint, which is taken as hostile until every part has been checked.

    `activations` are those of the user's own that its network has.

    Raises
    ------
    ModelFormatError
        The file is no checkpoint that this version reads.
    OSError
        The file is missing or cannot be read.
    """
    with _saving.opened(os.fsdecode(path)) as (file, size):
        return read_from(file, size, activations)


def read_from(
    stream: io.BufferedIOBase, size: int, activations: Sequence[Activation] = ()
) -> SavedTraining:
    """Read a checkpoint of ``size`` bytes; no tensor is allocated before the header agrees."""
    entries, data_begins = read_entries(stream, size)
    metadata = _checked_metadata(entries.pop("__metadata__", {}))
    places = {name: _place(name, entry) for name, entry in entries.items()}
    check_cover({name: offsets for name, (_, offsets) in places.items()}, size - data_begins)
    tensors = {}
    for name, (dtype_name, (begin, end)) in places.items():
        memory = np.empty(end - begin, np.uint8)
        stream.seek(data_begins + begin)
        fill(stream, memory)
        tensors[name] = memory.view(DTYPES[dtype_name])
    return _training(metadata, tensors, activations)


def _checked_metadata(found: object) -> dict[str, str]:
    metadata = checked_texts(found)
    for key, needed in (("format", FORMAT), ("format_version", FORMAT_VERSION)):
        if metadata.get(key) != needed:
            found_value, hint = metadata.get(key), ""
            if found_value == _files.FORMAT:
                hint = ": it is a model, which rb.load reads; a checkpoint needs a path of its own"
            raise ModelFormatError(f"{key}: got {shown(found_value)}, needed {needed!r}{hint}")
    if metadata.keys() != set(KEYS):
        raise ModelFormatError(
            f"__metadata__: got {shown(list(metadata))}, needed {', '.join(KEYS)}"
        )
    return metadata


def _place(name: str, entry: object) -> tuple[str, tuple[int, int]]:
    """Return the dtype's name of a tensor (n,), and where it lies in the data."""
    if name == "network":
        dtype_names = ["U8"]
    elif name == "numbers" or name.startswith(HISTORY):
        dtype_names = ["F64"]
    elif name == "best" or name.startswith(VECTOR):
        dtype_names = ["F32", "F64"]
    else:
        raise ModelFormatError(f"tensors: got {shown(name)}, which no checkpoint has")
    shape = entry.get("shape") if isinstance(entry, dict) else None
    if not are_integers(shape) or len(shape) != 1 or shape[0] < 0:
        raise ModelFormatError(f"{shown(name)}: got shape {shown(shape)}, needed [n]")
    return checked_tensor(name, entry, tuple(shape), dtype_names)


def _training(
    metadata: dict[str, str], tensors: dict[str, NDArray[Any]], activations: Sequence[Activation]
) -> SavedTraining:
    """Put the parts together, and refuse those that do not fit."""
    for name in ("numbers", "network", HISTORY + "loss"):
        if name not in tensors:
            raise ModelFormatError(f"tensors: {name} is missing, got {shown(list(tensors))}")
    try:
        net = _files.from_bytes(tensors.pop("network").tobytes(), activations)
    except ModelFormatError as error:
        raise ModelFormatError(f"network: {error}") from None
    best = tensors.pop("best", None)
    if best is not None:
        _check_best(best, net)
    return SavedTraining(
        net=net,
        seed=_checked_seed(metadata["random_state"]),
        converged=_checked_flag("converged", metadata["converged"]),
        settings=_checked_settings(metadata["settings"]),
        numbers=_without_nan("numbers", tensors.pop("numbers")),
        history=_checked_history(tensors),
        vectors=_checked_vectors(tensors, net),
        best=best,
    )


def _checked_history(tensors: dict[str, NDArray[Any]]) -> dict[str, list[float]]:
    curves = {name: x for name, x in tensors.items() if name.startswith(HISTORY)}
    epochs = len(curves[HISTORY + "loss"])
    for name, curve in curves.items():
        if len(curve) != epochs or epochs == 0:
            raise ModelFormatError(
                f"{shown(name)}: got {len(curve)} epochs, needed as many as the others, at least 1"
            )
        _without_nan(name, curve)
    return {name.removeprefix(HISTORY): curve.tolist() for name, curve in curves.items()}


def _checked_vectors(tensors: dict[str, NDArray[Any]], net: Network) -> list[NDArray[Any]]:
    vectors = {name: x for name, x in tensors.items() if name.startswith(VECTOR)}
    in_order = [f"{VECTOR}{i}" for i in range(len(vectors))]
    if vectors.keys() != set(in_order):
        raise ModelFormatError(f"tensors: got {shown(list(vectors))}, needed {shown(in_order)}")
    for name, vector in vectors.items():
        _check_like_theta(name, vector, net)
        _without_nan(name, vector)
    return [vectors[name].astype(net.dtype, copy=False) for name in in_order]


def _check_best(best: NDArray[Any], net: Network) -> None:
    """Refuse what a network like this one cannot take."""
    twin = net.copy()
    if best.shape != twin._state().shape or name_of(best.dtype) != name_of(net.dtype):
        raise ModelFormatError(
            f"best: got {name_of(best.dtype)} {best.shape}, needed"
            f" {name_of(net.dtype)} {twin._state().shape} for this network"
        )
    check_finite("best", best, ModelFormatError)
    twin._take_state(best)
    if any(variance is not None and (variance < 0).any() for variance in twin.running_var):
        raise ModelFormatError("best: got a running variance below 0, needed at least 0")


def _check_like_theta(name: str, vector: NDArray[Any], net: Network) -> None:
    if vector.shape != (net.n_params,) or name_of(vector.dtype) != name_of(net.dtype):
        raise ModelFormatError(
            f"{name}: got {name_of(vector.dtype)} {vector.shape}, needed"
            f" {name_of(net.dtype)} ({net.n_params},) for this network"
        )


def _without_nan(name: str, numbers: NDArray[Any]) -> NDArray[Any]:
    if np.isnan(numbers).any():
        raise ModelFormatError(f"{shown(name)}: got a NaN, needed numbers")
    return numbers


def _checked_seed(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(2**64))
    if not is_number or int(text) >= 2**64:
        raise ModelFormatError(f"random_state: got {shown(text)}, needed an integer below 2^64")
    return int(text)


def _checked_flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise ModelFormatError(f"{name}: got {shown(text)}, needed 'true' or 'false'")
    return text == "true"


def _checked_settings(text: str) -> dict[str, str]:
    settings = parse_json("settings", text)
    if not isinstance(settings, dict) or not all(isinstance(x, str) for x in settings.values()):
        raise ModelFormatError(f"settings: got {shown(settings)}, needed texts by name")
    return settings
