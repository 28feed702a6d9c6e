"""Two directions in parameter space: custom, random or principal."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._checks.shown import shown
from .._network import Network
from ._checks import check_vector

Vector = NDArray[np.float64]  # (n_params,)
Points = NDArray[np.float64]  # (n, n_params), or (n, 2) in a plane

# The minimum sine of the angle between two directions. Below it, coordinates would magnify the
# rounding of theta in float32, 2**-24 of its size, more than a thousand times.
LEAST_SINE = 1e-3


class Directions(NamedTuple):
    """Two directions and their names.

    Attributes
    ----------
    vectors : ndarray of shape (2, n_params)
    labels : (str, str)
        The labels of the axes.
    """

    vectors: NDArray[np.float64]
    labels: tuple[str, str]


def user_directions(directions: object, n_params: int) -> Directions:
    """Check the two vectors of the user and return them.

    Raises
    ------
    TypeError, ValueError
        The argument is not two vectors (n_params,) of finite numbers, or they are parallel.
    """
    expected = f"'random', 'pca' or two vectors ({n_params},)"
    if isinstance(directions, str) or not isinstance(directions, tuple | list | np.ndarray):
        raise TypeError(f"directions: got {shown(directions)}, expected {expected}")
    if len(directions) != 2:
        raise ValueError(f"directions: got {len(directions)}, expected {expected}")
    first, second = (
        check_vector(f"directions[{i}]", each, n_params) for i, each in enumerate(directions)
    )
    if not (first.any() and second.any()):
        raise ValueError("directions: got a vector of zeros, expected two different directions")
    one, other = _unit(first), _unit(second)
    if np.linalg.norm(other - (one @ other) * one) < LEAST_SINE:
        raise ValueError("directions: got parallel vectors, expected two different directions")
    return Directions(np.stack([first, second]), ("direction 1", "direction 2"))


def _unit(vector: Vector) -> Vector:
    """Return the vector scaled to length 1.

    Dividing by its maximum first avoids overflow.
    """
    scaled = vector / np.abs(vector).max()
    return np.asarray(scaled / np.linalg.norm(scaled))


def random(net: Network, seed: int) -> Directions:
    """Draw two random directions, scaled per unit to the norm of its weights.

    The components of the weights into a unit are normally distributed and scaled to the norm of
    these weights; those of the biases are 0. Two random directions in many dimensions are nearly
    orthogonal.
    Source: H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, "Visualizing the loss landscape of
    neural nets", 2018, section 4.
    """
    generator = np.random.default_rng(seed)
    vectors = np.zeros((2, net.n_params))
    for vector in vectors:
        dW, *_ = net._split(vector)
        for d, W in zip(dW, net.W, strict=True):
            normal = generator.standard_normal(W.shape)
            lengths = np.linalg.norm(W.astype(np.float64), axis=1)
            d[...] = normal * (lengths / np.linalg.norm(normal, axis=1))[:, np.newaxis]
    if not vectors.any(axis=1).all():
        raise ValueError(
            "net: got weights of 0, expected weights other than 0, to which random directions are"
            " scaled"
        )
    return Directions(vectors, ("random direction 1", "random direction 2"))


def principal(path: Points, origin: Vector) -> Directions:
    """Return the first two principal components of a path.

    They are computed from the differences to its end, `origin` (Li et al. 2018, section 7).

    Raises
    ------
    ValueError
        The path has fewer than two dimensions.
    """
    differences = path - origin
    _, sizes, components = np.linalg.svd(differences, full_matrices=False)
    if len(sizes) < 2 or not sizes[1] > 1e-12 * sizes[0]:
        raise ValueError(
            "path: got a path with fewer than two dimensions, expected two; pass "
            "directions='random' or two vectors"
        )
    shares = sizes[:2] ** 2 / (sizes**2).sum()
    labels = [f"component {i + 1}: {share:.0%}" for i, share in enumerate(shares)]
    return Directions(components[:2], (labels[0], labels[1]))


def coordinates(points: Points, origin: Vector, along: Directions) -> Points:
    """Return the coordinates of points projected onto the plane, (n, 2).

    The points are (n, n_params).
    """
    solved, *_ = np.linalg.lstsq(along.vectors.T, (points - origin).T, rcond=None)
    return np.asarray(solved.T, dtype=np.float64)
