"""Rules between epochs, as in scikit-learn, and its callbacks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from numbers import Real
from types import SimpleNamespace
from typing import Any

from numpy.typing import NDArray

from .._optimizer import Optimizer
from .._training.callbacks import Callback, Epoch
from ..schedules import PerEpoch
from . import _settings
from ._samples import Samples

# The state of an optimiser between two calls: its settings, the state in the core, and the current
# learning rate if that changes between epochs.
Memory = tuple[dict[str, Any], Any, float | None]

TOO_SMALL = 1e-6  # an adaptive rate below this ends training, as in scikit-learn


def check_memory(memory: Any, n_params: int) -> Memory:
    """Check a memory that may be untrusted, for example from a pickle, and return it.

    The core checks the values of its numbers.

    Raises
    ------
    ValueError
        The memory does not belong to an optimiser of a network with `n_params` parameters.
    """
    try:
        settings, (numbers, states), rate = memory
        fits = (
            settings.keys() == set(_settings.OPTIMIZER_PARAMETERS)
            and all(isinstance(number, float) for number in numbers)
            and all(state.shape == (n_params,) and state.dtype.kind == "f" for state in states)
            and (rate is None or isinstance(rate, Real))
        )
    except (TypeError, ValueError, AttributeError):
        fits = False
    if not fits:
        raise ValueError(
            "_memory: got a state that does not belong to an optimiser of this estimator; call fit"
            " for a new optimiser"
        )
    return settings, (numbers, states), rate


class Rate:
    """The learning rate of `solver="sgd"` if it changes between epochs."""

    def __init__(self, settings: SimpleNamespace) -> None:
        self._settings = settings
        self.value = float(settings.learning_rate_init)

    def of_epoch(self, _epoch: int) -> float:
        """Return the rate of the current epoch."""
        return self.value

    def end_epoch(self, n_seen: int) -> None:
        """Update a rate of "invscaling" for the number of samples seen."""
        settings = self._settings
        if settings.learning_rate == "invscaling":
            first = float(settings.learning_rate_init)
            self.value = first / (n_seen + 1) ** settings.power_t


class Rules(Callback):
    """Callback of `fit` that updates curves and the rate, and stops training.

    The order and the arithmetic are those of scikit-learn's `_fit_stochastic`. `settings` are the
    settings of the optimiser, from `_settings.of_optimizer`.
    """

    def __init__(
        self,
        estimator: Any,
        settings: SimpleNamespace,
        *,
        n_samples: int,
        constant: float,
        held_out: Samples | None,
        tasks: Tasks,
    ) -> None:
        self._estimator = estimator
        self._settings = settings
        self.n_samples = n_samples
        self.constant = constant
        self._held_out = held_out
        self._tasks = tasks
        self.rate = Rate(settings) if _settings.changes_between_epochs(settings) else None
        self.best_state: NDArray[Any] | None = None  # parameters and running statistics
        self.stopped = False
        self._go_on()

    def _go_on(self) -> None:
        """Add attributes that an earlier `fit` with other parameters lacks."""
        estimator = self._estimator
        if not hasattr(estimator, "loss_curve_"):
            estimator._begin_curves()
        if self._held_out is not None:
            estimator.best_loss_ = None
            self._begin_scores(self._held_out)
        else:
            estimator.validation_scores_ = estimator.best_validation_score_ = None
            if estimator.best_loss_ is None:
                estimator.best_loss_ = float("inf")

    def _begin_scores(self, held_out: Samples) -> None:
        """Initialise the best score; a warm start scores its initial network."""
        estimator = self._estimator
        score = estimator._score_of(*held_out) if estimator.validation_scores_ else float("nan")
        estimator.validation_scores_ = list(estimator.validation_scores_ or [])
        estimator.best_validation_score_ = -float("inf")
        self._keep_if_best(score)

    def _keep_if_best(self, score: float) -> None:
        estimator = self._estimator
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            self.best_state = estimator._net._state()

    def optimizer(self) -> Optimizer:
        """Return the optimiser, which reads its learning rate from these rules."""
        rate = self._settings.learning_rate_init
        if self.rate is not None:
            rate = PerEpoch(self.rate.of_epoch)
        return _settings.optimizer_of(self._settings, rate)

    def memory(self, of_core: Any) -> Memory:
        """Return the state from which another optimiser can continue."""
        return vars(self._settings), of_core, None if self.rate is None else self.rate.value

    def on_epoch(self, epoch: Epoch) -> bool:
        """Record an epoch; return whether to stop."""
        estimator = self._estimator
        estimator.n_iter_ += 1
        estimator.t_ += self.n_samples
        estimator.loss_ = self._reported(epoch)
        estimator.loss_curve_.append(estimator.loss_)
        if epoch.validation_loss is not None:
            estimator.validation_loss_curve_.append(epoch.validation_loss)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
        self._count()
        if self.rate is not None:
            self.rate.end_epoch(estimator.t_)
        stopping = self._is_stopping()
        asked = self._tasks.end(last=stopping)
        self.stopped = stopping or asked
        return self.stopped

    def _reported(self, epoch: Epoch) -> float:
        return (
            epoch.loss * float(self._estimator._share_of_outputs()) + self.constant + epoch.penalty
        )

    def _count(self) -> None:
        estimator = self._estimator
        tol = estimator.tol
        if self._held_out is None:
            loss = estimator.loss_
            better = not loss > estimator.best_loss_ - tol
            estimator.best_loss_ = min(estimator.best_loss_, loss)
        else:
            score = estimator._score_of(*self._held_out)
            estimator.validation_scores_.append(score)
            if estimator.verbose:
                print(f"Validation score: {score:f}")
            better = not score < estimator.best_validation_score_ + tol
            self._keep_if_best(score)
        estimator._no_improvement_count = 0 if better else estimator._no_improvement_count + 1

    def _is_stopping(self) -> bool:
        estimator = self._estimator
        if estimator._no_improvement_count <= estimator.n_iter_no_change:
            return False
        what = "Training loss did not" if self._held_out is None else "Validation score did not"
        text = (
            f"{what} improve more than tol={estimator.tol:f} for "
            f"{estimator.n_iter_no_change:d} consecutive epochs."
        )
        ending = self._lower_rate(text)
        if ending is None:
            estimator._no_improvement_count = 0
            return False
        if estimator.verbose:
            print(text + ending)
        return True

    def _lower_rate(self, text: str) -> str | None:
        """Lower an adaptive rate and return None, or return the reason why training ends."""
        if self.rate is None or self._settings.learning_rate != "adaptive":
            return " Stopping."
        if self.rate.value <= TOO_SMALL:
            return " Learning rate too small. Stopping."
        self.rate.value /= 5.0
        if self._estimator.verbose:
            print(f"{text} Setting learning rate to {self.rate.value:f}")
        return None


class Tasks:
    """Reports to scikit-learn's callbacks.

    `fit` is a task, and every epoch is a subtask.

    There are at most `max_iter` epochs, and every task that begins also ends unless `fit` raises.
    The last epoch is empty if the solver stops unexpectedly. Without callbacks, and before
    scikit-learn 1.9, nothing is reported.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any) -> None:
        self._estimator = estimator
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self._arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._whole: Any = None
        self._epoch: Any = None
        self._begun = 0
        if getattr(estimator, "_skl_callbacks", None):
            self._whole = estimator._init_callback_context(max_subtasks=estimator.max_iter)

    @classmethod
    def silent(cls, estimator: Any) -> Tasks:
        """Return tasks without listeners, for `partial_fit`."""
        tasks = cls.__new__(cls)
        tasks._estimator = estimator
        tasks._whole = None
        return tasks

    @property
    def has_listeners(self) -> bool:
        """Whether there are callbacks."""
        return self._whole is not None

    @contextlib.contextmanager
    def of_fit(self) -> Iterator[None]:
        """Report the beginning of `fit`, and its end unless the block raises."""
        if self._whole is None:
            yield
            return
        self._whole.call_on_fit_task_begin(**self._arguments)
        self._begin()
        yield
        if self._epoch is not None:
            self.end(last=True)
        self._whole.call_on_fit_task_end(**self._arguments, reconstruction_attributes={})

    def _begin(self) -> None:
        self._begun += 1
        self._epoch = self._whole.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._arguments)

    def end(self, *, last: bool = False) -> bool:
        """Report the end of an epoch and perhaps a new one; return whether to stop."""
        if self._whole is None:
            return False
        ended, self._epoch = self._epoch, None
        stop = bool(ended.call_on_fit_task_end(**self._arguments, reconstruction_attributes={}))
        if not (stop or last or self._begun == self._estimator.max_iter):
            self._begin()
        return stop
