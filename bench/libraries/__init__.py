"""Libraries: who takes part, in which form, and what each of them must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

from ..workloads import Array, Workload


class UnsuitableError(Exception):
    """This entry does not do this workload; the message says why."""


class Runner(Protocol):
    """One entry with one workload, all of it prepared, the weights included."""

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
class Entry:
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


OWN = Entry("rosenblatt", "rosenblatt", "rosenblatt", "", ("rosenblatt",), own=True)

# The same with AVX2 kernels, to be measured against the peak of AVX2.
OWN_AVX2 = Entry(
    "rosenblatt-avx2",
    "rosenblatt, AVX2 forced",
    "rosenblatt",
    "",
    ("rosenblatt",),
    own=True,
    environment={"ROSENBLATT_ISA": "avx2"},
)

# What a run with several threads is measured against.
OWN_ONE_THREAD = Entry(
    "rosenblatt-one-thread",
    "rosenblatt, one thread",
    "rosenblatt",
    "",
    ("rosenblatt",),
    own=True,
    threads=1,
)

ALTERNATIVES: tuple[Entry, ...] = (
    Entry("numpy", "NumPy by hand", "numpy_by_hand", "", ("numpy",)),
    Entry("pytorch-eager", "PyTorch eager", "pytorch", "eager", ("torch",)),
    Entry("pytorch-by-hand", "PyTorch by hand", "pytorch", "by hand", ("torch",)),
    Entry("pytorch-compile", "PyTorch compiled", "pytorch", "compile", ("torch",)),
    Entry("jax", "JAX", "jax", "", ("jax",)),
    Entry("tensorflow", "TensorFlow XLA", "tensorflow", "", ("tensorflow",)),
    Entry("scikit-learn", "scikit-learn", "scikit_learn", "mlp", ("sklearn",)),
    Entry(
        "scikit-learn-sgd",
        "scikit-learn SGDClassifier",
        "scikit_learn",
        "sgd",
        ("sklearn",),
        kinds=("training",),
    ),
    Entry(
        "onnxruntime",
        "ONNX Runtime",
        "onnx_runtime",
        "arrays",
        ("onnxruntime", "onnx"),
        kinds=("inference",),
    ),
    Entry(
        "onnxruntime-bound",
        "ONNX Runtime, bound buffers",
        "onnx_runtime",
        "bound",
        ("onnxruntime", "onnx"),
        kinds=("inference",),
    ),
)

# Who takes part in whole runs: those that have Adam and can keep the best weights.
OWN_RUN = Entry(
    "rosenblatt-run", "rosenblatt", "rosenblatt", "", ("rosenblatt",), ("run",), own=True
)
RUN_ALTERNATIVES: tuple[Entry, ...] = (
    Entry("pytorch-run", "PyTorch eager", "pytorch", "eager", ("torch",), ("run",)),
    Entry("pytorch-compile-run", "PyTorch compiled", "pytorch", "compile", ("torch",), ("run",)),
    Entry("jax-run", "JAX", "jax", "", ("jax",), ("run",)),
    Entry("scikit-learn-run", "scikit-learn", "scikit_learn", "", ("sklearn",), ("run",)),
)
SAME_LIBRARY = {  # who of ALTERNATIVES is the same library in the same form
    "pytorch-run": "pytorch-eager",
    "pytorch-compile-run": "pytorch-compile",
    "jax-run": "jax",
    "scikit-learn-run": "scikit-learn",
}

ENTRIES = {
    who.name: who
    for who in (OWN, OWN_AVX2, OWN_ONE_THREAD, *ALTERNATIVES, OWN_RUN, *RUN_ALTERNATIVES)
}


def chosen_alternatives(
    names: list[str] | None, known: Sequence[Entry] = ALTERNATIVES
) -> list[Entry]:
    """Return those of `known` with these names, all where `names` is None.

    Raises
    ------
    ValueError
        A name is no alternative's.
    """
    for name in names or []:
        if name not in {alternative.name for alternative in known}:
            expected = ", ".join(alternative.name for alternative in known)
            raise ValueError(f"--alternatives: got {name!r}, expected some of {expected}")
    return [alternative for alternative in known if names is None or alternative.name in names]
