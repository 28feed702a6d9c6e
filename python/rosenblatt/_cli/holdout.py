"""The split of the rows: which are held out of training, to score the network on."""

import random

import numpy as np
import numpy.typing as npt


def draw_held_out(
    strata: npt.NDArray[np.int64], fraction: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Draw the rows to hold out, every stratum in the same proportion.

    A stratum (a class; all rows where there are no classes) always keeps a row for training.
    The drawing uses Python's ``random.random``, whose sequence for a seed never changes.

    Parameters
    ----------
    strata
        The stratum of each row, from 0, shape (n,).
    fraction
        How much of the rows to hold out, between 0 and 1.
    seed
        What the drawing depends on, beside `strata` and `fraction`.

    Returns
    -------
    ndarray of bool
        True where a row is held out, shape (n,); nowhere true if every stratum has one row only.
    """
    draw = random.Random(seed)
    order = np.argsort([draw.random() for _ in range(len(strata))], kind="stable")
    held_out = np.zeros(len(strata), dtype=bool)
    for stratum, count in enumerate(_counts(np.bincount(strata), fraction)):
        rows = order[strata[order] == stratum]
        held_out[rows[:count]] = True
    return held_out


def _counts(sizes: npt.NDArray[np.int64], fraction: float) -> npt.NDArray[np.int64]:
    """Return how many rows of each stratum to hold out, by the method of largest remainders."""
    shares = sizes * fraction
    counts = np.floor(shares).astype(np.int64)
    total = max(1, round(fraction * int(sizes.sum())))
    by_remainder = np.argsort(counts - shares, kind="stable")
    counts[by_remainder[: max(0, total - int(counts.sum()))]] += 1
    kept: npt.NDArray[np.int64] = np.clip(counts, 0, np.maximum(sizes - 1, 0))
    return kept
