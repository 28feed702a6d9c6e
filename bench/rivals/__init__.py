"""Rivals: who takes part, in which form, and what each of them must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

from ..workloads import Array, Workload


class UnsuitableError(Exception):
    """This contestant does not do this workload; the message says why."""


class Runner(Protocol):
    """One contestant with one workload, all of it prepared, the weights included."""

    def reset(self) -> None:
        """Go back to the first weights; not timed."""

    def run(self, count: int) -> None:
        """Pass over the samples `count` times, and return when all results are there; timed.

        In training the rows come in a new order in each pass; in a run the held-out rows follow.
        In inference the calls come one after the other.
        """

    def result(self, steps: int) -> Array:
        """Return what is judged.

        In training all parameters (as `workloads.flat` has them) after the first `steps` steps from
        the first weights, in the order of the rows, without dropout; in inference the outputs of
        `steps` calls.
        """


@dataclass(frozen=True)
class Contestant:
    """A library in one form of use."""

    name: str
    label: str  # as a reader knows it
    module: str  # of this package; its open_runner(form, workload, threads) returns a Runner
    form: str = ""
    packages: tuple[str, ...] = ()  # that it imports
    kinds: tuple[str, ...] = ("training", "inference")
    own: bool = False  # rosenblatt itself
    threads: int | None = None  # None: as many as the run is about
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [package for package in self.packages if find_spec(package) is None]

    def open_runner(self, workload: Workload, threads: int) -> Runner:
        module = import_module(f".{self.module}", __name__)
        runner: Runner = module.open_runner(self.form, workload, threads)
        return runner


OWN = Contestant("rosenblatt", "rosenblatt", "rosenblatt_train", "", ("rosenblatt",), own=True)

# The same with AVX2 kernels, to be measured against the peak of AVX2.
OWN_AVX2 = Contestant(
    "rosenblatt-avx2",
    "rosenblatt, AVX2 forced",
    "rosenblatt_train",
    "",
    ("rosenblatt",),
    own=True,
    environment={"ROSENBLATT_ISA": "avx2"},
)

# What a run with several threads is measured against.
OWN_ONE_THREAD = Contestant(
    "rosenblatt-one-thread",
    "rosenblatt, one thread",
    "rosenblatt_train",
    "",
    ("rosenblatt",),
    own=True,
    threads=1,
)

RIVALS: tuple[Contestant, ...] = (
    Contestant("numpy", "NumPy by hand", "numpy_by_hand", "", ("numpy",)),
    Contestant("pytorch-eager", "PyTorch eager", "pytorch", "eager", ("torch",)),
    Contestant("pytorch-by-hand", "PyTorch by hand", "pytorch", "by hand", ("torch",)),
    Contestant("pytorch-compile", "PyTorch compiled", "pytorch", "compile", ("torch",)),
    Contestant("jax", "JAX", "jax_scan", "", ("jax",)),
    Contestant("tensorflow", "TensorFlow XLA", "tensorflow_xla", "", ("tensorflow",)),
    Contestant("scikit-learn", "scikit-learn", "sklearn_mlp", "mlp", ("sklearn",)),
    Contestant(
        "scikit-learn-sgd",
        "scikit-learn SGDClassifier",
        "sklearn_mlp",
        "sgd",
        ("sklearn",),
        kinds=("training",),
    ),
    Contestant(
        "onnxruntime",
        "ONNX Runtime",
        "onnx_runtime",
        "arrays",
        ("onnxruntime", "onnx"),
        kinds=("inference",),
    ),
    Contestant(
        "onnxruntime-bound",
        "ONNX Runtime, bound buffers",
        "onnx_runtime",
        "bound",
        ("onnxruntime", "onnx"),
        kinds=("inference",),
    ),
)

# Who takes part in whole runs: those that have Adam and can keep the best weights.
OWN_RUN = Contestant(
    "rosenblatt-run", "rosenblatt", "rosenblatt_run", "", ("rosenblatt",), ("run",), own=True
)
RUN_RIVALS: tuple[Contestant, ...] = (
    Contestant("pytorch-run", "PyTorch eager", "pytorch_run", "eager", ("torch",), ("run",)),
    Contestant(
        "pytorch-compile-run", "PyTorch compiled", "pytorch_run", "compile", ("torch",), ("run",)
    ),
    Contestant("jax-run", "JAX", "jax_run", "", ("jax",), ("run",)),
    Contestant("scikit-learn-run", "scikit-learn", "sklearn_run", "", ("sklearn",), ("run",)),
)
PLAIN_RIVAL = {  # who of RIVALS is the same library in the same form
    "pytorch-run": "pytorch-eager",
    "pytorch-compile-run": "pytorch-compile",
    "jax-run": "jax",
    "scikit-learn-run": "scikit-learn",
}

EVERYBODY = {
    who.name: who for who in (OWN, OWN_AVX2, OWN_ONE_THREAD, *RIVALS, OWN_RUN, *RUN_RIVALS)
}


def chosen_rivals(
    names: list[str] | None, known: Sequence[Contestant] = RIVALS
) -> list[Contestant]:
    """Return those of `known` with these names, all where `names` is None.

    Raises
    ------
    ValueError
        A name is no rival's.
    """
    for name in names or []:
        if name not in {rival.name for rival in known}:
            expected = ", ".join(rival.name for rival in known)
            raise ValueError(f"--rivals: got {name!r}, expected some of {expected}")
    return [rival for rival in known if names is None or rival.name in names]
