"""Forward and backward pass of one sample, computed by the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import _loss, reference
from .._checks import arrays
from .._checks.shown import shown
from .._network import Network, require_network
from ..reference.activation import ACTIVATIONS, dC_dz
from ..reference.backward import dC_dA
from ..reference.forward import forward
from ..reference.loss import LOSSES, LossRule, target_row

Row = list[float]


@dataclass(frozen=True)
class Forward:
    """The result of the forward pass. Layers are counted from 0, as in the code."""

    book: reference.Network  # the same network in the reference
    x: Row  # (n_features,), not scaled, in the dtype of the network
    Z: list[Row]  # Z[layer], (n_out,): z of the layer after W[layer]
    A: list[Row]  # A[0] is the input, scaled; A[layer + 1] = f(Z[layer])


@dataclass(frozen=True)
class Backward:
    """The result of the backward pass, from the output to the first hidden layer."""

    loss: LossRule
    target: list[Any]  # one label or one row, not scaled
    y: Row  # the target of the loss, scaled
    cost: float  # C
    slopes: Row  # dc/da of the output, or dc/dz
    slopes_are_by: str  # "a" or "z"
    G: list[Row]  # G[layer] = dC/da of the layer after W[layer]; empty if slopes are dc/dz
    delta: list[Row]  # delta[layer] = dC/dz of the layer after W[layer]


def textbook(net: Network) -> reference.Network:
    """Return the reference network with the same parameters.

    Raises
    ------
    TypeError
        `net` is not a network.
    ValueError
        The formulas of the lecture do not cover this network.
    """
    require_network("net", net)
    check_supported(net)
    *hidden, output = net.activations
    book = reference.Network(
        net.layers,
        activation=hidden,
        output=output,
        dtype=net.dtype.name,
        random_state=0,
        weights="zeros",
    )
    book.W = [W.tolist() for W in net.W]
    book.b = [b.tolist() for b in net.b]
    T = book.T
    for name in ("input_scaling", "target_scaling"):
        if (scaling := getattr(net, name)) is not None:
            columns = (scaling.offset.tolist(), scaling.factor.tolist())
            rounded = reference.Scaling(*([T.round(x) for x in column] for column in columns))
            setattr(book, name, rounded)
    return book


def check_supported(net: Network) -> None:
    """Check that the formulas of the lecture describe the network.

    They are z^(l+1) = W^(l) a^(l) + b^(l) and a^(l+1) = f(z^(l+1)).

    Raises
    ------
    ValueError
        A layer has a norm, a skip connection or a custom activation.
    """
    for setting, of_layers in (("norm", net.norms), ("skip", net.skips)):
        if any(of_layers):
            raise ValueError(
                f"net: got a network with {setting}={shown(list(of_layers))}, expected one without,"
                " because the lecture covers only layers a = f(W a + b)"
            )
    for name in net.activations:
        if name not in ACTIVATIONS:
            raise ValueError(
                f"net: got the activation {shown(name)}, expected one of {list(ACTIVATIONS)}"
            )


def one_input(net: Network, x: ArrayLike) -> np.ndarray[Any, Any]:
    """Return the sample as (1, n_features) in the dtype of the network.

    Raises
    ------
    TypeError, ValueError
        x contains values other than finite real numbers, or has the wrong number of features.
    """
    array = arrays.inputs("x", x, net.dtype)
    n_features = net.layers[0]
    if array.shape not in ((n_features,), (1, n_features)):
        got = f"{array.size} numbers" if array.ndim == 1 else f"shape {array.shape}"
        raise ValueError(
            f"x: got {got}, expected {n_features}: one sample, because a^(1) has {n_features} units"
        )
    return arrays.finite("x", array).reshape(1, n_features)


def one_target(y: ArrayLike) -> np.ndarray[Any, Any]:
    """Return the target as a batch of one.

    Its shape is (1,) for a number or label, (1, n_targets) for a row.

    Raises
    ------
    TypeError, ValueError
        y contains values other than real numbers, or more than one row.
    """
    array = arrays.real_array("y", y)
    if array.ndim > 1 and array.shape[0] != 1:
        raise ValueError(f"y: got shape {array.shape}, expected the target of one sample")
    return array.reshape(1) if array.size == 1 else array.reshape(1, *array.shape[-1:])


def gradients_of(net: Network, x: ArrayLike, y: ArrayLike, loss: Any) -> Any:
    """Return `net.gradients` of one sample.

    Messages call the arguments x and y.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As for `Network.gradients`.
    """
    X, Y = one_input(net, x), one_target(y)
    try:
        return net.gradients(X, Y, loss=loss)
    except (TypeError, ValueError) as error:
        message = str(error)
        if message.startswith("Y: "):
            raise type(error)(f"y: {message.removeprefix('Y: ')}") from None
        raise


def forward_pass(net: Network, x: ArrayLike) -> Forward:
    """Return all z and a of the sample.

    Raises
    ------
    TypeError, ValueError
        The network is not supported, or the sample does not fit it.
    """
    book = textbook(net)
    X = one_input(net, x).tolist()
    trace = forward(book, book.scale_inputs(X))
    return Forward(book, X[0], [Z[0] for Z in trace.Z], [A[0] for A in trace.A])


def backward_pass(net: Network, way: Forward, y: ArrayLike, loss: Any) -> Backward:
    """Return C and all delta of the sample, whose target `gradients_of` has checked."""
    book, T = way.book, way.book.T
    rule = LossRule(*_loss.rule(loss))
    target = net._targets("y", one_target(y), rule.name).tolist()
    y_row = target_row(book, book.scale_targets(target)[0], rule.name)
    of_sample, slopes_are_by, _ = LOSSES[rule.name, book.activations[-1]]
    cost, slopes = of_sample(T, rule.parameters, way.Z[-1], way.A[-1], y_row)
    G = [slopes] if slopes_are_by == "a" else [[]]
    delta = [delta_of(way, len(way.Z) - 1, slopes) if slopes_are_by == "a" else slopes]
    for layer in range(len(way.Z) - 1, 0, -1):
        G.insert(0, dC_dA(book, layer, [delta[0]])[0])
        delta.insert(0, delta_of(way, layer - 1, G[0]))
    return Backward(rule, target, y_row, cost, slopes, slopes_are_by, G, delta)


def delta_of(way: Forward, layer: int, g: Row) -> Row:
    """Return dC/dz from g = dC/da of the layer after W[layer]."""
    f = way.book.functions[layer]
    return dC_dz(way.book.T, f, way.Z[layer], way.A[layer + 1], g)
