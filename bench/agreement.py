"""How far the steps agree with PyTorch's: every optimiser with losses that PyTorch has, float64.

Run it where both are installed; it prints the table of docs/agreement.md.

    python bench/agreement.py
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import rosenblatt as rb

STEPS = 100
SAMPLES, LAYERS = 32, [6, 12, 3]

# The optimiser here and in PyTorch.
OPTIMIZERS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "SGD": (rb.SGD(0.1), "SGD", {"lr": 0.1}),
    "SGD, momentum": (rb.SGD(0.1, momentum=0.9), "SGD", {"lr": 0.1, "momentum": 0.9}),
    "SGD, Nesterov": (
        rb.SGD(0.1, momentum=0.9, nesterov=True),
        "SGD",
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    ),
    "Adagrad": (rb.Adagrad(), "Adagrad", {}),
    "RMSprop": (rb.RMSprop(), "RMSprop", {}),
    "RMSprop, centered": (rb.RMSprop(centered=True), "RMSprop", {"centered": True}),
    "RMSprop, momentum": (rb.RMSprop(momentum=0.9), "RMSprop", {"momentum": 0.9}),
    "Adam": (rb.Adam(), "Adam", {}),
    "AMSGrad": (rb.Adam(amsgrad=True), "Adam", {"amsgrad": True}),
    "AdamW": (rb.AdamW(), "AdamW", {}),
    "NAdam": (rb.NAdam(), "NAdam", {}),
    "Rprop": (rb.Rprop(), "Rprop", {}),
}

# The loss here, the output, and PyTorch's name; "sum" is divided by the number of samples.
LOSSES: dict[str, tuple[Any, str, str, dict[str, Any]]] = {
    "squared_error": ("squared_error", "identity", "mse_loss", {"half": True}),
    "huber": ("huber", "identity", "huber_loss", {}),
    "log_loss, softmax": ("log_loss", "softmax", "cross_entropy", {}),
    "log_loss, logistic": ("log_loss", "logistic", "binary_cross_entropy_with_logits", {}),
    "poisson": ("poisson", "identity", "poisson_nll_loss", {}),
}


def targets(loss: str, rng: np.random.Generator) -> np.ndarray:
    """Return (SAMPLES, n_outputs) targets, or (SAMPLES,) labels."""
    shape = (SAMPLES, LAYERS[-1])
    if loss == "log_loss, softmax":
        return rng.integers(0, LAYERS[-1], SAMPLES)
    if loss == "log_loss, logistic":
        return rng.integers(0, 2, shape).astype(float)
    if loss == "poisson":
        return rng.poisson(1.5, shape).astype(float)
    return rng.standard_normal(shape)


def in_pytorch(
    theta: np.ndarray, X: np.ndarray, Y: np.ndarray, make: Callable[[Any], Any], loss: str
) -> np.ndarray:
    """Return theta after the steps, by PyTorch's autograd and optimiser."""
    import torch

    torch.set_default_dtype(torch.float64)
    _, _, name, settings = LOSSES[loss]
    of = getattr(torch.nn.functional, name)
    p, start = [], 0
    for n_in, n_out in pairwise(LAYERS):
        for shape in ((n_in, n_out), (n_out,)):
            size = int(np.prod(shape))
            p.append(torch.tensor(theta[start : start + size]).reshape(shape).requires_grad_())
            start += size
    inputs, answers = torch.tensor(X), torch.tensor(Y)
    optimizer = make(p)
    for _ in range(STEPS):
        optimizer.zero_grad()
        z = torch.tanh(inputs @ p[0] + p[1]) @ p[2] + p[3]
        C = of(z, answers, reduction="sum") / SAMPLES
        (0.5 * C if settings.get("half") else C).backward()
        optimizer.step()
    return np.concatenate([each.detach().numpy().ravel() for each in p])


def difference(optimizer: str, loss: str) -> float:
    """Return the distance of the two thetas after the steps, relative to the length of one."""
    import torch

    here, there, settings = OPTIMIZERS[optimizer]
    named, output, _, _ = LOSSES[loss]
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((SAMPLES, LAYERS[0])), targets(loss, rng)
    net = rb.Network(LAYERS, activation="tanh", output=output, dtype="float64", random_state=0)  # type: ignore[arg-type]
    wanted = in_pytorch(
        net.theta.copy(), X, Y, lambda p: getattr(torch.optim, there)(p, **settings), loss
    )
    options: Any = {"batch_size": None, "epochs": STEPS, "shuffle": False}
    rb.train(net, X, Y, loss=named, optimizer=here, **options)
    return float(np.linalg.norm(net.theta - wanted) / np.linalg.norm(wanted))


def main() -> None:
    """Print the table."""
    import torch

    torch.set_num_threads(1)  # more would wait for each other over a hundred numbers
    print(f"PyTorch {torch.__version__}, {STEPS} steps, network {LAYERS}, {SAMPLES} samples\n")
    print("| | " + " | ".join(LOSSES) + " |\n|---|" + "---|" * len(LOSSES))
    worst = 0.0
    for optimizer in OPTIMIZERS:
        found = [difference(optimizer, loss) for loss in LOSSES]
        worst = max(worst, *found)
        print(f"| {optimizer} | " + " | ".join(f"{x:.0e}" for x in found) + " |", flush=True)
    sys.exit(0 if worst <= 1e-9 else f"a difference of {worst:.0e} is above 1e-9")


if __name__ == "__main__":
    main()
