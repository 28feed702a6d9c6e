"""Data to learn from: handwritten digits inside the package, and points of a plane drawn anew."""

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
    """The digits and what they show.

    Attributes
    ----------
    X : float32, shape (1797, 64)
        Grey levels from 0 (paper) to 1 (ink), the 8 x 8 image line by line.
    y : int64, shape (1797,)
        The digit shown, 0 to 9.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]


def load_digits() -> Digits:
    """Load the 1,797 handwritten digits, 8 x 8 grey levels each.

    Thirteen people wrote them. The order is that of the source: to hold some back for a test,
    shuffle first. The classes are balanced, 174 to 183 digits each.

    Returns
    -------
    Digits
        ``X`` float32 (1797, 64) in [0, 1], multiples of 1/16, and ``y`` int64 (1797,), 0 to 9. Both
        are new writeable arrays at every call.

    Notes
    -----
    Source: E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, the file
    optdigits.tes, UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49.
    Licence: CC BY 4.0. The attribution lies beside the data, in ``DIGITS-LICENCE.txt``.

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
    from importlib.resources import files  # here, for it would cost `import rosenblatt` 10 ms

    with (
        files(__name__).joinpath("digits.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        grey_levels, labels = stored["X"], stored["y"]
    return Digits(
        X=grey_levels.astype(np.float32) / np.float32(FULL_INK),
        y=labels.astype(np.int64),
    )
