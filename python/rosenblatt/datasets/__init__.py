"""Data sets: handwritten digits, and random points of a plane."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .plane import Points, make_circles, make_moons, make_spirals, make_xor

__all__ = [
    "Digits",
    "Points",
    "load_digits",
    "make_circles",
    "make_moons",
    "make_spirals",
    "make_xor",
]

FULL_INK = 16  # a grey level counts the inked pixels of a 4 x 4 block: 0 to 16


class Digits(NamedTuple):
    """The images of the digits and their labels.

    Attributes
    ----------
    X : float32, shape (1797, 64)
        Grey levels from 0 (paper) to 1 (ink), the 8 x 8 image row by row.
    y : int64, shape (1797,)
        The digit in the image, 0 to 9.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]


def load_digits() -> Digits:
    """Load 1,797 images of handwritten digits with 8 x 8 grey levels.

    Thirteen people wrote them. The order is that of the source; shuffle before you hold out a test
    set. The classes are balanced, with 174 to 183 digits each.

    Returns
    -------
    Digits
        ``X`` float32 (1797, 64) in [0, 1], multiples of 1/16, and ``y`` int64 (1797,), 0 to 9.
        Every call returns new writeable arrays.

    Notes
    -----
    Source: E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, the file
    optdigits.tes, UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49.
    Licence: CC BY 4.0. The attribution is in ``DIGITS-LICENCE.txt``, next to the data.

    Examples
    --------
    >>> from rosenblatt.datasets import load_digits
    >>> X, y = load_digits()
    >>> X.shape, y.shape
    ((1797, 64), (1797,))
    >>> for line in X[0].reshape(8, 8):
    ...     print("".join(".:#"[round(2 * grey)] for grey in line))
    ..:#:...
    ..##:#:.
    ..#..::.
    ..#..::.
    .::..::.
    ..:..#:.
    ..#::#..
    ..:#:...
    >>> int(y[0])
    0
    """
    from importlib.resources import files  # here, because it slows `import rosenblatt` by 10 ms

    with (
        files(__name__).joinpath("digits.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        grey_levels, labels = stored["X"], stored["y"]
    return Digits(
        X=grey_levels.astype(np.float32) / np.float32(FULL_INK),
        y=labels.astype(np.int64),
    )
