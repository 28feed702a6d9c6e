"""Activations: names, or functions of the user's own, and how both travel to the core."""

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
    """An activation of your own: a pair of functions of arrays, f and its derivative.

    Parameters
    ----------
    name : str
        What it is called in messages and in files: at most 80 letters, digits and underscores, and
        no name of an activation that there is already.
    f : callable
        ``f(z)`` gives a, an array like z, which is (n, n_l) of the network's dtype: the rows of
        some samples. Every row of a must depend on the same row of z alone.
    df : callable
        ``df(z)`` gives f'(z), an array like z: dC/dz is dC/da times it, number by number.

    Raises
    ------
    TypeError, ValueError
        The name is none, or f or df is no function.

    Notes
    -----
    Both are called by the thread that calls the network, outside the compiled loops, so a network
    with such an activation is slower. What they raise reaches you; a training that ends so leaves
    the network with the weights of the last finished step. There is no f'', so
    `Network.hessian_vector_product` refuses it. A model file keeps the name alone: see `load`.

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
        """Check what was given."""
        expected = f"expected a name of letters, digits and underscores, at most {LONGEST}"
        if not isinstance(self.name, str):
            raise TypeError(f"name: got {shown(self.name)}, {expected}")
        if not self.name.isidentifier() or len(self.name) > LONGEST:
            raise ValueError(f"name: got {shown(self.name)}, {expected}")
        if self.name in arguments.ACTIVATIONS:
            raise ValueError(
                f"name: got {shown(self.name)}, expected another: rosenblatt has that one"
            )
        for which, function in (("f", self.f), ("df", self.df)):
            if not callable(function):
                raise TypeError(
                    f"{which}: got {shown(function)}, expected a function of an array z"
                )

    def __repr__(self) -> str:
        return f"Activation({self.name!r})"

    def for_core(self) -> tuple[str, Callable[..., Any], Callable[..., Any]]:
        """Return the name and both functions, which check what the user's give."""
        return self.name, self._checked("f(z)", self.f), self._checked("df(z)", self.df)

    def _checked(self, result: str, function: ArrayFunction) -> Callable[..., Any]:
        own = f"activation {shown(self.name)}"

        def of_array(Z: NDArray[Any]) -> NDArray[Any]:
            shape, dtype, finite = Z.shape, Z.dtype, bool(np.isfinite(Z).all())
            found = arrays.inputs(f"{own}: its {result}", function(Z), dtype)
            if found.shape != shape:
                raise ValueError(f"{own}: got {result} of shape {found.shape}, expected {shape}")
            if finite and not np.isfinite(found).all():  # a z that diverged is the core's to tell
                raise ValueError(f"{own}: got NaN or infinity in {result}, expected finite numbers")
            return found

        return of_array


def of_layers(
    activation: object, output: object, n_hidden: int
) -> list[ActivationName | Activation]:
    """Return f of every layer but the input, from one for all hidden layers or one for each.

    Raises
    ------
    TypeError, ValueError
        A name is unknown, the hidden ones are not as many as the layers, or two activations of the
        user's own have one name.
    """
    layers = [*_of_hidden(activation, n_hidden), _one("output", output)]
    named: dict[str, Activation] = {}
    for each in layers:
        if isinstance(each, Activation) and named.setdefault(each.name, each) != each:
            raise ValueError(
                f"activation: got two different ones named {shown(each.name)},"
                " expected a name for each"
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
    """Return what an activation is called."""
    return activation.name if isinstance(activation, Activation) else activation


def for_core(activation: ActivationName | Activation) -> Any:
    """Return an activation as the core takes it."""
    return activation.for_core() if isinstance(activation, Activation) else activation
