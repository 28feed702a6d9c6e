"""Activations: names or custom functions, and their form for the core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import arguments, arrays
from ._checks.shown import LONGEST, shown

ActivationName = Literal[
    "identity",
    "logistic",
    "tanh",
    "relu",
    "softmax",
    "leaky_relu",
    "elu",
    "celu",
    "selu",
    "gelu",
    "gelu_tanh",
    "silu",
    "mish",
    "softplus",
    "softsign",
    "hard_sigmoid",
    "hard_tanh",
    "relu6",
    "sin",
    "step",
    "log_softmax",
]
ArrayFunction: TypeAlias = Callable[[NDArray[Any]], ArrayLike]


@dataclass(frozen=True)
class Activation:
    """A custom activation, defined by the function f and its derivative.

    Parameters
    ----------
    name : str
        The name in messages and files: at most 80 letters, digits and underscores, different from
        the names of the built-in activations.
    f : callable
        ``f(z)`` returns a, an array of the same shape as z. z has shape (n, n_l) and the dtype of
        the network, with one row per sample. A row of a may depend only on the same row of z.
    df : callable
        ``df(z)`` returns f'(z), an array of the same shape as z. dC/dz is the elementwise product
        of dC/da and f'(z).

    Raises
    ------
    TypeError, ValueError
        The name is not valid, or f or df is not a function.

    Notes
    -----
    The calling thread runs both functions outside the compiled loops, so a network with a custom
    activation is slower. Their exceptions propagate to the caller; a run that ends this way leaves
    the network with the weights of the last finished step. `Network.hessian_vector_product` does
    not support custom activations, because it needs f''. A model file stores only the name; see
    `load`.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> square = rb.Activation("square", lambda z: z * z, lambda z: 2 * z)
    >>> net = rb.Network([2, 2, 1], activation=square, weights=[[[1, 0], [0, 1]], [[1, -1]]])
    >>> net.forward([3.0, 2.0])
    array([5.], dtype=float32)
    """

    name: str
    f: ArrayFunction
    df: ArrayFunction

    def __post_init__(self) -> None:
        """Check the name and the functions."""
        expected = f"expected a name of letters, digits and underscores, at most {LONGEST}"
        if not isinstance(self.name, str):
            raise TypeError(f"name: got {shown(self.name)}, {expected}")
        if not self.name.isidentifier() or len(self.name) > LONGEST:
            raise ValueError(f"name: got {shown(self.name)}, {expected}")
        if self.name in arguments.ACTIVATIONS:
            raise ValueError(
                f"name: got {shown(self.name)}, expected a name that rosenblatt does not define"
            )
        for which, function in (("f", self.f), ("df", self.df)):
            if not callable(function):
                raise TypeError(
                    f"{which}: got {shown(function)}, expected a function of an array z"
                )

    def __repr__(self) -> str:
        return f"Activation({self.name!r})"

    def for_core(self) -> tuple[str, Callable[..., Any], Callable[..., Any]]:
        """Return the name and both functions, wrapped to check their results."""
        return self.name, self._check_results("f(z)", self.f), self._check_results("df(z)", self.df)

    def _check_results(self, result: str, function: ArrayFunction) -> Callable[..., Any]:
        label = f"activation {shown(self.name)}"

        def apply(Z: NDArray[Any]) -> NDArray[Any]:
            shape, dtype, finite = Z.shape, Z.dtype, bool(np.isfinite(Z).all())
            values = arrays.inputs(f"{label}: its {result}", function(Z), dtype)
            if values.shape != shape:
                raise ValueError(f"{label}: got {result} of shape {values.shape}, expected {shape}")
            if finite and not np.isfinite(values).all():  # the core reports z that are not finite
                raise ValueError(
                    f"{label}: got NaN or infinity in {result}, expected finite numbers"
                )
            return values

        return apply


def of_layers(
    activation: object, output: object, n_hidden: int
) -> list[ActivationName | Activation]:
    """Return f of every layer except the input.

    Raises
    ------
    TypeError, ValueError
        A name is unknown, the number of names differs from the number of hidden layers, or two
        custom activations have the same name.
    """
    layers = [*_of_hidden(activation, n_hidden), _one("output", output)]
    named: dict[str, Activation] = {}
    for each in layers:
        if isinstance(each, Activation) and named.setdefault(each.name, each) != each:
            raise ValueError(
                f"activation: got two different activations named {shown(each.name)},"
                " expected different names"
            )
    return layers


def _of_hidden(value: object, n_hidden: int) -> list[ActivationName | Activation]:
    if isinstance(value, str | Activation):
        return [_one("activation", value)] * n_hidden
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        raise TypeError(
            f"activation: got {shown(value)}, expected a name or one name per hidden layer"
        )
    if len(value) != n_hidden:
        raise ValueError(
            f"activation: got {len(value)} names, expected {n_hidden}: one per hidden layer"
        )
    return [_one(f"activation[{i}]", each) for i, each in enumerate(value)]


def _one(name: str, value: object) -> ActivationName | Activation:
    if isinstance(value, Activation):
        return value
    return arguments.choice(name, value, arguments.ACTIVATIONS)  # type: ignore[return-value]


def name_of(activation: ActivationName | Activation) -> str:
    """Return the name of an activation."""
    return activation.name if isinstance(activation, Activation) else activation


def for_core(activation: ActivationName | Activation) -> Any:
    """Return an activation in the form that the core accepts."""
    return activation.for_core() if isinstance(activation, Activation) else activation
