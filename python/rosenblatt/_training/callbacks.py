"""Callbacks: what somebody who watches a training is told, and when a training stops early."""

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
    """What a callback is told at the end of an epoch.

    Attributes
    ----------
    epoch : int
        Which one, from 0.
    epochs : int
        How many were asked for.
    loss : float
        The mean loss of the epoch's samples, each as its batch saw it.
    validation_loss : float or None
        The cost of the validation set after the epoch.
    seconds : float
        Since training began.
    metrics : mapping of str to float
        The metrics that were asked for, after the epoch.
    learning_rate : float or None
        That of the epoch's last step; None for Rprop and LBFGS, which have none.
    gradient_norm : float or None
        The mean norm of the gradient over the epoch's steps, where `train` was asked for it.
    penalty : float
        The mean of what `alpha` adds to the cost, each step's before it; 0 without.
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
    """What a callback is told after a step.

    Attributes
    ----------
    epoch, batch : int
        Which epoch, and which batch of it, from 0.
    loss : float
        The cost of the batch, before its step.
    """

    epoch: int
    batch: int
    loss: float


class Callback:
    """Who watches a training; override what you want to be told.

    Each method may read and change the network, which has the current parameters. `on_step` and
    `on_epoch` end the training by returning something true. A training whose callback overrides
    `on_step` visits Python after every step, and is slower for it.

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
        """Take note of a step."""

    def on_epoch(self, epoch: Epoch) -> object:
        """Take note of an epoch."""

    def on_end(self, result: TrainResult) -> None:
        """Take note of the end of a training that ended without an error."""


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
    """Stop when a number has stopped improving, and keep the weights of its best epoch.

    Parameters
    ----------
    patience : int, default 10
        Stop after so many epochs in a row without an improvement.
    min_delta : float, default 0.0
        What counts as one: better than the best so far by more than this.
    monitor : str, optional
        "validation_loss", "loss" or the name of a metric; by default the validation loss if there
        is a validation set, else the loss. "loss" is the loss of all training samples, measured
        after the epoch without dropout and noise, which costs one more forward pass over them;
        the history has it as "training_loss".
    maximize : bool, optional
        Whether more is better. By default False for losses and errors, True for "accuracy" and
        "r2"; metrics of your own must say.
    restore_best : bool, default True
        Give the network the weights of the best epoch, and the running statistics of batch norm,
        when the training ends, also by divergence, Ctrl-C or an exception. The restored network
        reproduces the best number exactly.

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
        """What decides which epoch is the best, and whether its weights are kept."""
        return self.monitor, self.min_delta, self.maximize, self.restore_best
