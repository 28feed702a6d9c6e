"""descent: gradient descent as on the slide of the lecture, one update at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import arguments, arrays
from .._loss import Loss
from .._network import Network, require_network
from ..reference.arithmetic import NUMBER_TYPES


class Update(NamedTuple):
    """The state of descent, with all values at the same w."""

    w: NDArray[Any]  # all parameters, (n_params,), a copy of theta
    dC_dw: NDArray[Any]  # (n_params,)
    C: float


def descent(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: Loss = "squared_error",
    learning_rate: float = 0.1,
    until: Callable[[Update], bool] | None = None,
    max_updates: int = 10_000,
) -> Iterator[Update]:
    """Run full-batch gradient descent and yield every update.

    While the termination condition is not met: w := w - epsilon dC/dw.

    Parameters
    ----------
    net : Network
        The network, whose parameters w change with every update.
    X : array-like of shape (n, n_features)
    Y : array-like of shape (n, n_outputs), or (n,)
    loss : str, Huber, Quantile, LogLoss, Poisson or Focal, default "squared_error"
    learning_rate : float, default 0.1
        epsilon, above 0.
    until : callable, optional
        The termination condition: takes an `Update`, the first one before any step, and returns
        whether to stop. Without it, descent stops after `max_updates`.
    max_updates : int, default 10000
        The maximum number of updates.

    Yields
    ------
    Update
        (w, dC/dw, C) after every update, all at the new w.

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or is out of range. The call itself raises, before the first
        update.
    FloatingPointError
        An update would make a parameter infinite or NaN, because epsilon is too large. The network
        keeps the parameters before that update.

    See Also
    --------
    rosenblatt.train : With ``SGD`` and a batch of all samples it makes identical updates, much
        faster.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> net = rb.Network([1, 1], dtype="float64", weights="zeros")
    >>> def flat(at):
    ...     return abs(at.dC_dw).max() < 1e-6
    >>> X, y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
    >>> for w, dC_dw, C in rb.lecture.descent(net, X, y, until=flat):
    ...     pass
    >>> w.round(4), round(C, 4)  # 2 x + 1
    (array([2., 1.]), 0.0)
    """
    require_network("net", net)
    epsilon = arguments.positive("learning_rate", learning_rate)
    most = arguments.integer("max_updates", max_updates, least=0)
    condition = arguments.callback_function("until", until)
    X = arrays.inputs("X", X, net.dtype).copy()
    Y = np.array(arrays.real_array("Y", Y))

    def here() -> Update:
        gradients = net.gradients(X, Y, loss=loss)
        return Update(net.theta.copy(), gradients.grad, gradients.cost)

    here()  # raises now if the samples are not valid
    return _updates(net, here, epsilon, condition, most)


def _updates(
    net: Network,
    here: Callable[[], Update],
    epsilon: float,
    until: Callable[[Update], bool] | None,
    most: int,
) -> Iterator[Update]:
    at, n_updates = here(), 0
    while n_updates < most and not (until is not None and until(at)):
        net.theta[:] = take_step(at, epsilon)
        n_updates += 1
        at = here()
        yield at


def take_step(at: Update, epsilon: float) -> NDArray[Any]:
    """Return w - epsilon dC/dw, each entry rounded once as in docs/arithmetic.md.

    Raises
    ------
    FloatingPointError
        An entry is infinite or NaN.
    """
    T = NUMBER_TYPES[at.w.dtype.name]
    rate = -T.round(epsilon)
    pairs = zip(at.dC_dw.tolist(), at.w.tolist(), strict=True)
    w = np.array([T.fma(rate, g, w) for g, w in pairs], dtype=at.w.dtype)
    if not np.isfinite(w).all():
        raise FloatingPointError(
            f"w - epsilon dC/dw is not finite with learning_rate={epsilon:g} and C = {at.C:g}; "
            "expected a smaller learning_rate"
        )
    return w
