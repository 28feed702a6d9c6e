"""The perceptron, one mistake at a time: Rosenblatt's rule and its lines."""

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
    """The decision boundary w x + b = 0: a line for two features, a plane for three.

    On the side with w x + b > 0 the perceptron predicts the second class.
    """

    w: Array  # (n_features,)
    b: float

    def __str__(self) -> str:
        terms = [f"{w_k:g} x_{k}" for k, w_k in enumerate(self.w.tolist(), start=1)]
        return " + ".join([*terms, f"{self.b:g}"]).replace("+ -", "- ") + " = 0"


@dataclass(frozen=True, eq=False)
class Correction:
    """One update of a perceptron.

    w := w + eta (y - y_hat) x, b := b + eta (y - y_hat).

    Attributes
    ----------
    n_mistakes : int
        The number of mistakes so far, including this one.
    epoch : int
        The pass over the samples, from 1.
    sample : int
        The row of X that caused the update, from 0.
    x : ndarray of shape (n_features,)
        This row.
    y, y_hat : int
        The class of the sample as 0 or 1, and the wrong prediction.
    before, after : Line
        The decision line before and after the update.
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
    """Rosenblatt's perceptron, which learns from its mistakes.

    It predicts y_hat = 1 if w x + b > 0, else 0.

    Parameters
    ----------
    learning_rate : float, default 1.0
        eta, above 0. Because w starts at 0, it scales w and b and changes no prediction.

    Attributes
    ----------
    line : Line or None
        The current w and b; None before `steps`.
    classes : tuple or None
        The labels represented by 0 and 1.
    n_mistakes : int
        Number of updates.
    n_epochs : int
        Number of completed passes over the samples.
    converged : bool
        Whether a pass made no mistake.
    cycle : tuple of int or None
        (p, q): the line after pass q equals that after pass p, so the passes repeat.
    largest_norm : float
        The largest length of (w, b) so far.

    Raises
    ------
    TypeError, ValueError
        learning_rate is not a finite number above 0.

    See Also
    --------
    rosenblatt.lecture.descent : Gradient descent for networks with derivatives.

    Notes
    -----
    F. Rosenblatt, *The perceptron: a probabilistic model for information storage and organization
    in the brain*, Psychological Review 65, 1958. w stays bounded even if no line separates the
    classes: H. D. Block, S. A. Levin, *On the boundedness of an iterative procedure for solving a
    system of linear inequalities*, Proc. AMS 26, 1970.

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
    At most (R/gamma)^2 = (1.732/0.3333)^2 = 27 mistakes are possible
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
        """Learn the samples in their order, pass after pass, starting at w = 0, b = 0.

        Learning ends after a pass without a mistake, after a pass that ends with the same line as
        an earlier pass (later passes would repeat), or after `max_epochs` passes.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
            Labels of two classes; the smaller one is 0, the larger one is 1.
        max_epochs : int, default 1000
            The maximum number of passes.

        Yields
        ------
        Correction
            One per mistake; the attributes of the perceptron are updated before it is yielded.

        Raises
        ------
        TypeError, ValueError
            X contains values other than finite real numbers, y does not have two classes, or their
            lengths differ. The call itself raises, before the first step.
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
        """Return the correction for sample i, or None if its prediction is right."""
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
        """Return Novikoff's bound on the number of mistakes on these samples.

        Returns
        -------
        ConvergenceBound
            (R / gamma)^2 with the largest margin gamma; infinite if no line separates the classes.

        Raises
        ------
        RuntimeError
            There are no samples, because `steps` was not called.
        """
        if self._samples is None:
            raise RuntimeError("bound: got no samples, expected a call of steps first")
        return convergence_bound(*self._samples)

    def __str__(self) -> str:
        if self._samples is None:
            return "A perceptron that has not learned yet"
        bound = self.bound()
        lines = [f"{self.n_mistakes} mistakes in {self.n_epochs} passes; {self.line}"]
        if bound.gamma > 0:
            lines.append(
                f"At most (R/gamma)^2 = ({bound.R:.4g}/{bound.gamma:.4g})^2 = "
                f"{bound.mistakes:.4g} mistakes are possible"
            )
        else:
            lines.append("No line separates the classes, so gamma = 0 and there is no bound")
        if self.cycle is not None:
            lines.append(
                f"It cycles: the line after pass {self.cycle[1]} equals that after pass "
                f"{self.cycle[0]}; the largest length of (w, b) is {self.largest_norm:.4g}"
            )
        elif self.converged:
            lines.append("The last pass made no mistake")
        return "\n".join(lines)


def _key(line: Line) -> bytes:
    """Return a key that is equal for equal lines: the bits, without negative zeros."""
    return (np.append(line.w, line.b) + 0.0).tobytes()


def _two_classes(X: ArrayLike, y: ArrayLike) -> tuple[Array, NDArray[np.bool_], tuple[Any, Any]]:
    """Check X and y; return X, the mask of the larger label, and both labels.

    X is float64, (n, n_features); the mask is (n,).

    Raises
    ------
    TypeError, ValueError
        X or y is not valid, or y does not have two classes.
    """
    samples = arrays.inputs("X", X, np.dtype(np.float64)).copy()
    if samples.ndim != 2 or samples.size == 0:
        raise ValueError(f"X: got shape {samples.shape}, expected (n, n_features)")
    arrays.finite("X", samples)
    labels = arrays.as_array("y", y)
    if labels.shape != (len(samples),):
        raise ValueError(
            f"y: got shape {labels.shape}, expected ({len(samples)},): one label per row"
        )
    if labels.dtype.kind not in "biufU" or (labels.dtype.kind == "f" and np.isnan(labels).any()):
        raise TypeError(f"y: got {shown(y)}, expected labels of two classes")
    classes = np.unique(labels)
    if len(classes) > 2 or (len(classes) == 1 and classes[0] not in (0, 1)):
        raise ValueError(f"y: got the classes {shown(classes.tolist())}, expected two")
    first, second = classes.tolist() if len(classes) == 2 else (0, 1)
    return samples, labels == second, (first, second)
