"""Monitor: metrics, callbacks and early stopping between two epochs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._checks import arguments
from .._checks.shown import shown
from .._network import FloatArray, Network
from .callbacks import Callback, EarlyStopping, Epoch, Step
from .metrics import Metric, more_is_better
from .result import StopReason

TRAINING_LOSS = "training_loss"  # in the history: measured on the training samples after the epoch


class Best:
    """The best epoch so far by one number, and the epochs since then."""

    def __init__(self, rule: EarlyStopping, known: Sequence[str], has_validation: bool) -> None:
        default = "validation_loss" if has_validation else "loss"
        self.monitor = default if rule.monitor is None else rule.monitor
        if self.monitor not in known:
            raise ValueError(
                f"monitor: got {shown(self.monitor)}, expected one of {', '.join(map(repr, known))}"
            )
        self._sign = 1.0 if more_is_better(self.monitor, rule.maximize) else -1.0
        if self.monitor == "loss":  # "loss" in the history is measured while the weights move
            self.monitor = TRAINING_LOSS
        self._rule = rule
        self.choice = rule.choice_of_best
        self._value = -np.inf
        self.epoch: int | None = None
        self.state: FloatArray | None = None  # parameters, followed by running statistics
        self._waited = 0

    @property
    def patience_is_over(self) -> bool:
        """True if the last improvement is too long ago."""
        return self._waited >= self._rule.patience

    def improves(self, epoch: int, number: float) -> bool:
        """Record the number of an epoch and return whether it is the best."""
        value = self._sign * number
        if value > self._value + (self._rule.min_delta if self.epoch is not None else 0):
            self._value, self.epoch, self._waited = value, epoch, 0
            return True
        self._waited += 1
        return False

    def look(self, epoch: int, number: float, net: Network) -> None:
        """Record an epoch, and keep its parameters if they are the best."""
        if self.improves(epoch, number) and self._rule.restore_best:
            self.state = net._state()

    def resume(self, numbers: Sequence[float], state: FloatArray | None) -> None:
        """Record the epochs of an earlier run, and the best parameters that it kept.

        Raises
        ------
        ValueError
            Parameters are missing, or there are some although none should be kept.
        """
        for epoch, number in enumerate(numbers):
            self.improves(epoch, number)
        keeps = self._rule.restore_best and self.epoch is not None
        if (state is not None) != keeps:
            what = f"the parameters of epoch {self.epoch}" if keeps else "none"
            raise ValueError(f"best: got {'none' if keeps else 'parameters'}, expected {what}")
        self.state = state


class Watch:
    """Follows a run: metrics, callbacks, early stopping and the target loss.

    Parameters
    ----------
    net
        The network that is trained.
    epochs
        Number of epochs of the run.
    callbacks
        Called after every epoch, and after every step if they override `on_step`.
    metrics
        Functions by name, computed on `samples` (X, Y).
    training_loss
        Measures the loss of the training samples; called if early stopping monitors it.
    early_stopping, target_loss
        The conditions for stopping, or None.
    has_validation
        Whether there is a validation loss.
    """

    def __init__(
        self,
        net: Network,
        epochs: int,
        *,
        callbacks: Sequence[Callback],
        metrics: dict[str, Metric],
        samples: tuple[Any, Any],
        training_loss: Callable[[], float],
        early_stopping: EarlyStopping | None,
        target_loss: float | None,
        has_validation: bool,
    ) -> None:
        self._net = net
        self._epochs = epochs
        self._callbacks = callbacks
        self._metrics = metrics
        self._samples = samples
        self._target_loss = target_loss
        known = ["loss", *(["validation_loss"] if has_validation else []), *metrics]
        self._best: Best | None = None
        if early_stopping:
            self._best = Best(early_stopping, known, has_validation)
        self._began = time.perf_counter()
        self.history: dict[str, list[float]] = {name: [] for name in metrics}
        self._training_loss = None
        if self._best and self._best.monitor == TRAINING_LOSS:
            self._training_loss = training_loss
            self.history[TRAINING_LOSS] = []
        self.stop_reason: StopReason = "callback"
        self.ended_before: StopReason | None = None  # why no epoch follows those of an earlier run
        self._decisive = "validation_loss" if has_validation else "loss"

    def seconds(self) -> float:
        """Return the time since training began."""
        return time.perf_counter() - self._began

    @property
    def wants_epochs(self) -> bool:
        """True if there is anything to do after an epoch."""
        return bool(self._callbacks or self._metrics or self._best or self._target_loss is not None)

    @property
    def wants_steps(self) -> bool:
        """True if a callback overrides `on_step`."""
        return any(type(each).on_step is not Callback.on_step for each in self._callbacks)

    @property
    def choice_of_best(self) -> tuple[object, ...] | None:
        """The settings that decide which epoch is the best, None without early stopping."""
        if self._best is None:
            return None
        return *self._best.choice, *([TRAINING_LOSS] if self._training_loss else [])

    @property
    def best_epoch(self) -> int | None:
        """The epoch with the best monitored number."""
        return self._best.epoch if self._best else None

    @property
    def monitor(self) -> str | None:
        """The name in the history of the number that early stopping monitors."""
        return self._best.monitor if self._best else None

    @property
    def best_state(self) -> FloatArray | None:
        """The parameters of that epoch, if they are kept."""
        return self._best.state if self._best else None

    def resume(self, history: Mapping[str, Sequence[float]], best: FloatArray | None) -> None:
        """Record the epochs of an earlier run.

        Raises
        ------
        ValueError
            The best parameters are missing, or there are some although none should be kept.
        """
        for name, values in self.history.items():
            values.extend(history[name])
        if self._best:
            self._best.resume(history[self._best.monitor], best)
        elif best is not None:
            raise ValueError("best: got parameters, expected none without early stopping")
        if self._target_reached(history[self._decisive][-1]):
            self.ended_before = "target_loss"
        elif self._best and self._best.patience_is_over:
            self.ended_before = "early_stopping"

    def epoch_done(  # noqa: PLR0917 - the core calls it
        self,
        epoch: int,
        loss: float,
        validation_loss: float | None,
        learning_rate: float | None,
        gradient_norm: float | None,
        penalty: float,
    ) -> bool:
        """Measure, call the callbacks, and return whether to stop."""
        values = self._measure()
        numbers = {"loss": loss, **values}
        if validation_loss is not None:
            numbers["validation_loss"] = validation_loss
        state = Epoch(
            epoch,
            self._epochs,
            loss,
            validation_loss,
            self.seconds(),
            values,
            learning_rate,
            gradient_norm,
            penalty,
        )
        if self._best:
            self._best.look(epoch, numbers[self._best.monitor], self._net)
        # All are called, whatever another one returns.
        asked = [_asks_to_stop(each.on_epoch(state)) for each in self._callbacks]
        if any(asked):
            self.stop_reason = "callback"
        elif self._target_reached(numbers[self._decisive]):
            self.stop_reason = "target_loss"
        elif self._best and self._best.patience_is_over:
            self.stop_reason = "early_stopping"
        else:
            return False
        return True

    def step_done(self, epoch: int, batch: int, loss: float) -> bool:
        """Call the callbacks after a step, and return whether to stop."""
        state = Step(epoch, batch, loss)
        return any(_asks_to_stop(each.on_step(state)) for each in self._callbacks)

    def restore_best(self) -> None:
        """Give the network the weights of its best epoch if they are kept."""
        if self._best and self._best.state is not None:
            self._net._take_state(self._best.state)

    def _measure(self) -> dict[str, float]:
        values = {}
        if self._metrics:
            X, Y = self._samples
            A = self._net.forward(X)
            for name, metric in self._metrics.items():
                values[name] = arguments.real(f"metrics: {name}", metric(Y, A), "a finite number")
        if self._training_loss:
            loss = self._training_loss()
            values[TRAINING_LOSS] = loss if math.isfinite(loss) else math.inf
        for name, value in values.items():
            self.history[name].append(value)
        return values

    def _target_reached(self, loss: float) -> bool:
        return self._target_loss is not None and loss <= self._target_loss


def _asks_to_stop(answer: object) -> bool:
    """Return whether a callback's answer is true; an array with several elements is neither."""
    try:
        return bool(answer)
    except ValueError:
        raise ValueError(
            f"callback: got the answer {shown(answer)}, expected True to stop, or False or None"
        ) from None
