"""Dropout: a training step sets random units to 0 and scales up the others.

Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: a simple way to prevent neural
networks from overfitting", JMLR 15, 2014. This is inverted dropout, which needs no factor at
inference.
"""

from __future__ import annotations

from collections.abc import Sequence

from .arithmetic import NumberType
from .rng import DROPOUT, word_of_row
from .theta import Matrix


class Dropout:
    """The masks of a training run.

    `rates` has one rate per weight layer, for its input.
    """

    def __init__(self, T: NumberType, rates: Sequence[float], seed: int) -> None:
        self.T, self.rates, self.seed = T, rates, seed

    def masks(
        self, epoch: int, first_row: int, n: int, widths: Sequence[int]
    ) -> list[Matrix | None]:
        """Return a mask (n, width) for the input of each layer, None if its rate is 0."""
        rows = range(first_row, first_row + n)
        return [
            [self.mask_of_row(layer, epoch, row, width) for row in rows] if rate > 0 else None
            for layer, (rate, width) in enumerate(zip(self.rates, widths, strict=True))
        ]

    def mask_of_row(self, layer: int, epoch: int, row: int, width: int) -> list[float]:
        """Return 1 / (1 - rate) for the units that stay, 0 for the dropped ones."""
        rate = self.rates[layer]
        dropped_below = min(round(rate * 2**32), 2**32 - 1)
        scale = self.T.round(1 / (1 - rate))
        purpose = DROPOUT + (layer << 8)
        words = [word_of_row(self.seed, purpose, epoch, row, unit) for unit in range(width)]
        return [scale if word >= dropped_below else 0.0 for word in words]


def apply(T: NumberType, mask: Matrix, A: Matrix) -> Matrix:
    """Return the elementwise product of A and the mask, (n, width)."""
    return [
        [T.round(a * m) for a, m in zip(row, mask_row, strict=True)]
        for row, mask_row in zip(A, mask, strict=True)
    ]
