"""Rosenblatt's perceptron: one sample at a time, w := w + eta y x if y z <= 0.

Rosenblatt, Psychological Review 65(6), 1958. Stopping rules, penalties and the order of the samples
are those of scikit-learn's Perceptron, so both learn the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .arithmetic import NumberType

Elements = Sequence[tuple[int, float]]  # of a sample: (column, value), by increasing column


@dataclass(frozen=True)
class PerceptronSettings:
    """The settings of a perceptron, with the names of scikit-learn."""

    penalty: str = "none"  # or "l1", "l2", "elasticnet"
    alpha: float = 0.0001
    l1_ratio: float = 0.15  # for elasticnet
    eta0: float = 1.0
    intercept_share: float = 1.0  # factor of updates of the intercept
    max_iter: int = 1000
    tol: float = 1e-3
    n_iter_no_change: int = 5
    shuffle: bool = True
    seed: int = 0
    early_stopping: bool = False

    @property
    def l1(self) -> float:
        """The fraction of the L1 penalty."""
        return {"l2": 0.0, "l1": 1.0}.get(self.penalty, self.l1_ratio)


def elements(row: Sequence[float]) -> Elements:
    """Return every element of a row."""
    return list(enumerate(row))


def next_order(seed: int, order: list[int]) -> list[int]:
    """Return the order of the next epoch: a Fisher-Yates shuffle by xorshift.

    Marsaglia, Journal of Statistical Software 8(14), 2003.
    """
    order, state = list(order), seed or 1
    for i in range(len(order) - 1):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        j = i + (state & 0x7FFFFFFF) % (len(order) - i)
        order[i], order[j] = order[j], order[i]
    return order


class Perceptron:
    """One class against the others.

    w = scale * v, so an L2 step is one multiplication.
    """

    def __init__(
        self, T: NumberType, settings: PerceptronSettings, w: Sequence[float], b: float = 0.0
    ) -> None:
        self.T, self.settings = T, settings
        self.v, self.b, self.scale = list(w), b, 1.0
        self.square = sum_in_float64(T.round(x * x) for x in self.v)  # of w's numbers
        self.size = sum_in_float64(abs(x) for x in self.v)
        self.l1_total, self.l1_had = 0.0, [0.0] * len(self.v)
        self.loss = self.objective = 0.0
        self.n_iter = 0

    def learn(
        self,
        X: Sequence[Elements],
        y: Sequence[int],
        weights: Sequence[float],
        held_out: Sequence[bool] = (),
    ) -> None:
        """Learn until n_iter_no_change consecutive epochs brought no progress by tol.

        y is -1 or 1. `weights` are the products of sample and class weights. All arguments have
        length n. Held-out samples are not learned but scored.
        """
        s = self.settings
        held_out = held_out or [False] * len(X)
        n_learned = held_out.count(False)
        order = list(range(len(X)))
        best_objective, best_score, idle = math.inf, -math.inf, 0
        for epoch in range(s.max_iter):
            order = next_order(s.seed, order) if s.shuffle else order
            self.one_epoch(X, y, weights, [i for i in order if not held_out[i]])
            self.n_iter = epoch + 1
            if s.early_stopping:
                score = self.score(X, y, weights, held_out)
                progress = not score < best_score + s.tol
                best_score = max(best_score, score)
            else:
                objective = self.objective / n_learned
                progress = not objective > best_objective - s.tol
                best_objective = min(best_objective, objective)
            idle = 0 if progress or s.tol == -math.inf else idle + 1
            if idle >= s.n_iter_no_change:
                break
        self.apply_scale()

    def one_epoch(
        self, X: Sequence[Elements], y: Sequence[int], weights: Sequence[float], order: list[int]
    ) -> None:
        """Learn from each of these samples once."""
        self.loss = self.objective = 0.0
        for i in order:
            self.one_sample(X[i], y[i], weights[i])

    def one_sample(self, x: Elements, y: int, weight: float) -> None:
        """Update w if the sample is on the wrong side, and apply the penalties."""
        T, s = self.T, self.settings
        z = y * (T.round(self.product(x) * self.scale) + self.b)
        self.add_to_sums(0.0 - z if z <= 0 else 0.0)
        update = s.eta0 * y * weight if z <= 0 else 0.0
        if s.penalty in ("l2", "elasticnet"):
            self.shrink(T.round(max(0.0, 1 - (1 - s.l1) * s.eta0 * s.alpha)))
        if update != 0:
            self.add(x, T.round(update))
            if s.intercept_share != 0:
                self.b = self.b + update * s.intercept_share
        if s.penalty in ("l1", "elasticnet"):
            self.l1_total = self.l1_total + s.l1 * s.eta0 * s.alpha
            self.pull(x)

    def product(self, x: Elements) -> float:
        """Return v . x, with products in T and their sum in float64."""
        return sum_in_float64(self.T.round(self.v[k] * x_k) for k, x_k in x)

    def add(self, x: Elements, c: float) -> None:
        """Set w := w + c x; the norms then count only the elements of x."""
        T = self.T
        scale = T.round(self.scale)
        step = T.round(c / scale)
        for k, x_k in x:
            self.v[k] = T.round(self.v[k] + x_k * step)
        self.square = sum_in_float64(T.round(self.v[k] * self.v[k]) for k, _ in x)
        self.square = self.square * T.round(scale * scale)
        self.size = sum_in_float64(abs(self.v[k]) for k, _ in x) * scale

    def shrink(self, c: float) -> None:
        """Set w := c w."""
        self.scale = self.scale * c
        self.square = self.square * self.T.round(c * c)
        self.size = self.size * c
        if self.scale < (1e-6 if self.T.dtype == "float32" else 1e-9):
            self.apply_scale()

    def apply_scale(self) -> None:
        """Set v := w and scale := 1."""
        scale = self.T.round(self.scale)
        self.v = [self.T.round(x * scale) for x in self.v]
        self.scale = 1.0

    def pull(self, x: Elements) -> None:
        """Move the elements of x towards 0, by the L1 penalty they still lack.

        Tsuruoka, Tsujii, Ananiadou, ACL 2009.
        """
        T, total, had = self.T, self.l1_total, self.l1_had
        for k, _ in x:
            before = self.v[k]
            if self.scale * before > 0:
                self.v[k] = T.round(max(0.0, before - (total + had[k]) / self.scale))
            elif self.scale * before < 0:
                self.v[k] = T.round(min(0.0, before + (total - had[k]) / self.scale))
            had[k] = T.round(had[k] + self.scale * (self.v[k] - before))

    def add_to_sums(self, loss: float) -> None:
        """Add the loss of a sample, and the current penalty, to the sums."""
        T, s = self.T, self.settings
        self.loss = self.loss + loss
        self.objective = self.objective + loss
        if s.penalty != "none":
            norm = T.round(math.sqrt(self.square))
            half_square = (1 - s.l1) * 0.5 * T.round(norm * norm)
            self.objective = self.objective + s.alpha * (half_square + s.l1 * T.round(self.size))

    def score(
        self,
        X: Sequence[Elements],
        y: Sequence[int],
        weights: Sequence[float],
        held_out: Sequence[bool],
    ) -> float:
        """Return the fraction of the held-out weight that v classifies correctly."""
        right = total = 0.0
        for i in (i for i, held in enumerate(held_out) if held):
            total = total + weights[i]
            if (self.product(X[i]) + self.b > 0) == (y[i] > 0):
                right = right + weights[i]
        return self.T.round(self.T.round(right) / self.T.round(total))


def sum_in_float64(terms: Iterable[float]) -> float:
    """Return 0 + terms[0] + terms[1] + ..., in this order."""
    total = 0.0
    for term in terms:
        total = total + term
    return total
