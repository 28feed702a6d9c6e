"""rosenblatt as its users call it: one `train` for all epochs, one `forward` for the outputs."""

from __future__ import annotations

import numpy as np

import rosenblatt as rb

from ..workloads import Array, Workload, first_parameters, flat, samples
from . import Runner


def open_runner(form: str, workload: Workload, threads: int) -> Runner:
    return (Train if workload.kind == "training" else Forward)(workload, threads)


def first_network(workload: Workload, threads: int) -> rb.Network:
    net = rb.Network(
        workload.layers,
        activation=workload.activation,
        output=workload.output,
        dtype=workload.dtype,
        random_state=0,
    )
    net.theta = flat(first_parameters(workload))
    net.threads = threads
    return net


class Train:
    """Batches from rosenblatt's own shuffle, gathered by it."""

    def __init__(self, workload: Workload, threads: int) -> None:
        self._workload = workload
        self._X, self._Y = samples(workload)
        self._net = first_network(workload, threads)
        self._first = self._net.theta.copy()
        self._optimizer = rb.SGD(workload.learning_rate)

    def reset(self) -> None:
        self._net.theta = self._first

    def run(self, count: int) -> None:
        self._train(self._X, self._Y, epochs=count, shuffle=True)

    def result(self, steps: int) -> Array:
        self.reset()
        rows = steps * self._workload.batch
        self._train(self._X[:rows], self._Y[:rows], epochs=1, shuffle=False)
        return self._net.theta.copy()

    def _train(self, X: Array, Y: Array, *, epochs: int, shuffle: bool) -> None:
        rb.train(
            self._net,
            X,
            Y,
            loss=self._workload.loss,
            optimizer=self._optimizer,
            batch_size=self._workload.batch,
            epochs=epochs,
            shuffle=shuffle,
        )


class Forward:
    """One sample is given as a vector, several as a matrix."""

    def __init__(self, workload: Workload, threads: int) -> None:
        X, _ = samples(workload)
        self._net = first_network(workload, threads)
        self._calls = list(X) if workload.batch == 1 else np.split(X, workload.steps)

    def reset(self) -> None:
        pass

    def run(self, count: int) -> None:
        forward = self._net.forward
        for _ in range(count):
            for x in self._calls:
                forward(x)

    def result(self, steps: int) -> Array:
        return np.stack([self._net.forward(x) for x in self._calls[:steps]])
