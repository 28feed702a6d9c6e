"""Fingerprint: everything that decides the result of a run, as texts that can be compared."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .._checks.shown import brief
from .._checks.sparse import Inputs, SparseInputs
from .._network import Network
from .._training.validation import Samples
from . import model
from .safetensors import bytes_of, row_blocks

WITH_VALUES: Final = 2  # settings that a message compares
LONGEST: Final = 40  # characters of a value that a message shows, and of the names without values
LONGEST_NAME: Final = 24


def fingerprint(
    net: Network, samples: Samples, held_out: Samples | None, settings: Mapping[str, Any]
) -> dict[str, str]:
    """Return the fingerprint of a run.

    Parameters
    ----------
    net
        Its sizes and activations count, and the scalings that the run will not fit. Its parameters
        do not, because those of the checkpoint replace them.
    samples, held_out
        The training and validation samples.
    settings
        Everything else by name. Functions count as equal, because they cannot be compared.
    """
    texts = {**model.description(net), "dtype": net.dtype.name}
    for side, scaling in model.scalings(net).items():
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
    """Return a text with the differences, the first few with values; empty if there are none."""
    names = [*now, *(name for name in then if name not in now)]
    differing = [name for name in names if now.get(name) != then.get(name)]
    parts = []
    for name in differing[:WITH_VALUES]:
        got, expected = _apart(now.get(name, "none"), then.get(name, "none"))
        parts.append(f"{brief(name, LONGEST_NAME)}: got {got}, expected {expected}")
    if rest := differing[WITH_VALUES:]:
        parts.append(f"and {len(rest)} more: {brief(', '.join(rest), LONGEST)}")
    return "; ".join(parts)


def _apart(got: str, expected: str) -> tuple[str, str]:
    """Return short forms of two different texts, in which the first difference can be seen."""
    start = len(os.path.commonprefix((got, expected))) - 12  # noqa: RUF071 - texts, not paths
    return _beginning(got, start), _beginning(expected, start)


def _beginning(text: str, start: int) -> str:
    """Return the beginning of a text, without most of what comes before `start` if that is late."""
    if len(text) > LONGEST and start > LONGEST // 2:
        text = f"{text[:5]}...{text[start:]}"
    return brief(text if len(text) <= LONGEST else text[: LONGEST - 3] + "...", LONGEST)


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
    if array.dtype.hasobject:  # targets of a custom loss
        return shown
    digest = hashlib.blake2b(digest_size=16)
    array = np.atleast_1d(array)
    for rows in row_blocks(array.shape, array.itemsize):  # arrays with gaps are copied to be read
        digest.update(bytes_of(np.ascontiguousarray(array[rows])))
    return f"{shown} digest {digest.hexdigest()}"
