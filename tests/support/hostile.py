"""Values that make messages long or unreadable, and the check that messages about them are not."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

LONGEST = 400  # characters of a message

# ---- values whose repr is long, not printable, or raises -----------------------------------------


class RaisingRepr:
    def __repr__(self) -> str:
        raise RuntimeError("no repr " * 100)


class NoTextRepr:
    def __repr__(self) -> str:
        return 7  # type: ignore[return-value]


class HugeRepr:
    def __repr__(self) -> str:
        return "line\n\x00\x1b[31m" * 10**4


class HugeText(str):
    __slots__ = ()


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value, "x" * 1000]
    return value


def itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


HOSTILE: dict[str, Callable[[], Any]] = {
    "a long text": lambda: "r" * 10**5,
    "a long text of another type": lambda: HugeText("q" * 10**5),
    "a text with control characters": lambda: "a\nb\x00\x1b[31m\u202e\ud800",
    "long bytes": lambda: b"x" * 10**5,
    "an integer of 5001 digits": lambda: 10**5000,
    "a negative integer of 5001 digits": lambda: -(10**5000),
    "an integer of 4001 digits": lambda: -(10**4000),
    "a list of integers of 5001 digits": lambda: [-(10**5000)] * 9,
    "a deep list": lambda: nested(50),
    "a list of itself": itself,
    "a long list": lambda: list(range(10**4)),
    "a long list of long texts": lambda: ["r" * 10**4] * 100,
    "a repr that raises": RaisingRepr,
    "a repr that is no text": NoTextRepr,
    "a huge repr": HugeRepr,
    "a list of huge reprs": lambda: [HugeRepr()] * 3,
    "a type with a long name": type("T" * 10**4, (), {}),
    "a mapping of long texts": lambda: {"k" * 10**5: "v" * 10**5},
    "an array of texts": lambda: np.array(["r" * 10**4] * 3),
    "an array of objects": lambda: np.array([HugeRepr(), RaisingRepr(), 3], dtype=object),
    "an array of structures": lambda: np.zeros(3, [(f"field_{i}", float) for i in range(500)]),
    "an array of 32 axes": lambda: np.zeros((1,) * 32, complex),
    "complex numbers": lambda: np.full((12, 2), 1 + 2j),
    "a complex number": lambda: 1 + 2j,
    "NaN": lambda: float("nan"),
    "a boolean": lambda: True,
    "booleans": lambda: np.ones((12, 2), bool),
}


Call = tuple[Callable[..., Any], dict[str, Any]]  # what is called, and with which valid arguments


@dataclass(frozen=True)
class New:
    """A valid argument that is made for each call, because the call changes it."""

    make: Callable[[], Any]

    def __call__(self) -> Any:
        return self.make()


REFUSALS = (TypeError, ValueError, OSError, RuntimeError, MemoryError, FloatingPointError)


def parameters(calls: dict[str, Call]) -> list[tuple[str, str]]:
    """Return every named parameter of each call."""
    variadic = {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
    return [
        (name, parameter.name)
        for name, (call, _) in calls.items()
        for parameter in inspect.signature(call).parameters.values()
        if parameter.name != "self" and parameter.kind not in variadic
    ]


def check_messages(call: Call, parameter: str, word: str = "") -> None:
    """Call with every hostile value: each call succeeds, or its message is short and names it.

    The other arguments are the valid ones of `call`; those that are `New` are made for each call.
    """
    function, arguments = call
    for kind, value in HOSTILE.items():
        made = {key: each() if isinstance(each, New) else each for key, each in arguments.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                function(**made | {parameter: value()})
            except REFUSALS as error:
                check_text(str(error), word or parameter, kind)


def check_text(message: str, word: str, kind: str) -> None:
    """Check that a message is short, printable, on one line, and names `word`."""
    assert len(message) < LONGEST, f"{kind}: {len(message)} characters: {message[:500]}"
    assert message.isprintable(), f"{kind}: not printable: {message[:500]!r}"
    assert re.search(rf"\b{word}\b", message), f"{kind}: {message!r} does not name {word}"
