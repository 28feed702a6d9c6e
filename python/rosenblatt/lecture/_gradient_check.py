"""gradient_check: every derivative of C beside a central difference, and where they differ most."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import arrays
from .._loss import Loss
from .._network import Network, require_network
from ._difference import Differences
from ._parameters import at_place
from ._sample import refuse_what_the_lecture_lacks


@dataclass(frozen=True)
class Disagreement:
    """Where a derivative and a difference are apart.

    Attributes
    ----------
    parameter : str
        In the lecture's words, "w_22^(2)".
    gradient, difference : float
        dC/dw by error backpropagation, and by a central difference.
    expected_error : float
        By how much the difference itself may be off.
    """

    parameter: str
    gradient: float
    difference: float
    expected_error: float

    @property
    def absolute(self) -> float:
        """abs(gradient - difference)."""
        return abs(self.gradient - self.difference)

    @property
    def relative(self) -> float:
        """That over the larger of the two; 0 where both are 0."""
        larger = max(abs(self.gradient), abs(self.difference))
        return self.absolute / larger if larger else 0.0

    def __str__(self) -> str:
        return (
            f"at {self.parameter}: gradient {self.gradient:.10g}, difference "
            f"{self.difference:.10g}, which may be off by {self.expected_error:.1g}"
        )


@dataclass(frozen=True, eq=False)
class GradientCheck:
    """The gradient of a cost beside central differences, parameter by parameter.

    Attributes
    ----------
    gradient : ndarray of shape (n_params,)
        dC/dtheta of `net.gradients`, in theta's order.
    differences : ndarray of shape (n_params,)
        The central differences, float64.
    expected_errors : ndarray of shape (n_params,)
        By how much each difference itself may be off.
    largest_absolute, largest_relative : Disagreement
        The largest disagreements, and where they are.
    """

    gradient: NDArray[Any]
    differences: NDArray[np.float64]
    expected_errors: NDArray[np.float64]
    largest_absolute: Disagreement
    largest_relative: Disagreement

    @property
    def n_unexpected(self) -> int:
        """How many differences are further off than they may be.

        In a float32 network this counts the rounding of the gradient, too, and near a kink (relu
        at 0) a difference that reaches across it.
        """
        error = np.abs(self.gradient.astype(np.float64) - self.differences)
        return int(np.count_nonzero(~(error <= self.expected_errors)))

    def __str__(self) -> str:
        n, unexpected = self.gradient.size, self.n_unexpected
        word = "all" if unexpected == 0 else f"{n - unexpected}"
        within = f"{word} of {n} parameters agree within what their differences may be off"
        absolute, relative = self.largest_absolute, self.largest_relative
        return "\n".join(
            [
                within,
                f"largest absolute disagreement {absolute.absolute:.2g} {absolute}",
                f"largest relative disagreement {relative.relative:.2g} {relative}",
            ]
        )


def gradient_check(
    net: Network, X: ArrayLike, Y: ArrayLike, loss: Loss = "squared_error"
) -> GradientCheck:
    """Compare every derivative of the cost with a central difference in float64.

    Four costs for each parameter: meant for small networks and few samples.

    Parameters
    ----------
    net : Network
        It is left as it is.
    X : array-like of shape (n, n_features)
    Y : array-like of shape (n, n_outputs), or (n,)
    loss : str, Huber, Quantile, LogLoss, Poisson or Focal, default "squared_error"

    Returns
    -------
    GradientCheck

    Raises
    ------
    TypeError, ValueError
        X, Y or loss are not what `net.gradients` takes, or the network has normalised layers or
        skip connections.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> net = rb.Network([2, 3, 1], activation="tanh", dtype="float64", random_state=0)
    >>> check = rb.lecture.gradient_check(net, [[0.0, 1.0], [1.0, 0.5]], [1.0, 2.0])
    >>> check.n_unexpected, check.largest_absolute.absolute < 1e-9
    (0, True)
    """
    require_network("net", net)
    refuse_what_the_lecture_lacks(net)
    gradient = net.gradients(X, Y, loss=loss).grad
    differences = Differences(
        net, arrays.inputs("X", X, net.dtype), arrays.real_array("Y", Y), loss
    )
    found = [differences.by(i) for i in range(net.n_params)]
    disagreements = [
        Disagreement(
            at_place(net.layers, i).symbol, float(gradient[i]), each.value, each.expected_error
        )
        for i, each in enumerate(found)
    ]
    return GradientCheck(
        gradient=gradient,
        differences=np.array([each.value for each in found]),
        expected_errors=np.array([each.expected_error for each in found]),
        largest_absolute=max(disagreements, key=lambda each: _size(each.absolute)),
        largest_relative=max(disagreements, key=lambda each: _size(each.relative)),
    )


def _size(disagreement: float) -> float:
    """Return it, with no number as the largest of all."""
    return inf if isnan(disagreement) else disagreement
