"""The chain rule for one weight or bias, step by step, with numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..reference.activation import GELU_TANH_ENDS, clip, dC_dz, gelu_tanh_gate
from ..reference.arithmetic import chain, sum_in_order
from ._loss_lines import LossLines
from ._parameters import Parameter
from ._sample import Backward, Forward
from ._symbols import MOST_TERMS, derivative, number, total, unit, weight
from ._typeset import latex
from ._words import CONSTANTS, SLOPES, WHERE

Write = Callable[[int, int], "Step"]
MIXING = ("softmax", "log_softmax")  # every a of the layer depends on every z of it


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    Attributes
    ----------
    formula : str
        In the symbols of the lecture, as plain text: "delta_2^(3) = dC/da_2^(3) · f'(z_2^(3))".
    latex : str
        The formula as LaTeX, without dollar signs.
    numbers : str
        The last side of the formula with numbers, rounded for display.
    value : float or tuple of float
        The value, in the dtype of the network. A step for many units of a wide layer has the
        values of all of them.
    """

    formula: str
    latex: str
    numbers: str
    value: float | tuple[float, ...]


def derive(way: Forward, back: Backward, parameter: Parameter, digits: int) -> list[Step]:
    """Return the steps from the sample to the derivative of C, which is the last one."""
    return Derivation(way, back, digits).steps(parameter)


class Derivation:
    """Writer of the steps.

    Layers and units count from 0 in the code and from 1 in the text.
    """

    def __init__(self, way: Forward, back: Backward, digits: int) -> None:
        self._way, self._back, self._digits = way, back, digits
        self._loss = LossLines(way, back, digits)
        self._top = len(way.Z) - 1

    def steps(self, parameter: Parameter) -> list[Step]:
        """Return all steps from the forward pass to the result."""
        layer, j, _ = parameter
        steps = [*self._scaled_input(parameter), self._z(layer, j), self._a(layer, j), self._cost()]
        for above in range(self._top, layer, -1):
            steps += self._layer(above)
        return [*steps, *self._unit(layer, j), self._result(parameter)]

    # ---- parts of a step

    def _step(self, left: str, right: str, numbers: str, value: float, where: str = "") -> Step:
        formula = f"{left} = {right}" + (f", {where}" if where else "")
        numbers = re.sub(r"\((\([^()]*\))\)", r"\1", numbers)  # tanh(-1) instead of tanh((-1))
        return Step(formula, latex(formula), numbers, value)

    def _number(self, x: float) -> str:
        return number(x, self._digits)

    def _z_name(self, layer: int, j: int) -> str:
        return unit("z", layer + 2, j + 1)

    def _a_name(self, layer: int, j: int) -> str:
        """Return the symbol of the output of weight layer `layer`; -1 is the input."""
        return unit("a", layer + 2, j + 1)

    def _delta_name(self, layer: int, j: int) -> str:
        return unit("delta", layer + 2, j + 1)

    def _f(self, layer: int) -> str:
        return self._way.book.activations[layer]

    # ---- forward

    def _scaled_input(self, parameter: Parameter) -> list[Step]:
        scaling, k = self._way.book.input_scaling, parameter.k
        if scaling is None or parameter.layer > 0 or k is None:
            return []
        offset, factor = self._number(scaling.offset[k]), self._number(scaling.factor[k])
        right = f"(x_{k + 1} - {offset}) · {factor}"
        numbers = f"({self._number(self._way.x[k])} - {offset}) · {factor}"
        return [self._step(self._a_name(-1, k), right, numbers, self._way.A[0][k])]

    def _z(self, layer: int, j: int) -> Step:
        w, a = self._way.book.W[layer][j], self._way.A[layer]
        symbols = [unit("b", layer + 1, j + 1)]
        symbols += [
            f"{weight(layer + 1, j + 1, k + 1)} · {self._a_name(layer - 1, k)}"
            for k in range(len(a))
        ]
        numbers = [self._number(self._way.book.b[layer][j])]
        numbers += [
            f"{self._number(w_k)} · {self._number(a_k)}" for w_k, a_k in zip(w, a, strict=True)
        ]
        value = self._way.Z[layer][j]
        return self._step(self._z_name(layer, j), total(symbols), total(numbers), value)

    def _a(self, layer: int, j: int) -> Step:
        z, name, f = self._way.Z[layer], self._a_name(layer, j), self._f(layer)
        value = self._way.A[layer + 1][j]
        z_name, z_number = self._z_name(layer, j), self._number(z[j])
        if f not in MIXING:
            right = z_name if f == "identity" else f"{f}({z_name})"
            numbers = z_number if f == "identity" else f"{f}({z_number})"
            return self._step(name, f"f({z_name}) = {right}", numbers, value)
        names = total([f"exp({self._z_name(layer, i)})" for i in range(len(z))])
        sums = total([f"exp({self._number(z_i)})" for z_i in z])
        if f == "softmax":
            return self._step(
                name, f"exp({z_name}) / ({names})", f"exp({z_number}) / ({sums})", value
            )
        return self._step(name, f"{z_name} - ln({names})", f"{z_number} - ln({sums})", value)

    def _cost(self) -> Step:
        symbols, numbers = self._loss.cost()
        return self._step("C", symbols, numbers, self._back.cost)

    # ---- backward: a whole layer above the unit

    def _layer(self, layer: int) -> list[Step]:
        """Return steps for delta of every unit."""
        by_z = layer == self._top and self._back.slopes_are_by == "z"
        write = self._mixed_delta if self._f(layer) in MIXING else self._short_delta
        if by_z:
            write = self._delta_by_z
        before = [] if by_z else self._mixing(layer)
        return [*before, *self._units(layer, "delta", self._back.delta[layer], write)]

    def _units(self, layer: int, letter: str, values: list[float], write: Write) -> list[Step]:
        """Return a step for every unit.

        For a wide layer one step summarises the middle units.
        """
        n = len(values)
        if n <= MOST_TERMS:
            return [write(layer, j) for j in range(n)]
        shown = MOST_TERMS // 2
        first, last = (self._mark(letter, layer, j) for j in (shown, n - 2))
        formula = f"{first}, …, {last} in the same way"
        rest = Step(formula, latex(formula), "…", tuple(values[shown : n - 1]))
        return [*(write(layer, j) for j in range(shown)), rest, write(layer, n - 1)]

    def _mark(self, letter: str, layer: int, j: int) -> str:
        name = unit("a" if letter == "g" else letter, layer + 2, j + 1)
        return derivative("C", name) if letter == "g" else name

    def _delta_by_z(self, layer: int, j: int) -> Step:
        symbols, numbers = self._loss.slope(j)
        right = f"{derivative('C', self._z_name(layer, j))} = {symbols}"
        value = self._back.delta[layer][j]
        return self._step(self._delta_name(layer, j), right, numbers, value, self._loss.where())

    def _g_parts(self, layer: int, j: int) -> tuple[str, str]:
        """Return dC/da_j, the sum over the paths out of the unit, as two texts.

        One has symbols, the other numbers.
        """
        if layer == self._top:
            return self._loss.slope(j)
        w = [row[j] for row in self._way.book.W[layer + 1]]
        delta = self._back.delta[layer + 1]
        symbols = [
            f"{weight(layer + 2, i + 1, j + 1)} · {self._delta_name(layer + 1, i)}"
            for i in range(len(delta))
        ]
        numbers = [
            f"{self._number(w_i)} · {self._number(d)}" for w_i, d in zip(w, delta, strict=True)
        ]
        return total(symbols), total(numbers)

    def _g(self, layer: int, j: int) -> Step:
        symbols, numbers = self._g_parts(layer, j)
        left = derivative("C", self._a_name(layer, j))
        where = self._loss.where() if layer == self._top else ""
        return self._step(left, symbols, numbers, self._back.G[layer][j], where)

    def _short_delta(self, layer: int, j: int) -> Step:
        """Return delta_j = (dC/da_j written out) · f'(z_j) in one step."""
        symbols, numbers = self._g_parts(layer, j)
        right = f"({symbols}) · f'({self._z_name(layer, j)})"
        numbers = f"({numbers}) · {self._number(self._slope(layer, j))}"
        where = self._loss.where() if layer == self._top else ""
        value = self._back.delta[layer][j]
        return self._step(self._delta_name(layer, j), right, numbers, value, where)

    # ---- backward: softmax and log_softmax, in which every a depends on every z

    def _mixing(self, layer: int) -> list[Step]:
        """Return steps for dC/da of a softmax layer and the sum its deltas share."""
        if self._f(layer) not in MIXING:
            return []
        g, a, T = self._back.G[layer], self._way.A[layer + 1], self._way.book.T
        steps = self._units(layer, "g", g, self._g)
        names = [derivative("C", self._a_name(layer, i)) for i in range(len(g))]
        numbers = [self._number(g_i) for g_i in g]
        if self._f(layer) == "log_softmax":
            value = sum_in_order(T, [0.0, *g])
            return [
                *steps,
                self._step(self._shared_name(layer), total(names), total(numbers), value),
            ]
        names = [f"{name} · {self._a_name(layer, i)}" for i, name in enumerate(names)]
        numbers = [f"{g_i} · {self._number(a_i)}" for g_i, a_i in zip(numbers, a, strict=True)]
        value = chain(T, 0.0, g, a)
        return [*steps, self._step(self._shared_name(layer), total(names), total(numbers), value)]

    def _shared_name(self, layer: int) -> str:
        return f"q^({layer + 2})"

    def _mixed_delta(self, layer: int, j: int) -> Step:
        g, a, T = self._back.G[layer], self._way.A[layer + 1], self._way.book.T
        g_name = derivative("C", self._a_name(layer, j))
        a_name, q_name, value = (
            self._a_name(layer, j),
            self._shared_name(layer),
            self._back.delta[layer][j],
        )
        g_j, a_j = self._number(g[j]), self._number(a[j])
        if self._f(layer) == "log_softmax":
            q = self._number(sum_in_order(T, [0.0, *g]))
            right, numbers = f"{g_name} - exp({a_name}) · {q_name}", f"{g_j} - exp({a_j}) · {q}"
        else:
            q = self._number(chain(T, 0.0, g, a))
            right, numbers = f"{a_name} · ({g_name} - {q_name})", f"{a_j} · ({g_j} - {q})"
        return self._step(self._delta_name(layer, j), right, numbers, value)

    # ---- backward: the unit itself, in full

    def _unit(self, layer: int, j: int) -> list[Step]:
        if layer == self._top and self._back.slopes_are_by == "z":
            return [self._delta_by_z(layer, j)]
        if self._f(layer) in MIXING:
            return [*self._mixing(layer), self._mixed_delta(layer, j)]
        g, slope = self._g(layer, j), self._slope_step(layer, j)
        right = f"{derivative('C', self._a_name(layer, j))} · f'({self._z_name(layer, j)})"
        numbers = f"{self._number(self._back.G[layer][j])} · {self._number(self._slope(layer, j))}"
        value = self._back.delta[layer][j]
        return [g, slope, self._step(self._delta_name(layer, j), right, numbers, value)]

    def _slope(self, layer: int, j: int) -> float:
        """Return f'(z_j), computed as dC/dz for dC/da = 1."""
        f, z, a = self._way.book.functions[layer], self._way.Z[layer][j], self._way.A[layer + 1][j]
        return dC_dz(self._way.book.T, f, [z], [a], [1.0])[0]

    def _slope_step(self, layer: int, j: int) -> Step:
        f, T = self._f(layer), self._way.book.T
        z, a = self._way.Z[layer][j], self._way.A[layer + 1][j]
        constants = {name: self._number(value) for name, value in CONSTANTS.items()}
        symbols = {"z": self._z_name(layer, j), "a": self._a_name(layer, j), "s": "s"}
        gate = self._number(gelu_tanh_gate(T, clip(z, -GELU_TANH_ENDS, GELU_TANH_ENDS)))
        numbers = {"z": self._number(z), "a": self._number(a), "s": gate}
        where = WHERE.get(f, "").format(**symbols, **constants)
        return self._step(
            f"f'({symbols['z']})",
            SLOPES[f].format(**symbols, **constants),
            SLOPES[f].format(**numbers, **constants),
            self._slope(layer, j),
            where,
        )

    # ---- the result

    def _result(self, parameter: Parameter) -> Step:
        layer, j, k = parameter
        T, delta_j, z = self._way.book.T, self._back.delta[layer][j], self._z_name(layer, j)
        delta = self._delta_name(layer, j)
        if k is None:
            left = parameter.symbol
            right = f"{derivative('C', z)} · {derivative(z, left)} = {delta}"
            value = T.round(0.0 + delta_j)
            return self._step(derivative("C", left), right, self._number(delta_j), value)
        left, a_k = parameter.symbol, self._way.A[layer][k]
        a = self._a_name(layer - 1, k)
        right = f"{derivative('C', z)} · {derivative(z, left)} = {delta} · {a}"
        numbers = f"{self._number(delta_j)} · {self._number(a_k)}"
        return self._step(derivative("C", left), right, numbers, chain(T, 0.0, [delta_j], [a_k]))
