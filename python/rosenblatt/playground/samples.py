"""The samples of a training run; a quarter of them is held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .. import datasets
from .._cli.holdout import draw_held_out
from .settings import Settings

N_POINTS: Final = 400
HELD_OUT: Final = 0.25  # of the samples: 100 points of 400 estimate the cost to about a tenth
EXTENT: Final = 1.4  # half-width of the plane; points without noise are in [-1, 1]

_MAKE: Final = {
    "moons": datasets.make_moons,
    "circles": datasets.make_circles,
    "spirals": datasets.make_spirals,
    "xor": datasets.make_xor,
}


@dataclass(frozen=True)
class Samples:
    """Training samples and held-out samples.

    Attributes
    ----------
    X : float64, shape (n, n_features)
    y : int64, shape (n,)
        Classes.
    X_held_out, y_held_out
        The held-out samples and their classes.
    """

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    X_held_out: NDArray[np.float64]
    y_held_out: NDArray[np.int64]

    @property
    def in_plane(self) -> bool:
        """Whether a sample is a point of the plane rather than an image."""
        return int(self.X.shape[1]) == 2

    @property
    def n_outputs(self) -> int:
        """One output for two classes, ten for the digits."""
        return 1 if self.in_plane else 10

    def one(self, index: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return a training sample as a batch of one, (1, n_features) and (1,)."""
        return self.X[index : index + 1], self.y[index : index + 1]


def draw(settings: Settings) -> Samples:
    """Draw samples according to the settings."""
    samples: tuple[NDArray[Any], NDArray[np.int64]]
    if settings.data == "digits":
        samples = _noisy_digits(settings.noise, settings.seed)
    else:
        make = _MAKE[settings.data]
        samples = make(N_POINTS, noise=settings.noise, random_state=settings.seed)
    X, y = samples[0].astype(np.float64), samples[1]
    held_out = draw_held_out(y, HELD_OUT, settings.seed)
    return Samples(X[~held_out], y[~held_out], X[held_out], y[held_out])


def _noisy_digits(noise: float, seed: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    X, y = datasets.load_digits()
    normal = np.random.default_rng(seed).standard_normal(X.shape)
    return np.clip(X + noise * normal, 0, 1), y


def plane(n: int) -> NDArray[np.float64]:
    """Return the centres of n x n squares that cover the plane, (n * n, 2).

    The top row is first.
    """
    places = EXTENT * ((2 * np.arange(n) + 1) / n - 1)
    x_1, x_2 = np.meshgrid(places, places[::-1])
    return np.column_stack([x_1.ravel(), x_2.ravel()])
