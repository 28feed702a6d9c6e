"""What a training did, as `train` tells its caller and callbacks at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from ._watch import StopReason


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
        Epochs done; one that was left in the middle does not count.
    seconds : float
        Time taken, by this run where another one began.
    stop_reason : {"epochs", "callback", "early_stopping", "target_loss", "time_limit", "converged"}
        Why it ended; "epochs": all were done; "converged": LBFGS found the cost flat.
    history : mapping of str to tuple of float
        A number for every epoch: "loss", "validation_loss" where there is one, "learning_rate",
        that of its last step, where the optimiser has one, "gradient_norm" where it was asked for,
        every metric. Of a training that went on from a checkpoint it has all epochs.
    best_epoch : int or None
        The best epoch by the number that early stopping looked at.
    ema : ndarray of shape (n_params,) or None
        The average of the parameters, in theta's order, where `ema` asked for it: ``net.theta =
        result.ema`` puts it into the network.
    """

    loss_curve: tuple[float, ...]
    validation_curve: tuple[float, ...] | None
    epochs: int
    seconds: float
    stop_reason: StopReason
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    best_epoch: int | None = None
    ema: NDArray[Any] | None = field(default=None, compare=False)
