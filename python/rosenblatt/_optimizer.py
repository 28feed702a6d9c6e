"""Optimisers: how a gradient becomes a step."""

from __future__ import annotations

from dataclasses import dataclass

from . import _arguments


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent, w := w - epsilon dC/dw, with momentum where wanted.

    Parameters
    ----------
    learning_rate : float, default 0.01
        epsilon, above 0.
    momentum : float, default 0.0
        mu, from 0 to below 1. v := mu v - epsilon dC/dw, w := w + v.
    nesterov : bool, default False
        Look ahead along the velocity: w := w + mu v - epsilon dC/dw with the new v. Needs momentum.

    Raises
    ------
    TypeError, ValueError
        A setting is of another kind or outside its range.

    Notes
    -----
    Momentum: B. T. Polyak, 1964. Nesterov's form: Sutskever, Martens, Dahl and Hinton, ICML 2013.
    The exact operations are in docs/arithmetic.md, section 5.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.SGD(learning_rate=0.1, momentum=0.9)
    SGD(learning_rate=0.1, momentum=0.9, nesterov=False)
    """

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        needed = "a finite number above 0"
        learning_rate = _arguments.real("learning_rate", self.learning_rate, needed)
        if learning_rate <= 0:
            raise ValueError(f"learning_rate: got {learning_rate}, needed {needed}")
        needed = "a number from 0 to below 1"
        momentum = _arguments.real("momentum", self.momentum, needed)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum: got {momentum}, needed {needed}")
        nesterov = _arguments.flag("nesterov", self.nesterov)
        if nesterov and momentum == 0:
            raise ValueError("nesterov: got True without momentum, needed a momentum above 0")
        object.__setattr__(self, "learning_rate", learning_rate)
        object.__setattr__(self, "momentum", momentum)
        object.__setattr__(self, "nesterov", nesterov)
