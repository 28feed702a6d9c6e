"""A snapshot notices whatever changes in a network, an estimator, or an ordinary object."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from snapshots import assert_unchanged, differences, snapshot


def held() -> SimpleNamespace:
    return SimpleNamespace(
        number=1.0,
        text="a",
        items=[1, {"b": np.zeros(3)}],
        random=np.random.RandomState(0),
        generator=np.random.default_rng(0),
        objects=np.array([1, "a", None], dtype=object),
        rate=rb.schedules.Cosine(0.1, period=5),
        net=rb.Network([2, 3, 1], norm="batch", random_state=0),
        cache={},
    )


CHANGES: dict[str, Any] = {
    "number": lambda obj: setattr(obj, "number", 1),
    "sign": lambda obj: setattr(obj, "number", -1.0),
    "text": lambda obj: setattr(obj, "text", "b"),
    "a number in an array": lambda obj: obj.items[1]["b"].__setitem__(2, -0.0),
    "the type of an array": lambda obj: obj.items[1].__setitem__("b", np.zeros(3, np.float32)),
    "another item": lambda obj: obj.items.append(2),
    "another attribute": lambda obj: setattr(obj, "other", None),
    "a draw": lambda obj: obj.random.rand(),
    "a draw of a generator": lambda obj: obj.generator.random(),
    "an object in an array": lambda obj: obj.objects.__setitem__(0, True),
    "a weight": lambda obj: obj.net.theta.__setitem__(0, 3.0),
    "a running mean": lambda obj: obj.net.running_mean[0].__setitem__(0, 3.0),
    "threads": lambda obj: setattr(obj.net, "threads", 1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_is_noticed(change: Any) -> None:
    obj = held()
    before = snapshot(obj)
    assert_unchanged(before, obj)
    assert before == snapshot(held())
    change(obj)
    assert len(list(differences(before, snapshot(obj)))) >= 1
    with pytest.raises(AssertionError):
        assert_unchanged(before, obj)


def test_caches_can_be_ignored() -> None:
    obj = held()
    before = snapshot(obj, ignored=["cache"])
    obj.cache["a"] = 1
    assert_unchanged(before, obj, ignored=["cache"])


def test_the_path_of_a_change_is_named() -> None:
    obj = held()
    before = snapshot(obj)
    obj.net.b[0][1] = 5.0
    found = "\n".join(differences(before, snapshot(obj)))
    assert ".net[1]._core[1].theta" in found
