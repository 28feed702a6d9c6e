"""Training: forward, loss, backward and update for every batch of every epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .arithmetic import Float64, sum_in_order
from .backward import backward
from .dropout import Dropout
from .forward import forward
from .layers import Layers
from .lbfgs import LBFGS, Minimiser, minimise
from .loss import NamedLoss, cost_and_delta
from .noise import InputNoise
from .normalisation import follow_batch
from .rng import shuffled
from .scaling import fit_scaling
from .theta import Matrix, Targets
from .update import SGD, Descent, Optimizer, Regularisation, Rprop, norm_of_gradient


@dataclass(frozen=True)
class TrainResult:
    """The record of a training run."""

    loss_curve: tuple[float, ...]  # the loss of each epoch, the mean over its batches
    validation_curve: tuple[float, ...] | None  # the cost of the validation set after each epoch
    epochs: int
    ema: tuple[float, ...] | None = None  # the average of the parameters, in the order of theta
    learning_rates: tuple[float, ...] | None = None  # in the last step of each epoch
    gradient_norms: tuple[float, ...] | None = None  # the mean over the steps of each epoch
    penalties: tuple[float, ...] = ()  # the mean over each epoch of the penalty before a step


class Batch(NamedTuple):
    """Some samples, their targets, and their weights, if any."""

    first: int  # the position of the first sample in the epoch
    X: Matrix
    Y: Targets
    weights: list[float] | None

    @property
    def weight(self) -> float:
        """The sum of the weights."""
        return float(len(self.X)) if self.weights is None else sum_in_order(Float64, self.weights)


def train(
    net: Layers,
    X: Matrix,
    Y: Targets,
    *,
    loss: str | NamedLoss,
    optimizer: Optimizer | LBFGS = SGD(),  # noqa: B008 - it is frozen
    regularisation: Regularisation = Regularisation(),  # noqa: B008 - it is frozen
    batch_size: int = 32,
    epochs: int = 10,
    shuffle: bool = True,
    random_state: int = 0,
    sample_weight: Sequence[float] | None = None,
    dropout: Sequence[float] = (),
    input_noise: float = 0.0,
    validation: tuple[Matrix, Targets] | tuple[Matrix, Targets, Sequence[float]] | None = None,
    scale_inputs: str | None = None,
    scale_targets: str | None = None,
    gradient_norm: bool = False,
) -> TrainResult:
    """Train `net` in place on X, (n, n_features), and Y.

    Scalings are fitted and set if `scale_inputs` or `scale_targets` is given.

    A batch whose samples all have weight 0 is skipped. `dropout` has a rate for the input of each
    weight layer; `input_noise` is a standard deviation. `gradient_norm` records the norms of the
    gradients before penalties and clipping.
    """
    if scale_inputs is not None:
        net.input_scaling = fit_scaling(net.T, X, scale_inputs)
    if scale_targets is not None:
        rows = [y if isinstance(y, list) else [y] for y in Y]
        net.target_scaling = fit_scaling(net.T, rows, scale_targets)
    X, Y = net.scale_inputs(X), net.scale_targets(Y)
    unseen: tuple[Matrix, Targets, Sequence[float] | None] | None = None
    if validation is not None:
        weights = list(validation[2]) if len(validation) == 3 else None
        unseen = net.scale_inputs(validation[0]), net.scale_targets(validation[1]), weights
    if isinstance(optimizer, LBFGS):
        minimiser = Minimiser(
            net,
            (X, Y, sample_weight),
            loss=loss,
            settings=optimizer,
            regularisation=regularisation,
        )
        curves = minimise(minimiser, epochs, unseen)
        validation_curve = tuple(curves.validation_losses) if unseen else None
        return TrainResult(
            tuple(curves.losses),
            validation_curve,
            len(curves.losses),
            gradient_norms=tuple(curves.gradient_norms) if gradient_norm else None,
        )
    noise = InputNoise(net.T, input_noise, random_state)
    left_out = Dropout(net.T, dropout or (0.0,) * len(net.W), random_state)
    descent = Descent(net, optimizer, regularisation)
    losses: list[float] = []
    penalties: list[float] = []
    validation_losses: list[float] = []
    rates: list[float] = []
    mean_norms: list[float] = []
    for epoch in range(epochs):
        order = shuffled(random_state, epoch, len(X)) if shuffle else list(range(len(X)))
        total, weight, penalty = 0.0, 0.0, 0.0
        norms: list[float] = []
        for batch in batches(X, Y, sample_weight, order, batch_size):
            if batch.weight == 0:
                continue
            masks = left_out.masks(epoch, batch.first, len(batch.X), net.layers[:-1])
            trace = forward(net, noise.on(batch.X, epoch, batch.first), masks, of_batch=True)
            C, delta = cost_and_delta(net, trace, batch.Y, loss, batch.weights)
            penalty = penalty + descent.penalty()
            total = total + batch.weight * C
            weight = weight + batch.weight
            derivatives = backward(net, trace, delta)
            if gradient_norm:
                norms.append(norm_of_gradient(derivatives.dW, derivatives.db, derivatives.dg))
            descent.update(derivatives, batch.weight)
            follow_batch(net, trace.normalised, len(batch.X))
        losses.append(total / weight)
        penalties.append(penalty / weight)
        rates.append(descent.rate)
        if gradient_norm:
            mean_norms.append(sum_in_order(Float64, norms) / len(norms))
        if unseen is not None:
            validation_losses.append(cost(net, loss, *unseen))
        descent.end_epoch((validation_losses or losses)[-1])
    return TrainResult(
        tuple(losses),
        tuple(validation_losses) if unseen else None,
        epochs,
        None if descent.average is None else tuple(descent.average),
        None if isinstance(optimizer, Rprop) else tuple(rates),
        tuple(mean_norms) if gradient_norm else None,
        tuple(penalties),
    )


def batches(
    X: Matrix, Y: Targets, weights: Sequence[float] | None, order: list[int], batch_size: int
) -> Iterator[Batch]:
    """Yield the samples in this order, `batch_size` at a time.

    The last batch may be smaller.
    """
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        of_rows = None if weights is None else [weights[i] for i in rows]
        yield Batch(start, [X[i] for i in rows], [Y[i] for i in rows], of_rows)


def cost(
    net: Layers,
    loss: str | NamedLoss,
    X: Matrix,
    Y: Targets,
    sample_weight: Sequence[float] | None = None,
) -> float:
    """Return the cost of all these samples as one batch."""
    return cost_and_delta(net, forward(net, X), Y, loss, sample_weight)[0]
