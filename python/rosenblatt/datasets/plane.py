"""Random points of a plane in two classes: moons, circles, spirals and XOR."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._checks import arguments

MOST_POINTS = 1_000_000  # 16 MB of points; a larger number is probably a typing error
SPIRAL_START = 0.05  # the arms start near the centre, where both classes would share a point


class Points(NamedTuple):
    """Points of a plane and their classes.

    Attributes
    ----------
    X : float32, shape (n, 2)
        The coordinates; without noise they are in the square from -1 to 1.
    y : int64, shape (n,)
        The class, 0 or 1.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]


def make_moons(
    n_samples: int = 400,
    *,
    noise: float = 0.1,
    random_state: int | np.random.Generator | None = 0,
) -> Points:
    """Draw two interleaving half circles.

    Class 0 is the upper half circle, class 1 the lower one, which is shifted by a radius to the
    right and half a radius down. The figure is centred and has width 2.

    Parameters
    ----------
    n_samples : int, default 400
        Total number of points, alternating between class 0 and 1; at most 1,000,000.
    noise : float, default 0.1
        The standard deviation of normal noise added to both coordinates.
    random_state : int, numpy.random.Generator or None, default 0
        The seed, 0 … 2**64 - 1, of NumPy's default generator; None draws one from the operating
        system.

    Returns
    -------
    Points
        ``X`` float32 (n, 2) and ``y`` int64 (n,).

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or is out of range.

    Notes
    -----
    The shape is that of scikit-learn's ``make_moons``, scaled by two thirds and centred.

    Examples
    --------
    >>> from rosenblatt.datasets import make_moons
    >>> X, y = make_moons(5, noise=0)
    >>> y.tolist()
    [0, 1, 0, 1, 0]
    >>> X.shape
    (5, 2)
    """
    draw = _Draw(n_samples, noise, random_state)
    t = np.pi * draw.uniform()
    upper = np.column_stack([np.cos(t), np.sin(t)])
    lower = np.column_stack([1 - np.cos(t), 0.5 - np.sin(t)])
    X = np.where(draw.y[:, np.newaxis] == 0, upper, lower)
    return draw.points((X - [0.5, 0.25]) / 1.5)


def make_circles(
    n_samples: int = 400,
    *,
    noise: float = 0.1,
    factor: float = 0.5,
    random_state: int | np.random.Generator | None = 0,
) -> Points:
    """Draw a circle of radius 1 around a smaller one.

    Class 0 is the outer circle, class 1 the inner one.

    Parameters
    ----------
    n_samples, noise, random_state
        As for `make_moons`.
    factor : float, default 0.5
        The radius of the inner circle, from 0 to below 1.

    Returns
    -------
    Points
        ``X`` float32 (n, 2) and ``y`` int64 (n,).

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or is out of range.

    Examples
    --------
    >>> from rosenblatt.datasets import make_circles
    >>> X, y = make_circles(4, noise=0, factor=0.25)
    >>> (X**2).sum(axis=1).round(6).tolist()
    [1.0, 0.0625, 1.0, 0.0625]
    """
    draw = _Draw(n_samples, noise, random_state)
    radius = np.where(draw.y == 0, 1.0, arguments.below_one("factor", factor))
    return draw.points(_polar(radius, 2 * np.pi * draw.uniform()))


def make_spirals(
    n_samples: int = 400,
    *,
    noise: float = 0.03,
    turns: float = 1.5,
    random_state: int | np.random.Generator | None = 0,
) -> Points:
    """Draw two intertwined spiral arms, the second half a turn after the first.

    Parameters
    ----------
    n_samples, noise, random_state
        As for `make_moons`.
    turns : float, default 1.5
        Number of turns of an arm, above 0.

    Returns
    -------
    Points
        ``X`` float32 (n, 2) and ``y`` int64 (n,).

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or is out of range.

    Notes
    -----
    After K. J. Lang, M. J. Witbrock, *Learning to tell two spirals apart*, Proceedings of the 1988
    Connectionist Models Summer School, whose arms have three turns.

    Examples
    --------
    >>> from rosenblatt.datasets import make_spirals
    >>> X, y = make_spirals(100, noise=0)
    >>> bool(abs(X).max() <= 1)
    True
    """
    draw = _Draw(n_samples, noise, random_state)
    turns = arguments.positive("turns", turns)
    # The root spreads the points evenly along the arm, which is longer at larger radii.
    radius = SPIRAL_START + (1 - SPIRAL_START) * np.sqrt(draw.uniform())
    return draw.points(_polar(radius, 2 * np.pi * turns * radius + np.pi * draw.y))


def make_xor(
    n_samples: int = 400,
    *,
    noise: float = 0.1,
    random_state: int | np.random.Generator | None = 0,
) -> Points:
    """Draw points of a square, of class 1 if the signs of their coordinates differ.

    The square is from -1 to 1. No single perceptron can learn these classes. Noise is added after
    the classes are determined.

    Parameters
    ----------
    n_samples, noise, random_state
        As for `make_moons`.

    Returns
    -------
    Points
        ``X`` float32 (n, 2) and ``y`` int64 (n,).

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or is out of range.

    Notes
    -----
    M. Minsky, S. Papert, *Perceptrons*, 1969, on what a perceptron cannot do.

    Examples
    --------
    >>> from rosenblatt.datasets import make_xor
    >>> X, y = make_xor(200, noise=0)
    >>> bool((y == (X[:, 0] * X[:, 1] < 0)).all())
    True
    """
    draw = _Draw(n_samples, noise, random_state)
    X = draw.uniform(2)
    X[:, 0] = 2 * X[:, 0] - 1
    sign = np.where(X[:, 0] < 0, -1, 1)
    X[:, 1] *= np.where(draw.y == 1, -sign, sign)
    return draw.points(X)


class _Draw:
    """The checked arguments, random numbers and classes of one set of points."""

    def __init__(self, n_samples: object, noise: object, random_state: object) -> None:
        n = arguments.integer("n_samples", n_samples, least=1, most=MOST_POINTS)
        self._noise = arguments.not_negative("noise", noise)
        seed = arguments.seed("random_state", random_state)
        self._generator = np.random.default_rng(seed)
        self.y = np.arange(n, dtype=np.int64) % 2

    def uniform(self, *more: int) -> NDArray[np.float64]:
        """Return numbers between 0 and 1, (n, *more)."""
        return self._generator.random((len(self.y), *more))

    def points(self, X: NDArray[np.float64]) -> Points:
        """Return the points X (n, 2) with the noise added."""
        X = X + self._noise * self._generator.standard_normal(X.shape)
        return Points(X.astype(np.float32), self.y)


def _polar(radius: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points (n, 2) at these radii and angles, in radians."""
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
