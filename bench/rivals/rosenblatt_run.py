"""rosenblatt in a whole run: one `train` with Adam, dropout, a validation set, early stopping."""

from __future__ import annotations

from typing import Any

import rosenblatt as rb

from ..workloads import Array, Workload, samples
from . import Runner
from .rosenblatt_train import first_network

ENDLESS = 2**31  # epochs of patience


def open_runner(form: str, workload: Workload, threads: int) -> Runner:
    return Run(workload, threads)


class Run:
    """As many epochs as are asked for, in one call."""

    def __init__(self, workload: Workload, threads: int) -> None:
        self._workload = workload
        X, Y = samples(workload)
        n = workload.rows
        self._training, self._held_out = (X[:n], Y[:n]), (X[n:], Y[n:])
        self._net = first_network(workload, threads)
        self._first = self._net.theta.copy()

    def reset(self) -> None:
        self._net.theta = self._first

    def run(self, count: int) -> None:
        self._train(
            *self._training,
            epochs=count,
            dropout=self._workload.dropout,
            validation=self._held_out,
            early_stopping=rb.EarlyStopping(patience=ENDLESS),
        )

    def result(self, steps: int) -> Array:
        self.reset()
        X, Y = self._training
        rows = steps * self._workload.batch
        self._train(X[:rows], Y[:rows], epochs=1, shuffle=False)
        return self._net.theta.copy()

    def _train(self, X: Array, Y: Array, **settings: Any) -> None:
        rb.train(
            self._net,
            X,
            Y,
            loss=self._workload.loss,
            optimizer=rb.Adam(self._workload.learning_rate),
            batch_size=self._workload.batch,
            **settings,
        )
