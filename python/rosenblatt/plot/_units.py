"""Which units of a layer a picture shows, and where: wide layers leave out the middle."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A layer as it is drawn, from top to bottom.

    Attributes
    ----------
    units : tuple of int
        The units that are shown, from 0, in order.
    y : tuple of float
        Where each of them stands: one unit of height apart, or two with a gap between them.
    gaps : tuple of (float, int)
        Where units are left out, and how many.
    """

    units: tuple[int, ...]
    y: tuple[float, ...]
    gaps: tuple[tuple[float, int], ...]

    @property
    def extent(self) -> tuple[float, float]:
        """The lowest and the highest place of a unit or a gap."""
        places = [*self.y, *(y for y, _ in self.gaps)]
        return min(places), max(places)


def column(n_units: int, max_units: int, wanted: Collection[int] = ()) -> Column:
    """Choose units of a layer and place them round y = 0.

    Parameters
    ----------
    n_units : int
        How many there are.
    max_units : int
        How many to show beside a gap.
    wanted : collection of int
        Units to be shown before others.
    """
    shown = _shown(n_units, max_units, sorted(wanted))
    places, gaps, y = [], [], 0.0
    for i, unit in enumerate(shown):
        before = shown[i - 1] if i else -1
        if missing := unit - before - 1:
            gaps.append((y, missing))
            y -= 1
        places.append(y)
        y -= 1
    if missing := n_units - 1 - shown[-1]:
        gaps.append((y, missing))
    middle = (places[0] + places[-1]) / 2
    return Column(
        units=tuple(shown),
        y=tuple(place - middle for place in places),
        gaps=tuple((place - middle, missing) for place, missing in gaps),
    )


def _shown(n_units: int, max_units: int, wanted: list[int]) -> list[int]:
    """Return the units to show: all, or those that are wanted, filled up from both ends.

    One unit more is shown, too: the gap would take its room.
    """
    if n_units <= max_units + 1:
        return list(range(n_units))
    if len(wanted) >= max_units:
        return _both_ends(wanted, max_units)
    others = sorted(set(range(n_units)) - set(wanted))
    return sorted([*wanted, *_both_ends(others, max_units - len(wanted))])


def _both_ends(units: list[int], n: int) -> list[int]:
    """Return the first and the last of `units`, `n` together, more of the first."""
    last = n // 2
    return units[: n - last] + units[len(units) - last :]
