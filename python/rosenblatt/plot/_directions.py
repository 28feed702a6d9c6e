"""Two directions through the space of all parameters: given, random, or those of a path."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._checks.shown import shown
from .._network import Network
from ._checks import vector_given

Vector = NDArray[np.float64]  # (n_params,)
Points = NDArray[np.float64]  # (n, n_params), or (n, 2) in a plane

# How far from parallel two directions must be: the sine of their angle. Below it a coordinate
# would magnify the rounding of theta in float32, 2**-24 of its size, by more than a thousand.
LEAST_SINE = 1e-3


class Directions(NamedTuple):
    """Two directions and what they are.

    Attributes
    ----------
    vectors : ndarray of shape (2, n_params)
    labels : (str, str)
        What the axes of a picture say.
    """

    vectors: NDArray[np.float64]
    labels: tuple[str, str]


def given(directions: object, n_params: int) -> Directions:
    """Return two vectors of the user's, checked.

    Raises
    ------
    TypeError, ValueError
        They are not two vectors (n_params,) of finite numbers, or are parallel.
    """
    expected = f"'random', 'pca' or two vectors ({n_params},)"
    if isinstance(directions, str) or not isinstance(directions, tuple | list | np.ndarray):
        raise TypeError(f"directions: got {shown(directions)}, expected {expected}")
    if len(directions) != 2:
        raise ValueError(f"directions: got {len(directions)}, expected {expected}")
    first, second = (
        vector_given(f"directions[{i}]", each, n_params) for i, each in enumerate(directions)
    )
    if not (first.any() and second.any()):
        raise ValueError("directions: got a vector of zeros, expected two that differ")
    one, other = _unit(first), _unit(second)
    if np.linalg.norm(other - (one @ other) * one) < LEAST_SINE:
        raise ValueError("directions: got two that are parallel, expected two that differ")
    return Directions(np.stack([first, second]), ("direction 1", "direction 2"))


def _unit(vector: Vector) -> Vector:
    """Return a vector of the length 1; the largest component first, lest squares overflow."""
    scaled = vector / np.abs(vector).max()
    return np.asarray(scaled / np.linalg.norm(scaled))


def random(net: Network, seed: int) -> Directions:
    """Draw two directions in which every unit moves by the size of its own weights.

    The weights into a unit are drawn from the normal distribution and scaled to the norm of those
    that it has; the biases stay. Two random directions of many parameters are nearly orthogonal.
    Source: H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, "Visualizing the loss landscape of
    neural nets", 2018, section 4.
    """
    generator = np.random.default_rng(seed)
    vectors = np.zeros((2, net.n_params))
    for vector in vectors:
        dW, *_ = net._split(vector)
        for d, W in zip(dW, net.W, strict=True):
            drawn = generator.standard_normal(W.shape)
            lengths = np.linalg.norm(W.astype(np.float64), axis=1)
            d[...] = drawn * (lengths / np.linalg.norm(drawn, axis=1))[:, np.newaxis]
    if not vectors.any(axis=1).all():
        raise ValueError("net: got weights of 0, expected others: random directions are as long")
    return Directions(vectors, ("random direction 1", "random direction 2"))


def principal(path: Points, origin: Vector) -> Directions:
    """Return the two directions along which a path moves most: its principal components.

    The components are those of the differences to its end, `origin` (Li et al. 2018, section 7).

    Raises
    ------
    ValueError
        The path has fewer than two directions.
    """
    differences = path - origin
    _, sizes, components = np.linalg.svd(differences, full_matrices=False)
    if len(sizes) < 2 or not sizes[1] > 1e-12 * sizes[0]:
        raise ValueError(
            "path: got one that leads in fewer than two directions, expected directions='random' "
            "or two vectors for it"
        )
    shares = sizes[:2] ** 2 / (sizes**2).sum()
    labels = [f"component {i + 1}: {share:.0%}" for i, share in enumerate(shares)]
    return Directions(components[:2], (labels[0], labels[1]))


def coordinates(points: Points, origin: Vector, along: Directions) -> Points:
    """Return where in the plane the nearest points to `points`, (n, n_params), lie: (n, 2)."""
    solved, *_ = np.linalg.lstsq(along.vectors.T, (points - origin).T, rcond=None)
    return np.asarray(solved.T, dtype=np.float64)
