"""Schedules: the learning rate of every step, without library functions.

`rate` takes the time t, in steps or epochs from 0; +, -, *, / are those of Python floats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import factorial

from .arithmetic import Float64
from .math import exp, log

PI = 3.141592653589793
COSINE = tuple((-1.0) ** i / factorial(2 * i) for i in range(9))  # Taylor's series in x^2
SINE = tuple((-1.0) ** i / factorial(2 * i + 1) for i in range(9))  # and that of sin(x) / x


def power(base: float, n: int) -> float:
    """Return base^n for a whole n by squaring, from the highest bit of n down."""
    p = 1.0
    for bit in bin(n)[2:]:
        p = p * p
        if bit == "1":
            p = p * base
    return p


def real_power(x: float, p: float) -> float:
    """Return x^p for x >= 1."""
    return exp(Float64, p * log(Float64, x))


def series(c: tuple[float, ...], z: float) -> float:
    """Return c[0] + c[1] z + c[2] z^2 + ..., from the highest power down.

    Every operation is rounded.
    """
    total = c[-1]
    for coefficient in reversed(c[:-1]):
        total = total * z + coefficient
    return total


def cos_of_half_turns(u: float) -> float:
    """Return cos(pi u) for u in [0, 1], from a series on abs(x) <= pi / 4."""
    if u > 0.5:
        return -cos_of_half_turns(1 - u)
    x = PI * (u if u <= 0.25 else 0.5 - u)
    return series(COSINE, x * x) if u <= 0.25 else x * series(SINE, x * x)


def along_cosine(start: float, end: float, u: float) -> float:
    """Return the value between start and end on half a cosine wave, u in [0, 1]."""
    return end + (start - end) * 0.5 * (1 + cos_of_half_turns(u))


@dataclass(frozen=True)
class StepDecay:
    """first factor^floor(t / every)."""

    first: float
    every: int
    factor: float = 0.1
    per: str = "step"

    def rate(self, t: int) -> float:
        """Return the rate at time t."""
        return self.first * power(self.factor, t // self.every)


@dataclass(frozen=True)
class Exponential:
    """first factor^t."""

    first: float
    factor: float
    per: str = "step"

    def rate(self, t: int) -> float:
        """Return the rate at time t."""
        return self.first * power(self.factor, t)


@dataclass(frozen=True)
class InverseScaling:
    """first / (1 + decay t)^power (Robbins, Monro 1951)."""

    first: float
    power: float = 0.5
    decay: float = 1.0
    per: str = "step"

    def rate(self, t: int) -> float:
        """Return the rate at time t."""
        return self.first / real_power(1 + self.decay * float(t), self.power)


@dataclass(frozen=True)
class Cosine:
    """Cosine annealing with warm restarts (Loshchilov, Hutter 2017)."""

    first: float
    period: int
    lowest: float = 0.0
    growth: int = 1
    per: str = "step"

    def rate(self, t: int) -> float:
        """Return the rate at time t."""
        period = self.period
        if self.growth == 1:
            t = t % period
        while t >= period:
            t -= period
            period *= self.growth
        return along_cosine(self.first, self.lowest, t / period)


@dataclass(frozen=True)
class OneCycle:
    """Rise to the highest rate, then fall to almost 0 (Smith, Topin 2017)."""

    highest: float
    steps: int
    rise: float = 0.3
    first_divisor: float = 25.0
    last_divisor: float = 1e4
    per: str = "step"

    def rate(self, t: int) -> float:
        """Return the rate at time t."""
        first = self.highest / self.first_divisor
        last = first / self.last_divisor
        end = float(self.steps) - 1
        top = max(self.rise * float(self.steps) - 1, 0.0)
        if t >= end:
            return last
        if t < top:
            return along_cosine(first, self.highest, t / top)
        return along_cosine(self.highest, last, (t - top) / (end - top))


@dataclass
class ReduceOnPlateau:
    """Reduce the rate when the loss has not improved for more than `patience` epochs."""

    first: float
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    cooldown: int = 0
    lowest: float = 0.0
    per: str = field(default="epoch", init=False)

    def __post_init__(self) -> None:
        """Start with the first rate, before any loss."""
        self.now = self.first
        self.best: float | None = None
        self.bad_epochs = 0
        self.cooling = 0

    def rate(self, t: int) -> float:
        """Return the rate, which does not depend on t."""
        return self.now

    def end_epoch(self, loss: float) -> None:
        """Update the rate after an epoch with this loss."""
        better = self.best is None or loss < self.best - self.threshold * abs(self.best)
        if better:
            self.best = loss
        self.bad_epochs = 0 if better or self.cooling > 0 else self.bad_epochs + 1
        self.cooling = max(self.cooling - 1, 0)
        if self.bad_epochs > self.patience:
            self.now = max(self.now * self.factor, self.lowest)
            self.cooling = self.cooldown
            self.bad_epochs = 0


@dataclass(frozen=True)
class Constant:
    """A constant rate."""

    first: float
    per: str = "step"

    def rate(self, t: int) -> float:
        """Return the rate."""
        return self.first


@dataclass(frozen=True)
class OfFunction:
    """A custom function, step -> rate."""

    function: Callable[[int], float]
    per: str = "step"

    def rate(self, t: int) -> float:
        """Return the rate at time t."""
        return float(self.function(t))


@dataclass(frozen=True)
class PerEpoch:
    """A custom function, epoch -> rate."""

    function: Callable[[int], float]
    per: str = field(default="epoch", init=False)

    def rate(self, t: int) -> float:
        """Return the rate at time t."""
        return float(self.function(t))


@dataclass(frozen=True)
class WarmUp:
    """A linear rise to the first rate of `then`."""

    steps: int
    then: Schedule
    start: float = 1 / 3

    @property
    def per(self) -> str:
        """The unit of time, which is that of `then`."""
        return build_schedule(self.then).per

    def rate(self, t: int) -> float:
        """Return the rate at time t."""
        then = build_schedule(self.then)
        if t >= self.steps:
            return then.rate(t - self.steps)
        return then.rate(0) * (self.start + (1 - self.start) * (t / float(self.steps)))


Rated = (
    StepDecay
    | Exponential
    | InverseScaling
    | Cosine
    | OneCycle
    | ReduceOnPlateau
    | Constant
    | OfFunction
    | PerEpoch
    | WarmUp
)
Schedule = float | Callable[[int], float] | Rated


def build_schedule(schedule: Schedule) -> Rated:
    """Return a schedule from a number, a function or a schedule."""
    if isinstance(schedule, Rated):
        return schedule
    return OfFunction(schedule) if callable(schedule) else Constant(float(schedule))


def end_epoch(schedule: Rated, loss: float) -> None:
    """Pass the loss of an epoch to a schedule that depends on it."""
    if isinstance(schedule, WarmUp):
        end_epoch(build_schedule(schedule.then), loss)
    elif isinstance(schedule, ReduceOnPlateau):
        schedule.end_epoch(loss)
