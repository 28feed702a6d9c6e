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

from rosenblatt._loss import rule as loss_rule

Array = NDArray[np.longdouble]
REAL = np.longdouble


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def density(z: Array) -> Array:
    """The standard normal density."""
    return np.exp(-(z**2) / 2) / np.sqrt(8 * np.arctan(REAL(1)))


def normal_cdf(z: Array) -> Array:
    """Phi(z) by the series 1/2 + phi(z) sum z^(2n+1) / (2n+1)!!, whose terms have one sign."""
    term = total = z
    for n in range(1, 200):
        term = term * z**2 / (2 * n + 1)
        total = total + term
    return REAL(0.5) + density(z) * total


def times(slope: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    """dC/dz = g f'(z)."""
    return lambda z, g: g * slope(z)


def softplus(z: Array) -> Array:
    return np.logaddexp(0, z)


def mish_slope(z: Array) -> Array:
    return np.tanh(softplus(z)) + z * sigmoid(z) / np.cosh(softplus(z)) ** 2


def gelu_tanh(z: Array) -> Array:
    return z / 2 * (1 + np.tanh(np.sqrt(1 / (2 * np.arctan(REAL(1)))) * (z + BEND * z**3)))


def gelu_tanh_slope(z: Array) -> Array:
    root = np.sqrt(1 / (2 * np.arctan(REAL(1))))
    u = root * (z + BEND * z**3)
    return (1 + np.tanh(u)) / 2 + z / 2 * root * (1 + 3 * BEND * z**2) / np.cosh(u) ** 2


def log_softmax(z: Array) -> Array:
    top = z.max(axis=-1, keepdims=True)
    return z - top - np.log(np.exp(z - top).sum(axis=-1, keepdims=True))


BEND = REAL("0.044715")
LEAK = REAL("0.01")
SCALE = REAL("1.05070098735548049341933498529")  # of selu
ALPHA = REAL("1.67326324235437728481704297202")

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
    "leaky_relu": (
        lambda z: np.where(z > 0, z, LEAK * z),
        times(lambda z: np.where(z > 0, 1, LEAK)),
    ),
    "elu": (
        lambda z: np.where(z > 0, z, np.expm1(z)),
        times(lambda z: np.where(z > 0, 1, np.exp(z))),
    ),
    "celu": (
        lambda z: np.maximum(z, 0) + np.minimum(np.expm1(z), 0),
        times(lambda z: np.minimum(1, np.exp(z))),
    ),
    "selu": (
        lambda z: SCALE * np.where(z > 0, z, ALPHA * np.expm1(z)),
        times(lambda z: SCALE * np.where(z > 0, 1, ALPHA * np.exp(z))),
    ),
    "gelu": (lambda z: z * normal_cdf(z), times(lambda z: normal_cdf(z) + z * density(z))),
    "gelu_tanh": (gelu_tanh, times(gelu_tanh_slope)),
    "silu": (
        lambda z: z * sigmoid(z),
        times(lambda z: sigmoid(z) * (1 + z * sigmoid(-z))),
    ),
    "mish": (lambda z: z * np.tanh(softplus(z)), times(mish_slope)),
    "softplus": (softplus, times(sigmoid)),
    "softsign": (lambda z: z / (1 + np.abs(z)), times(lambda z: 1 / (1 + np.abs(z)) ** 2)),
    "hard_sigmoid": (
        lambda z: np.clip(z / 6 + REAL(0.5), 0, 1),
        times(lambda z: np.where(np.abs(z) < 3, REAL(1) / 6, 0)),
    ),
    "hard_tanh": (
        lambda z: np.clip(z, -1, 1),
        times(lambda z: np.where(np.abs(z) < 1, REAL(1), 0)),
    ),
    "relu6": (
        lambda z: np.clip(z, 0, 6),
        times(lambda z: np.where((z > 0) & (z < 6), REAL(1), 0)),
    ),
    "sin": (np.sin, times(np.cos)),
    "step": (lambda z: np.where(z > 0, REAL(1), 0), times(np.zeros_like)),
    "log_softmax": (
        log_softmax,
        lambda z, g: g - softmax(z) * g.sum(axis=-1, keepdims=True),
    ),
}

# Where a derivative of f jumps, its first or its second.
KINKS: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("relu", "leaky_relu", "elu", "celu", "selu", "softsign", "step"), (0.0,)),
    "hard_sigmoid": (-3.0, 3.0),
    "hard_tanh": (-1.0, 1.0),
    "relu6": (0.0, 6.0),
}


# c (n,) and dc/dz (n, n_outputs) of each loss, from z, a = f(z), y, the output's name, and the
# loss's parameters p.


def by_a(
    f: Callable[..., tuple[Array, Array]],
) -> Callable[..., tuple[Array, Array]]:
    """A loss whose f gives the terms of c and dc/da from a, y and p."""

    def loss(z: Array, a: Array, y: Array, output: str, p: Any) -> tuple[Array, Array]:
        terms, g = f(a, y, p)
        return terms.sum(axis=-1), ACTIVATIONS[output][1](z, g)

    return loss


def huber(a: Array, y: Array, p: Any) -> tuple[Array, Array]:
    d = a - y
    far = np.abs(d) > p[0]
    return np.where(far, p[0] * (np.abs(d) - p[0] / 2), d**2 / 2), np.clip(d, -p[0], p[0])


def quantile(a: Array, y: Array, p: Any) -> tuple[Array, Array]:
    tau = np.asarray(p, REAL)
    return np.maximum(tau * (y - a), (tau - 1) * (y - a)), np.where(a < y, -tau, 1 - tau)


def cosine(a: Array, y: Array, p: Any) -> tuple[Array, Array]:
    unit_y = y / np.sqrt((y**2).sum(axis=-1, keepdims=True))
    size = np.sqrt((a**2).sum(axis=-1, keepdims=True))
    cos = (a * unit_y).sum(axis=-1, keepdims=True) / size
    return 1 - cos, (cos * a / size - unit_y) / size


def gaussian_nll(a: Array, y: Array, p: Any) -> tuple[Array, Array]:
    mu, s = np.split(a, 2, axis=-1)
    variance = np.exp(s)
    by_mu, by_s = (mu - y) / variance, (1 - (mu - y) ** 2 / variance) / 2
    return (s + (mu - y) ** 2 / variance) / 2, np.concatenate([by_mu, by_s], axis=-1)


def poisson(a: Array, y: Array, p: Any) -> tuple[Array, Array]:
    if p[0]:
        return np.exp(a) - y * a, np.exp(a) - y
    return a - y * np.log(a), 1 - y / a


def log_of(z: Array, output: str) -> Array:
    """ln a of a softmax or a logistic output, from z for no overflow."""
    if output == "logistic":
        return -np.logaddexp(0, -z)
    top = z.max(axis=-1, keepdims=True)
    return z - top - np.log(np.exp(z - top).sum(axis=-1, keepdims=True))


def log_loss(z: Array, a: Array, y: Array, output: str, p: Any) -> tuple[Array, Array]:
    """-sum y ln a, and for logistic outputs -sum (1 - y) ln(1 - a) too."""
    y = (1 - REAL(p[0])) * y + REAL(p[0]) / (a.shape[-1] if output == "softmax" else 2)
    c = -y * log_of(z, output)
    if output == "logistic":
        c = c - (1 - y) * log_of(-z, output)
    return c.sum(axis=-1), a - y


def kl_divergence(z: Array, a: Array, y: Array, output: str, p: Any) -> tuple[Array, Array]:
    return (y * (np.log(y) - log_of(z, output))).sum(axis=-1), a - y


def focal(z: Array, a: Array, y: Array, output: str, p: Any) -> tuple[Array, Array]:
    """dc/da by the quotient, and from there through the activation."""
    gamma, t = p[0], -log_of(z, output)
    c = y * (1 - a) ** gamma * t
    g = -y * (gamma * (1 - a) ** (gamma - 1) * t + (1 - a) ** gamma / a)
    if output == "logistic":
        u = -log_of(-z, output)
        c = c + (1 - y) * a**gamma * u
        g = g + (1 - y) * (gamma * a ** (gamma - 1) * u + a**gamma / (1 - a))
    return c.sum(axis=-1), ACTIVATIONS[output][1](z, g)


LOSSES = {
    "squared_error": by_a(lambda a, y, _: ((a - y) ** 2 / 2, a - y)),
    "absolute_error": by_a(lambda a, y, _: (np.abs(a - y), np.sign(a - y))),
    "log_cosh": by_a(lambda a, y, _: (np.log(np.cosh(a - y)), np.tanh(a - y))),
    "huber": by_a(huber),
    "quantile": by_a(quantile),
    "cosine": by_a(cosine),
    "hinge": by_a(lambda a, y, _: (np.maximum(0, 1 - y * a), np.where(y * a < 1, -y, 0))),
    "squared_hinge": by_a(
        lambda a, y, _: (np.maximum(0, 1 - y * a) ** 2, -2 * y * np.maximum(0, 1 - y * a))
    ),
    "poisson": by_a(poisson),
    "gaussian_nll": by_a(gaussian_nll),
    "log_loss": log_loss,
    "kl_divergence": kl_divergence,
    "focal": focal,
}

# Which piece of a loss an output is on, for those that have kinks: it changes where one is crossed.
PIECES: dict[str, Callable[..., Any]] = {
    "absolute_error": lambda a, y, _: a > y,
    "huber": lambda a, y, p: np.abs(a - y) > p[0],
    "quantile": lambda a, y, _: a > y,
    "hinge": lambda a, y, _: y * a < 1,
    "squared_hinge": lambda a, y, _: y * a < 1,
}


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
    loss: Any,
    sample_weight: ArrayLike | None = None,
) -> Gradients:
    """The cost and its derivatives by everything; Y is (n, n_outputs)."""
    Z, A = forward(W, b, activations, X)
    n = len(A[0])
    share = np.ones(n, REAL) if sample_weight is None else np.asarray(sample_weight, REAL)
    share = share / share.sum()
    name, p = loss_rule(loss)
    c, delta_output = LOSSES[name](Z[-1], A[-1], np.asarray(Y, REAL), activations[-1], p)
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
