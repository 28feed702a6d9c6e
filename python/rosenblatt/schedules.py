"""Schedules: learning rates that change from step to step, for any optimiser.

Steps are counted from 0 over all epochs. The compiled core evaluates every formula in float64;
docs/arithmetic.md, section 5, specifies the operations. A function step -> rate is a schedule too.

>>> from rosenblatt import schedules
>>> schedules.rates(schedules.StepDecay(0.1, every=2, factor=0.5), 5).tolist()
[0.1, 0.1, 0.05, 0.05, 0.025]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._checks import arguments
from ._checks.shown import shown

__all__ = [
    "Cosine",
    "Exponential",
    "InverseScaling",
    "OneCycle",
    "PerEpoch",
    "ReduceOnPlateau",
    "StepDecay",
    "WarmUp",
    "rates",
]

Per = Literal["step", "epoch"]
Part = tuple[str, tuple[float, ...]]

_MOST_STEPS = 2**53  # largest count that a float64 represents


class ScheduleRule(NamedTuple):
    """A schedule in the form that the core accepts.

    It has parts from the outside in, the unit of time, and a callable.
    """

    parts: tuple[Part, ...]
    per_epoch: bool
    callable: Callable[[int], float] | None


@dataclass(frozen=True)
class StepDecay:
    """Multiply the rate by a factor at regular intervals.

    The rate is first factor^floor(t / every).

    Parameters
    ----------
    first : float
        The rate at the beginning, above 0.
    every : int
        Steps (or epochs) between two changes.
    factor : float, default 0.1
        Above 0.
    per : {"step", "epoch"}, default "step"
        The unit of t.

    Raises
    ------
    TypeError, ValueError
        A setting has the wrong type or is out of range; this applies to every schedule.

    Examples
    --------
    >>> from rosenblatt import schedules
    >>> schedules.StepDecay(0.1, every=30)
    StepDecay(first=0.1, every=30, factor=0.1, per='step')
    """

    first: float
    every: int
    factor: float = 0.1
    per: Per = "step"

    def __post_init__(self) -> None:
        """Check the settings."""
        _keep(
            self,
            first=arguments.positive("first", self.first),
            every=arguments.integer("every", self.every, least=1, most=_MOST_STEPS),
            factor=arguments.positive("factor", self.factor),
            per=arguments.choice("per", self.per, ("step", "epoch")),
        )

    @property
    def part(self) -> Part:
        """The numbers passed to the core."""
        return "step_decay", (self.first, self.factor, float(self.every))


@dataclass(frozen=True)
class Exponential:
    """Multiply the rate by a factor in every step.

    The rate is first factor^t.

    Parameters
    ----------
    first : float
        The rate at the beginning, above 0.
    factor : float
        Above 0; below 1 to decrease the rate.
    per : {"step", "epoch"}, default "step"
        The unit of t.

    Examples
    --------
    >>> from rosenblatt import schedules
    >>> schedules.rates(schedules.Exponential(1.0, factor=0.5), 4).tolist()
    [1.0, 0.5, 0.25, 0.125]
    """

    first: float
    factor: float
    per: Per = "step"

    def __post_init__(self) -> None:
        """Check the settings."""
        _keep(
            self,
            first=arguments.positive("first", self.first),
            factor=arguments.positive("factor", self.factor),
            per=arguments.choice("per", self.per, ("step", "epoch")),
        )

    @property
    def part(self) -> Part:
        """The numbers passed to the core."""
        return "exponential", (self.first, self.factor)


@dataclass(frozen=True)
class InverseScaling:
    """Divide the rate by a power of the time.

    The rate is first / (1 + decay t)^power.

    Parameters
    ----------
    first : float
        The rate at the beginning, above 0.
    power : float, default 0.5
        At least 0.
    decay : float, default 1.0
        At least 0, per unit of time.
    per : {"step", "epoch"}, default "step"
        The unit of t.

    Notes
    -----
    H. Robbins, S. Monro, *A stochastic approximation method*, Ann. Math. Statist. 22, 1951,
    require a power above 0.5 and at most 1.

    Examples
    --------
    >>> from rosenblatt import schedules
    >>> schedules.rates(schedules.InverseScaling(0.1), 9).round(4).tolist()[::8]
    [0.1, 0.0333]
    """

    first: float
    power: float = 0.5
    decay: float = 1.0
    per: Per = "step"

    def __post_init__(self) -> None:
        """Check the settings."""
        _keep(
            self,
            first=arguments.positive("first", self.first),
            power=arguments.not_negative("power", self.power),
            decay=arguments.not_negative("decay", self.decay),
            per=arguments.choice("per", self.per, ("step", "epoch")),
        )

    @property
    def part(self) -> Part:
        """The numbers passed to the core."""
        return "inverse_scaling", (self.first, self.decay, self.power)


@dataclass(frozen=True)
class Cosine:
    """Cosine annealing from `first` to `lowest`, with warm restarts.

    The rate is lowest + (first - lowest) (1 + cos(pi t / period)) / 2, where t counts from the last
    restart. Every period is `growth` times as long as the previous one.

    Parameters
    ----------
    first : float
        The rate at the beginning and after every restart, above 0.
    period : int
        Steps (or epochs) before the first restart; the length of the whole run for no restart.
    lowest : float, default 0.0
        At least 0.
    growth : int, default 1
        From 1 to 1024.
    per : {"step", "epoch"}, default "step"
        The unit of t.

    Notes
    -----
    I. Loshchilov, F. Hutter, *SGDR: stochastic gradient descent with warm restarts*, ICLR 2017.

    Examples
    --------
    >>> from rosenblatt import schedules
    >>> schedules.rates(schedules.Cosine(1.0, period=4), 5).round(3).tolist()
    [1.0, 0.854, 0.5, 0.146, 1.0]
    """

    first: float
    period: int
    lowest: float = 0.0
    growth: int = 1
    per: Per = "step"

    def __post_init__(self) -> None:
        """Check the settings."""
        _keep(
            self,
            first=arguments.positive("first", self.first),
            period=arguments.integer("period", self.period, least=1, most=_MOST_STEPS),
            lowest=arguments.not_negative("lowest", self.lowest),
            growth=arguments.integer("growth", self.growth, least=1, most=1024),
            per=arguments.choice("per", self.per, ("step", "epoch")),
        )

    @property
    def part(self) -> Part:
        """The numbers passed to the core."""
        return "cosine", (self.first, self.lowest, float(self.period), float(self.growth))


@dataclass(frozen=True)
class OneCycle:
    """One cycle: rise to the highest rate, then fall to almost 0.

    Both follow half a cosine wave.

    The first rate is highest / first_divisor. The last rate, from step `steps` - 1 on, is the first
    rate / last_divisor. The momentum does not change.

    Parameters
    ----------
    highest : float
        Above 0.
    steps : int
        The length of the cycle: all steps (or epochs) of the run.
    rise : float, default 0.3
        The fraction of the cycle in which the rate rises, from 0 to below 1.
    first_divisor, last_divisor : float, default 25.0, 1e4
        Above 0.
    per : {"step", "epoch"}, default "step"
        The unit of t.

    Notes
    -----
    L. N. Smith, N. Topin, *Super-convergence*, arXiv 1708.07120, 2017.

    Examples
    --------
    >>> from rosenblatt import schedules
    >>> schedules.rates(schedules.OneCycle(1.0, steps=10), 10).round(2).tolist()
    [0.04, 0.52, 1.0, 0.95, 0.81, 0.61, 0.39, 0.19, 0.05, 0.0]
    """

    highest: float
    steps: int
    rise: float = 0.3
    first_divisor: float = 25.0
    last_divisor: float = 1e4
    per: Per = "step"

    def __post_init__(self) -> None:
        """Check the settings."""
        _keep(
            self,
            highest=arguments.positive("highest", self.highest),
            steps=arguments.integer("steps", self.steps, least=1, most=_MOST_STEPS),
            rise=arguments.below_one("rise", self.rise),
            first_divisor=arguments.positive("first_divisor", self.first_divisor),
            last_divisor=arguments.positive("last_divisor", self.last_divisor),
            per=arguments.choice("per", self.per, ("step", "epoch")),
        )

    @property
    def part(self) -> Part:
        """The numbers passed to the core."""
        numbers = (self.highest, self.steps, self.rise, self.first_divisor, self.last_divisor)
        return "one_cycle", tuple(map(float, numbers))


@dataclass(frozen=True)
class ReduceOnPlateau:
    """Multiply the rate by a factor when the loss has stopped improving.

    The schedule reads the validation loss after every epoch, or the training loss if there is no
    validation set. A loss below best - threshold abs(best) is an improvement.

    Parameters
    ----------
    first : float
        The rate at the beginning, above 0.
    factor : float, default 0.1
        Between 0 and 1.
    patience : int, default 10
        Epochs without improvement before the rate falls.
    threshold : float, default 1e-4
        From 0 to below 1.
    cooldown : int, default 0
        Epochs after a reduction that do not count towards `patience`.
    lowest : float, default 0.0
        The lower bound of the rate, at least 0.

    Examples
    --------
    >>> from rosenblatt import schedules
    >>> plateau = schedules.ReduceOnPlateau(1.0, factor=0.5, patience=1)
    >>> schedules.rates(plateau, 5, losses=[3.0, 2.0, 2.0, 2.0]).tolist()
    [1.0, 1.0, 1.0, 1.0, 0.5]
    """

    first: float
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    cooldown: int = 0
    lowest: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        factor = arguments.positive("factor", self.factor)
        if factor >= 1:
            raise ValueError(f"factor: got {factor}, expected a number between 0 and 1")
        _keep(
            self,
            first=arguments.positive("first", self.first),
            factor=factor,
            patience=arguments.integer("patience", self.patience, least=0, most=_MOST_STEPS),
            threshold=arguments.below_one("threshold", self.threshold),
            cooldown=arguments.integer("cooldown", self.cooldown, least=0, most=_MOST_STEPS),
            lowest=arguments.not_negative("lowest", self.lowest),
        )

    @property
    def per(self) -> Per:
        """The unit of time."""
        return "epoch"

    @property
    def part(self) -> Part:
        """The numbers passed to the core."""
        numbers = (self.first, self.factor, self.patience, self.threshold, self.cooldown)
        return "plateau", (*map(float, numbers), self.lowest)


@dataclass(frozen=True)
class WarmUp:
    """Raise the rate linearly, then follow another schedule.

    The rate is then(0) (start + (1 - start) t / steps) for t < steps, and then(t - steps) after
    that.

    Parameters
    ----------
    steps : int
        The length of the warm-up, in the unit of `then`.
    then : float, schedule or callable
        The schedule after the warm-up; not another WarmUp.
    start : float, default 1 / 3
        The first rate as a fraction of then(0), from 0 to below 1.

    Notes
    -----
    P. Goyal and others, *Accurate, large minibatch SGD*, arXiv 1706.02677, 2017.

    Examples
    --------
    >>> from rosenblatt import schedules
    >>> schedules.rates(schedules.WarmUp(4, 0.1, start=0.0), 6).round(3).tolist()
    [0.0, 0.025, 0.05, 0.075, 0.1, 0.1]
    """

    steps: int
    then: Any
    start: float = 1 / 3

    def __post_init__(self) -> None:
        """Check the settings."""
        if isinstance(self.then, WarmUp):
            raise TypeError(
                f"then: got {shown(self.then)}, expected a rate or a schedule other than WarmUp"
            )
        _keep(
            self,
            steps=arguments.integer("steps", self.steps, least=1, most=_MOST_STEPS),
            then=learning_rate("then", self.then),
            start=arguments.below_one("start", self.start),
        )

    @property
    def per(self) -> Per:
        """The unit of time, which is that of `then`."""
        return getattr(self.then, "per", "step")

    @property
    def part(self) -> Part:
        """The numbers passed to the core."""
        return "warm_up", (float(self.steps), self.start)


@dataclass(frozen=True)
class PerEpoch:
    """A custom schedule that is called once per epoch instead of once per step.

    Parameters
    ----------
    function : callable
        epoch (from 0) -> the rate of its steps, a finite number of at least 0. It is called at the
        beginning of the epoch, after the callbacks of the previous epoch.

    Examples
    --------
    >>> from rosenblatt import schedules
    >>> halved = schedules.PerEpoch(lambda epoch: 0.1 / 2**epoch)
    >>> schedules.rates(halved, 4, steps_per_epoch=2).tolist()
    [0.1, 0.1, 0.05, 0.05]
    """

    function: Callable[[int], float]

    def __post_init__(self) -> None:
        """Check the settings."""
        if not callable(self.function) or isinstance(self.function, type):
            raise TypeError(
                f"function: got {shown(self.function)}, expected a function of the epoch"
            )

    @property
    def per(self) -> Per:
        """The unit of time."""
        return "epoch"


Schedule: TypeAlias = (
    StepDecay
    | Exponential
    | InverseScaling
    | Cosine
    | OneCycle
    | ReduceOnPlateau
    | WarmUp
    | PerEpoch
    | Callable[[int], float]
)

_WITH_PARTS = (StepDecay, Exponential, InverseScaling, Cosine, OneCycle, ReduceOnPlateau, WarmUp)


def rates(
    schedule: float | Schedule,
    steps: int,
    *,
    steps_per_epoch: int = 1,
    losses: Sequence[float] = (),
) -> NDArray[np.float64]:
    """Return the learning rates of the first steps, to inspect a schedule.

    Parameters
    ----------
    schedule : float, schedule or callable
    steps : int
        Number of rates to return.
    steps_per_epoch : int, default 1
        Batches per epoch; matters for a schedule that counts epochs.
    losses : sequence of float, optional
        The loss of every epoch; matters for `ReduceOnPlateau`.

    Returns
    -------
    ndarray of shape (steps,)
        In float64; an optimiser rounds them to the dtype of the network.

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or is out of range.

    Examples
    --------
    >>> from rosenblatt import schedules
    >>> schedules.rates(lambda step: 0.1 / (step + 1), 2).tolist()
    [0.1, 0.05]
    """
    if isinstance(losses, str | bytes) or not isinstance(losses, Sequence | np.ndarray):
        raise TypeError(f"losses: got {shown(losses)}, expected a sequence of numbers")
    known = [arguments.real(f"losses[{i}]", x, "a finite number") for i, x in enumerate(losses)]
    return np.array(
        _core.rates(
            rule(learning_rate("schedule", schedule)),
            arguments.integer("steps", steps, least=0, most=2**32),
            arguments.integer("steps_per_epoch", steps_per_epoch, least=1, most=_MOST_STEPS),
            known,
        ),
        dtype=np.float64,
    )


def learning_rate(name: str, value: Any) -> Any:
    """Return a learning rate as a schedule, a callable or a float above 0.

    Raises
    ------
    TypeError, ValueError
        `value` is neither a schedule nor a function nor a number above 0.
    """
    if isinstance(value, (PerEpoch, *_WITH_PARTS)) or (
        callable(value) and not isinstance(value, type)
    ):
        return value
    return arguments.positive(name, value)


def rule(value: Any) -> ScheduleRule:
    """Return a result of `learning_rate` in the form that the core accepts."""
    if isinstance(value, WarmUp):
        inner = rule(value.then)
        return ScheduleRule((value.part, *inner.parts), inner.per_epoch, inner.callable)
    if isinstance(value, PerEpoch):
        return ScheduleRule((("callable", ()),), True, _check_results(value.function))
    if isinstance(value, _WITH_PARTS):
        return ScheduleRule((value.part,), value.per == "epoch", None)
    if callable(value):
        return ScheduleRule((("callable", ()),), False, _check_results(value))
    return ScheduleRule((("constant", (float(value),)),), False, None)


def _check_results(function: Callable[[int], Any]) -> Callable[[int], float]:
    """Wrap a function to check that its results are finite and at least 0."""

    def rate_of(step: int) -> float:
        rate = function(step)
        if isinstance(rate, np.ndarray) and rate.ndim == 0:
            rate = rate[()]
        try:
            return arguments.not_negative("learning_rate", rate)
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"learning_rate: got {shown(rate)} from the schedule at step {step},"
                " expected a finite number of at least 0"
            ) from None

    return rate_of


def _keep(schedule: object, **settings: object) -> None:
    """Set the checked settings of a frozen schedule."""
    for name, value in settings.items():
        object.__setattr__(schedule, name, value)
