"""How far the steps agree with PyTorch's: every optimiser with losses that PyTorch has, float64.

Run it where both are installed; it prints the table of docs/optimizers.md.

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
SAMPLES, N_FEATURES, N_HIDDEN, N_TARGETS = 32, 6, 12, 3

# The optimiser here and in PyTorch.
OPTIMIZERS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "SGD": (rb.SGD(0.01), "SGD", {"lr": 0.01}),
    "SGD, momentum": (rb.SGD(0.01, momentum=0.9), "SGD", {"lr": 0.01, "momentum": 0.9}),
    "SGD, Nesterov": (
        rb.SGD(0.01, momentum=0.9, nesterov=True),
        "SGD",
        {"lr": 0.01, "momentum": 0.9, "nesterov": True},
    ),
    "Adagrad": (rb.Adagrad(), "Adagrad", {}),
    "RMSprop": (rb.RMSprop(0.001), "RMSprop", {"lr": 0.001}),
    "RMSprop, centered": (
        rb.RMSprop(0.001, centered=True),
        "RMSprop",
        {"lr": 0.001, "centered": True},
    ),
    "RMSprop, momentum": (
        rb.RMSprop(0.001, momentum=0.9),
        "RMSprop",
        {"lr": 0.001, "momentum": 0.9},
    ),
    "Adam": (rb.Adam(), "Adam", {}),
    "AMSGrad": (rb.Adam(amsgrad=True), "Adam", {"amsgrad": True}),
    "AdamW": (rb.AdamW(), "AdamW", {}),
    "NAdam": (rb.NAdam(), "NAdam", {}),
    "Rprop": (rb.Rprop(), "Rprop", {}),
}


def in_pytorch_by_name(name: str) -> Callable[[Any, Any], Any]:
    """Return a loss of torch.nn.functional from z and the targets, summed over the samples."""

    def summed(z: Any, Y: Any) -> Any:
        import torch

        return getattr(torch.nn.functional, name)(z, Y, reduction="sum")

    return summed


def half_squared_error(z: Any, Y: Any) -> Any:
    """Return half of PyTorch's squared error, which leaves the half out."""
    return 0.5 * in_pytorch_by_name("mse_loss")(z, Y)


def kl_divergence(z: Any, Y: Any) -> Any:
    """Return PyTorch's kl_div, which wants the logarithm of the softmax."""
    return in_pytorch_by_name("kl_div")(z.log_softmax(1), Y)


def gaussian_nll(z: Any, Y: Any) -> Any:
    """Return PyTorch's gaussian_nll_loss, which wants the variance and not its logarithm."""
    import torch

    mean, log_variance = z.split(N_TARGETS, dim=1)
    of = torch.nn.functional.gaussian_nll_loss
    return of(mean, Y, log_variance.exp(), eps=1e-300, reduction="sum")


def cosine(z: Any, Y: Any) -> Any:
    """Return one less PyTorch's cosine_similarity; its cosine_embedding_loss adds a 1e-12."""
    import torch

    return (1 - torch.nn.functional.cosine_similarity(z, Y)).sum()


# The loss here, the output, and the same in PyTorch, summed over the samples.
LOSSES: dict[str, tuple[Any, str, Callable[[Any, Any], Any]]] = {
    "squared_error": ("squared_error", "identity", half_squared_error),
    "absolute_error": ("absolute_error", "identity", in_pytorch_by_name("l1_loss")),
    "huber": ("huber", "identity", in_pytorch_by_name("huber_loss")),
    "log_loss, softmax": ("log_loss", "softmax", in_pytorch_by_name("cross_entropy")),
    "log_loss, logistic": (
        "log_loss",
        "logistic",
        in_pytorch_by_name("binary_cross_entropy_with_logits"),
    ),
    "kl_divergence": ("kl_divergence", "softmax", kl_divergence),
    "poisson": ("poisson", "identity", in_pytorch_by_name("poisson_nll_loss")),
    "gaussian_nll": ("gaussian_nll", "identity", gaussian_nll),
    "cosine": ("cosine", "identity", cosine),
}


def layers_for(loss: str) -> list[int]:
    """Return the sizes of the network: gaussian_nll has a mean and a variance for each target."""
    n_outputs = 2 * N_TARGETS if loss == "gaussian_nll" else N_TARGETS
    return [N_FEATURES, N_HIDDEN, n_outputs]


def targets(loss: str, rng: np.random.Generator) -> np.ndarray:
    """Return (SAMPLES, N_TARGETS) targets, or (SAMPLES,) labels."""
    shape = (SAMPLES, N_TARGETS)
    if loss == "log_loss, softmax":
        return rng.integers(0, N_TARGETS, SAMPLES)
    if loss == "kl_divergence":
        return rng.dirichlet(np.ones(N_TARGETS), SAMPLES)
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
    _, _, of = LOSSES[loss]
    p, start = [], 0
    for n_in, n_out in pairwise(layers_for(loss)):
        for shape in ((n_in, n_out), (n_out,)):
            size = int(np.prod(shape))
            p.append(torch.tensor(theta[start : start + size]).reshape(shape).requires_grad_())
            start += size
    inputs, answers = torch.tensor(X), torch.tensor(Y)
    optimizer = make(p)
    for _ in range(STEPS):
        optimizer.zero_grad()
        z = torch.tanh(inputs @ p[0] + p[1]) @ p[2] + p[3]
        (of(z, answers) / SAMPLES).backward()
        optimizer.step()
    return np.concatenate([each.detach().numpy().ravel() for each in p])


def difference(optimizer: str, loss: str) -> float:
    """Return the distance of the two thetas after the steps, relative to the length of one."""
    import torch

    here, there, settings = OPTIMIZERS[optimizer]
    named, output, _ = LOSSES[loss]
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((SAMPLES, N_FEATURES)), targets(loss, rng)
    net = rb.Network(
        layers_for(loss), activation="tanh", output=output, dtype="float64", random_state=0
    )  # type: ignore[arg-type]
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
    print(f"PyTorch {torch.__version__}, {STEPS} steps, {SAMPLES} samples\n")
    print("| | " + " | ".join(LOSSES) + " |\n|---|" + "---|" * len(LOSSES))
    worst = 0.0
    for optimizer in OPTIMIZERS:
        found = [difference(optimizer, loss) for loss in LOSSES]
        worst = max(worst, *found)
        print(f"| {optimizer} | " + " | ".join(f"{x:.0e}" for x in found) + " |", flush=True)
    sys.exit(0 if worst <= 1e-9 else f"a difference of {worst:.0e} is above 1e-9")


if __name__ == "__main__":
    main()
