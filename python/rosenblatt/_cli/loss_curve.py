"""The loss curve as text: training drawn as a line, held-out loss as dots, over the epochs."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

HEIGHT: Final = 10  # rows of the drawing: a curve's bend shows, and the page stays in sight
WIDEST: Final = 60  # columns of the drawing
LOG_FROM: Final = (
    20.0  # largest over smallest loss from which a linear axis would show a corner only
)

Rows = npt.NDArray[np.intp]


def draw_loss_curve(
    training: Sequence[float], held_out: Sequence[float] | None, width: int
) -> list[str]:
    """Draw the loss of every epoch as lines of text.

    Parameters
    ----------
    training
        The training loss of each epoch.
    held_out
        The held-out loss of each epoch, or None.
    width
        Columns to draw in.

    Returns
    -------
    list of str
        The lines, top first; one line of words where there are fewer than two epochs to join.
    """
    if len(training) < 2:
        return [f"loss {loss:.4g} in the only epoch" for loss in training]
    axis = _Axis([*training, *(held_out or ())])
    margin = max(map(len, axis.labels)) + 2
    columns = max(8, min(WIDEST, width - margin))
    grid = [[" "] * columns for _ in range(HEIGHT)]
    if held_out is not None:
        _draw_dots(grid, axis.rows(held_out, columns))
    _draw_line(grid, axis.rows(training, columns))
    scale = " (log scale)" if axis.is_log else ""
    return [
        f"loss{scale}: ── training" + ("  · held out" if held_out is not None else ""),
        *(
            f"{label:>{margin - 2}} ┤{''.join(row)}".rstrip()
            for label, row in zip(axis.labels, grid, strict=True)
        ),
        *_epoch_axis(len(training), margin, columns),
    ]


class _Axis:
    """The vertical axis: which loss stands in which row, row 0 being the top."""

    def __init__(self, losses: Sequence[float]) -> None:
        finite = [loss for loss in losses if math.isfinite(loss)] or [0.0]
        low, high = min(finite), max(finite)
        self.is_log = low > 0 and high / low >= LOG_FROM
        self._bottom, self._top = (math.log(low), math.log(high)) if self.is_log else (low, high)
        self.labels = [f"{self._loss(row):.2g}" for row in range(HEIGHT)]

    def _loss(self, row: int) -> float:
        height = self._top + (self._bottom - self._top) * row / (HEIGHT - 1)
        return math.exp(height) if self.is_log else height

    def rows(self, losses: Sequence[float], columns: int) -> Rows:
        """Return the curve's row at the `columns` + 1 ends of its columns, a gap bridged."""
        values = np.asarray(losses, dtype=float)
        known = np.flatnonzero(np.isfinite(values))
        if not known.size:
            return np.zeros(columns + 1, dtype=np.intp)
        heights = np.log(values[known]) if self.is_log else values[known]
        at = np.interp(np.linspace(0, len(values) - 1, columns + 1), known, heights)
        span = self._top - self._bottom
        down = (self._top - at) / span if span > 0 else np.full_like(at, 0.5)
        rows: Rows = np.rint(down * (HEIGHT - 1)).astype(np.intp)
        return rows


def _draw_line(grid: list[list[str]], rows: Rows) -> None:
    """Join the rows at the two ends of every column."""
    for column in range(len(rows) - 1):
        left, right = int(rows[column]), int(rows[column + 1])
        for row in range(min(left, right) + 1, max(left, right)):
            grid[row][column] = "│"
        if left == right:
            grid[left][column] = "─"
        else:
            grid[left][column], grid[right][column] = ("╮", "╰") if left < right else ("╯", "╭")


def _draw_dots(grid: list[list[str]], rows: Rows) -> None:
    """Put a dot in every second column."""
    for column in range(0, len(rows) - 1, 2):
        grid[int(rows[column])][column] = "·"


def _epoch_axis(epochs: int, margin: int, columns: int) -> list[str]:
    """Return the horizontal axis, with its first and last epoch, below the drawing."""
    rule = " " * (margin - 1) + "└" + "─" * (columns - 1) + "┬"
    last = f"epoch {epochs:,}"
    return [rule, " " * margin + "1" + last.rjust(columns - 1)]
