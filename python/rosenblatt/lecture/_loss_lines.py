"""The loss of one sample and its derivatives, with symbols and numbers."""

from __future__ import annotations

from math import log, nan

from ._sample import Backward, Forward
from ._symbols import number, total, unit
from ._words import LOSSES, SKIPS_ZEROS

Fields = dict[str, str]


class LossLines:
    """The formulas for the loss of one sample."""

    def __init__(self, way: Forward, back: Backward, digits: int) -> None:
        self._way, self._back, self._digits = way, back, digits
        self._a = way.A[-1]
        self._layer = len(way.A)  # of the output, from 1
        self._form = _form(back.loss.name, back.loss.parameters, way.book.activations[-1])
        self._words = LOSSES[self._form]

    def cost(self) -> tuple[str, str]:
        """Return C, with symbols and with numbers."""
        if self._has_no_direction:
            return "1", "1"
        pairs = [self._fields(i) for i in range(len(self._back.y))]
        whole = {key: pairs[0][0].get(key, "") for key in ("A", "Y")}
        whole_numbers = {key: pairs[0][1].get(key, "") for key in ("A", "Y")}
        symbols = total([self._words.term.format(**symbols) for symbols, _ in pairs])
        numbers = total([self._term(i, fields) for i, (_, fields) in enumerate(pairs)])
        formula = self._words.cost.format(terms=symbols, **whole)
        if "h(" in self._words.term:
            formula += ", " + self._words.where.format(**pairs[0][0])
        return formula, self._words.cost.format(terms=numbers, **whole_numbers)

    def _term(self, i: int, fields: Fields) -> str:
        left_out = self._form in SKIPS_ZEROS and self._back.y[i] == 0 and not self._smoothing
        return "0" if left_out else self._words.term.format(**fields)

    def slope(self, i: int) -> tuple[str, str]:
        """Return the derivative for output i, with symbols and with numbers."""
        if self._has_no_direction:
            return "0", "0"
        words, target = self._words, i
        if self._form[0] == "gaussian_nll" and i >= len(self._back.y):
            words, target = LOSSES["gaussian_nll", "variance"], i - len(self._back.y)
        symbols, numbers = self._fields(target)
        return words.slope.format(**symbols), words.slope.format(**numbers)

    def where(self) -> str:
        """Return the definition of a symbol in the slopes, or ""."""
        if self._form[0] == "huber":
            return ""
        return self._words.where.format(p=self._number(self._parameter(0)))

    @property
    def _has_no_direction(self) -> bool:
        """Whether the loss is cosine and every output is 0: C is then 1 and its slopes 0."""
        return self._form[0] == "cosine" and not any(self._a)

    @property
    def _smoothing(self) -> float:
        is_smoothed = self._form[0] == "log_loss"
        return self._parameter(0) if is_smoothed else 0.0

    def _parameter(self, i: int) -> float:
        parameters = self._back.loss.parameters
        if not parameters:
            return nan
        value = parameters[i] if len(parameters) > 1 else parameters[0]
        return self._way.book.T.round(value)

    def _number(self, x: float) -> str:
        return number(x, self._digits)

    def _fields(self, i: int) -> tuple[Fields, Fields]:
        """Return the values of the template fields for target i: symbols, and numbers."""
        a, y, name = self._a, self._back.y, self._form[0]
        mark = "y'" if self._way.book.target_scaling is not None else "y"
        symbols = {"a": unit("a", self._layer, i + 1), "y": f"{mark}_{i + 1}"}
        numbers = {"a": self._number(a[i]), "y": self._number(y[i])}
        both = {"p": self._number(self._parameter(i))}
        if name == "gaussian_nll":
            variance = i + len(y)
            symbols["s"] = unit("a", self._layer, variance + 1)
            numbers["s"] = self._number(a[variance])
        elif name == "cosine":
            symbols |= {"A": "|a|", "Y": "|y|", "cos": "cos"}
            sizes = [sum(x * x for x in row) ** 0.5 for row in (a, y)]
            numbers |= dict(zip("AY", map(self._number, sizes), strict=True))
            numbers["cos"] = self._number(1 - self._back.cost)
        elif self._form == ("focal", "softmax"):
            r = [_focal_slope(self._parameter(0), *pair) for pair in zip(a, y, strict=True)]
            symbols |= {"r": f"r_{i + 1}", "R": "R"}
            numbers |= {"r": self._number(r[i]), "R": self._number(sum(r))}
        elif self._smoothing > 0:
            smoothed = f"((1 - {both['p']}) · {{y}} + {both['p']} / {self._n_classes})"
            symbols["y"] = smoothed.format(y=symbols["y"])
            numbers["y"] = smoothed.format(y=numbers["y"])
        return symbols | both, numbers | both

    @property
    def _n_classes(self) -> int:
        return len(self._a) if self._form[1] == "softmax" else 2


def _form(name: str, parameters: tuple[float, ...], output: str) -> tuple[str, str]:
    """Return the key of `LOSSES`: the name and form of a loss."""
    if name == "poisson":
        return name, "log_rate" if parameters[0] == 1 else "rate"
    if name == "gaussian_nll":
        return name, "mean"
    return (name, output) if (name, output) in LOSSES else (name, "")


def _focal_slope(gamma: float, a: float, y: float) -> float:
    """Return r of the focal loss of a softmax, for display."""
    if y == 0 or a == 0:
        return 0.0 if y == 0 else -y
    q = 1 - a
    ratio = -log(a) / q if q > 0 else 0.0
    return -y * (q**gamma if q > 0 or gamma > 0 else 1.0) * (1 + gamma * a * ratio)
