"""Callbacks: functions that follow a training run, and early stopping."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._checks import arguments
from .._checks.shown import shown

if TYPE_CHECKING:
    from .result import TrainResult


@dataclass(frozen=True)
class Epoch:
    """The state of a run at the end of an epoch, passed to callbacks.

    Attributes
    ----------
    epoch : int
        Index of the epoch, from 0.
    epochs : int
        Number of epochs of the run.
    loss : float
        Mean loss over the samples, each measured in its batch before the step.
    validation_loss : float or None
        Loss of the validation set after the epoch.
    seconds : float
        Seconds since the run began.
    metrics : mapping of str to float
        The requested metrics after the epoch.
    learning_rate : float or None
        The rate of the last step; None for Rprop and LBFGS, which have none.
    gradient_norm : float or None
        Mean norm of the gradient over the steps, if `train` measures it.
    penalty : float
        Mean of the term that `alpha` adds to the cost, before each step; 0 without alpha.
    """

    epoch: int
    epochs: int
    loss: float
    validation_loss: float | None
    seconds: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float | None = None
    gradient_norm: float | None = None
    penalty: float = 0.0


@dataclass(frozen=True)
class Step:
    """The state of a run after a step, passed to callbacks.

    Attributes
    ----------
    epoch, batch : int
        Index of the epoch and of its batch, from 0.
    loss : float
        Cost of the batch before the step.
    """

    epoch: int
    batch: int
    loss: float


class Callback:
    """Base class of callbacks; override the methods that you need.

    Each method may read and change the network, which has the current parameters. `on_step` and
    `on_epoch` stop the run by returning True. A callback that overrides `on_step` is called after
    every step, which makes the run slower.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> class FirstSteps(rb.Callback):
    ...     def on_step(self, step):
    ...         return step.batch == 2
    >>> X, y = rb.datasets.load_digits()
    >>> net = rb.Network([64, 10], output="softmax", random_state=0)
    >>> rb.train(net, X, y, loss="log_loss", callback=FirstSteps()).stop_reason
    'callback'
    """

    def on_step(self, step: Step) -> object:
        """React to a step."""

    def on_epoch(self, epoch: Epoch) -> object:
        """React to an epoch."""

    def on_end(self, result: TrainResult) -> None:
        """React to the end of a run that ends without an error."""


class Function(Callback):
    """A function that is called after every epoch."""

    def __init__(self, function: Callable[[Epoch], object]) -> None:
        self._function = function

    def on_epoch(self, epoch: Epoch) -> object:
        return self._function(epoch)


def callback_list(name: str, value: Any) -> list[Callback]:
    """Return `value` as callbacks: None, a function of an Epoch, a Callback, or several of them.

    Raises
    ------
    TypeError
        `value` is anything else.
    """
    try:
        return _flat(name, value)
    except RecursionError:
        raise TypeError(f"{name}: got a list that contains itself, expected callbacks") from None


def _flat(name: str, value: Any) -> list[Callback]:
    if value is None:
        return []
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [each for i, one in enumerate(value) for each in _flat(f"{name}[{i}]", one)]
    if isinstance(value, Callback):
        return [value]
    if isinstance(value, type) or not callable(value):
        raise TypeError(
            f"{name}: got {shown(value)}, expected a callable, a rosenblatt.Callback or None"
        )
    return [Function(value)]


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when a number no longer improves, and keep the weights of its best epoch.

    Parameters
    ----------
    patience : int, default 10
        Number of epochs in a row without an improvement after which to stop.
    min_delta : float, default 0.0
        An improvement is a value better than the best so far by more than this.
    monitor : str, optional
        "validation_loss", "loss" or the name of a metric; by default the validation loss if there
        is a validation set, else the loss. "loss" is the loss of all training samples, measured
        after the epoch without dropout and noise, which costs one more forward pass over them;
        the history has it as "training_loss".
    maximize : bool, optional
        Whether larger is better. By default False for losses and errors, and True for "accuracy"
        and "r2". Custom metrics require it.
    restore_best : bool, default True
        Whether the network gets the weights and running statistics of the best epoch when the run
        ends, also by divergence, Ctrl-C or an exception. The restored network reproduces the best
        number exactly.

    Notes
    -----
    L. Prechelt, "Early stopping, but when?", 1998.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.EarlyStopping(patience=5)
    EarlyStopping(patience=5, min_delta=0.0, monitor=None, maximize=None, restore_best=True)
    """

    patience: int = 10
    min_delta: float = 0.0
    monitor: str | None = None
    maximize: bool | None = None
    restore_best: bool = True

    def __post_init__(self) -> None:
        expected = "a finite number of at least 0"
        min_delta = arguments.real("min_delta", self.min_delta, expected)
        if min_delta < 0:
            raise ValueError(f"min_delta: got {min_delta}, expected {expected}")
        if self.monitor is not None and not isinstance(self.monitor, str):
            raise TypeError(f"monitor: got {shown(self.monitor)}, expected a name or None")
        patience = arguments.integer("patience", self.patience, least=1, most=2**32)
        object.__setattr__(self, "patience", patience)
        object.__setattr__(self, "min_delta", min_delta)
        if self.maximize is not None:
            object.__setattr__(self, "maximize", arguments.flag("maximize", self.maximize))
        object.__setattr__(self, "restore_best", arguments.flag("restore_best", self.restore_best))

    @property
    def choice_of_best(self) -> tuple[object, ...]:
        """The settings that decide which epoch is the best, and whether its weights are kept."""
        return self.monitor, self.min_delta, self.maximize, self.restore_best
