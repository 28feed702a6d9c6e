"""How many random cases the tests draw and how long they wait; conftest.py sets both factors."""

from __future__ import annotations

LONG = 25  # --long draws this many times as many random cases

_cases = 1
_patience = 1.0


def set_effort(*, long: bool, patience: float) -> None:
    """Set the factors, before pytest imports the tests."""
    global _cases, _patience  # noqa: PLW0603
    _cases = LONG if long else 1
    _patience = patience * _cases


def cases(n: int) -> int:
    """Return the number of examples, fuzzed files, or kills: n, or LONG times n with --long."""
    return n * _cases


def seconds(limit: float) -> float:
    """Return a time limit in seconds, raised by --patience and --long."""
    return limit * _patience
