"""Update: stochastic gradient descent, w := w - epsilon dC/dw, plain or with momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .arithmetic import NumberType
from .backward import Derivatives
from .theta import flatten

if TYPE_CHECKING:
    from .network import Network


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent.

    `momentum` is the part of the last step that is kept (Polyak 1964); with `nesterov` the step
    looks ahead by one more (Nesterov 1983, in the form of Sutskever et al. 2013). Without momentum
    there is nothing to look ahead with, and `nesterov` changes nothing.
    """

    learning_rate: float = 0.01  # epsilon
    momentum: float = 0.0
    nesterov: bool = False


def update(net: Network, derivatives: Derivatives, velocity: list[float], optimizer: SGD) -> None:
    """Take one step for every parameter; `velocity`, in theta's order, is changed with it."""
    theta = net.theta
    for i, dw in enumerate(flatten(derivatives.dW, derivatives.db)):
        theta[i], velocity[i] = step(net.T, theta[i], dw, velocity[i], optimizer)
    net.theta = theta


def step(T: NumberType, w: float, dw: float, v: float, optimizer: SGD) -> tuple[float, float]:
    """Return the new (w, v) of one parameter."""
    learning_rate = T.round(optimizer.learning_rate)
    momentum = T.round(optimizer.momentum)
    if momentum == 0:
        return T.fma(-learning_rate, dw, w), v
    v = T.fma(-learning_rate, dw, T.round(momentum * v))
    if optimizer.nesterov:
        return T.round(w + T.fma(-learning_rate, dw, T.round(momentum * v))), v
    return T.round(w + v), v
