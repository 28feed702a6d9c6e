"""The choice and position of the units of a layer in a plot."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """The drawn units of a layer, from top to bottom.

    Attributes
    ----------
    units : tuple of int
        The drawn units, from 0, in order.
    y : tuple of float
        The y coordinate of each unit; neighbours are 1 apart, or 2 with a gap between them.
    gaps : tuple of (float, int)
        The y coordinate of each gap, and the number of omitted units.
    """

    units: tuple[int, ...]
    y: tuple[float, ...]
    gaps: tuple[tuple[float, int], ...]

    @property
    def extent(self) -> tuple[float, float]:
        """The lowest and the highest y coordinate of a unit or gap."""
        places = [*self.y, *(y for y, _ in self.gaps)]
        return min(places), max(places)


def column(n_units: int, max_units: int, wanted: Collection[int] = ()) -> Column:
    """Choose units of a layer and place them around y = 0.

    Parameters
    ----------
    n_units : int
        Number of units of the layer.
    max_units : int
        Number of units to draw if there is a gap.
    wanted : collection of int
        Units to prefer.
    """
    shown = _choose_units(n_units, max_units, sorted(wanted))
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


def _choose_units(n_units: int, max_units: int, wanted: list[int]) -> list[int]:
    """Return the units to draw: all, or the wanted ones and others from both ends.

    A layer with one unit more than `max_units` is drawn in full, because a gap takes the same space
    as a unit.
    """
    if n_units <= max_units + 1:
        return list(range(n_units))
    if len(wanted) >= max_units:
        return _both_ends(wanted, max_units)
    others = sorted(set(range(n_units)) - set(wanted))
    return sorted([*wanted, *_both_ends(others, max_units - len(wanted))])


def _both_ends(units: list[int], n: int) -> list[int]:
    """Return `n` of the units from both ends; the first end gets an odd one."""
    last = n // 2
    return units[: n - last] + units[len(units) - last :]
