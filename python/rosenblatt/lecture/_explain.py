"""explain: the chain rule for one weight or bias, with the numbers of one sample."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._checks import arguments
from .._loss import Loss
from .._network import Network
from ._difference import Difference, Differences
from ._page import page, table
from ._parameters import WORKED, Parameter, Path, parse_parameter, place_in_theta
from ._sample import backward_pass, forward_pass, gradients_of, one_input, one_target
from ._steps import MIXING, Step, derive
from ._symbols import derivative
from ._typeset import in_html, latex


@dataclass(frozen=True, eq=False)
class Explanation:
    """The derivative of C for one parameter, computed in four ways.

    Attributes
    ----------
    steps : tuple of Step
        The derivation; the last step is the result.
    value : float
        The value of the last step, in the dtype of the network.
    gradients : float
        The result of `net.gradients`, which is identical.
    reference : float
        The result of `rosenblatt.reference`, which is identical.
    finite_difference : Difference
        A central difference in float64, with its h and expected error.
    weight : tuple of int or None
        (layer, to, from), counted from 1; None if a bias is explained.
    bias : tuple of int or None
        (layer, unit), counted from 1; None if a weight is explained.
    network : Network
        A copy of the network at the time of the call.
    """

    steps: tuple[Step, ...]
    value: float
    gradients: float
    reference: float
    finite_difference: Difference
    weight: Path | None
    bias: tuple[int, int] | None
    network: Network = field(repr=False)

    @property
    def symbol(self) -> str:
        """The symbol of the parameter in the lecture, "w_22^(2)"."""
        return self._parameter.symbol

    @property
    def _parameter(self) -> Parameter:
        return parse_parameter(self.network, self.weight or WORKED, self.bias)

    @property
    def agrees(self) -> bool:
        """Whether value, gradients and reference are identical."""
        kind = self.network.dtype.type
        results = {kind(x).tobytes() for x in (self.value, self.gradients, self.reference)}
        return len(results) == 1

    @property
    def paths(self) -> frozenset[Path]:
        """All weights on a path from the parameter to an output.

        Each is (layer, to, from), counted from 1.
        """
        layers, activations = self.network.layers, self.network.activations
        place = self.weight or self.bias
        assert place is not None  # one of the two is set
        layer, to = place[:2]
        weights = {self.weight} if self.weight is not None else set()
        units = {to} if activations[layer - 1] not in MIXING else set(range(1, layers[layer] + 1))
        for above in range(layer + 1, len(layers)):
            reached = range(1, layers[above] + 1)
            weights |= {(above, j, k) for j in reached for k in units}
            units = set(reached)
        return frozenset(weights)

    def plot(self, *, ax: Any = None, **settings: Any) -> Any:
        """Draw the network with the paths of the parameter highlighted.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            The Axes to draw into; by default those of a new figure.
        **settings
            Further arguments of `rosenblatt.plot.network`.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        from .. import plot

        return plot.network(self.network, highlight=self.paths, ax=ax, **settings)

    def __str__(self) -> str:
        return "\n".join([self._title(), "", *self._lines(), "", *self._comparison()])

    def _title(self) -> str:
        return f"{derivative('C', self.symbol)} = {self._format(self.value)}"

    def _format(self, x: float) -> str:
        """Return the shortest text that represents x exactly in the dtype of the network."""
        return str(self.network.dtype.type(x))

    def _value_of(self, step: Step) -> str:
        if isinstance(step.value, tuple):
            first, last = self._format(step.value[0]), self._format(step.value[-1])
            return f"{first}, …, {last} ({len(step.value)} numbers)"
        if step.formula.startswith("C ="):
            return str(step.value)  # C is a float64 in every network
        return self._format(step.value)

    def _lines(self) -> list[str]:
        lines = []
        for i, step in enumerate(self.steps, start=1):
            lines.append(f"{i:3}  {step.formula}")
            if put_in := _put_in(step):
                lines.append(f"       = {put_in}")
            lines.append(f"       = {self._value_of(step)}")
        return lines

    def _comparison_rows(self) -> list[tuple[str, str, str]]:
        """Return the four results: name of the method, value, remark."""
        by_difference = self.finite_difference
        error = abs(by_difference.value - self.value)
        same = {True: "identical", False: "different"}
        kind = self.network.dtype.type
        rounding = "" if kind is np.float64 else "; the others are rounded to float32"
        return [
            ("the steps above", self._format(self.value), ""),
            (
                "net.gradients",
                self._format(self.gradients),
                same[kind(self.gradients).tobytes() == kind(self.value).tobytes()],
            ),
            (
                "rosenblatt.reference",
                self._format(self.reference),
                same[kind(self.reference).tobytes() == kind(self.value).tobytes()],
            ),
            (
                "central difference",
                str(by_difference.value),
                f"error {error:.1g}, expected up to {by_difference.expected_error:.1g} "
                f"for h = {by_difference.h:.3g}{rounding}",
            ),
        ]

    def _comparison(self) -> list[str]:
        rows = self._comparison_rows()
        name, value = (max(len(row[i]) for row in rows) for i in (0, 1))
        return [f"{row[0]:{name}}  {row[1]:{value}}  {row[2]}".rstrip() for row in rows]

    def to_latex(self) -> str:
        r"""Return the derivation as LaTeX, an ``aligned`` environment for math mode.

        Returns
        -------
        str
            Each step has a formula, the formula with numbers, and the value.
        """
        lines = []
        for step in self.steps:
            left, equals, right = step.formula.partition(" = ")
            sides = [right, _put_in(step), self._value_of(step)]
            first, *others = [latex(side) for side in sides if side]
            lines.append(f"{latex(left)} &{'=' if equals else ':'} {first}")
            lines += [f"&= {side}" for side in others]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _repr_html_(self) -> str:
        rows = []
        for i, step in enumerate(self.steps, start=1):
            put_in = _put_in(step)
            shown = f'<br><span class="put">= {in_html(put_in)}</span>' if put_in else ""
            rows.append([str(i), in_html(step.formula) + shown, in_html(self._value_of(step))])
        four = [[html.escape(text) for text in row] for row in self._comparison_rows()]
        body = table(rows, ["n", "", "n"]) + table(four, ["", "n", ""])
        return page(self._title(), body)


def explain(
    net: Network,
    x: ArrayLike,
    y: ArrayLike,
    weight: Path = WORKED,
    *,
    bias: tuple[int, int] | None = None,
    loss: Loss = "squared_error",
    digits: int = 6,
) -> Explanation:
    """Explain the derivative of the cost for one weight or bias, step by step.

    The steps are: z and a of the unit of the parameter; C; delta of every layer above the unit,
    starting at the output, with the sums over all paths written out; dC/da and f' of the unit; and
    their product dC/dw or dC/db. The arithmetic is the specified one, so the result is identical
    to that of `net.gradients`.

    Parameters
    ----------
    net : Network
        If the network has scalings, a^(1) is the scaled x, and y' the scaled target.
    x : array-like of shape (n_features,)
        One sample.
    y : array-like of shape (n_outputs,), number or label
        Its target.
    weight : tuple of int, default (2, 2, 2)
        (layer, to, from), counted from 1, as in the lecture's W_22^(2): the weight of W^(layer)
        from unit `from` of the layer to unit `to` of the next layer.
    bias : tuple of int, optional
        (layer, unit), counted from 1: the bias to explain instead of a weight.
    loss : str, Huber, Quantile, LogLoss, Poisson or Focal, default "squared_error"
    digits : int, default 6
        Significant digits of the numbers in the text of the steps; values are not rounded.

    Returns
    -------
    Explanation
        Print it, display it in a notebook, or call its `to_latex` and `plot`.

    Raises
    ------
    TypeError, ValueError
        The parameter does not exist, the sample or the target does not fit the network, or the
        network has normalised layers or skip connections.

    Notes
    -----
    D. E. Rumelhart, G. E. Hinton, R. J. Williams, *Learning representations by back-propagating
    errors*, Nature 323, 1986.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> net = rb.Network([1, 1], dtype="float64", weights=[[[3.0]]])
    >>> print(rb.lecture.explain(net, [2.0], [5.0], weight=(1, 1, 1)))
    dC/dw_11^(1) = 2.0
    <BLANKLINE>
      1  z_1^(2) = b_1^(1) + w_11^(1) · a_1^(1)
           = 0 + 3 · 2
           = 6.0
      2  a_1^(2) = f(z_1^(2)) = z_1^(2)
           = 6.0
      3  C = 1/2 · ((a_1^(2) - y_1)^2)
           = 1/2 · ((6 - 5)^2)
           = 0.5
      4  dC/da_1^(2) = a_1^(2) - y_1
           = 6 - 5
           = 1.0
      5  f'(z_1^(2)) = 1
           = 1.0
      6  delta_1^(2) = dC/da_1^(2) · f'(z_1^(2))
           = 1 · 1
           = 1.0
      7  dC/dw_11^(1) = dC/dz_1^(2) · dz_1^(2)/dw_11^(1) = delta_1^(2) · a_1^(1)
           = 1 · 2
           = 2.0
    <BLANKLINE>
    the steps above       2.0
    net.gradients         2.0  identical
    rosenblatt.reference  2.0  identical
    central difference    2.0  error 0, expected up to 2e-10 for h = 3.05e-05
    """
    way = forward_pass(net, x)
    parameter = parse_parameter(net, weight, bias)
    n_digits = arguments.integer("digits", digits, least=1, most=17)
    gradients = gradients_of(net, x, y, loss)
    back = backward_pass(net, way, y, loss)
    steps = derive(way, back, parameter, n_digits)
    by_book = way.book.gradients([way.x], back.target, loss=back.loss)
    value = steps[-1].value
    assert isinstance(value, float)  # the last step is about one parameter
    differences = Differences(net, one_input(net, x), one_target(y), loss)
    layer, j, k = parameter
    return Explanation(
        steps=tuple(steps),
        value=value,
        gradients=float(parameter.of(gradients.dW, gradients.db)),
        reference=parameter.of(by_book.dW, by_book.db),
        finite_difference=differences.by(place_in_theta(net.layers, parameter)),
        weight=None if k is None else (layer + 1, j + 1, k + 1),
        bias=(layer + 1, j + 1) if k is None else None,
        network=net.copy(),
    )


def _put_in(step: Step) -> str:
    """Return the line with numbers, or "" if it only repeats the value."""
    alone = re.fullmatch(r"…|\(?-?[\d.]+(e[+-]?\d+)?\)?", step.numbers)
    return "" if alone else step.numbers
