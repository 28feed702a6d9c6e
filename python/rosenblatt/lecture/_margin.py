"""The largest margin between two classes, and Novikoff's bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The search for the nearest point of a hull ends when no vertex is nearer by more than this
# fraction of the largest squared length, about a hundred roundings of a dot product.
NEARER = 2.0**-44


@dataclass(frozen=True, eq=False)
class ConvergenceBound:
    """Novikoff's bound on the mistakes of a perceptron that starts at w = 0, b = 0.

    Attributes
    ----------
    R : float
        The largest length of (x, 1).
    gamma : float
        The margin of `w` and `b`: the smallest distance of a point (x, 1), on the right side, to
        the plane w x + b = 0 in the space of (x, 1). 0 if no plane separates the classes.
    mistakes : float
        (R / gamma)^2, the maximum number of mistakes. Infinite if no plane separates the classes.
    w : ndarray of shape (n_features,)
        The weights with this margin.
    b : float
        The bias with this margin. (w, b) has length 1, or is 0 if no plane separates the classes.
    """

    R: float
    gamma: float
    mistakes: float
    w: Array
    b: float


def convergence_bound(X: Array, positive: NDArray[np.bool_]) -> ConvergenceBound:
    """Return the bound for X, (n, n_features), whose class is 1 if `positive`, (n,).

    The bias b is the weight of an additional input that is always 1. Every point gets the sign of
    its class, v = (x, 1) or -(x, 1). A separation is a u with u v > 0 for every v, and the largest
    gamma with u v >= gamma, |u| = 1, is the distance of the convex hull of all v from 0. The
    reported margin is computed from the points and the resulting u. So the bound holds even if
    rounding ends the search early; it is then slightly larger than the best one.

    Notes
    -----
    A. B. J. Novikoff, *On convergence proofs on perceptrons*, Symposium on the Mathematical Theory
    of Automata 12, 1962. P. Wolfe, *Finding the nearest point in a polytope*, Mathematical
    Programming 11, 1976.
    """
    V = np.column_stack([X, np.ones(len(X))])
    R = float(np.sqrt((V * V).sum(axis=1).max()))
    V[~positive] *= -1
    nearest = nearest_point(V)
    length = float(np.linalg.norm(nearest))
    u = nearest / length if length > 0 else nearest
    gamma = float((V @ u).min())
    if not gamma > np.sqrt(NEARER) * R:
        return ConvergenceBound(R, 0.0, np.inf, np.zeros(X.shape[1]), 0.0)
    return ConvergenceBound(R, gamma, (R / gamma) ** 2, u[:-1], float(u[-1]))


def nearest_point(V: Array) -> Array:
    """Return the point of a convex hull nearest to 0.

    The hull is that of the rows of V, (n, d); the point has shape (d,).

    Wolfe's algorithm keeps a corral of rows, whose convex hull contains the nearest point of their
    affine hull. A row beyond the plane of that point joins the corral, and rows whose share falls
    to 0 leave it.
    """
    tolerance = NEARER * float((V * V).sum(axis=1).max())
    corral = [int((V * V).sum(axis=1).argmin())]
    share = np.ones(1)
    for _ in range(10 * (len(V) + V.shape[1])):  # the distance falls every time; few are needed
        point = share @ V[corral]
        projections = V @ point
        joins = int(projections.argmin())
        if projections[joins] >= point @ point - tolerance or joins in corral:
            break
        corral, share = _inside([*corral, joins], np.append(share, 0.0), V)
    return np.asarray(share @ V[corral])


def _inside(corral: list[int], share: Array, V: Array) -> tuple[list[int], Array]:
    """Run Wolfe's inner loop; return the rows of its final point and their shares."""
    while True:
        affine = _affine_shares(V[corral])
        leaving = affine <= 0
        if not leaving.any():
            return corral, affine
        falls = share[leaving] - affine[leaving]  # 0 for a row that joined last and leaves again
        steps = np.divide(share[leaving], falls, out=np.zeros(len(falls)), where=falls > 0)
        share = share + min(1.0, float(steps.min())) * (affine - share)
        stays = share > 1e-15
        stays[np.flatnonzero(leaving)[steps.argmin()]] = False
        corral = [row for row, stay in zip(corral, stays, strict=True) if stay]
        share = share[stays] / share[stays].sum()


def _affine_shares(rows: Array) -> Array:
    """Return the shares of the nearest point of the affine hull.

    Their sum is 1; they can have any sign.
    """
    first, others = rows[0], rows[1:] - rows[0]
    rest: Any = np.linalg.lstsq(others.T, -first, rcond=None)[0]
    return np.concatenate([[1.0 - rest.sum()], rest])
