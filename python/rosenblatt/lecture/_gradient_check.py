"""gradient_check: compares every derivative of C with a central difference."""

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
from ._sample import check_supported


@dataclass(frozen=True)
class Disagreement:
    """A derivative and a central difference that disagree.

    Attributes
    ----------
    parameter : str
        The symbol of the parameter in the lecture, "w_22^(2)".
    gradient, difference : float
        dC/dw by error backpropagation, and by a central difference.
    expected_error : float
        The expected error of the difference.
    """

    parameter: str
    gradient: float
    difference: float
    expected_error: float

    @property
    def absolute(self) -> float:
        """The absolute value of gradient - difference."""
        return abs(self.gradient - self.difference)

    @property
    def relative(self) -> float:
        """The absolute disagreement divided by the larger of the two; 0 if both are 0."""
        larger = max(abs(self.gradient), abs(self.difference))
        return self.absolute / larger if larger else 0.0

    def __str__(self) -> str:
        return (
            f"at {self.parameter}: gradient {self.gradient:.10g}, difference "
            f"{self.difference:.10g} with an expected error of {self.expected_error:.1g}"
        )


@dataclass(frozen=True, eq=False)
class GradientCheck:
    """The gradient of a cost and central differences, for every parameter.

    Attributes
    ----------
    gradient : ndarray of shape (n_params,)
        dC/dtheta of `net.gradients`, in the order of theta.
    differences : ndarray of shape (n_params,)
        The central differences, float64.
    expected_errors : ndarray of shape (n_params,)
        The expected error of each difference.
    largest_absolute, largest_relative : Disagreement
        The largest absolute and relative disagreement.
    """

    gradient: NDArray[Any]
    differences: NDArray[np.float64]
    expected_errors: NDArray[np.float64]
    largest_absolute: Disagreement
    largest_relative: Disagreement

    @property
    def n_unexpected(self) -> int:
        """Number of parameters whose disagreement exceeds the expected error.

        In a float32 network this can also be due to the rounding of the gradient, and near a kink
        (relu at 0) to a difference across it.
        """
        error = np.abs(self.gradient.astype(np.float64) - self.differences)
        return int(np.count_nonzero(~(error <= self.expected_errors)))

    def __str__(self) -> str:
        n, unexpected = self.gradient.size, self.n_unexpected
        word = "all" if unexpected == 0 else f"{n - unexpected}"
        within = f"{word} of {n} parameters agree within the expected errors"
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

    It computes the cost four times per parameter, so use it with small networks and few samples.

    Parameters
    ----------
    net : Network
        The network, which does not change.
    X : array-like of shape (n, n_features)
    Y : array-like of shape (n, n_outputs), or (n,)
    loss : str, Huber, Quantile, LogLoss, Poisson or Focal, default "squared_error"

    Returns
    -------
    GradientCheck

    Raises
    ------
    TypeError, ValueError
        `net.gradients` does not accept X, Y or loss, or the network has normalised layers or skip
        connections.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> net = rb.Network([2, 3, 1], activation="tanh", dtype="float64", random_state=0)
    >>> check = rb.lecture.gradient_check(net, [[0.0, 1.0], [1.0, 0.5]], [1.0, 2.0])
    >>> check.n_unexpected, check.largest_absolute.absolute < 1e-9
    (0, True)
    """
    require_network("net", net)
    check_supported(net)
    gradient = net.gradients(X, Y, loss=loss).grad
    differences = Differences(
        net, arrays.inputs("X", X, net.dtype), arrays.real_array("Y", Y), loss
    )
    by_parameter = [differences.by(i) for i in range(net.n_params)]
    disagreements = [
        Disagreement(
            at_place(net.layers, i).symbol, float(gradient[i]), each.value, each.expected_error
        )
        for i, each in enumerate(by_parameter)
    ]
    return GradientCheck(
        gradient=gradient,
        differences=np.array([each.value for each in by_parameter]),
        expected_errors=np.array([each.expected_error for each in by_parameter]),
        largest_absolute=max(disagreements, key=lambda each: _size(each.absolute)),
        largest_relative=max(disagreements, key=lambda each: _size(each.relative)),
    )


def _size(disagreement: float) -> float:
    """Return the disagreement for comparisons, with NaN as the largest."""
    return inf if isnan(disagreement) else disagreement
