"""Train: gradient descent over epochs of batches, all of it in the compiled core."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from . import _arguments, _arrays, _core, _loss
from ._loss import Loss
from ._network import Network
from ._optimizer import SGD


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
    """

    epoch: int
    epochs: int
    loss: float
    validation_loss: float | None
    seconds: float


@dataclass(frozen=True)
class TrainResult:
    """What a training did.

    Attributes
    ----------
    loss_curve : tuple of float
        The mean loss of every epoch.
    validation_curve : tuple of float or None
        The validation loss after every epoch, None without a validation set.
    epochs : int
        Epochs done.
    seconds : float
        Time taken.
    stop_reason : {"epochs", "callback"}
        Why it ended: all epochs done, or the callback returned true.
    """

    loss_curve: tuple[float, ...]
    validation_curve: tuple[float, ...] | None
    epochs: int
    seconds: float
    stop_reason: Literal["epochs", "callback"]


_DEFAULT_SGD = SGD()


def train(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: Loss,
    optimizer: SGD = _DEFAULT_SGD,
    batch_size: int = 32,
    epochs: int = 10,
    shuffle: bool = True,
    random_state: int | np.random.Generator | None = 0,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    callback: Callable[[Epoch], object] | None = None,
    threads: int | None = None,
) -> TrainResult:
    """Train a network: while there are epochs left, w := w - epsilon dC/dw for every batch.

    Parameters
    ----------
    net : Network
        Trained in place.
    X : array-like of shape (n, n_features)
    Y : array-like of shape (n, n_outputs), or (n,)
        Targets; integer labels (n,) for losses that name classes; (n,) numbers where there is one
        output.
    loss : str, Huber, Quantile, LogLoss, Poisson or Focal
        As for `Network.gradients`; docs/losses.md says which output each needs.
    optimizer : SGD, default SGD()
    batch_size : int, default 32
        Samples per step; the last batch of an epoch is as long as it comes.
    epochs : int, default 10
        Passes over the samples.
    shuffle : bool, default True
        A new order of the samples every epoch.
    random_state : int, numpy.random.Generator or None, default 0
        The seed of the order, 0 … 2**64 - 1.
    validation : (X, Y), optional
        Samples whose loss is measured after every epoch and never trained on.
    callback : callable, optional
        ``callback(epoch)`` with an `Epoch`, after every epoch; true ends the training. It may read
        and change the network.
    threads : int, optional
        How many threads; ``net.threads`` otherwise. The result is the same for any number.

    Returns
    -------
    TrainResult

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, shape or range; the message names it, the network is
        unchanged.
    FloatingPointError
        The loss or the weights became infinite or NaN. The network has the weights of the end of
        the last good epoch.
    KeyboardInterrupt
        Ctrl-C. The network has the weights of the last finished step.
    RuntimeError
        The network is being trained already, or used by another thread.

    Notes
    -----
    The arithmetic is specified to the bit in docs/arithmetic.md.

    Examples
    --------
    The exclusive or, which no single perceptron can learn:

    >>> import rosenblatt as rb
    >>> X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = rb.Network([2, 8, 1], activation="tanh", output="logistic", random_state=0)
    >>> sgd = rb.SGD(learning_rate=0.5)
    >>> result = rb.train(net, X, Y, loss="log_loss", optimizer=sgd, batch_size=4, epochs=1000)
    >>> net.forward(X).round().ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    if not isinstance(net, Network):
        raise TypeError(f"net: got {type(net).__name__}, needed a rosenblatt.Network")
    if not isinstance(optimizer, SGD):
        raise TypeError(f"optimizer: got {optimizer!r}, needed a rosenblatt.SGD")
    rule = _loss.rule(loss)
    n_epochs = _arguments.integer("epochs", epochs, least=1, most=2**32)
    watch = _Watch(_arguments.callback_function("callback", callback), n_epochs)
    loss_curve, validation_curve, stopped = _core.train(
        net._core,
        _arrays.inputs("X", X, net.dtype),
        net._targets("Y", Y, rule.name),
        loss=rule,
        learning_rate=optimizer.learning_rate,
        momentum=optimizer.momentum,
        nesterov=optimizer.nesterov,
        batch_size=_arguments.integer("batch_size", batch_size, least=1, most=2**62),
        epochs=n_epochs,
        shuffle=_arguments.flag("shuffle", shuffle),
        seed=_arguments.seed("random_state", random_state),
        validation=_validation(net, validation, rule.name),
        callback=watch.epoch_done if callback is not None else None,
        threads=_arguments.thread_count("threads", net.threads if threads is None else threads),
    )
    return TrainResult(
        loss_curve=tuple(loss_curve),
        validation_curve=None if validation is None else tuple(validation_curve),
        epochs=len(loss_curve),
        seconds=watch.seconds(),
        stop_reason="callback" if stopped else "epochs",
    )


class _Watch:
    """Tells a callback of every epoch, and of the time since training began."""

    def __init__(self, callback: Callable[[Epoch], object] | None, epochs: int) -> None:
        self._callback = callback
        self._epochs = epochs
        self._began = time.perf_counter()

    def seconds(self) -> float:
        return time.perf_counter() - self._began

    def epoch_done(self, epoch: int, loss: float, validation_loss: float | None) -> bool:
        assert self._callback is not None
        return bool(
            self._callback(Epoch(epoch, self._epochs, loss, validation_loss, self.seconds()))
        )


def _validation(net: Network, validation: Any, loss: str) -> tuple[Any, Any] | None:
    if validation is None:
        return None
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise TypeError(f"validation: got {type(validation).__name__}, needed a pair (X, Y)")
    X, Y = validation
    return _arrays.inputs("validation[0]", X, net.dtype), net._targets("validation[1]", Y, loss)
