"""L-BFGS: full-batch steps along a quasi-Newton direction, with a line search.

Liu, Nocedal 1989; Nocedal, Wright, Numerical Optimization, 2006: algorithms 7.4 (the direction),
3.5 and 3.6 (the step). Parameters, gradients and directions are numbers of T. Costs, slopes and all
other numbers that a line search compares are float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import NamedTuple

from .arithmetic import Float64, sum_in_order
from .backward import backward
from .forward import forward
from .layers import Layers
from .loss import NamedLoss, cost_and_delta
from .theta import Matrix, Targets, flatten, unflatten
from .update import Regularisation, add_penalty, norm_of_gradient

LITTLE, MUCH = 1e-4, 0.9  # c_1 and c_2 of the strong Wolfe conditions


@dataclass(frozen=True)
class LBFGS:
    """The settings: stored pairs, tolerances, gradients per line search."""

    history: int = 10
    tolerance: float = 1e-7
    tolerance_change: float = 1e-9
    evaluations: int = 25


class Point(NamedTuple):
    """A point on the line w + a d: the cost, and its derivative with respect to a."""

    a: float
    cost: float
    slope: float


class Pair(NamedTuple):
    """A step and the change of the gradient over it."""

    step: list[float]
    change: list[float]
    curvature: float


def between(low: Point, high: Point) -> float:
    """Return the minimum between two points of a cubic through them, or the middle."""
    width = high.a - low.a
    if width == 0:
        return low.a
    d = low.slope + high.slope - 3 * (low.cost - high.cost) / (low.a - high.a)
    square = d * d - low.slope * high.slope
    if square >= 0:
        root = sqrt(square) if width > 0 else -sqrt(square)
        below = high.slope - low.slope + 2 * root
        if below != 0:
            a = high.a - width * ((high.slope + root - d) / below)
            if 0.1 <= (a - low.a) / width <= 0.9:
                return a
    return low.a + 0.5 * width


class Minimiser:
    """Minimises the cost of a network on some samples."""

    def __init__(
        self,
        net: Layers,
        samples: tuple[Matrix, Targets, Sequence[float] | None],
        *,
        loss: str | NamedLoss,
        settings: LBFGS,
        regularisation: Regularisation,
    ) -> None:
        self.net = net
        self.X, self.Y, self.weights = samples
        self.loss = loss
        self.settings = settings
        total = len(self.X) if self.weights is None else sum_in_order(Float64, self.weights)
        self.l2 = regularisation.l2 + regularisation.alpha / total
        self.pairs: list[Pair] = []
        self.evaluate()
        self.start = Point(0.0, self.cost, 0.0)

    def evaluate(self) -> None:
        """Compute the cost with the penalty, and its gradient."""
        net = self.net
        trace = forward(net, self.X)
        self.cost, delta = cost_and_delta(net, trace, self.Y, self.loss, self.weights)
        self.data_cost = self.cost
        dW, db, _, dg, _, _ = backward(net, trace, delta)
        self.data_gradient_norm = norm_of_gradient(dW, db, dg)
        if self.l2:
            l2 = net.T.round(self.l2)
            dW = tuple(add_penalty(net.T, 0.0, l2, W, G) for W, G in zip(net.W, dW, strict=True))
            nothing = [[0.0] * len(b) for b in net.b]
            weights = flatten(net.W, nothing, [[0.0] * len(g) for g in net.g])
            self.cost = self.cost + 0.5 * self.l2 * self.dot(weights, weights)
        self.grad = flatten(dW, db, dg)

    def dot(self, a: Sequence[float], b: Sequence[float]) -> float:
        """Return the sum of a_i b_i: one chain per unit, added up layer by layer."""
        total = 0.0
        W_a, b_a, g_a = unflatten(a, self.net.layers, self.net.norms)
        W_b, b_b, g_b = unflatten(b, self.net.layers, self.net.norms)
        for layer in range(len(W_a)):
            for j, of_unit in enumerate(W_a[layer]):
                x = [*of_unit, b_a[layer][j], *g_a[layer][j : j + 1]]
                y = [*W_b[layer][j], b_b[layer][j], *g_b[layer][j : j + 1]]
                chain = 0.0
                for x_k, y_k in zip(x, y, strict=True):
                    chain = Float64.fma(x_k, y_k, chain)
                total = total + chain
        return total

    def plus(self, a: float, x: Sequence[float], y: Sequence[float]) -> list[float]:
        """Return y + a x, with a rounded to T."""
        T = self.net.T
        factor = T.round(a)
        return [T.fma(factor, x_i, y_i) for x_i, y_i in zip(x, y, strict=True)]

    def compute_direction(self) -> list[float]:
        """Return the direction -H g, with H from the pairs: algorithm 7.4."""
        T = self.net.T
        d = [-g for g in self.grad]
        if not self.pairs:
            return d
        alphas = []
        for pair in reversed(self.pairs):
            alphas.append(self.dot(pair.step, d) / pair.curvature)
            d = self.plus(-alphas[-1], pair.change, d)
        last = self.pairs[-1]
        scale = T.round(last.curvature / self.dot(last.change, last.change))
        d = [T.round(scale * d_i) for d_i in d]
        for pair, alpha in zip(self.pairs, reversed(alphas), strict=True):
            d = self.plus(alpha - self.dot(pair.change, d) / pair.curvature, pair.step, d)
        return d

    def step(self) -> bool:
        """Take a step; return False if no step reduces the cost."""
        self.direction = self.compute_direction()
        slope = self.dot(self.grad, self.direction)
        if not slope < 0:
            self.pairs = []
            self.direction = self.compute_direction()
            slope = self.dot(self.grad, self.direction)
            if not slope < 0:
                return False
        self.w_before, grad_before = self.net.theta, self.grad
        self.start = Point(0.0, self.cost, slope)
        self.evaluated = 0
        first = 1.0 if self.pairs else min(1.0, 1 / sqrt(self.dot(self.grad, self.grad)))
        if not self.search(first):
            self.at(0.0)
            return False
        moved = self.plus(-1.0, self.w_before, self.net.theta)
        change = self.plus(-1.0, grad_before, self.grad)
        curvature = self.dot(moved, change)
        if curvature > 1e-10 * self.dot(change, change):
            self.pairs = [*self.pairs, Pair(moved, change, curvature)][-self.settings.history :]
        return True

    def flat(self) -> bool:
        """Whether the gradient is small, or the decrease of the cost in the last step."""
        largest = max(abs(g) for g in self.grad)
        fall = self.start.cost - self.cost
        little = self.settings.tolerance_change * max(1.0, abs(self.cost))
        return largest <= self.settings.tolerance or fall <= little

    def at(self, a: float) -> Point:
        """Move to w + a d."""
        self.net.theta = self.plus(a, self.direction, self.w_before)
        self.evaluate()
        self.evaluated += 1
        return Point(a, self.cost, self.dot(self.grad, self.direction))

    def too_high(self, p: Point) -> bool:
        """Whether the cost has not decreased enough."""
        return not p.cost <= self.start.cost + LITTLE * p.a * self.start.slope

    def level(self, p: Point) -> bool:
        """Whether the slope is small enough."""
        return abs(p.slope) <= -MUCH * self.start.slope

    def exhausted(self) -> bool:
        """Whether the line search has used up its gradients."""
        return self.evaluated >= self.settings.evaluations

    def search(self, a: float) -> bool:
        """Move to a point that is lower and less steep: algorithm 3.5."""
        before = self.start
        while True:
            p = self.at(a)
            if self.too_high(p) or (before.a > 0 and p.cost >= before.cost):
                return self.zoom(before, p)
            if self.level(p) or self.exhausted():
                return True
            if p.slope >= 0:
                return self.zoom(p, before)
            before = p
            a = 2 * a

    def zoom(self, low: Point, high: Point) -> bool:
        """Move to such a point between two points: algorithm 3.6.

        The point `low` is low enough.
        """
        while not self.exhausted():
            p = self.at(between(low, high))
            if self.too_high(p) or p.cost >= low.cost:
                high = p
                continue
            if self.level(p):
                return True
            if p.slope * (high.a - low.a) >= 0:
                high = low
            low = p
        if low.a == 0:
            return False
        self.at(low.a)
        return True


class Minimum(NamedTuple):
    """The curves recorded by `minimise`."""

    losses: list[float]
    validation_losses: list[float]
    gradient_norms: list[float]


def minimise(
    minimiser: Minimiser,
    epochs: int,
    validation: tuple[Matrix, Targets, Sequence[float] | None] | None,
) -> Minimum:
    """Take steps until the cost is flat or the epochs are over.

    The recorded losses are those before each step.
    """
    curves = Minimum([], [], [])
    for _ in range(epochs):
        if not isfinite(minimiser.data_cost):
            raise FloatingPointError("the loss is not finite")
        curves.losses.append(minimiser.data_cost)
        curves.gradient_norms.append(minimiser.data_gradient_norm)
        moved = minimiser.step()
        if validation is not None:
            X, Y, weights = validation
            trace = forward(minimiser.net, X)
            C, _ = cost_and_delta(minimiser.net, trace, Y, minimiser.loss, weights)
            curves.validation_losses.append(C)
        if not moved or minimiser.flat():
            break
    return curves
