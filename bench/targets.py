"""Targets: the ratios and shares of the peak that rosenblatt is held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BEST = "the best alternative"

ONNX = ("onnxruntime", "onnxruntime-bound")
SKLEARN = ("scikit-learn", "scikit-learn-sgd")


@dataclass(frozen=True)
class Target:
    """One demand on one workload."""

    workload: str
    kind: Literal["ratio", "share", "microseconds"]
    needed: float  # at least; of microseconds at most
    against: tuple[str, ...] = ()  # the fastest of these; empty: the best alternative
    label: str = ""

    @property
    def demand(self) -> str:
        """The demand as a reader wants it."""
        if self.kind == "share":
            return f"{100 * self.needed:.0f} % of the FMA peak"
        if self.kind == "microseconds":
            return f"{self.needed:g} µs"
        return f"{self.needed:g} × {self.label or BEST}"


def _ratio(workload: str, needed: float, label: str = "", *against: str) -> Target:
    return Target(workload, "ratio", needed, against, label)


def _share(workload: str, needed: float) -> Target:
    return Target(workload, "share", needed)


TARGETS: tuple[Target, ...] = (
    _ratio("2-8-1 batch 4", 8, "JAX's scan", "jax"),
    _ratio("2-8-1 batch 4", 500, "PyTorch eager", "pytorch-eager"),
    _ratio("2-8-1 batch 4", 400, "scikit-learn", *SKLEARN),
    _ratio("32-32-32-1 batch 1", 2, "JAX's scan", "jax"),
    _ratio("32-32-32-1 batch 1", 250, "PyTorch eager", "pytorch-eager"),
    _ratio("32-32-32-1 batch 1", 150, "scikit-learn", *SKLEARN),
    _ratio("64-64-32-10 batch 32", 2.5),
    _ratio("64-64-32-10 batch 32", 25, "PyTorch eager", "pytorch-eager"),
    _ratio("64-64-32-10 batch 32", 25, "scikit-learn", *SKLEARN),
    _share("64-64-32-10 batch 32", 0.65),
    _ratio("784-128-10 batch 32", 1.7),
    _ratio("784-128-10 batch 32", 4, "PyTorch eager", "pytorch-eager"),
    _ratio("784-128-10 batch 32", 4, "scikit-learn", *SKLEARN),
    _share("784-128-10 batch 32", 0.88),
    _ratio("784-128-10 batch 128", 1.7),
    _share("784-128-10 batch 128", 0.88),
    _ratio("784-512-512-10 batch 128", 1.35),
    _ratio("784-512-512-10 batch 128", 2.2, "scikit-learn", *SKLEARN),
    _share("784-512-512-10 batch 128", 0.90),
    _ratio("100-256-256-256-1 batch 256", 1.35),
    _ratio("100-256-256-256-1 batch 256", 2.2, "scikit-learn", *SKLEARN),
    _share("100-256-256-256-1 batch 256", 0.90),
    _ratio(
        "1024-4096-4096-1000 batch 1024", 1.05, "PyTorch's step written by hand", "pytorch-by-hand"
    ),
    _share("1024-4096-4096-1000 batch 1024", 0.94),
    _ratio("1000-64-2 batch 512", 1.8),
    Target("32-32-32-1 one sample", "microseconds", 1.0),
    _ratio("32-32-32-1 one sample", 5, "ONNX Runtime", *ONNX),
    _ratio("784-128-10 one sample", 3, "ONNX Runtime", *ONNX),
    _ratio("784-512-512-10 10,000 rows", 1.2),
    _share("784-512-512-10 10,000 rows", 0.90),
)

# The largest trainings: where AVX2 is held to its own peak, and two threads to a speed-up.
LARGEST = (
    "784-512-512-10 batch 128",
    "100-256-256-256-1 batch 256",
    "1024-4096-4096-1000 batch 1024",
)
AVX2_SHARE = 0.88
TWO_THREADS_LARGEST = 1.8
TWO_THREADS_ANYWHERE = 0.97
