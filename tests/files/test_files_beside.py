"""Model files of networks with norms or skip connections: format_version 3, and hostile ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import assert_same_bits, samples, twins
from rosenblatt._files import model
from test_files import Header, assemble, header_and_data, meta, of_version, set_to, shift, without

SCALING = rb.Scaling([0.5, -3.0], [2.0, 0.25])


def example(dtype: str = "float32") -> rb.Network:
    """A network of 2 x 3 x 3 x 1 with both norms, the second hidden layer skipped."""
    net, _ = twins([2, 3, 3, 1], norm=["batch", "layer"], skip=True, dtype=dtype)
    return net


def test_the_file_is_laid_out_as_documented() -> None:
    net = example()
    net.input_scaling = SCALING
    header, data = header_and_data(model.to_bytes(net, {"note": "x"}))
    metadata = header.pop("__metadata__")
    assert re.fullmatch("[0-9a-f]{8}", metadata.pop("crc32c"))
    assert metadata == {
        "format": "rosenblatt",
        "format_version": "4",
        "layers": "[2, 3, 3, 1]",
        "activations": '["tanh", "tanh", "identity"]',
        "norms": '["batch", "layer"]',
        "skips": "[false, true]",
        "note": "x",
    }
    assert list(header) == [
        *("W1", "b1", "g1", "running_mean1", "running_var1"),
        *("W2", "b2", "g2", "W3", "b3", "input_offset", "input_factor"),
    ]
    assert header["running_var1"] == {"dtype": "F32", "shape": [3], "data_offsets": [60, 72]}
    variance = net.running_var[0]
    assert variance is not None
    assert data[60:72] == variance.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("norm", "skip"),
    [("batch", False), ("layer", True), (None, True), (["layer", None], [True, False])],
)
def test_they_come_back(norm: Any, skip: Any, dtype: str, tmp_path: Path) -> None:
    net, _ = twins([4, 4, 4, 1], norm=norm, skip=skip, dtype=dtype)
    net.save(tmp_path / "m")
    for loaded in (rb.load(tmp_path / "m"), model.from_bytes(model.to_bytes(net))):
        assert repr(loaded) == repr(net)
        assert_same_bits(loaded.theta, net.theta)
        for name in ("running_mean", "running_var"):
            for one, other in zip(getattr(loaded, name), getattr(net, name), strict=True):
                assert (one is None) == (other is None)
                if one is not None:
                    assert_same_bits(one, other)
        X = samples(5, 4, dtype)
        assert_same_bits(loaded.forward(X), net.forward(X))


def test_a_network_without_them_has_the_file_that_it_had() -> None:
    plain = rb.Network([2, 3, 1], random_state=0)
    none = rb.Network([2, 3, 1], random_state=0, norm=[None], skip=[False])
    assert model.to_bytes(none) == model.to_bytes(plain)
    assert "norms" not in header_and_data(model.to_bytes(plain))[0]["__metadata__"]


def test_in_other_files_their_names_are_anybodys() -> None:
    """A file of an older version could have an entry of this name."""
    header, data = header_and_data(model.to_bytes(rb.Network([2, 3, 1], random_state=0)))
    header = of_version("1", header)
    header["__metadata__"]["norms"] = "mine"
    assert model.from_bytes(assemble(header, data)).norms == (None,)
    with pytest.raises(ValueError, match="'skips', which the format itself uses"):
        model.to_bytes(example(), {"skips": "x"})


HOSTILE: dict[str, tuple[Callable[[Header], object], str]] = {
    "the version of plain files": (
        lambda header: header.update(of_version("1", header)),
        "tensors: got 10, expected 6",
    ),
    "the version of scaled ones": (
        lambda header: header.update(of_version("2", header)),
        "got '2' with 0 scalings",
    ),
    "no norms": (without("__metadata__", "norms"), "'norms' is missing"),
    "no skips": (without("__metadata__", "skips"), "'skips' is missing"),
    "norms a name": (meta("norms", '"batch"'), "norms: got 'batch', expected a list"),
    "norms of another name": (meta("norms", '["group", "layer"]'), r"norms: got \['group'"),
    "norms of lists": (meta("norms", '[["batch"], "layer"]'), r"norms: got \[\['batch'\]"),
    "norms not JSON": (meta("norms", "[batch]"), "norms: not valid JSON"),
    "a norm too few": (meta("norms", '["batch"]'), "tensors: got 7, expected 6"),
    "a norm too many": (meta("norms", '["batch", "layer", null]'), "norms, skips: got 3 and 2"),
    "another norm": (meta("norms", '["layer", "batch"]'), "tensors: running_mean2 is missing"),
    "skips a number": (meta("skips", "[0, 1]"), r"skips: got \[0, 1\], expected a list of true"),
    "skips a bool": (meta("skips", "true"), "skips: got True, expected a list"),
    "a skip too many": (meta("skips", "[false, true, true]"), "norms, skips: got 2 and 3"),
    "a layer that cannot skip": (meta("skips", "[true, true]"), r"no such network: skip\[0\]"),
    "a gain missing": (without("g1"), "tensors: got 5, expected 6"),
    "running statistics missing": (without("running_var1"), "tensors: got 5, expected 6"),
    "a gain of another shape": (set_to("g1", "shape", value=[2]), r"g1: got shape \[2\]"),
    "a statistic of another type": (set_to("running_var1", "dtype", value="I8"), "got dtype 'I8'"),
    "an overlap": (shift("running_mean1", -4), "got data_offsets that begin at"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_unsound_settings_are_refused(case: str) -> None:
    change, message = HOSTILE[case]
    header, data = header_and_data(model.to_bytes(example()))
    change(header)
    with pytest.raises(rb.ModelFormatError, match=message):
        model.from_bytes(assemble(header, data))


@pytest.mark.parametrize("version", ["3", "4"])
def test_a_list_of_neither_is_refused(version: str) -> None:
    header, data = header_and_data(model.to_bytes(rb.Network([2, 3, 1], random_state=0)))
    if version == "3":
        header = of_version(version, header)
    header["__metadata__"] |= {"norms": "[null]", "skips": "[false]"}
    with pytest.raises(rb.ModelFormatError, match=f"got '{version}' with norms and skips that are"):
        model.from_bytes(assemble(header, data))


@pytest.mark.parametrize("name", ["g1", "running_mean1", "running_var1", "g2"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_numbers_that_are_not_sound_are_refused(value: float, name: str) -> None:
    header, data = header_and_data(model.to_bytes(example()))
    begin = header[name]["data_offsets"][0] + 4
    data = data[:begin] + np.float32(value).tobytes() + data[begin + 4 :]
    if value == -1.0 and name != "running_var1":  # a gain and a mean may be any number
        model.from_bytes(assemble(header, data))
        return
    with pytest.raises(rb.ModelFormatError, match=rf"{name}: got .* at \[1\], expected finite"):
        model.from_bytes(assemble(header, data))


def test_a_variance_below_0_is_not_saved(tmp_path: Path) -> None:
    net = example()
    net.save(tmp_path / "m")
    variance = net.running_var[0]
    assert variance is not None
    variance[2] = -1
    with pytest.raises(
        ValueError, match=r"running_var1: got -1.0 at \[2\], expected finite numbers"
    ):
        net.save(tmp_path / "m")
    assert rb.load(tmp_path / "m").running_var[0] is not None
