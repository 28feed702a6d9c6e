"""rosenblatt as its users call it: one `train` for all epochs, one `forward` for the outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

import rosenblatt as rb

from ..workloads import Array, Workload, first_parameters, flat, samples
from . import Runner

ENDLESS = 2**31  # epochs of patience


def open_runner(form: str, workload: Workload, threads: int) -> Runner:
    kinds: dict[str, type[Train | Run | Forward]] = {"training": Train, "run": Run}
    return kinds.get(workload.kind, Forward)(workload, threads)


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
        self._optimizer: Any = rb.SGD(workload.learning_rate)

    def reset(self) -> None:
        self._net.theta = self._first

    def run(self, count: int) -> None:
        self._train(self._workload.rows, epochs=count)

    def result(self, steps: int) -> Array:
        self.reset()
        self._train(steps * self._workload.batch, epochs=1, shuffle=False)
        return self._net.theta.copy()

    def _train(self, rows: int, **settings: Any) -> None:
        rb.train(
            self._net,
            self._X[:rows],
            self._Y[:rows],
            loss=self._workload.loss,
            optimizer=self._optimizer,
            batch_size=self._workload.batch,
            **settings,
        )


class Run(Train):
    """Adam, dropout, a validation set and early stopping, in one call."""

    def __init__(self, workload: Workload, threads: int) -> None:
        super().__init__(workload, threads)
        self._optimizer = rb.Adam(workload.learning_rate)

    def run(self, count: int) -> None:
        n = self._workload.rows
        self._train(
            n,
            epochs=count,
            dropout=self._workload.dropout,
            validation=(self._X[n:], self._Y[n:]),
            early_stopping=rb.EarlyStopping(patience=ENDLESS),
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
