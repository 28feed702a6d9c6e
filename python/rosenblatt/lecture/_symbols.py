"""Symbols of the lecture as plain text, and the numbers for them.

Layers and units are counted from 1 here, as in the lecture.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST_TERMS = 8  # of a sum, about as many as fit into a line; of a longer sum some are omitted


def index(*numbers: int) -> str:
    """Return 22 for 2 and 2, with a comma if a number has two digits: 10,2."""
    return ("" if max(numbers) < 10 else ",").join(str(number) for number in numbers)


def weight(layer: int, j: int, k: int) -> str:
    """Return w_jk^(layer), the weight from unit k of the layer to unit j of the next."""
    return f"w_{index(j, k)}^({layer})"


def unit(letter: str, layer: int, j: int) -> str:
    """Return letter_j^(layer): b, z, a or delta of one unit."""
    return f"{letter}_{j}^({layer})"


def derivative(of: str, by: str) -> str:
    """Return d of/d by."""
    return f"d{of}/d{by}"


def number(x: float, digits: int) -> str:
    """Return x with `digits` significant digits, in brackets if it is negative."""
    text = f"{x:.{digits}g}"
    return f"({text})" if text.startswith("-") else text


def elide(parts: Sequence[str]) -> list[str]:
    """Return all parts, or some of them with an ellipsis if there are many."""
    if len(parts) <= MOST_TERMS:
        return list(parts)
    return [*parts[: MOST_TERMS // 2], "…", parts[-1]]


def total(terms: Sequence[str]) -> str:
    """Return term + term + …, or 0 without terms."""
    return " + ".join(elide(terms)) or "0"
