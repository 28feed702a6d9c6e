"""PyTorch in a whole run: nn.Dropout and the fused Adam, in eager mode or with torch.compile."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..workloads import Array, Workload, first_parameters
from . import Runner
from .pytorch import criterion, tensors


def open_runner(form: str, workload: Workload, threads: int) -> Runner:
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    return Run(workload, compiled=form == "compile")


def network(workload: Workload) -> nn.Sequential:
    """Return Linear layers, each hidden one with its activation and dropout."""
    parts: list[nn.Module] = []
    for n_in, n_out in pairwise(workload.layers):
        if parts:
            parts += [nn.ReLU(), nn.Dropout(workload.dropout)]
        parts.append(nn.Linear(n_in, n_out, dtype=getattr(torch, workload.dtype)))
    return nn.Sequential(*parts)


class Run:
    """Epochs of steps; after each the held-out rows, and a copy of the best weights."""

    def __init__(self, workload: Workload, *, compiled: bool) -> None:
        self._workload = workload
        X, Y = tensors(workload)
        n = workload.rows
        self._X, self._Y = X[:n], Y[:n]
        self._held_out = X[n:], Y[n:]
        self._model = network(workload)
        self._linears = [part for part in self._model if isinstance(part, nn.Linear)]
        self._cost: Any = self._cost_of_batch
        if compiled:
            self._cost = torch.compile(self._cost_of_batch, fullgraph=True, dynamic=False)
        self.reset()

    def reset(self) -> None:
        with torch.no_grad():
            for linear, (W, b) in zip(self._linears, first_parameters(self._workload), strict=True):
                linear.weight.copy_(torch.from_numpy(W.T))
                linear.bias.copy_(torch.from_numpy(b))
        rate = self._workload.learning_rate
        self._adam = torch.optim.Adam(self._model.parameters(), lr=rate, fused=True)
        self._best = float("inf")
        self._best_weights: dict[str, Tensor] = {}

    def run(self, count: int) -> None:
        for _ in range(count):
            self._model.train()
            for batch in torch.randperm(self._workload.rows).split(self._workload.batch):
                self._step(batch)
            self._model.eval()
            with torch.no_grad():
                X, Y = self._held_out
                cost = criterion(self._workload, self._model(X), Y).item()
            if cost < self._best:
                self._best = cost
                self._best_weights = {
                    name: part.clone() for name, part in self._model.state_dict().items()
                }

    def result(self, steps: int) -> Array:
        self.reset()
        self._model.eval()  # no dropout
        for batch in torch.arange(steps * self._workload.batch).split(self._workload.batch):
            self._step(batch)
        parts = [part for each in self._linears for part in (each.weight.T, each.bias)]
        return np.concatenate([part.detach().numpy().ravel() for part in parts])

    def _step(self, batch: Tensor) -> None:
        self._adam.zero_grad()
        self._cost(self._X[batch], self._Y[batch]).backward()
        self._adam.step()

    def _cost_of_batch(self, X: Tensor, Y: Tensor) -> Tensor:
        return criterion(self._workload, self._model(X), Y)
