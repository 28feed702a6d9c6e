"""The lecture's symbols as plain text, w_22^(2), and numbers as they are put in for them.

Layers and units are counted from 1 here, as the lecture counts them.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST_TERMS = 8  # a sum of more is shown by its first ones and its last: a line holds about so many


def index(*numbers: int) -> str:
    """Return 22 for 2 and 2, with a comma where a number has two digits: 10,2."""
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
    """Return x with so many significant digits, in brackets where it is negative."""
    text = f"{x:.{digits}g}"
    return f"({text})" if text.startswith("-") else text


def some(parts: Sequence[str]) -> list[str]:
    """Return all parts, or the first ones, an ellipsis and the last."""
    if len(parts) <= MOST_TERMS:
        return list(parts)
    return [*parts[: MOST_TERMS // 2], "…", parts[-1]]


def total(terms: Sequence[str]) -> str:
    """Return term + term + …; 0 for none."""
    return " + ".join(some(terms)) or "0"
