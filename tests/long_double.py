"""An independent network in NumPy's long double: forward and backpropagation from the formulas.

Nothing here follows docs/arithmetic.md: it shares no code and no order of operations with the core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.longdouble]
REAL = np.longdouble


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# f(z), and (f'(z)^T g) for each row: dC/dz from g = dC/da.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]] = {
    "identity": (lambda z: z, lambda _, g: g),
    "logistic": (lambda z: 1 / (1 + np.exp(-z)), lambda z, g: g / (2 + np.exp(z) + np.exp(-z))),
    "tanh": (np.tanh, lambda z, g: g / np.cosh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z, g: np.where(z > 0, g, 0)),
    "softmax": (
        softmax,
        lambda z, g: softmax(z) * (g - (softmax(z) * g).sum(axis=-1, keepdims=True)),
    ),
}


def squared_error(z: Array, a: Array, y: Array, output: str) -> tuple[Array, Array]:
    return ((a - y) ** 2).sum(axis=-1) / 2, ACTIVATIONS[output][1](z, a - y)


def log_loss(z: Array, a: Array, y: Array, output: str) -> tuple[Array, Array]:
    """-sum y ln a, and for logistic outputs -sum (1 - y) ln(1 - a) too; from z, for no overflow."""
    if output == "softmax":
        top = z.max(axis=-1, keepdims=True)
        log_a = z - top - np.log(np.exp(z - top).sum(axis=-1, keepdims=True))
        return -(y * log_a).sum(axis=-1), a - y
    return (y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)).sum(axis=-1), a - y


LOSSES = {"squared_error": squared_error, "log_loss": log_loss}


@dataclass(frozen=True)
class Gradients:
    """What the package calls a trace, and what it calls gradients."""

    Z: list[Array]
    A: list[Array]
    cost: np.longdouble
    dW: list[Array]
    db: list[Array]
    dX: Array
    delta: list[Array]


def matrices(theta: ArrayLike, layers: Sequence[int]) -> tuple[list[Array], list[Array]]:
    """W[l] (..., n_out, n_in) and b[l] (..., n_out) out of the flat theta (..., n_params)."""
    rest = np.asarray(theta, REAL)
    W, b = [], []
    for n_in, n_out in pairwise(layers):
        flat_W, b_l, rest = np.split(rest, [n_in * n_out, (n_in + 1) * n_out], axis=-1)
        W.append(np.swapaxes(flat_W.reshape(*rest.shape[:-1], n_in, n_out), -1, -2))
        b.append(b_l)
    return W, b


def forward(
    W: Sequence[Array], b: Sequence[Array], activations: Sequence[str], X: ArrayLike
) -> tuple[list[Array], list[Array]]:
    """Z[l] (..., n, n_out) and A[l], A[0] is X; leading axes: one network and one X each."""
    Z: list[Array] = []
    A = [np.asarray(X, REAL)]
    for W_l, b_l, name in zip(W, b, activations, strict=True):
        Z.append(A[-1] @ np.swapaxes(W_l, -1, -2) + b_l[..., None, :])
        A.append(ACTIVATIONS[name][0](Z[-1]))
    return Z, A


def gradients(
    W: Sequence[Array],
    b: Sequence[Array],
    activations: Sequence[str],
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: str,
    sample_weight: ArrayLike | None = None,
) -> Gradients:
    """The cost and its derivatives by everything; Y is (n, n_outputs)."""
    Z, A = forward(W, b, activations, X)
    n = len(A[0])
    share = np.ones(n, REAL) if sample_weight is None else np.asarray(sample_weight, REAL)
    share = share / share.sum()
    c, delta_output = LOSSES[loss](Z[-1], A[-1], np.asarray(Y, REAL), activations[-1])
    delta = [share[:, None] * delta_output]
    for layer in range(len(W) - 1, 0, -1):
        f_backward = ACTIVATIONS[activations[layer - 1]][1]
        delta.insert(0, f_backward(Z[layer - 1], delta[0] @ W[layer]))
    return Gradients(
        Z=Z,
        A=A,
        cost=(share * c).sum(),
        dW=[d.T @ a for d, a in zip(delta, A[:-1], strict=True)],
        db=[d.sum(axis=0) for d in delta],
        dX=delta[0] @ W[0],
        delta=delta,
    )


def relative_difference(got: Any, expected: Any) -> float:
    """The norm of the difference over the norm of `expected`; 0 where both are 0."""
    expected = np.asarray(expected, REAL)
    difference = np.sqrt(((np.asarray(got, REAL) - expected) ** 2).sum())
    norm = np.sqrt((expected**2).sum())
    return float(difference / norm) if norm > 0 else (0.0 if difference == 0 else np.inf)
