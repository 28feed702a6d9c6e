"""NumPy by hand: every product and every array operation into a buffer that is there already."""

from __future__ import annotations

import numpy as np

from ..workloads import Array, Workload, first_parameters, flat, samples
from . import Runner

# Up to this many outputs the one-hot rows are gathered like X and subtracted; above, they cost more
# than indexing the labelled outputs does.
ONE_HOT_OUTPUTS = 32


def open_runner(form: str, workload: Workload, threads: int) -> Runner:
    return (Train if workload.kind == "training" else Forward)(workload)


class Layers:
    """The parameters, and buffers for the forward pass of n rows."""

    def __init__(self, workload: Workload, n: int) -> None:
        self._workload = workload
        self.parameters = first_parameters(workload)
        dtype = np.dtype(workload.dtype)
        self.A = [np.empty((n, width), dtype) for width in workload.layers]
        self._row = np.empty((n, 1), dtype)  # of softmax: the maximum, then the sum

    def forward(self, X: Array) -> Array:
        """Return the output activations, (n, n_outputs), in a buffer."""
        below = X
        last = len(self.parameters) - 1
        for layer, (W, b) in enumerate(self.parameters):
            a = self.A[layer + 1]
            np.dot(below, W, out=a)
            np.add(a, b, out=a)
            self._activate(self._workload.output if layer == last else self._workload.activation, a)
            below = a
        return below

    def _activate(self, name: str, a: Array) -> None:
        if name == "relu":
            np.maximum(a, 0, out=a)
        elif name == "tanh":
            np.tanh(a, out=a)
        elif name == "logistic":  # 1 / (1 + e^-z)
            np.negative(a, out=a)
            np.exp(a, out=a)
            np.add(a, 1, out=a)
            np.reciprocal(a, out=a)
        elif name == "softmax":
            np.max(a, axis=1, keepdims=True, out=self._row)
            np.subtract(a, self._row, out=a)
            np.exp(a, out=a)
            np.sum(a, axis=1, keepdims=True, out=self._row)
            np.divide(a, self._row, out=a)


class Train:
    """The step by hand; the learning rate and 1/n enter once, in the output's delta."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._X, labels = samples(workload)
        n, n_outputs, dtype = workload.batch, workload.layers[-1], np.dtype(workload.dtype)
        self._one_hot = workload.output != "softmax" or n_outputs <= ONE_HOT_OUTPUTS
        if workload.output == "softmax" and self._one_hot:
            self._Y = np.eye(n_outputs, dtype=dtype)[labels]
        elif workload.output == "softmax":
            self._Y = labels
        else:
            self._Y = labels.reshape(-1, n_outputs).astype(dtype)
        self._y = np.empty((n, n_outputs), dtype)
        self._rows = np.arange(n)
        self._layers = Layers(workload, n)
        self._first = flat(self._layers.parameters)
        self._delta = [np.empty_like(a) for a in self._layers.A]
        slope_type = np.dtype(bool) if workload.activation == "relu" else dtype
        self._slope = [np.empty(a.shape, slope_type) for a in self._layers.A]
        self._steps = [(np.empty_like(W), np.empty_like(b)) for W, b in self._layers.parameters]
        self._rng = np.random.default_rng(0)

    def reset(self) -> None:
        start = 0
        for layer in self._layers.parameters:
            for part in layer:
                part[...] = self._first[start : start + part.size].reshape(part.shape)
                start += part.size

    def run(self, count: int) -> None:
        for _ in range(count):
            self._epoch(self._rng.permutation(self._workload.rows))

    def result(self, steps: int) -> Array:
        self.reset()
        self._epoch(np.arange(steps * self._workload.batch))
        return flat(self._layers.parameters)

    def _epoch(self, order: Array) -> None:
        n = self._workload.batch
        for start in range(0, len(order), n):
            self._step(order[start : start + n])

    def _step(self, batch: Array) -> None:
        A, parameters = self._layers.A, self._layers.parameters
        np.take(self._X, batch, axis=0, out=A[0], mode="clip")  # "raise" would make a copy
        delta = self._layers.forward(A[0])
        if self._one_hot:
            np.take(self._Y, batch, axis=0, out=self._y, mode="clip")
            np.subtract(delta, self._y, out=delta)
        else:
            delta[self._rows, self._Y[batch]] -= 1
        np.multiply(delta, self._workload.learning_rate / self._workload.batch, out=delta)
        for layer in reversed(range(len(parameters))):
            (W, b), (dW, db) = parameters[layer], self._steps[layer]
            a, here = A[layer], delta
            if layer:
                delta = self._delta[layer]
                np.dot(here, W.T, out=delta)
                self._through_activation(delta, a, self._slope[layer])
            if len(a) == 1:
                np.multiply(a.T, here, out=dW)
                np.subtract(b, here[0], out=b)
            else:
                np.dot(a.T, here, out=dW)
                np.sum(here, axis=0, out=db)
                np.subtract(b, db, out=b)
            np.subtract(W, dW, out=W)

    def _through_activation(self, delta: Array, a: Array, slope: Array) -> None:
        """Turn dC/da into dC/dz, in place."""
        if self._workload.activation == "relu":
            np.greater(a, 0, out=slope)
        else:  # tanh: 1 - a^2
            np.multiply(a, a, out=slope)
            np.subtract(1, slope, out=slope)
        np.multiply(delta, slope, out=delta)


class Forward:
    """The output of one sample, or of a matrix of them, in a buffer."""

    def __init__(self, workload: Workload) -> None:
        X, _ = samples(workload)
        self._layers = Layers(workload, workload.batch)
        self._calls = np.split(X, workload.steps)

    def reset(self) -> None:
        pass

    def run(self, count: int) -> None:
        forward = self._layers.forward
        for _ in range(count):
            for x in self._calls:
                forward(x)

    def result(self, steps: int) -> Array:
        return np.stack([self._layers.forward(x).copy() for x in self._calls[:steps]])
