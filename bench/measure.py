"""Measure: medians and quartiles of interleaved rounds, and the cores they run on."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Spread:
    """The middle of some measurements, and where the middle half of them lies."""

    median: float
    low: float  # first quartile
    high: float  # third quartile
    n: int

    @property
    def relative(self) -> float:
        """Half the distance of the quartiles, relative to the median."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0

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
        raise ValueError(f"--threads: got {threads}, needed at most {len(cores)}, the cores there are")
    return set(cores[-threads:])
