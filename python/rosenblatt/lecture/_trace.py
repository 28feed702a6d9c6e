"""trace: all quantities of one sample, in the layout of the lecture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike, NDArray

from .._checks import arguments
from .._checks.shown import shown
from .._loss import Loss
from .._network import Network, require_network
from ._layout import Equation, as_html, as_latex, as_text, column
from ._page import page
from ._sample import (
    check_supported,
    gradients_of,
    one_input,
)
from ._steps import MIXING
from ._typeset import in_html

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class SampleTrace:
    """All quantities of one sample in a network, layer by layer.

    Attributes
    ----------
    x : ndarray of shape (n_features,)
        The sample, not scaled.
    Z : tuple of ndarray
        Z[l] is z^(l+2), (n_out,) of weight layer l (from 0).
    A : tuple of ndarray
        A[0] is a^(1), x scaled by the network; A[l+1] = f(Z[l]).
    cost : float or None
        C. It and the next three attributes are None without a target.
    delta : tuple of ndarray or None
        delta[l] = dC/dZ[l], (n_out,).
    dW : tuple of ndarray or None
        dC/dW^(l+1), each (n_out, n_in).
    db : tuple of ndarray or None
        dC/db^(l+1), each (n_out,).
    network : Network
        A copy of the network at the time of the call.
    digits : int
        Significant digits of the printed numbers.
    """

    x: Array
    Z: tuple[Array, ...]
    A: tuple[Array, ...]
    cost: float | None
    delta: tuple[Array, ...] | None
    dW: tuple[Array, ...] | None
    db: tuple[Array, ...] | None
    network: Network
    digits: int

    def _sections(self) -> list[tuple[str, list[Equation]]]:
        """Return headings and their equations: layers forward, C, layers backward."""
        sections: list[tuple[str, list[Equation]]] = [("Layer 1, the input", self._input())]
        for layer in range(len(self.Z)):
            sections.append((f"Layer {layer + 2}", self._forward(layer)))
        if self.cost is not None:
            sections.append(("Cost", [[f"C = {self.cost}"]]))
            for layer in range(len(self.Z) - 1, -1, -1):
                sections.append((f"Back to W^({layer + 1}) and b^({layer + 1})", self._back(layer)))
        return sections

    def _input(self) -> list[Equation]:
        if self.network.input_scaling is None:
            return [["a^(1) = x =", column(self.A[0])]]
        return [["x =", column(self.x)], ["a^(1) = x, scaled =", column(self.A[0])]]

    def _forward(self, layer: int) -> list[Equation]:
        at, f = layer + 1, self.network.activations[layer]
        W, b = self.network.W[layer], self.network.b[layer]
        a, z = column(self.A[layer]), column(self.Z[layer])
        f_z = f"z^({at + 1})" if f == "identity" else f"{f}(z^({at + 1}))"
        return [
            [f"z^({at + 1}) = W^({at}) · a^({at}) + b^({at}) =", W, "·", a, "+", column(b), "=", z],
            [f"a^({at + 1}) = {f_z} =", column(self.A[layer + 1])],
        ]

    def _back(self, layer: int) -> list[Equation]:
        assert self.delta is not None  # derivatives exist, because there
        assert self.dW is not None  # is a cost
        at, delta = layer + 1, column(self.delta[layer])
        is_last, mixes = layer + 1 == len(self.Z), self.network.activations[layer] in MIXING
        rule = f"delta^({at + 1}) = dC/dz^({at + 1})"
        if not is_last and not mixes:
            rule = f"delta^({at + 1}) = (W^({at + 1})T · delta^({at + 2})) * f'(z^({at + 1}))"
        a = self.A[layer].reshape(1, -1)
        dW: Equation = [f"dC/dW^({at}) = delta^({at + 1}) · a^({at})T =", delta, "·", a, "="]
        return [
            [f"{rule} =", delta],
            [*dW, self.dW[layer]],
            [f"dC/db^({at}) = delta^({at + 1})"],
        ]

    def __str__(self) -> str:
        parts = []
        for heading, equations in self._sections():
            parts.append(heading)
            parts += [as_text(equation, self.digits) + "\n" for equation in equations]
        return "\n".join(parts).rstrip("\n")

    def to_latex(self) -> str:
        r"""Return the equations as LaTeX, a ``gathered`` environment for math mode."""
        lines = [
            as_latex(equation, self.digits)
            for _, equations in self._sections()
            for equation in equations
        ]
        return "\\begin{gathered}\n" + " \\\\\n".join(lines) + "\n\\end{gathered}"

    def _repr_html_(self) -> str:
        body = "".join(
            f"<p>{in_html(heading)}</p>"
            + "".join(as_html(equation, self.digits) for equation in equations)
            for heading, equations in self._sections()
        )
        return page("Forward and backward pass of one sample", body)


def trace(
    net: Network,
    x: ArrayLike,
    y: ArrayLike | None = None,
    loss: Loss | None = None,
    *,
    digits: int = 4,
) -> SampleTrace:
    """Show all z and a of one sample and, with a target, all delta and derivatives.

    Parameters
    ----------
    net : Network
    x : array-like of shape (n_features,)
        One sample.
    y : array-like of shape (n_outputs,), number or label, optional
        Its target.
    loss : str, Huber, Quantile, LogLoss, Poisson or Focal, optional
        The loss for the target; by default "squared_error".
    digits : int, default 4
        Significant digits of the printed numbers; the arrays are not rounded.

    Returns
    -------
    SampleTrace
        Print it, display it in a notebook, or call its `to_latex`.

    Raises
    ------
    TypeError, ValueError
        Sample, target or loss do not fit the network, there is a loss without a target, or the
        network has normalised layers or skip connections.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> net = rb.Network([2, 2], output="tanh", dtype="float64", weights=[[[1.0, 2], [3, 4]]])
    >>> print(rb.lecture.trace(net, [0.5, -0.25]))
    Layer 1, the input
    a^(1) = x = ⎡  0.5⎤
                ⎣-0.25⎦
    <BLANKLINE>
    Layer 2
    z^(2) = W^(1) · a^(1) + b^(1) = ⎡1  2⎤ · ⎡  0.5⎤ + ⎡0⎤ = ⎡  0⎤
                                    ⎣3  4⎦   ⎣-0.25⎦   ⎣0⎦   ⎣0.5⎦
    <BLANKLINE>
    a^(2) = tanh(z^(2)) = ⎡     0⎤
                          ⎣0.4621⎦
    """
    require_network("net", net)
    check_supported(net)
    n_digits = arguments.integer("digits", digits, least=1, most=17)
    if y is None and loss is not None:
        raise ValueError(f"loss: got {shown(loss)} without y, expected the target of the sample")
    X = one_input(net, x)
    loss_or_default = "squared_error" if loss is None else loss
    of_sample = net.trace(X)
    at = None if y is None else gradients_of(net, x, y, loss_or_default)
    return SampleTrace(
        x=X[0],
        Z=tuple(Z[0] for Z in of_sample.Z),
        A=tuple(A[0] for A in of_sample.A),
        cost=None if at is None else at.cost,
        delta=None if at is None else tuple(delta[0] for delta in at.delta),
        dW=None if at is None else at.dW,
        db=None if at is None else at.db,
        network=net.copy(),
        digits=n_digits,
    )
