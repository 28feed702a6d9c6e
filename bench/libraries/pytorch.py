"""PyTorch in three forms: eager modules, a step written by hand into buffers, and torch.compile.

A whole run adds nn.Dropout and the fused Adam.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..workloads import Array, Parameters, Workload, first_parameters, samples
from . import Runner

# Up to this many outputs the one-hot rows are gathered like X and subtracted; above, they cost more
# than indexing the labelled outputs does.
ONE_HOT_OUTPUTS = 32

OUTPUTS = {"softmax": nn.Softmax(dim=1), "logistic": nn.Sigmoid(), "identity": nn.Identity()}


def open_runner(form: str, workload: Workload, threads: int) -> Runner:
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    if workload.kind == "run":
        return Run(workload, compiled=form == "compile")
    if workload.kind == "inference":
        forms: dict[str, Any] = {
            "eager": Forward,
            "by hand": HandForward,
            "compile": CompiledForward,
        }
    else:
        forms = {"eager": Train, "by hand": HandTrain, "compile": CompiledTrain}
    runner: Runner = forms[form](workload)
    return runner


def network(workload: Workload, parameters: Parameters, *, with_output: bool) -> nn.Sequential:
    """Return Linear layers with their activations; the losses contain that of the output."""
    parts: list[nn.Module] = []
    for W, b in parameters:
        if parts:
            parts.append(nn.ReLU() if workload.activation == "relu" else nn.Tanh())
            if workload.kind == "run":
                parts.append(nn.Dropout(workload.dropout))
        linear = nn.Linear(*W.shape, dtype=getattr(torch, workload.dtype))
        linear.load_state_dict({"weight": torch.from_numpy(W.T), "bias": torch.from_numpy(b)})
        parts.append(linear)
    if with_output and workload.output != "identity":
        parts.append(OUTPUTS[workload.output])
    return nn.Sequential(*parts)


def criterion(workload: Workload, Z: Tensor, Y: Tensor) -> Tensor:
    """Return C, the mean over the batch."""
    if workload.output == "softmax":
        return nn.functional.cross_entropy(Z, Y)
    if workload.output == "logistic":
        return nn.functional.binary_cross_entropy_with_logits(Z, Y)
    return 0.5 * nn.functional.mse_loss(Z, Y)


def tensors(workload: Workload) -> tuple[Tensor, Tensor]:
    """Return X, and labels (rows,) for softmax or numbers (rows, n_outputs) for the others."""
    X, Y = samples(workload)
    if workload.output == "softmax":
        return torch.from_numpy(X), torch.from_numpy(Y)
    return torch.from_numpy(X), torch.from_numpy(Y.reshape(len(X), -1).astype(workload.dtype))


class Batches:
    """Passes over the samples: a random order cut into batches, and one step for each of them."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.X, self.Y = tensors(workload)

    def run(self, count: int) -> None:
        for _ in range(count):
            self._epoch(torch.randperm(self.workload.rows))

    def result(self, steps: int) -> Array:
        self.reset()
        self._epoch(torch.arange(steps * self.workload.batch))
        return np.concatenate(
            [part.ravel() for W, b in self.parameters() for part in (W.numpy(), b.numpy())]
        )

    def _epoch(self, order: Tensor) -> None:
        for batch in order.split(self.workload.batch):
            self.step(batch)

    def reset(self) -> None:
        raise NotImplementedError

    def step(self, batch: Tensor) -> None:
        raise NotImplementedError

    def parameters(self) -> list[tuple[Tensor, Tensor]]:
        """Return W (n_in, n_out) and b of every layer."""
        raise NotImplementedError


class Train(Batches):
    """nn.Sequential, autograd and optim.SGD, the rows indexed: no DataLoader, which is slower."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self._model = network(workload, first_parameters(workload), with_output=False)
        self._first = {name: part.clone() for name, part in self._model.state_dict().items()}
        self._sgd = torch.optim.SGD(self._model.parameters(), lr=workload.learning_rate)

    def reset(self) -> None:
        self._model.load_state_dict(self._first)

    def step(self, batch: Tensor) -> None:
        self._sgd.zero_grad()
        Z = self._model(self.X[batch])
        criterion(self.workload, Z, self.Y[batch]).backward()
        self._sgd.step()

    def parameters(self) -> list[tuple[Tensor, Tensor]]:
        linears = [part for part in self._model if isinstance(part, nn.Linear)]
        return [(part.weight.detach().T, part.bias.detach()) for part in linears]


class HandLayers:
    """The parameters, and buffers for the forward pass of n rows."""

    def __init__(self, workload: Workload, n: int) -> None:
        self._workload = workload
        dtype = getattr(torch, workload.dtype)
        self.parameters = [
            (torch.from_numpy(W), torch.from_numpy(b)) for W, b in first_parameters(workload)
        ]
        self.A = [torch.empty((n, width), dtype=dtype) for width in workload.layers]

    def forward(self, X: Tensor) -> Tensor:
        """Return the output activations, (n, n_outputs), in a buffer."""
        below = X
        last = len(self.parameters) - 1
        for layer, (W, b) in enumerate(self.parameters):
            a = self.A[layer + 1]
            torch.addmm(b, below, W, out=a)
            name = self._workload.output if layer == last else self._workload.activation
            if name == "relu":
                a.relu_()
            elif name == "tanh":
                a.tanh_()
            elif name == "logistic":
                a.sigmoid_()
            elif name == "softmax":
                torch.softmax(a, 1, out=a)
            below = a
        return below


class HandTrain(Batches):
    """No autograd: addmm into buffers, and W -= learning_rate a^T delta in one call."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        n, n_outputs = workload.batch, workload.layers[-1]
        self._layers = HandLayers(workload, n)
        self._first = [(W.clone(), b.clone()) for W, b in self._layers.parameters]
        self._delta = [torch.empty_like(a) for a in self._layers.A]
        self._db = [torch.empty_like(b) for _, b in self._layers.parameters]
        self._labels = workload.output == "softmax" and n_outputs > ONE_HOT_OUTPUTS
        if workload.output == "softmax" and not self._labels:
            self.Y = torch.eye(n_outputs, dtype=self.X.dtype)[self.Y]
        self._y = self.Y[:n].clone()
        self._rows = torch.arange(n)
        self._minus_one = torch.tensor(-1.0, dtype=self.X.dtype)

    def reset(self) -> None:
        for layer, first in zip(self._layers.parameters, self._first, strict=True):
            for part, first_part in zip(layer, first, strict=True):
                part.copy_(first_part)

    def parameters(self) -> list[tuple[Tensor, Tensor]]:
        return self._layers.parameters

    def _epoch(self, order: Tensor) -> None:
        with torch.no_grad():  # once for an epoch: entering it costs as much as a small operation
            super()._epoch(order)

    def step(self, batch: Tensor) -> None:
        A, parameters = self._layers.A, self._layers.parameters
        torch.index_select(self.X, 0, batch, out=A[0])
        torch.index_select(self.Y, 0, batch, out=self._y)
        delta = self._layers.forward(A[0])
        if self._labels:
            delta.index_put_((self._rows, self._y), self._minus_one, accumulate=True)
        else:
            delta.sub_(self._y)
        rate = -self.workload.learning_rate / self.workload.batch
        for layer in reversed(range(len(parameters))):
            W, b = parameters[layer]
            a, here = A[layer], delta
            if layer:
                delta = self._delta[layer]
                torch.mm(here, W.t(), out=delta)
                if self.workload.activation == "relu":
                    torch.ops.aten.threshold_backward.grad_input(delta, a, 0, grad_input=delta)
                else:
                    torch.ops.aten.tanh_backward.grad_input(delta, a, grad_input=delta)
            W.addmm_(a.t(), here, alpha=rate)
            if len(here) == 1:
                b.add_(here[0], alpha=rate)
            else:
                torch.sum(here, 0, out=self._db[layer])
                b.add_(self._db[layer], alpha=rate)


class CompiledTrain(Batches):
    """The whole step, from the gather to the update, compiled into one graph."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        first = first_parameters(workload)
        self._parameters = [torch.from_numpy(part) for layer in first for part in layer]
        self._first = [part.clone() for part in self._parameters]
        self._rate = workload.learning_rate
        self._step = torch.compile(self._whole_step, fullgraph=True, dynamic=False)

    def _cost(self, parameters: list[Tensor], X: Tensor, Y: Tensor) -> Tensor:
        a = X
        for layer in range(0, len(parameters), 2):
            if layer:
                a = torch.relu(a) if self.workload.activation == "relu" else torch.tanh(a)
            a = torch.addmm(parameters[layer + 1], a, parameters[layer])
        return criterion(self.workload, a, Y)

    def _whole_step(self, parameters: list[Tensor], X: Tensor, Y: Tensor, batch: Tensor) -> None:
        grads = torch.func.grad(self._cost)(parameters, X[batch], Y[batch])
        for part, grad in zip(parameters, grads, strict=True):
            part.sub_(self._rate * grad)

    def _epoch(self, order: Tensor) -> None:
        with torch.no_grad():
            super()._epoch(order)

    def step(self, batch: Tensor) -> None:
        self._step(self._parameters, self.X, self.Y, batch)

    def reset(self) -> None:
        for part, first in zip(self._parameters, self._first, strict=True):
            part.copy_(first)

    def parameters(self) -> list[tuple[Tensor, Tensor]]:
        return list(zip(self._parameters[::2], self._parameters[1::2], strict=True))


class Run:
    """Epochs of steps; after each the held-out rows, and a copy of the best weights."""

    def __init__(self, workload: Workload, *, compiled: bool) -> None:
        self._workload = workload
        X, Y = tensors(workload)
        n = workload.rows
        self._X, self._Y = X[:n], Y[:n]
        self._held_out = X[n:], Y[n:]
        self._model = network(workload, first_parameters(workload), with_output=False)
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


class Calls:
    """Calls one after the other, with samples that are tensors already."""

    def __init__(self, workload: Workload) -> None:
        self._calls = torch.from_numpy(samples(workload)[0]).split(workload.batch)

    def reset(self) -> None:
        pass

    def run(self, count: int) -> None:
        with torch.inference_mode():
            for _ in range(count):
                for x in self._calls:
                    self.call(x)

    def result(self, steps: int) -> Array:
        with torch.inference_mode():
            return np.stack([self.call(x).numpy().copy() for x in self._calls[:steps]])

    def call(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class Forward(Calls):
    """nn.Sequential under inference_mode."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self._model = network(workload, first_parameters(workload), with_output=True)

    def call(self, x: Tensor) -> Tensor:
        output: Tensor = self._model(x)
        return output


class HandForward(Calls):
    """addmm into buffers."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self._layers = HandLayers(workload, workload.batch)

    def call(self, x: Tensor) -> Tensor:
        return self._layers.forward(x)


class CompiledForward(Forward):
    """The compiled nn.Sequential."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self._compiled = torch.compile(self._model, fullgraph=True, dynamic=False)

    def call(self, x: Tensor) -> Tensor:
        output: Tensor = self._compiled(x)
        return output
