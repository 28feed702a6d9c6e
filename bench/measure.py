"""Measure: medians and quartiles of interleaved rounds, and the cores they run on."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

# A measurement counts if its process had the core for this part of the time, else it is taken
# again, so often at most. Undisturbed ones have it for 0.98 and more, which leaves a little to the
# clock and the hand-over between threads. It depends on who else runs, not on how fast one is.
UNDISTURBED = 0.95
ATTEMPTS = 5


@dataclass(frozen=True)
class Spread:
    """The middle of some measurements, and where the middle half of them lies."""

    median: float
    low: float  # first quartile
    high: float  # third quartile
    n: int

    def as_json(self) -> dict[str, float]:
        return asdict(self)


def spread(values: Sequence[float]) -> Spread:
    """Return median and quartiles; the quartiles of fewer than three values are the extremes."""
    if len(values) < 3:
        return Spread(statistics.median(values), min(values), max(values), len(values))
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high, len(values))


def cores_for(threads: int) -> set[int]:
    """Return the cores that everybody is held to: the last ones, as interrupts prefer the first.

    Raises
    ------
    ValueError
        The process may use fewer cores.
    """
    cores = sorted(os.sched_getaffinity(0))
    if threads > len(cores):
        raise ValueError(
            f"--threads: got {threads}, expected at most {len(cores)}, the cores there are"
        )
    return set(cores[-threads:])


@contextmanager
def held_to(cores: set[int]) -> Iterator[None]:
    """Start processes on these cores alone: they have them before a library counts them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
