"""The central difference of C for one parameter, and its expected error."""

from __future__ import annotations

from dataclasses import dataclass
from math import frexp, ldexp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._network import Network

U = 2.0**-53  # the largest relative error of one rounding in float64
# The truncation error grows with h^2 and the rounding error with u / h. For a cost with derivatives
# of about 1 their sum is smallest near the third root of u; 2^-17 is 1.6 times that.
STEP_EXPONENT = -17
# The error of a z is a few u times the sum of the sizes of its terms, that of an activation up to
# 5 u; the same holds for C. (Sums of n terms could have an error of n u, but rounding errors do not
# all have the same sign.)
ROUNDINGS = 8


@dataclass(frozen=True)
class Difference:
    """A central difference of the cost, computed in float64.

    Attributes
    ----------
    value : float
        (C(w + h) - C(w - h)) / 2h.
    h : float
        A power of two near 2^-17 max(1, abs(w)).
    expected_error : float
        The expected error compared with dC/dw: the truncation error (a third of the change when h
        is doubled) plus the rounding error of C divided by h.
    """

    value: float
    h: float
    expected_error: float


def to_float64(net: Network) -> Network:
    """Return a float64 copy of a network, with its parameters and scalings."""
    *hidden, output = net.activations
    copy = Network(
        net.layers,
        activation=hidden,  # type: ignore[arg-type]
        output=output,  # type: ignore[arg-type]
        dtype="float64",
        random_state=0,
        weights="zeros",
    )
    copy.theta[:] = net.theta
    copy.input_scaling, copy.target_scaling = net.input_scaling, net.target_scaling
    copy.threads = net.threads
    return copy


class Differences:
    """Central differences of the cost of some samples; the network does not change."""

    def __init__(self, net: Network, X: NDArray[Any], Y: NDArray[Any], loss: Any) -> None:
        self._net, self._X, self._Y, self._loss = to_float64(net), X, Y, loss
        self._noise = self._rounding_of_cost()

    def by(self, i: int) -> Difference:
        """Return the difference for parameter i of theta."""
        h = ldexp(1.0, max(frexp(self._net.theta[i])[1], 0) + STEP_EXPONENT)
        value = self._quotient(i, h)
        truncation = abs(self._quotient(i, 2 * h) - value) / 3
        return Difference(value, h, truncation + self._noise / h)

    def _quotient(self, i: int, h: float) -> float:
        theta = self._net.theta
        middle = theta[i]
        theta[i] = middle + h
        above, highest = self._cost(), theta[i]
        theta[i] = middle - h
        below, lowest = self._cost(), theta[i]
        theta[i] = middle
        return float((above - below) / (highest - lowest))

    def _cost(self) -> float:
        return self._net.gradients(self._X, self._Y, loss=self._loss).cost

    def _rounding_of_cost(self) -> float:
        """Return the expected rounding error of C.

        It is that of C itself, plus that of every z times delta.
        """
        trace = self._net.trace(self._X)
        at = self._net.gradients(self._X, self._Y, loss=self._loss)
        sizes = [abs(at.cost)]
        for W, b, A, delta in zip(self._net.W, self._net.b, trace.A, at.delta, strict=False):
            of_terms = np.abs(A) @ np.abs(W).T + np.abs(b)
            sizes.append(float(np.sum(np.abs(delta) * of_terms)))
        return ROUNDINGS * U * sum(sizes)
