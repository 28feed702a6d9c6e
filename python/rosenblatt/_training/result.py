"""Result: the curves of a run and the reason why it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

StopReason = Literal[
    "epochs", "callback", "early_stopping", "target_loss", "time_limit", "converged"
]


@dataclass(frozen=True)
class TrainResult:
    """The result of a training run.

    Attributes
    ----------
    loss_curve : tuple of float
        The mean loss of every epoch.
    validation_curve : tuple of float or None
        The validation loss after every epoch, None without a validation set.
    epochs : int
        Number of finished epochs.
    seconds : float
        Duration of the run, without that of a run it resumed.
    stop_reason : {"epochs", "callback", "early_stopping", "target_loss", "time_limit", "converged"}
        Why the run ended. "epochs": all epochs are done; "converged": LBFGS found the cost flat.
    history : mapping of str to tuple of float
        A number for every epoch. "loss" is the mean loss of the epoch's batches, each measured
        before its step. "validation_loss" is measured after the epoch if there is a validation
        set, and "training_loss" after the epoch if early stopping monitors the loss. The others
        are "learning_rate" (of the last step, if the optimiser has one), "gradient_norm" if you
        asked for it, and every metric. A run that resumed from a checkpoint has all epochs.
    best_epoch : int or None
        The best epoch by the number that early stopping monitors, from 0. None without early
        stopping.
    monitor : str or None
        The name of that number in the history: ``history[monitor][best_epoch]`` is the number
        that the restored weights reproduce.
    ema : ndarray of shape (n_params,) or None
        The average of the parameters after the last step, in theta's order, if `ema` asked for
        it; it does not follow the best epoch. ``net.theta = result.ema`` copies it into the
        network.
    """

    loss_curve: tuple[float, ...]
    validation_curve: tuple[float, ...] | None
    epochs: int
    seconds: float
    stop_reason: StopReason
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    best_epoch: int | None = None
    monitor: str | None = None
    ema: NDArray[Any] | None = field(default=None, compare=False)
