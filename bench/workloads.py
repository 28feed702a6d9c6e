"""Workloads: the networks and batches that are timed, their data, first weights and operations."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Parameters = list[tuple[Array, Array]]  # W (n_in, n_out) and b (n_out,) of every layer

SMALLEST_NORMAL = {"float32": 2.0**-126, "float64": 2.0**-1022}


@dataclass(frozen=True)
class Workload:
    """A network, the samples it sees, and what is done with them."""

    name: str
    layers: tuple[int, ...]
    rows: int  # samples: a whole number of batches
    batch: int  # samples per step; in inference the samples per call
    kind: Literal["training", "inference", "run"] = "training"
    activation: Literal["relu", "tanh"] = "relu"  # of the hidden layers
    output: Literal["softmax", "logistic", "identity"] = "softmax"
    learning_rate: float = 0.05
    dtype: Literal["float32", "float64"] = "float32"
    denormal_every: int = 0  # every so many rows of X hold numbers below the smallest normal one
    # Of a run, which is trained by Adam and looks at held-out rows after every epoch:
    dropout: float = 0.0  # of the hidden units
    held_out: int = 0  # rows after the `rows` that are trained on
    data: Literal["made", "digits"] = "made"

    @property
    def loss(self) -> Literal["squared_error", "log_loss"]:
        """The loss that goes with the output: squared with identity, log loss with the others."""
        return "squared_error" if self.output == "identity" else "log_loss"

    @property
    def steps(self) -> int:
        """Steps (calls, in inference) in one pass over the samples."""
        return self.rows // self.batch

    @property
    def weights(self) -> int:
        """The number of weights of all layers, without biases."""
        return sum(n_in * n_out for n_in, n_out in pairwise(self.layers))

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one step.

        One per weight and sample for the outputs. In training two more, for dC/dW and dC/da, save
        that nobody asks for dC/da of the first layer's input.
        """
        if self.kind == "inference":
            return self.batch * self.weights
        return self.batch * (3 * self.weights - self.layers[0] * self.layers[1])

    @property
    def flops(self) -> int:
        """Floating-point operations of one step: two per multiply-add."""
        return 2 * self.multiply_adds

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(fields: dict[str, Any]) -> Workload:
        return Workload(**{**fields, "layers": tuple(fields["layers"])})


# Some thousand rows for small networks, so that the call is a small part of an epoch; some 30 MB
# for those with many features, so that the rows to gather lie outside the second-level cache, as
# those of a data set do.
WORKLOADS: tuple[Workload, ...] = (
    Workload(
        "2-8-1 batch 4",
        (2, 8, 1),
        rows=4096,
        batch=4,
        activation="tanh",
        output="logistic",
        learning_rate=0.1,
    ),
    Workload(
        "32-32-32-1 batch 1",
        (32, 32, 32, 1),
        rows=2048,
        batch=1,
        output="identity",
        learning_rate=0.001,
    ),
    Workload("64-64-32-10 batch 32", (64, 64, 32, 10), rows=1792, batch=32),
    Workload("784-128-10 batch 32", (784, 128, 10), rows=8192, batch=32),
    Workload("784-128-10 batch 128", (784, 128, 10), rows=8192, batch=128),
    Workload("784-512-512-10 batch 128", (784, 512, 512, 10), rows=8192, batch=128),
    Workload(
        "100-256-256-256-1 batch 256",
        (100, 256, 256, 256, 1),
        rows=16384,
        batch=256,
        output="identity",
        learning_rate=0.01,
    ),
    Workload(
        "1024-4096-4096-1000 batch 1024",
        (1024, 4096, 4096, 1000),
        rows=2048,
        batch=1024,
        learning_rate=0.01,
    ),
    Workload("1000-64-2 batch 512", (1000, 64, 2), rows=8192, batch=512),
    Workload(
        "10000-1 batch 1", (10000, 1), rows=768, batch=1, output="logistic", learning_rate=1e-4
    ),
    Workload(
        "32-32-32-1 one sample",
        (32, 32, 32, 1),
        rows=256,
        batch=1,
        kind="inference",
        output="identity",
    ),
    Workload("784-128-10 one sample", (784, 128, 10), rows=256, batch=1, kind="inference"),
    Workload(
        "784-512-512-10 10,000 rows", (784, 512, 512, 10), rows=10000, batch=10000, kind="inference"
    ),
)

# Whole trainings: Adam, dropout, and after every epoch the loss of held-out rows and, where it is
# the best so far, a copy of the weights, as early stopping wants it. The patience is endless, so
# that every epoch is of the same kind. `PLAIN` names the same network under plain gradient descent.
PLAIN = {
    "digits, 64-64-32-10 batch 32": "64-64-32-10 batch 32",
    "100,000 rows, 100-256-256-256-1 batch 256": "100-256-256-256-1 batch 256",
}


def run(name: str, **samples: Any) -> Workload:
    """Return the whole training of a network of `PLAIN`, on other samples."""
    plain = next(one for one in WORKLOADS if one.name == PLAIN[name])
    return replace(plain, name=name, kind="run", learning_rate=0.001, dropout=0.2, **samples)


RUNS: tuple[Workload, ...] = (
    run("digits, 64-64-32-10 batch 32", rows=1408, held_out=389, data="digits"),
    run("100,000 rows, 100-256-256-256-1 batch 256", rows=89_856, held_out=10_144),
)


def chosen(only: list[str], dtype: Literal["float32", "float64"]) -> list[Workload]:
    """Return the workloads whose name contains one of `only`, all where `only` is empty.

    Raises
    ------
    ValueError
        One of `only` is part of no name.
    """
    for part in only:
        if not any(part in workload.name for workload in WORKLOADS):
            names = ", ".join(repr(workload.name) for workload in WORKLOADS)
            raise ValueError(f"--only: got {part!r}, expected a part of one of {names}")
    return [
        replace(workload, dtype=dtype)
        for workload in WORKLOADS
        if not only or any(part in workload.name for part in only)
    ]


def samples(workload: Workload) -> tuple[Array, Array]:
    """Return X, (rows + held_out, n_features), of mean 0 and variance 1, and unexplained targets.

    Unexplained targets keep the errors, and with them the gradients, from dying out in a long run.
    The targets are labels, int64 (n,), for softmax and logistic, and numbers (n, 1) for identity.
    """
    if workload.data == "digits":
        return digits(workload)
    rng = np.random.default_rng(1)
    dtype = np.dtype(workload.dtype)
    n_rows = workload.rows + workload.held_out
    X = rng.random((n_rows, workload.layers[0]), dtype=dtype)
    X -= 0.5
    X *= np.sqrt(12)
    if workload.denormal_every:
        # |x| <= sqrt(3) and 2^-6 make numbers with some 17 significant bits left (46 in float64).
        X[:: workload.denormal_every] *= SMALLEST_NORMAL[workload.dtype] * 2.0**-6
    n_outputs = workload.layers[-1]
    if workload.output == "identity":
        return X, rng.standard_normal((n_rows, n_outputs), dtype=dtype)
    # Every label occurs, as often as the others.
    return X, rng.permutation(np.arange(n_rows) % max(n_outputs, 2))


def digits(workload: Workload) -> tuple[Array, Array]:
    """Return the handwritten digits in a mixed order, those that are held out last."""
    from rosenblatt.datasets import load_digits

    X, y = load_digits()
    order = np.random.default_rng(1).permutation(len(y))[: workload.rows + workload.held_out]
    return X[order].astype(workload.dtype), y[order]


def first_parameters(workload: Workload) -> Parameters:
    """Return the weights that everybody starts from, and small biases.

    The weights are uniform within sqrt(6 / n_in), which keeps the size of a through relu layers.
    """
    rng = np.random.default_rng(2)
    dtype = np.dtype(workload.dtype)
    parameters = []
    for n_in, n_out in pairwise(workload.layers):
        W = rng.random((n_in, n_out), dtype=dtype)
        W -= 0.5
        W *= 2 * np.sqrt(6 / n_in)
        b = rng.random(n_out, dtype=dtype)
        b *= 0.1
        parameters.append((W, b))
    return parameters


def flat(parameters: Parameters) -> Array:
    """Return all parameters in one vector, in theta's order: W by rows, b, the next layer."""
    return np.concatenate([part.ravel() for layer in parameters for part in layer])
