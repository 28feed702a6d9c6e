"""A value or a text in a message: one short line that can be printed, whatever the value is."""

from __future__ import annotations

import reprlib
from typing import Any

LONGEST_MESSAGE = 399  # characters
LONGEST = 80  # characters of a value; a message shows up to three
MOST_BITS = 2000  # of an integer; Python can refuse to write one of more than 640 digits


def shown(value: object) -> str:
    """Return a short form of `value`, on one line: its repr, cut if it is long.

    Never raises, even if the repr of `value` does. Arrays and tables are described by their type
    and shape.
    """
    try:
        return brief(_SHORT.repr(value))
    except Exception:
        return brief(f"<{type(value).__name__} object>")


def type_name(value: object) -> str:
    """Return the name of the type of `value`, cut if it is long."""
    return brief(type(value).__name__)


def brief(text: str, most: int = LONGEST) -> str:
    """Return `text` as one printable line of at most `most` characters.

    The middle of a longer text is replaced by "...", and a character that is not printable by its
    escape sequence.
    """
    line = "".join(map(_printable, _ends(text, most)))
    return _ends(line, most)


def _ends(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    n_first = (most - 3 + 1) // 2
    return f"{text[:n_first]}...{text[len(text) - (most - 3 - n_first) :]}"


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character == "\n" else character.encode("unicode_escape").decode()


class _Short(reprlib.Repr):
    """Python's shortened repr, for values of any size and kind."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = 8
        self.maxstring = self.maxother = self.maxlong = LONGEST

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > MOST_BITS:
            return f"{'a negative' if x < 0 else 'an'} integer of {x.bit_length()} bits"
        return super().repr_int(x, level)

    def repr_bytes(self, x: bytes, level: int) -> str:
        return repr(x[:LONGEST])

    def repr_bytearray(self, x: bytearray, level: int) -> str:
        return repr(x[:LONGEST])

    def repr_instance(self, x: Any, level: int) -> str:
        shape = getattr(x, "shape", None)
        if isinstance(shape, tuple) and shape:
            return self._of_array(x, shape)
        return super().repr_instance(x, level)

    def _of_array(self, x: Any, shape: tuple[Any, ...]) -> str:
        kind = type(x).__name__.removeprefix("nd")
        return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} of shape {self.repr1(shape, 2)}"


_SHORT = _Short()
