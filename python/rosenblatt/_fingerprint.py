"""The fingerprint of a training: what decides the bits of its epochs, in texts to be compared."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from . import _files
from ._network import Network
from ._sparse import Inputs, SparseInputs
from ._validation import Samples

AT_A_TIME: Final = 1 << 24  # bytes of an array that are copied to be digested, where it has gaps


def fingerprint(
    net: Network, samples: Samples, held_out: Samples | None, settings: Mapping[str, Any]
) -> dict[str, str]:
    """Return it.

    Parameters
    ----------
    net
        Of which sizes and activations count, and the scalings that the training will not fit; the
        parameters do not, for those of the checkpoint take their place.
    samples, held_out
        The numbers that are trained and validated on.
    settings
        Everything else by name. Functions are all alike: they cannot be compared.
    """
    texts = {**_files.description(net), "dtype": net.dtype.name}
    for side, scaling in _files.scalings(net).items():
        if settings[f"scale_{side}s"] is None:
            texts[f"{side}_scaling"] = _digest(scaling.offset) + _digest(scaling.factor)
    texts |= {name: _text(value) for name, value in settings.items()}
    for prefix, each in (("", samples), ("validation ", held_out)):
        if each is not None:
            texts[prefix + "X"] = _digest_of_inputs(each.X)
            texts[prefix + "Y"] = _digest(each.Y)
            texts[prefix + "sample_weight"] = (
                "none" if each.weights is None else _digest(each.weights)
            )
    return texts


def differences(now: Mapping[str, str], then: Mapping[str, str]) -> str:
    """Return in words what differs, an empty text where nothing does."""
    names = [*now, *(name for name in then if name not in now)]
    return "; ".join(
        f"{name}: got {now.get(name, 'none')}, needed {then.get(name, 'none')}"
        for name in names
        if now.get(name) != then.get(name)
    )


def _text(value: Any) -> str:
    """Return a setting as a text that is the same in every process."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        of_fields = [f"{each.name}={_text(getattr(value, each.name))}" for each in fields]
        return f"{type(value).__name__}({', '.join(of_fields)})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    if callable(value):
        return "a function"
    return repr(value)


def _digest_of_inputs(X: Inputs) -> str:
    if not isinstance(X, SparseInputs):
        return _digest(X)
    stored = ", ".join(map(_digest, (X.values, X.columns, X.starts)))
    return f"sparse {X.shape}, {stored}"


def _digest(array: NDArray[Any]) -> str:
    """Return the shape, the dtype and a digest of the numbers."""
    shown = f"{array.shape} {array.dtype.name}"
    if array.dtype.hasobject:  # targets of a loss of one's own
        return shown
    digest = hashlib.blake2b(digest_size=16)
    rows = array.reshape(1, -1) if array.ndim == 0 else array
    n_rows = max(1, AT_A_TIME // max(1, rows[:1].nbytes))
    for first in range(0, len(rows), n_rows):
        part = np.ascontiguousarray(rows[first : first + n_rows])
        digest.update(part.reshape(-1).view(np.uint8).data)
    return f"{shown} digest {digest.hexdigest()}"
