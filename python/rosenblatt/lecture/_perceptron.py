"""The perceptron, a mistake at a time: Rosenblatt's rule, its lines, and when it must end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import arguments, arrays
from .._checks.shown import shown
from ..reference.arithmetic import Float64, chain
from ._margin import ConvergenceBound, convergence_bound

Array = NDArray[np.float64]


class Line(NamedTuple):
    """The points with w x + b = 0: a line for two features, a plane for three.

    Above it, where w x + b > 0, the perceptron answers with the second class.
    """

    w: Array  # (n_features,)
    b: float

    def __str__(self) -> str:
        terms = [f"{w_k:g} x_{k}" for k, w_k in enumerate(self.w.tolist(), start=1)]
        return " + ".join([*terms, f"{self.b:g}"]).replace("+ -", "- ") + " = 0"


@dataclass(frozen=True, eq=False)
class Correction:
    """One update: w := w + eta (y - y_hat) x, b := b + eta (y - y_hat).

    Attributes
    ----------
    n_mistakes : int
        The count of mistakes, this one included.
    epoch : int
        The pass over the samples, from 1.
    sample : int
        The row of X that caused it, from 0.
    x : ndarray of shape (n_features,)
        That row.
    y, y_hat : int
        Its class as 0 or 1, and the wrong answer.
    before, after : Line
        The decision line.
    """

    n_mistakes: int
    epoch: int
    sample: int
    x: Array
    y: int
    y_hat: int
    before: Line
    after: Line

    def __str__(self) -> str:
        x = ", ".join(f"{x_k:g}" for x_k in self.x.tolist())
        return (
            f"{self.n_mistakes}. pass {self.epoch}, x = ({x}): y = {self.y}, "
            f"y_hat = {self.y_hat}; {self.before} becomes {self.after}"
        )


class Perceptron:
    """Rosenblatt's perceptron: y_hat = 1 where w x + b > 0, else 0, and it learns from mistakes.

    Parameters
    ----------
    learning_rate : float, default 1.0
        eta, above 0. From w = 0 it scales the line's w and b, and changes no answer.

    Attributes
    ----------
    line : Line or None
        w and b as they are; None before `steps`.
    classes : tuple or None
        The labels that 0 and 1 stand for.
    n_mistakes : int
        How many updates were made.
    n_epochs : int
        How many passes over the samples were completed.
    converged : bool
        Whether a pass made no mistake.
    cycle : tuple of int or None
        (p, q): the line after pass q was that after pass p, so all that follows repeats.
    largest_norm : float
        The largest length of (w, b) so far.

    Raises
    ------
    TypeError, ValueError
        learning_rate is no finite number above 0.

    See Also
    --------
    rosenblatt.lecture.descent : The rule of a network with a derivative.

    Notes
    -----
    F. Rosenblatt, *The perceptron: a probabilistic model for information storage and organization
    in the brain*, Psychological Review 65, 1958. That w stays bounded where no line separates:
    H. D. Block, S. A. Levin, *On the boundedness of an iterative procedure for solving a system of
    linear inequalities*, Proc. AMS 26, 1970.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> p = rb.lecture.Perceptron()
    >>> for correction in p.steps([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 1]):  # or
    ...     print(correction)
    1. pass 1, x = (0, 1): y = 1, y_hat = 0; 0 x_1 + 0 x_2 + 0 = 0 becomes 0 x_1 + 1 x_2 + 1 = 0
    2. pass 2, x = (0, 0): y = 0, y_hat = 1; 0 x_1 + 1 x_2 + 1 = 0 becomes 0 x_1 + 1 x_2 + 0 = 0
    3. pass 2, x = (1, 0): y = 1, y_hat = 0; 0 x_1 + 1 x_2 + 0 = 0 becomes 1 x_1 + 1 x_2 + 1 = 0
    4. pass 3, x = (0, 0): y = 0, y_hat = 1; 1 x_1 + 1 x_2 + 1 = 0 becomes 1 x_1 + 1 x_2 + 0 = 0
    >>> print(p)
    4 mistakes in 4 passes; 1 x_1 + 1 x_2 + 0 = 0
    (R/gamma)^2 = (1.732/0.3333)^2 = 27 is the most there can be
    The last pass made no mistake
    """

    def __init__(self, *, learning_rate: float = 1.0) -> None:
        self.learning_rate = arguments.positive("learning_rate", learning_rate)
        self._samples: tuple[Array, NDArray[np.bool_]] | None = None
        self.line: Line | None = None
        self.classes: tuple[Any, Any] | None = None
        self._forget()

    def _forget(self) -> None:
        self.n_mistakes = self.n_epochs = 0
        self.converged = False
        self.cycle: tuple[int, int] | None = None
        self.largest_norm = 0.0

    def steps(self, X: ArrayLike, y: ArrayLike, *, max_epochs: int = 1000) -> Iterator[Correction]:
        """Learn from w = 0, b = 0, the samples in their order, again and again.

        It ends after a pass without a mistake, after a pass that ends where an earlier one did
        (all that follows would repeat), or after `max_epochs` passes.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
            Labels of two classes; the smaller one is 0, the larger one is 1.
        max_epochs : int, default 1000
            At most so many passes.

        Yields
        ------
        Correction
            One for every mistake; the attributes of the perceptron are those after it.

        Raises
        ------
        TypeError, ValueError
            X is not made of finite real numbers, y does not name two classes, or their lengths
            differ. It is raised by the call, before the first step.
        """
        most = arguments.integer("max_epochs", max_epochs, least=1)
        samples, positive, classes = _two_classes(X, y)
        self._forget()
        self._samples, self.classes = (samples, positive), classes
        self.line = Line(np.zeros(samples.shape[1]), 0.0)
        return self._passes(self.line, samples, positive, most)

    def _passes(
        self, line: Line, X: Array, positive: NDArray[np.bool_], most: int
    ) -> Iterator[Correction]:
        seen = {_key(line): 0}
        while self.n_epochs < most and not self.converged and self.cycle is None:
            mistakes_before = self.n_mistakes
            for i in range(len(X)):
                correction = self._look_at(line, i, X[i], int(positive[i]))
                if correction is not None:
                    line = self.line = correction.after
                    yield correction
            self.n_epochs += 1
            self.converged = self.n_mistakes == mistakes_before
            if not self.converged:
                earlier = seen.setdefault(_key(line), self.n_epochs)
                self.cycle = (earlier, self.n_epochs) if earlier < self.n_epochs else None

    def _look_at(self, line: Line, i: int, x: Array, y: int) -> Correction | None:
        """Return the correction that sample i makes; None where the answer is right."""
        y_hat = int(chain(Float64, line.b, line.w.tolist(), x.tolist()) > 0)
        if y_hat == y:
            return None
        step = self.learning_rate * (y - y_hat)
        after = Line(line.w + step * x, line.b + step)
        self.n_mistakes += 1
        self.largest_norm = max(
            self.largest_norm, float(np.hypot(np.linalg.norm(after.w), after.b))
        )
        return Correction(self.n_mistakes, self.n_epochs + 1, i, x, y, y_hat, line, after)

    def bound(self) -> ConvergenceBound:
        """Return (R / gamma)^2, which the mistakes on these samples cannot exceed.

        Returns
        -------
        ConvergenceBound
            By the best margin of any line, infinite where none separates.

        Raises
        ------
        RuntimeError
            There are no samples yet: `steps` was not called.
        """
        if self._samples is None:
            raise RuntimeError("bound: got no samples, expected a call of steps before")
        return convergence_bound(*self._samples)

    def __str__(self) -> str:
        if self._samples is None:
            return "A perceptron that has seen nothing"
        bound = self.bound()
        lines = [f"{self.n_mistakes} mistakes in {self.n_epochs} passes; {self.line}"]
        if bound.gamma > 0:
            lines.append(
                f"(R/gamma)^2 = ({bound.R:.4g}/{bound.gamma:.4g})^2 = {bound.mistakes:.4g} "
                "is the most there can be"
            )
        else:
            lines.append("No line separates the classes: gamma = 0, and there is no bound")
        if self.cycle is not None:
            lines.append(
                f"It cycles: the line after pass {self.cycle[1]} is that after pass "
                f"{self.cycle[0]}; (w, b) was never longer than {self.largest_norm:.4g}"
            )
        elif self.converged:
            lines.append("The last pass made no mistake")
        return "\n".join(lines)


def _key(line: Line) -> bytes:
    """Return what is equal for equal lines: the bits, with one zero."""
    return (np.append(line.w, line.b) + 0.0).tobytes()


def _two_classes(X: ArrayLike, y: ArrayLike) -> tuple[Array, NDArray[np.bool_], tuple[Any, Any]]:
    """Return X, (n, n_features), float64; where y, (n,), is the larger label; both labels.

    Raises
    ------
    TypeError, ValueError
        These are not the samples of two classes.
    """
    samples = arrays.inputs("X", X, np.dtype(np.float64)).copy()
    if samples.ndim != 2 or samples.size == 0:
        raise ValueError(f"X: got shape {samples.shape}, expected (n, n_features)")
    arrays.finite("X", samples)
    labels = arrays.as_array("y", y)
    if labels.shape != (len(samples),):
        raise ValueError(f"y: got shape {labels.shape}, expected ({len(samples)},): a label a row")
    if labels.dtype.kind not in "biufU" or (labels.dtype.kind == "f" and np.isnan(labels).any()):
        raise TypeError(f"y: got {shown(y)}, expected labels of two classes")
    classes = np.unique(labels)
    if len(classes) > 2 or (len(classes) == 1 and classes[0] not in (0, 1)):
        raise ValueError(f"y: got the classes {shown(classes.tolist())}, expected two")
    first, second = classes.tolist() if len(classes) == 2 else (0, 1)
    return samples, labels == second, (first, second)
