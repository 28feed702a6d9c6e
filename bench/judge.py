"""Judge: the textbook's step in float64, and how far a contestant's result may be from it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .workloads import Array, Parameters, Workload, first_parameters, flat, samples

UNIT_ROUNDOFF = {"float32": 2.0**-24, "float64": 2.0**-53}


@dataclass(frozen=True)
class Verdict:
    """How far a result is from the judge's, beside what rounding may account for."""

    quantity: str
    distance: float
    allowed: float

    @property
    def agrees(self) -> bool:
        return self.distance <= self.allowed  # false for NaN

    def __str__(self) -> str:
        return f"{self.quantity} is off by {self.distance:.2g}, rounding allows {self.allowed:.2g}"


class Judge:
    """Knows what the first steps of a workload lead to.

    Parameters
    ----------
    workload : Workload
    steps : int
        How many steps, in the order of the rows, are judged; in inference, calls.
    """

    def __init__(self, workload: Workload, steps: int) -> None:
        self.steps = min(steps, workload.steps)
        self._workload = workload
        X, Y = samples(workload)
        rows = self.steps * workload.batch
        self._X = X[:rows].astype(np.float64)
        self._targets = rows_of_targets(workload, Y[:rows])
        first = [
            (W.astype(np.float64), b.astype(np.float64)) for W, b in first_parameters(workload)
        ]
        self._first = flat(first)
        if workload.kind == "inference":
            self._outputs = forward(workload, first, self._X)[-1]
            return
        for start in range(0, rows, workload.batch):
            batch = slice(start, start + workload.batch)
            step(workload, first, self._X[batch], self._targets[batch])
        self._last = flat(first)
        self._cost = self._cost_with(first)
        step(workload, first, self._X[: workload.batch], self._targets[: workload.batch])
        self._slope = float(np.linalg.norm(flat(first) - self._last)) / workload.learning_rate

    def verdicts(self, result: Array) -> list[Verdict]:
        """Compare a contestant's parameters after the steps, or its outputs, with the judge's.

        Rounding, u = 2^-24 or 2^-53, the worst case to first order: a sum of n products is off by
        n u times the sum of their sizes, and a chain of layers passes that on, so that a gradient
        is off by (sum of all lengths of sums) u relative to its norm. Each step rounds the
        parameters once more, by u |theta|. The judge's own rounding comes on top, which matters in
        float64. Typical errors are hundreds of times smaller, wrong factors thousands of times
        larger: the distance that they cause is the size of the whole movement.
        """
        workload = self._workload
        u = UNIT_ROUNDOFF[workload.dtype] + UNIT_ROUNDOFF["float64"]
        lengths = sum(workload.layers)
        if workload.kind == "inference":
            size = float(np.linalg.norm(self._outputs))
            distance = float(np.linalg.norm(result.reshape(self._outputs.shape) - self._outputs))
            return [Verdict("the output", distance, lengths * u * size)]
        # Forward and backward take the sums once each, and dC/dW sums over the batch.
        movement = float(np.linalg.norm(self._last - self._first))
        size = float(np.linalg.norm(self._last))
        relative = (2 * lengths + workload.batch) * u
        allowed = relative * movement + self.steps * u * size
        if allowed > 0.05 * movement:
            raise AssertionError(f"{workload.name}: the steps are too small to be judged")
        cost = self._cost_with(unflat(workload, result.astype(np.float64)))
        return [
            Verdict("the weights", float(np.linalg.norm(result - self._last)), allowed),
            # C changes by its slope times the distance, to first order; its own sums round as well.
            Verdict(
                "the loss",
                abs(cost - self._cost),
                self._slope * allowed + lengths * UNIT_ROUNDOFF["float64"] * (1 + self._cost),
            ),
        ]

    def _cost_with(self, parameters: Parameters) -> float:
        """Return the cost of the first batch."""
        batch = slice(0, self._workload.batch)
        outputs = forward(self._workload, parameters, self._X[batch])[-1]
        return cost_of(self._workload, outputs, self._targets[batch])


def unflat(workload: Workload, theta: Array) -> Parameters:
    """Cut a vector of all parameters into W and b of every layer; copies."""
    parameters, start = [], 0
    for n_in, n_out in pairwise(workload.layers):
        end = start + n_in * n_out
        parameters.append(
            (theta[start:end].reshape(n_in, n_out).copy(), theta[end : end + n_out].copy())
        )
        start = end + n_out
    return parameters


def rows_of_targets(workload: Workload, Y: Array) -> Array:
    """Return targets as float64 rows, (rows, n_outputs); labels become one-hot rows, or 0 and 1."""
    n_outputs = workload.layers[-1]
    if workload.output == "softmax":
        return np.eye(n_outputs)[Y]
    return Y.reshape(-1, n_outputs).astype(np.float64)


def forward(workload: Workload, parameters: Parameters, X: Array) -> list[Array]:
    """Return a of every layer, the input first."""
    A = [X]
    for layer, (W, b) in enumerate(parameters, 1):
        Z = A[-1] @ W + b
        A.append(activate(workload.output if layer == len(parameters) else workload.activation, Z))
    return A


def activate(name: str, Z: Array) -> Array:
    """Return f(Z)."""
    if name == "relu":
        return np.maximum(Z, 0.0)
    if name == "tanh":
        return np.tanh(Z)
    if name == "logistic":
        return 0.5 * (1 + np.tanh(0.5 * Z))
    if name == "softmax":
        E: Array = np.exp(Z - Z.max(axis=1, keepdims=True))
        E /= E.sum(axis=1, keepdims=True)
        return E
    return Z


def step(workload: Workload, parameters: Parameters, X: Array, Y: Array) -> float:
    """Take one step of gradient descent, in place, and return the cost before it."""
    A = forward(workload, parameters, X)
    cost = cost_of(workload, A[-1], Y)
    delta = (A[-1] - Y) / len(X)  # for each of the three pairs of output and loss
    for layer in reversed(range(len(parameters))):
        W, b = parameters[layer]
        below = delta @ W.T if layer else None
        W -= workload.learning_rate * (A[layer].T @ delta)
        b -= workload.learning_rate * delta.sum(axis=0)
        if below is not None:
            slope = 1 - A[layer] ** 2 if workload.activation == "tanh" else A[layer] > 0
            delta = below * slope
    return cost


def cost_of(workload: Workload, A: Array, Y: Array) -> float:
    """Return C, summed over outputs and averaged over samples."""
    if workload.output == "identity":
        return float(0.5 * ((A - Y) ** 2).sum() / len(A))
    if workload.output == "softmax":
        return float(-np.log(A[Y > 0]).sum() / len(A))
    return float(-(Y * np.log(A) + (1 - Y) * np.log1p(-A)).sum() / len(A))
