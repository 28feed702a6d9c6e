"""The activations: a = f(z) for one sample's layer, and dC/dz from g = dC/da.

Every function takes and gives one row, the numbers of one layer for one sample, because softmax
looks at the whole row. The derivatives are written in a, not in z: the forward pass keeps a.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from typing import NamedTuple

from .arithmetic import NumberType, chain, sum_in_order
from .math import exp, logistic, tanh

Row = list[float]


def identity_row(T: NumberType, z: Row) -> Row:
    """Return a = z."""
    return list(z)


def identity_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz = g."""
    return list(g)


def logistic_row(T: NumberType, z: Row) -> Row:
    """Return a = 1 / (1 + e^-z)."""
    return [logistic(T, z_j) for z_j in z]


def logistic_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz = g a (1 - a)."""
    return [T.round(g_j * T.fma(-a_j, a_j, a_j)) for a_j, g_j in zip(a, g, strict=True)]


def tanh_row(T: NumberType, z: Row) -> Row:
    """Return a = tanh z."""
    return [tanh(T, z_j) for z_j in z]


def tanh_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz = g (1 - a^2)."""
    return [T.round(g_j * T.fma(-a_j, a_j, 1.0)) for a_j, g_j in zip(a, g, strict=True)]


def relu_row(T: NumberType, z: Row) -> Row:
    """Return a = max(z, 0); a NaN stays a NaN."""
    return [z_j if z_j > 0 or isnan(z_j) else 0.0 for z_j in z]


def relu_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz = g where the unit is on, 0 where it is off."""
    return [g_j if a_j > 0 else 0.0 for a_j, g_j in zip(a, g, strict=True)]


def softmax_parts(T: NumberType, z: Row) -> tuple[float, Row, float]:
    """Return (m, e, S): the largest z, e_j = exp(z_j - m), and S = sum_j e_j.

    With m taken away no e_j overflows, and one of them is 1.
    """
    m = max(z)
    e = [exp(T, T.round(z_j - m)) for z_j in z]
    return m, e, sum_in_order(T, e)


def softmax_row(T: NumberType, z: Row) -> Row:
    """Return a_j = e^z_j / sum_i e^z_i."""
    _, e, S = softmax_parts(T, z)
    return [T.round(e_j / S) for e_j in e]


def softmax_backward(T: NumberType, a: Row, g: Row) -> Row:
    """Return dC/dz_j = a_j (g_j - q) with q = sum_i g_i a_i: every output depends on every z."""
    q = chain(T, 0.0, g, a)
    return [T.round(a_j * T.round(g_j - q)) for a_j, g_j in zip(a, g, strict=True)]


class Activation(NamedTuple):
    """One activation."""

    forward: Callable[[NumberType, Row], Row]  # (T, z) -> a
    backward: Callable[[NumberType, Row, Row], Row]  # (T, a, g = dC/da) -> dC/dz


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(identity_row, identity_backward),
    "logistic": Activation(logistic_row, logistic_backward),
    "tanh": Activation(tanh_row, tanh_backward),
    "relu": Activation(relu_row, relu_backward),
    "softmax": Activation(softmax_row, softmax_backward),
}
