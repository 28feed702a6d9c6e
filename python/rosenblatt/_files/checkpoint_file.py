"""Checkpoint files: a run between two epochs, written atomically, read as untrusted data.

The format is described for a reader in docs/checkpoints.md.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._activation import Activation
from .._checks.shown import shown
from .._network import Network
from . import atomic, model
from .errors import DamagedFileError, ModelFormatError
from .safetensors import (
    CHECKPOINT,
    CHECKSUM,
    DTYPES,
    Source,
    are_integers,
    check_finite,
    checked_tensor,
    header,
    name_of,
    names_in_order,
    parse_json,
    write_to,
)

KEYS = ("format", "format_version", "random_state", "converged", "settings")
HISTORY, VECTOR = "history/", "vector/"


@dataclass(frozen=True, eq=False)
class SavedTraining:
    """A run between two epochs.

    Attributes
    ----------
    net
        With the parameters after the last finished epoch.
    seed
        What the order of the samples, and all else that is drawn, depends on.
    converged
        Whether L-BFGS found the cost flat, so that no epoch follows.
    settings
        What decides the bits of the epochs, as texts by name: see `fingerprint`.
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
        """Number of finished epochs."""
        return len(self.history["loss"])


# ---- writing -------------------------------------------------------------------------------------


def write(saved: SavedTraining, path: str | os.PathLike[str]) -> None:
    """Write a checkpoint; at every moment ``path`` is the whole old file or the whole new one.

    Raises
    ------
    OSError
        The file cannot be written; unless the message says that the new one is there, an older one
        is unchanged.
    ValueError
        A parameter of the network is NaN or infinite, or the settings are too long for a header.
    """
    atomic.replace(path, lambda file: write_to(file, *_parts(saved)))


def to_bytes(saved: SavedTraining) -> bytes:
    """Return the run as the bytes of a checkpoint."""
    file = io.BytesIO()
    write_to(file, *_parts(saved))
    return file.getvalue()


def _parts(saved: SavedTraining) -> tuple[bytes, list[NDArray[Any]]]:
    """Return the header and the tensors; larger dtypes come first, for alignment."""
    tensors = {"numbers": saved.numbers}
    tensors |= {HISTORY + name: np.array(values) for name, values in saved.history.items()}
    tensors |= {f"{VECTOR}{i}": vector for i, vector in enumerate(saved.vectors)}
    if saved.best is not None:
        tensors["best"] = saved.best
    tensors["network"] = np.frombuffer(model.to_bytes(saved.net), np.uint8)
    metadata = {
        "random_state": str(saved.seed),
        "converged": json.dumps(saved.converged),
        "settings": json.dumps(dict(saved.settings)),
    }
    places = {name: (name_of(x.dtype), x.shape) for name, x in tensors.items()}
    return header(CHECKPOINT, metadata, places), list(tensors.values())


# ---- reading -------------------------------------------------------------------------------------


def read(path: str | os.PathLike[str], activations: Sequence[Activation] = ()) -> SavedTraining:
    """Read a checkpoint, which is untrusted until every part has been checked.

    `activations` are the user's own that its network has.

    Raises
    ------
    ModelFormatError
        It is not a checkpoint, or is not as it was written.
    OSError
        The file is missing or cannot be read.
    """
    with atomic.opened(os.fsdecode(path), CHECKPOINT.name) as (file, size):
        return read_from(file, size, activations)


def read_from(
    stream: io.BufferedIOBase, size: int, activations: Sequence[Activation] = ()
) -> SavedTraining:
    """Read a checkpoint of ``size`` bytes; no tensor is allocated before the header agrees."""
    source = Source(stream, size, CHECKPOINT)
    if source.metadata.keys() - {CHECKSUM} != set(KEYS):
        raise DamagedFileError(
            f"__metadata__: got {shown(list(source.metadata))}, expected {', '.join(KEYS)}"
        )
    places = {name: _place(name, entry) for name, entry in source.entries.items()}
    offsets = {name: place for name, (_, place) in places.items()}
    tensors = {}
    for name in names_in_order(offsets, source.n_data):
        dtype = DTYPES[places[name][0]]
        begin, end = offsets[name]
        tensors[name] = source.take(dtype, ((end - begin) // dtype.itemsize,))
    source.finish()
    return _training(source.metadata, tensors, activations)


def _place(name: str, entry: object) -> tuple[str, tuple[int, int]]:
    """Return the dtype name of a tensor (n,), and its place in the data."""
    if name == "network":
        dtype_names = ["U8"]
    elif name == "numbers" or name.startswith(HISTORY):
        dtype_names = ["F64"]
    elif name == "best" or name.startswith(VECTOR):
        dtype_names = ["F32", "F64"]
    else:
        raise DamagedFileError(f"tensors: got {shown(name)}, which no checkpoint has")
    shape = entry.get("shape") if isinstance(entry, dict) else None
    if not are_integers(shape) or len(shape) != 1 or shape[0] < 0:
        raise DamagedFileError(f"{shown(name)}: got shape {shown(shape)}, expected [n]")
    return checked_tensor(name, entry, tuple(shape), dtype_names)


def _training(
    metadata: dict[str, str], tensors: dict[str, NDArray[Any]], activations: Sequence[Activation]
) -> SavedTraining:
    """Combine the parts, and refuse those that do not fit."""
    for name in ("numbers", "network", HISTORY + "loss"):
        if name not in tensors:
            raise DamagedFileError(f"tensors: {name} is missing, got {shown(list(tensors))}")
    try:
        net = _network(tensors.pop("network"), activations)
    except ModelFormatError as error:
        error.args = (f"network: {error}",)
        raise
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


def _network(memory: NDArray[np.uint8], activations: Sequence[Activation]) -> Network:
    own = model.by_name(activations)
    return model.read_from(io.BytesIO(memory.data), memory.size, own)[0]


def _checked_history(tensors: dict[str, NDArray[Any]]) -> dict[str, list[float]]:
    curves = {name: x for name, x in tensors.items() if name.startswith(HISTORY)}
    epochs = len(curves[HISTORY + "loss"])
    for name, curve in curves.items():
        if len(curve) != epochs or epochs == 0:
            raise DamagedFileError(
                f"{shown(name)}: got {len(curve)} epochs, expected as many as the others, 1 or more"
            )
        _without_nan(name, curve)
    return {name.removeprefix(HISTORY): curve.tolist() for name, curve in curves.items()}


def _checked_vectors(tensors: dict[str, NDArray[Any]], net: Network) -> list[NDArray[Any]]:
    vectors = {name: x for name, x in tensors.items() if name.startswith(VECTOR)}
    in_order = [f"{VECTOR}{i}" for i in range(len(vectors))]
    if vectors.keys() != set(in_order):
        raise DamagedFileError(f"tensors: got {shown(list(vectors))}, expected {shown(in_order)}")
    for name, vector in vectors.items():
        _check_like_theta(name, vector, net)
        _without_nan(name, vector)
    return [vectors[name].astype(net.dtype, copy=False) for name in in_order]


def _check_best(best: NDArray[Any], net: Network) -> None:
    """Refuse a state that does not fit the network."""
    twin = net.copy()
    if best.shape != twin._state().shape or name_of(best.dtype) != name_of(net.dtype):
        raise DamagedFileError(
            f"best: got {name_of(best.dtype)} {best.shape}, expected"
            f" {name_of(net.dtype)} {twin._state().shape} for this network"
        )
    check_finite("best", best, DamagedFileError)
    twin._take_state(best)
    if any(variance is not None and (variance < 0).any() for variance in twin.running_var):
        raise DamagedFileError("best: got a running variance below 0, expected at least 0")


def _check_like_theta(name: str, vector: NDArray[Any], net: Network) -> None:
    if vector.shape != (net.n_params,) or name_of(vector.dtype) != name_of(net.dtype):
        raise DamagedFileError(
            f"{name}: got {name_of(vector.dtype)} {vector.shape}, expected"
            f" {name_of(net.dtype)} ({net.n_params},) for this network"
        )


def _without_nan(name: str, numbers: NDArray[Any]) -> NDArray[Any]:
    if np.isnan(numbers).any():
        raise DamagedFileError(f"{shown(name)}: got a NaN, expected numbers")
    return numbers


def _checked_seed(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(2**64))
    if not is_number or int(text) >= 2**64:
        raise DamagedFileError(f"random_state: got {shown(text)}, expected an integer below 2^64")
    return int(text)


def _checked_flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise DamagedFileError(f"{name}: got {shown(text)}, expected 'true' or 'false'")
    return text == "true"


def _checked_settings(text: str) -> dict[str, str]:
    settings = parse_json("settings", text)
    if not isinstance(settings, dict) or not all(isinstance(x, str) for x in settings.values()):
        raise DamagedFileError(f"settings: got {shown(settings)}, expected texts by name")
    return settings
