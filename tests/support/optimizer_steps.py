"""Records what PyTorch does in tests/data/optimizer_steps.json, for test_optimizer_steps.py.

    python tests/support/optimizer_steps.py    if there is PyTorch; the file names its version

A small network in float64, a fixed batch, some steps of every optimiser with the gradients that
PyTorch computes, the rates of its schedulers, and its clipping and averaging. Lion, which PyTorch
lacks, is the program of its paper (algorithm 2) on PyTorch's tensors.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "optimizer_steps.json"

LAYERS = [3, 5, 2]
SAMPLES = 7
STEPS = 20
KEPT = (1, 2, 3, 5, 10, 20)  # the steps after which theta is recorded

# The optimiser here and its settings, PyTorch's class and its own.
OPTIMIZERS: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "sgd": ("SGD", {"learning_rate": 0.1}, "SGD", {"lr": 0.1}),
    "momentum": (
        "SGD",
        {"learning_rate": 0.1, "momentum": 0.5},
        "SGD",
        {"lr": 0.1, "momentum": 0.5},
    ),
    "nesterov": (
        "SGD",
        {"learning_rate": 0.1, "momentum": 0.5, "nesterov": True},
        "SGD",
        {"lr": 0.1, "momentum": 0.5, "nesterov": True},
    ),
    "adagrad": ("Adagrad", {}, "Adagrad", {}),
    "adagrad from 0.1": (
        "Adagrad",
        {"initial_sum": 0.1, "learning_rate": 0.05},
        "Adagrad",
        {"initial_accumulator_value": 0.1, "lr": 0.05},
    ),
    "rmsprop": ("RMSprop", {}, "RMSprop", {}),
    "rmsprop with momentum": ("RMSprop", {"momentum": 0.5}, "RMSprop", {"momentum": 0.5}),
    "rmsprop centered": ("RMSprop", {"centered": True}, "RMSprop", {"centered": True}),
    "rmsprop with both": (
        "RMSprop",
        {"centered": True, "momentum": 0.5, "alpha": 0.9},
        "RMSprop",
        {"centered": True, "momentum": 0.5, "alpha": 0.9},
    ),
    "adam": ("Adam", {}, "Adam", {}),
    "adam with other betas": (
        "Adam",
        {"learning_rate": 0.05, "beta1": 0.5, "beta2": 0.9},
        "Adam",
        {"lr": 0.05, "betas": (0.5, 0.9)},
    ),
    "adadelta": ("Adadelta", {}, "Adadelta", {}),
    "amsgrad": (
        "Adam",
        {"amsgrad": True, "beta2": 0.5, "learning_rate": 0.1},
        "Adam",
        {"amsgrad": True, "betas": (0.9, 0.5), "lr": 0.1},
    ),
    "adamw": (
        "AdamW",
        {"weight_decay": 0.1, "learning_rate": 0.01},
        "AdamW",
        {"weight_decay": 0.1, "lr": 0.01},
    ),
    "nadam": ("NAdam", {}, "NAdam", {}),
    "lion": ("Lion", {"learning_rate": 0.01, "weight_decay": 0.1}, "", {}),
    "rprop": ("Rprop", {}, "Rprop", {}),
}

# Regularisation here; PyTorch does the same by hand in `regularised`.
REGULARISATIONS: dict[str, dict[str, float]] = {
    "l2": {"l2": 0.1},
    "l1": {"l1": 0.01},
    "clip_norm": {"clip_norm": 0.1},
    "clip_value": {"clip_value": 0.05},
    "max_norm": {"max_norm": 0.8},
    "ema": {"ema": 0.9},
}

# The schedule here, PyTorch's and its settings, for a first rate of 0.1.
SCHEDULES: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "step decay": (
        "StepDecay",
        {"every": 3, "factor": 0.5},
        "StepLR",
        {"step_size": 3, "gamma": 0.5},
    ),
    "exponential": ("Exponential", {"factor": 0.9}, "ExponentialLR", {"gamma": 0.9}),
    "cosine": (
        "Cosine",
        {"period": 5, "growth": 2, "lowest": 0.01},
        "CosineAnnealingWarmRestarts",
        {"T_0": 5, "T_mult": 2, "eta_min": 0.01},
    ),
    "one cycle": (
        "OneCycle",
        {"steps": 30, "rise": 0.4},
        "OneCycleLR",
        {"max_lr": 0.1, "total_steps": 30, "pct_start": 0.4, "cycle_momentum": False},
    ),
    "plateau": (
        "ReduceOnPlateau",
        {"factor": 0.5, "patience": 2, "cooldown": 1, "lowest": 0.01},
        "ReduceLROnPlateau",
        {"factor": 0.5, "patience": 2, "cooldown": 1, "min_lr": 0.01},
    ),
}
RATES = 30
LOSSES = [5.0, 4.0, 4.1, 4.2, 3.99999, 4.3, 3.0, 3.1, 3.2, 3.3, 3.4, 3.5] + [3.0] * 18


def problem() -> tuple[list[float], list[list[float]], list[list[float]]]:
    """theta in this project's order, X and Y: numbers with few digits, drawn once by this rule."""
    state = 12345

    def draw() -> float:
        nonlocal state
        state = (1103515245 * state + 12345) % 2**31  # the C standard's example generator
        return round(state / 2**30 - 1, 6)

    n_params = sum((n_in + 1) * n_out for n_in, n_out in pairwise(LAYERS))
    theta = [draw() for _ in range(n_params)]
    X = [[draw() for _ in range(LAYERS[0])] for _ in range(SAMPLES)]
    Y = [[draw() for _ in range(LAYERS[-1])] for _ in range(SAMPLES)]
    return theta, X, Y


class Torch:
    """The problem in PyTorch's tensors, and what it makes of it."""

    def __init__(self) -> None:
        import torch

        torch.set_default_dtype(torch.float64)  # that of NAdam's running product, too
        self.torch = torch
        self.theta, X, Y = problem()
        self.X, self.Y = (torch.tensor(rows, dtype=torch.float64) for rows in (X, Y))

    def parameters(self) -> list[Any]:
        """W and b of every layer, W as (n_in, n_out), which is theta's order."""
        found, start = [], 0
        for n_in, n_out in pairwise(LAYERS):
            for shape in ((n_in, n_out), (n_out,)):
                size = n_in * n_out if len(shape) == 2 else n_out
                values = self.theta[start : start + size]
                tensor = self.torch.tensor(values, dtype=self.torch.float64)
                found.append(tensor.reshape(shape).requires_grad_())
                start += size
        return found

    def cost(self, p: list[Any]) -> Any:
        A = self.torch.tanh(self.X @ p[0] + p[1])
        return 0.5 * ((A @ p[2] + p[3] - self.Y) ** 2).sum() / SAMPLES

    def flat(self, p: list[Any]) -> list[float]:
        return self.torch.cat([each.detach().reshape(-1) for each in p]).tolist()

    def trajectory(self, p: list[Any], step: Callable[[], None]) -> list[list[float]]:
        steps = []
        for n in range(1, STEPS + 1):
            for each in p:
                each.grad = None
            self.cost(p).backward()
            step()
            if n in KEPT:
                steps.append(self.flat(p))
        return steps

    def lion(self, p: list[Any], learning_rate: float, weight_decay: float) -> Callable[[], None]:
        m = [self.torch.zeros_like(each) for each in p]

        def step() -> None:
            with self.torch.no_grad():
                for w, mean in zip(p, m, strict=True):
                    c = 0.9 * mean + 0.1 * w.grad
                    w.sub_(learning_rate * (self.torch.sign(c) + weight_decay * w))
                    mean.copy_(0.99 * mean + 0.01 * w.grad)

        return step

    def optimized(self, here: str, settings: Any, there: str, its_settings: Any) -> Any:
        p = self.parameters()
        if there:
            step = getattr(self.torch.optim, there)(p, **its_settings, foreach=False).step
        else:
            step = self.lion(p, settings["learning_rate"], settings["weight_decay"])
        return {"class": here, "settings": settings, "steps": self.trajectory(p, step)}

    def regularised(self, settings: dict[str, float]) -> Any:
        p = self.parameters()
        sgd = self.torch.optim.SGD(p, lr=0.1)
        average: list[Any] = []

        def step() -> None:
            self.change_gradients(p, settings)
            sgd.step()
            with self.torch.no_grad():
                if "max_norm" in settings:
                    for W in (p[0], p[2]):
                        norms = W.norm(dim=0)  # torch.renorm divides by the norm + 1e-7
                        W.mul_((settings["max_norm"] / norms).clamp(max=1))
                if "ema" in settings and not average:
                    average.extend(each.detach().clone() for each in p)
                elif "ema" in settings:
                    for mean, each in zip(average, p, strict=True):
                        mean.lerp_(each, 1 - settings["ema"])

        steps = self.trajectory(p, step)
        return {
            "settings": settings,
            "steps": steps,
            "ema": self.flat(average) if average else None,
        }

    def change_gradients(self, p: list[Any], settings: dict[str, float]) -> None:
        with self.torch.no_grad():
            for W in (p[0], p[2]):
                W.grad += settings.get("l1", 0.0) * self.torch.sign(W)
                W.grad += settings.get("l2", 0.0) * W
            if "clip_norm" in settings:
                norm = self.torch.sqrt(sum((each.grad**2).sum() for each in p))
                for each in p:
                    each.grad *= min(1.0, settings["clip_norm"] / float(norm))
            if "clip_value" in settings:
                self.torch.nn.utils.clip_grad_value_(p, settings["clip_value"])

    def rates(self, scheduler: Callable[[Any], Any], told: bool = False) -> list[float]:
        sgd = self.torch.optim.SGD(self.parameters(), lr=0.1)
        of = scheduler(sgd)
        rates = []
        for loss in LOSSES[:RATES]:
            rates.append(sgd.param_groups[0]["lr"])
            sgd.step()
            if len(rates) < RATES:
                of.step(*([loss] if told else []))
        return rates

    def scheduled(self, here: str, settings: Any, there: str, its_settings: Any) -> Any:
        of = getattr(self.torch.optim.lr_scheduler, there)
        rates = self.rates(lambda sgd: of(sgd, **its_settings), there == "ReduceLROnPlateau")
        return {"class": here, "settings": settings, "rates": rates}

    def warmed_up(self) -> list[float]:
        of = self.torch.optim.lr_scheduler

        def both(sgd: Any) -> Any:
            linear = of.LinearLR(sgd, start_factor=0.25, total_iters=4)
            parts = [linear, of.ExponentialLR(sgd, gamma=0.9)]
            return of.SequentialLR(sgd, parts, milestones=[4])

        return self.rates(both)


def main() -> None:
    torch = Torch()
    recorded = {
        "made by": f"tests/support/optimizer_steps.py, PyTorch {torch.torch.__version__}",
        "optimizers": {name: torch.optimized(*of) for name, of in OPTIMIZERS.items()},
        "regularisations": {name: torch.regularised(of) for name, of in REGULARISATIONS.items()},
        "schedules": {name: torch.scheduled(*of) for name, of in SCHEDULES.items()},
        "warm-up": torch.warmed_up(),
    }
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_text(json.dumps(recorded, separators=(",", ":")) + "\n", encoding="utf-8")
    sys.stdout.write(f"{DATA.name}: {DATA.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
