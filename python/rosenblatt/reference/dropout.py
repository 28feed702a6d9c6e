"""Dropout: units that are left out in a step of training, the others made larger instead.

Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: a simple way to prevent neural
networks from overfitting", JMLR 15, 2014; inverted, so that a network that is not being trained
needs no factor.
"""

from __future__ import annotations

from collections.abc import Sequence

from .arithmetic import NumberType
from .rng import DROPOUT, word_of_row
from .theta import Matrix


class Dropout:
    """The masks of a training: `rates` of what goes into each weight layer, X first."""

    def __init__(self, T: NumberType, rates: Sequence[float], seed: int) -> None:
        self.T, self.rates, self.seed = T, rates, seed

    def masks(
        self, epoch: int, first_row: int, n: int, widths: Sequence[int]
    ) -> list[Matrix | None]:
        """Return a mask (n, width) for what goes into each layer, None where nothing is dropped."""
        rows = range(first_row, first_row + n)
        return [
            [self.mask_of_row(layer, epoch, row, width) for row in rows] if rate > 0 else None
            for layer, (rate, width) in enumerate(zip(self.rates, widths, strict=True))
        ]

    def mask_of_row(self, layer: int, epoch: int, row: int, width: int) -> list[float]:
        """Return 1 / (1 - rate) for the units that stay, 0 for those that are dropped."""
        rate = self.rates[layer]
        dropped_below = min(round(rate * 2**32), 2**32 - 1)
        scale = self.T.round(1 / (1 - rate))
        purpose = DROPOUT + (layer << 8)
        words = [word_of_row(self.seed, purpose, epoch, row, unit) for unit in range(width)]
        return [scale if word >= dropped_below else 0.0 for word in words]


def apply(T: NumberType, mask: Matrix, A: Matrix) -> Matrix:
    """Return A times the mask, number by number, (n, width)."""
    return [
        [T.round(a * m) for a, m in zip(row, mask_row, strict=True)]
        for row, mask_row in zip(A, mask, strict=True)
    ]
