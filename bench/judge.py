"""Judge: the textbook's steps in float64, and how far a entry's result may be from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .workloads import Array, Parameters, Workload, first_parameters, flat, samples

UNIT_ROUNDOFF = {"float32": 2.0**-24, "float64": 2.0**-53}

# Adam moves every weight by about the learning rate, whatever the size of its gradient: where
# rounding turns the sign of one that is nearly 0, the step turns as well. If one weight in ten
# thousand does so, by twice a step, the distance is a fiftieth of the movement. Without the
# corrections of the means it would be a half of it and more.
ADAM_TOLERANCE = 0.02


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
        first = self._first_parameters()
        self._first = flat(first)
        if workload.kind == "inference":
            self._outputs = forward(workload, first, self._X)[-1]
            return
        last = self._after_steps()
        self._last = flat(last)
        self._doubt = 0.0
        if workload.activation == "relu":
            kink = max(workload.layers) * UNIT_ROUNDOFF[workload.dtype]
            above, below = flat(self._after_steps(kink)), flat(self._after_steps(-kink))
            self._doubt = float(np.linalg.norm(above - below))
        self._cost = self._cost_with(last)
        step(workload, last, self._X[: workload.batch], self._targets[: workload.batch], descend)
        self._slope = float(np.linalg.norm(flat(last) - self._last)) / workload.learning_rate

    def _first_parameters(self) -> Parameters:
        return [
            (W.astype(np.float64), b.astype(np.float64))
            for W, b in first_parameters(self._workload)
        ]

    def _after_steps(self, kink: float = 0.0) -> Parameters:
        """Return the parameters after the steps, with relu'(z) = 1 from `kink` on."""
        workload = self._workload
        parameters = self._first_parameters()
        update = Adam(workload) if workload.kind == "run" else descend
        for start in range(0, self.steps * workload.batch, workload.batch):
            batch = slice(start, start + workload.batch)
            step(workload, parameters, self._X[batch], self._targets[batch], update, kink=kink)
        return parameters

    def verdicts(self, result: Array) -> list[Verdict]:
        """Compare a entry's parameters after the steps, or its outputs, with the judge's.

        Rounding, u = 2^-24 or 2^-53, the worst case to first order: a sum of n products is off by
        n u times the sum of their sizes, and a chain of layers passes that on, so that a gradient
        is off by (sum of all lengths of sums) u relative to its norm. Each step rounds the
        parameters once more, by u |theta|. Where z is so near 0 that rounding decides which slope
        relu has there, the distance between both choices comes on top, and so does the judge's own
        rounding, which matters in float64. Typical errors are hundreds of times smaller, wrong
        factors thousands of times larger: the distance that they cause is the size of the whole
        movement.
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
        if workload.kind == "run":
            relative = ADAM_TOLERANCE
        allowed = relative * movement + self.steps * u * size + self._doubt
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


def forward(
    workload: Workload, parameters: Parameters, X: Array, sums: list[Array] | None = None
) -> list[Array]:
    """Return a of every layer, the input first; append z of every layer to `sums`."""
    A = [X]
    for layer, (W, b) in enumerate(parameters, 1):
        Z = A[-1] @ W + b
        if sums is not None:
            sums.append(Z)
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


Update = Callable[[Workload, Parameters, Parameters], None]  # of the parameters, by their gradient


def descend(workload: Workload, parameters: Parameters, gradient: Parameters) -> None:
    """Go down the gradient: w := w - epsilon dC/dw."""
    for layer, of_layer in zip(parameters, gradient, strict=True):
        for w, dw in zip(layer, of_layer, strict=True):
            np.subtract(w, workload.learning_rate * dw, out=w)


class Adam:
    """Adam's steps, with the usual beta1 = 0.9, beta2 = 0.999 and eps = 1e-8 (Kingma, Ba 2015)."""

    def __init__(self, workload: Workload) -> None:
        self._steps = 0
        empty = [(np.zeros(W.shape), np.zeros(b.shape)) for W, b in first_parameters(workload)]
        self._mean, self._square = flat(empty), flat(empty)

    def __call__(self, workload: Workload, parameters: Parameters, gradient: Parameters) -> None:
        self._steps += 1
        g = flat(gradient)
        self._mean = 0.9 * self._mean + 0.1 * g
        self._square = 0.999 * self._square + 0.001 * g**2
        mean = self._mean / (1 - 0.9**self._steps)
        square = self._square / (1 - 0.999**self._steps)
        moves = unflat(workload, workload.learning_rate * mean / (np.sqrt(square) + 1e-8))
        for layer, of_layer in zip(parameters, moves, strict=True):
            for w, move in zip(layer, of_layer, strict=True):
                np.subtract(w, move, out=w)


def step(
    workload: Workload,
    parameters: Parameters,
    X: Array,
    Y: Array,
    update: Update,
    *,
    kink: float = 0.0,
) -> float:
    """Take one step, in place, without dropout, and return the cost before it.

    relu'(z) is 1 for z > kink.
    """
    Z: list[Array] = []
    A = forward(workload, parameters, X, Z)
    cost = cost_of(workload, A[-1], Y)
    delta = (A[-1] - Y) / len(X)  # for each of the three pairs of output and loss
    gradient: Parameters = []
    for layer in reversed(range(len(parameters))):
        gradient.insert(0, (A[layer].T @ delta, delta.sum(axis=0)))
        if layer:
            slope = 1 - A[layer] ** 2 if workload.activation == "tanh" else Z[layer - 1] > kink
            delta = (delta @ parameters[layer][0].T) * slope
    update(workload, parameters, gradient)
    return cost


def cost_of(workload: Workload, A: Array, Y: Array) -> float:
    """Return C, summed over outputs and averaged over samples."""
    if workload.output == "identity":
        return float(0.5 * ((A - Y) ** 2).sum() / len(A))
    if workload.output == "softmax":
        return float(-np.log(A[Y > 0]).sum() / len(A))
    return float(-(Y * np.log(A) + (1 - Y) * np.log1p(-A)).sum() / len(A))
