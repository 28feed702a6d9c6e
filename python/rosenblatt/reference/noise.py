"""Input noise: new normal numbers added to the inputs in every training step.

G. E. P. Box, M. E. Muller, Ann. Math. Statist. 29, 1958. As a regulariser: C. M. Bishop, "Training
with noise is equivalent to Tikhonov regularization", Neural Computation 7, 1995.
"""

from __future__ import annotations

from math import pi, sqrt

from .arithmetic import NumberType
from .math import cos, log, sin
from .rng import INPUT_NOISE, word_of_row
from .theta import Matrix


class InputNoise:
    """The noise of a training run, with this standard deviation."""

    def __init__(self, T: NumberType, deviation: float, seed: int) -> None:
        self.T, self.deviation, self.seed = T, T.round(deviation), seed

    def on(self, X: Matrix, epoch: int, first_row: int) -> Matrix:
        """Return X, (n, n_features), with noise.

        `first_row` is the position of its first row in the epoch.
        """
        if self.deviation == 0:
            return X
        return [
            [
                self.T.fma(self.deviation, self.normal(epoch, row, feature), x)
                for feature, x in enumerate(x_row)
            ]
            for row, x_row in enumerate(X, first_row)
        ]

    def normal(self, epoch: int, row: int, feature: int) -> float:
        """Return a standard normal number; features 16 apart share a radius and an angle.

        It uses the upper 24 bits of a random word, which both types represent exactly.
        """
        T, is_second = self.T, feature // 16 % 2 == 1
        first = feature - 16 if is_second else feature
        u = (self.upper_bits(epoch, row, first) + 1) * 2.0**-24  # in (0, 1]
        v = self.upper_bits(epoch, row, first + 16) * 2.0**-24  # in [0, 1)
        radius = T.round(sqrt(T.round(-2 * log(T, u))))
        angle = T.round(v * T.round(2 * pi))
        return T.round(radius * (sin if is_second else cos)(T, angle))

    def upper_bits(self, epoch: int, row: int, index: int) -> int:
        """Return the upper 24 bits of a word of this row."""
        return word_of_row(self.seed, INPUT_NOISE, epoch, row, index) >> 8
