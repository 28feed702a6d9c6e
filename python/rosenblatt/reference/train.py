"""Training: for every batch of every epoch forward, loss, backward, update."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .backward import backward
from .forward import forward
from .loss import NamedLoss, Targets, cost_and_delta
from .network import Network
from .rng import shuffled
from .theta import Matrix
from .update import SGD, update


@dataclass(frozen=True)
class TrainResult:
    """What a training run did."""

    loss_curve: tuple[float, ...]  # the loss of each epoch, the mean over its batches
    validation_curve: tuple[float, ...] | None  # the cost of the validation set after each epoch
    epochs: int


class Batch(NamedTuple):
    """Some samples and their targets."""

    X: Matrix
    Y: Targets


def train(
    net: Network,
    X: Matrix,
    Y: Targets,
    *,
    loss: str | NamedLoss,
    optimizer: SGD = SGD(),  # noqa: B008 - it is frozen
    batch_size: int = 32,
    epochs: int = 10,
    shuffle: bool = True,
    random_state: int = 0,
    validation: tuple[Matrix, Targets] | None = None,
) -> TrainResult:
    """Train `net` on X, (n, n_features), and Y; its weights are changed."""
    velocity = [0.0] * net.n_params
    losses: list[float] = []
    validation_losses: list[float] = []
    for epoch in range(epochs):
        order = shuffled(random_state, epoch, len(X)) if shuffle else list(range(len(X)))
        total = 0.0
        for batch in batches(X, Y, order, batch_size):
            trace = forward(net, batch.X)
            C, delta = cost_and_delta(net, trace, batch.Y, loss)
            total = total + len(batch.X) * C
            derivatives = backward(net, trace, delta)
            update(net, derivatives, velocity, optimizer)
        losses.append(total / len(X))
        if validation is not None:
            validation_losses.append(cost(net, *validation, loss))
    return TrainResult(tuple(losses), tuple(validation_losses) if validation else None, epochs)


def batches(X: Matrix, Y: Targets, order: list[int], batch_size: int) -> Iterator[Batch]:
    """Give the samples in this order, `batch_size` at a time; the last batch may be shorter."""
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        yield Batch([X[i] for i in rows], [Y[i] for i in rows])


def cost(net: Network, X: Matrix, Y: Targets, loss: str | NamedLoss) -> float:
    """Return the cost of all these samples as one batch."""
    return cost_and_delta(net, forward(net, X), Y, loss)[0]
