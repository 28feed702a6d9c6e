"""Records what PyTorch does in tests/data/normalisation_steps.json, for its test of that name.

    python tests/support/normalisation_steps.py    if there is PyTorch; the file names its version

Small networks in float64 with BatchNorm1d, LayerNorm and skip connections, a fixed batch, some
steps of gradient descent with PyTorch's gradients: parameters and running statistics after them,
and the outputs in evaluation.
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "normalisation_steps.json"

LAYERS = [3, 5, 5, 2]
SAMPLES = 9
STEPS = 10
RATE = 0.1
NETS: dict[str, dict[str, Any]] = {
    "batch norm": {"norm": ["batch", "batch"], "skip": [False, False]},
    "layer norm": {"norm": ["layer", "layer"], "skip": [False, False]},
    "skip": {"norm": [None, None], "skip": [False, True]},
    "all": {"norm": ["layer", "batch"], "skip": [False, True]},
}


def numbers(count: int, seed: int) -> list[float]:
    """Numbers with few digits in (-1, 1), by the C standard's example generator."""
    state, drawn = seed, []
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2**31
        drawn.append(round(state / 2**30 - 1, 6))
    return drawn


def rows(n: int, columns: int, seed: int) -> list[list[float]]:
    """Numbers as a matrix (n, columns)."""
    drawn = numbers(n * columns, seed)
    return [drawn[i * columns : (i + 1) * columns] for i in range(n)]


def problem(norms: list[str | None]) -> tuple[list[float], list[list[float]], list[list[float]]]:
    """theta in this project's order, X and Y."""
    count = sum((n_in + 1) * n_out for n_in, n_out in pairwise(LAYERS))
    count += sum(n_out for n_out, norm in zip(LAYERS[1:], (*norms, None), strict=True) if norm)
    X, Y = rows(SAMPLES, LAYERS[0], 2), rows(SAMPLES, LAYERS[-1], 3)
    return numbers(count, 1), X, Y


def made(torch: Any, norms: list[str | None], skips: list[bool]) -> Any:
    """Return the network in PyTorch's modules."""

    class Hidden(torch.nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self, n_in: int, n_out: int, norm: str | None, skip: bool) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(n_in, n_out, bias=norm is None)
            kinds = {"batch": torch.nn.BatchNorm1d, "layer": torch.nn.LayerNorm}
            self.norm = kinds[norm](n_out) if norm else torch.nn.Identity()
            self.skip = skip

        def forward(self, x: Any) -> Any:
            a = torch.tanh(self.norm(self.linear(x)))
            return a + x if self.skip else a

    hidden = [Hidden(*each) for each in zip(LAYERS, LAYERS[1:], norms, skips, strict=False)]
    return torch.nn.Sequential(*hidden, torch.nn.Linear(*LAYERS[-2:]))


def in_thetas_order(net: Any) -> list[tuple[Any, bool]]:
    """Return its parameters, W, b and g of every layer, and whether each is a matrix."""
    found = []
    for module in net:
        linear = getattr(module, "linear", module)
        norm = getattr(module, "norm", None)
        found.append((linear.weight, True))
        if linear.bias is not None:
            found.append((linear.bias, False))
        else:
            found += [(norm.bias, False), (norm.weight, False)]
    return found


def recorded(torch: Any, norms: list[str | None], skips: list[bool]) -> Any:
    """Return what the training of one network gives."""
    theta, X, Y = problem(norms)
    net = made(torch, norms, skips)
    x, y = torch.tensor(X), torch.tensor(Y)
    start = 0
    with torch.no_grad():
        for parameter, is_matrix in in_thetas_order(net):
            values = torch.tensor(theta[start : start + parameter.numel()])
            n_out = len(parameter)
            parameter.copy_(values.reshape(-1, n_out).T if is_matrix else values)
            start += parameter.numel()
    sgd = torch.optim.SGD(net.parameters(), lr=RATE)
    costs = []
    for _ in range(STEPS):
        sgd.zero_grad()
        cost = 0.5 * ((net(x) - y) ** 2).sum() / SAMPLES
        cost.backward()
        sgd.step()
        costs.append(float(cost.detach()))
    net.eval()
    flat = [(p.T if is_matrix else p).reshape(-1) for p, is_matrix in in_thetas_order(net)]
    return {
        "norm": norms,
        "skip": skips,
        "costs": costs,
        "theta": torch.cat(flat).tolist(),
        "running_mean": [
            m.norm.running_mean.tolist() for m in net[:-1] if hasattr(m.norm, "momentum")
        ],
        "running_var": [
            m.norm.running_var.tolist() for m in net[:-1] if hasattr(m.norm, "momentum")
        ],
        "outputs": net(x).tolist(),
    }


def main() -> None:
    import torch

    torch.set_default_dtype(torch.float64)
    found: dict[str, Any] = {
        "made by": f"tests/support/normalisation_steps.py, PyTorch {torch.__version__}",
        "nets": {name: recorded(torch, of["norm"], of["skip"]) for name, of in NETS.items()},
    }
    DATA.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")
    sys.stdout.write(f"{DATA.name}: {DATA.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
