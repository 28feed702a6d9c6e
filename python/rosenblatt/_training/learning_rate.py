"""Finding a learning rate: the costs of a short training whose rate rises from step to step."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core, _loss, _optimizer, schedules
from .._checks import arguments, sparse
from .._checks.draws import undone_if_raised
from .._checks.shown import shown
from .._loss import Loss
from .._network import Network, require_network
from .._optimizer import LBFGS, SGD, Optimizer, Rprop
from . import validation
from .job import check_batches, check_trainable


@dataclass(frozen=True, eq=False)
class LearningRates:
    """What a search for a learning rate saw.

    Attributes
    ----------
    rates : ndarray of shape (n,)
        The learning rate of every step, rising.
    losses : ndarray of shape (n,)
        The cost of every step's batch before it, as long as it was finite.
    suggestion : float
        A rate to begin with: a tenth of that at which the smoothed cost was lowest.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    suggestion: float


_DEFAULT_SGD = SGD()


def find_learning_rate(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: Loss,
    optimizer: Optimizer = _DEFAULT_SGD,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    random_state: int | np.random.Generator | None = 0,
    threads: int | None = None,
) -> LearningRates:
    """Train a copy of a network with a rate that rises geometrically, and say where it learnt best.

    Parameters
    ----------
    net : Network
        Stays as it is.
    X : array-like or sparse matrix of shape (n, n_features)
    Y : array-like of shape (n, n_outputs), or (n,)
        As for `train`.
    loss : str or loss
        As for `train`.
    optimizer : optimiser, default SGD()
        Its own learning rate is not used. No Rprop or LBFGS, whose steps have sizes of
        their own.
    lowest, highest : float, default 1e-6, 10.0
        The first and the last rate, above 0.
    steps : int, default 100
        How many batches, at least 10.
    batch_size : int, default 32
        As for `train`.
    random_state : int, numpy.random.Generator or None, default 0
        The seed of the order of the samples.
    threads : int, optional
        As for `train`.

    Returns
    -------
    LearningRates

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, shape or range; or no step had a finite cost.

    Notes
    -----
    L. N. Smith, *Cyclical learning rates for training neural networks*, WACV 2017. The costs are
    smoothed by a mean of which 0.9 stays in each step, corrected for its start.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> X, y = rb.datasets.load_digits()
    >>> net = rb.Network([64, 32, 10], output="softmax", random_state=0)
    >>> found = rb.find_learning_rate(net, X, y, loss="log_loss")
    >>> found.rates.size <= 100, 0.001 < found.suggestion < 1
    (True, True)
    """
    require_network("net", net)
    check_trainable(net)
    if isinstance(optimizer, Rprop | LBFGS):
        raise TypeError(f"optimizer: got {shown(optimizer)}, expected one with a learning rate")
    if not isinstance(optimizer, _optimizer.OPTIMIZERS):
        _optimizer.rule(optimizer, {})
    first = arguments.positive("lowest", lowest)
    last = arguments.positive("highest", highest)
    if not first < last:
        raise ValueError(f"lowest: got {first}, expected less than highest, {last}")
    count = arguments.integer("steps", steps, least=10, most=2**32)
    size = arguments.integer("batch_size", batch_size, least=1, most=2**62)
    rising = schedules.Exponential(first, factor=(last / first) ** (1 / (count - 1)))
    rule = _loss.rule(loss)
    samples = sparse.inputs("X", X, net.dtype)
    in_an_epoch = math.ceil(samples.shape[0] / size) if samples.ndim > 0 else 1
    targets = validation.targets(net, "Y", Y, rule.name)
    check_batches(net, samples.shape[0] if samples.ndim > 0 else 0, size, optimizer)
    with undone_if_raised([random_state]):
        costs = _core.costs_of_steps(
            net.copy()._core,
            (sparse.for_core(samples), targets, None),
            loss=rule,
            optimizer=dataclasses.replace(optimizer, learning_rate=rising).rule({}),
            batch_size=size,
            epochs=math.ceil(count / max(in_an_epoch, 1)),
            seed=arguments.seed("random_state", random_state),
            threads=arguments.thread_count("threads", net.threads if threads is None else threads),
        )
    if not costs:
        raise ValueError("net: got a cost that is not finite, expected weights that give one")
    losses = np.array(costs[:count])
    rates = schedules.rates(rising, len(losses))
    return LearningRates(rates, losses, float(rates[np.argmin(_smoothed(losses))]) / 10)


def _smoothed(losses: NDArray[np.float64]) -> list[float]:
    """Return the means of the losses so far, each step's weight 0.9 of the next one's."""
    total = weight = 0.0
    means = []
    for loss in losses.tolist():
        total, weight = 0.9 * total + loss, 0.9 * weight + 1
        means.append(total / weight)
    return means
