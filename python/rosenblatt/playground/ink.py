"""Conversion of pen strokes to 8 x 8 grey levels, as in the digits data set."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .._checks import arguments
from .._checks.shown import shown

MOST_STROKES: Final = 100
MOST_POINTS: Final = 1000  # of all strokes together
SIDE: Final = 32  # of the bitmap, whose 4 x 4 blocks are counted
BLOCK: Final = 4
# In the source all digits are as high as the bitmap and about equally black: on average 303 to 330
# of 1024 pixels are inked, depending on the digit. The thickness of the pen is chosen to match.
INK: Final = 312
THINNEST, THICKEST = 0.8, 4.0  # the radius of the pen, in pixels
SMALLEST: Final = 0.02  # of the pad; a smaller drawing is a dot and is not enlarged


def grey_levels(strokes: object) -> NDArray[np.float64]:
    """Return a drawn digit in the format of the digits data set.

    Parameters
    ----------
    strokes : list of list of [x, y]
        The positions of the pen, from 0 to 1, y downwards.

    Returns
    -------
    ndarray of shape (64,)
        Grey levels from 0 (paper) to 1 (ink), multiples of 1/16.

    Raises
    ------
    TypeError, ValueError
        The strokes have another form, are too many, or are missing.

    Notes
    -----
    C. Kaynak, *Methods of combining multiple classifiers and their applications to handwritten
    digit recognition*, 1995: digits of equal size in 32 x 32 bitmaps, inked pixels counted in
    blocks of 4 x 4, 0 to 16.

    Examples
    --------
    >>> for line in grey_levels([[[0.5, 0.1], [0.5, 0.9]]]).reshape(8, 8):
    ...     print("".join("-+#"[round(2 * grey)] for grey in line))
    ---##---
    ---##---
    ---##---
    ---##---
    ---##---
    ---##---
    ---##---
    ---##---
    """
    blocks = bitmap(check_strokes(strokes)).reshape(SIDE // BLOCK, BLOCK, SIDE // BLOCK, BLOCK)
    grey: NDArray[np.float64] = blocks.sum(axis=(1, 3)).ravel() / BLOCK**2
    return grey


def check_strokes(value: object) -> list[NDArray[np.float64]]:
    """Check the strokes sent by a page and return them as arrays of shape (n, 2).

    Raises
    ------
    TypeError, ValueError
        The strokes have another form, are too many, or are missing.
    """
    expected = f"a list of 1 … {MOST_STROKES} strokes, each a list of [x, y] from 0 to 1"
    if not isinstance(value, list) or not all(isinstance(each, list) and each for each in value):
        raise TypeError(f"strokes: got {shown(value)}, expected {expected}")
    if not 1 <= len(value) <= MOST_STROKES:
        raise ValueError(f"strokes: got {len(value)}, expected {expected}")
    n_points = sum(map(len, value))
    if n_points > MOST_POINTS:
        raise ValueError(f"strokes: got {n_points} points, expected at most {MOST_POINTS}")
    return [np.array([_place(point) for point in stroke]) for stroke in value]


def _place(point: Any) -> list[float]:
    expected = "two numbers from 0 to 1"
    if not isinstance(point, list) or len(point) != 2:
        raise TypeError(f"strokes: got the point {shown(point)}, expected {expected}")
    place = [arguments.real("strokes", number, expected) for number in point]
    if not all(0 <= number <= 1 for number in place):
        raise ValueError(f"strokes: got the point {place}, expected {expected}")
    return place


def bitmap(strokes: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Return the strokes (n, 2) as a 32 x 32 bitmap, scaled to its size and centred."""
    places = np.concatenate(strokes)
    low, high = places.min(axis=0), places.max(axis=0)
    size = max(*(high - low), SMALLEST)
    thin, thick = THINNEST, THICKEST
    for _ in range(6):  # bisection to a twentieth of a pixel
        radius = (thin + thick) / 2
        scale = (SIDE - 2 * radius) / size
        moved = [(stroke - (low + high) / 2) * scale + SIDE / 2 for stroke in strokes]
        inked = _distances(moved) <= radius
        thin, thick = (thin, radius) if inked.sum() > INK else (radius, thick)
    return inked


def _distances(strokes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the distances of pixel centres to the nearest stroke.

    Shape (32, 32), in pixels.
    """
    middles = np.arange(SIDE) + 0.5
    pixels = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    start = np.concatenate([stroke[:-1] if len(stroke) > 1 else stroke for stroke in strokes])
    end = np.concatenate([stroke[1:] if len(stroke) > 1 else stroke for stroke in strokes])
    along = end - start
    length = (along**2).sum(axis=1)  # squared
    # |p - start|^2 and (p - start) . along, each (pixels, segments)
    squares = ((pixels[:, np.newaxis] - start) ** 2).sum(axis=-1)
    products = pixels @ along.T - (start * along).sum(axis=1)
    share = np.clip(products / np.where(length > 0, length, 1), 0, 1)
    away = (squares - 2 * share * products + share**2 * length).min(axis=1)
    distances: NDArray[np.float64] = np.sqrt(np.maximum(away, 0)).reshape(SIDE, SIDE)
    return distances
