"""The progress of a training: a live line on a terminal, a handful of plain lines elsewhere."""

from __future__ import annotations

import time
from typing import Final

from .._training.callbacks import Epoch
from .terminal import Screen

PLAIN_LINES: Final = 5  # where lines cannot be rewritten
REDRAW_AFTER: Final = 0.05  # seconds; faster than that nobody reads


class Progress:
    """The callback of a training that shows how far it is.

    Parameters
    ----------
    screen
        Where to show it; None to keep count only.

    Attributes
    ----------
    epochs_done
        The epochs that are finished.
    """

    def __init__(self, screen: Screen | None) -> None:
        self._screen = screen
        self._next_drawing = 0.0
        self.epochs_done = 0

    def __call__(self, epoch: Epoch) -> None:
        """Take note of a finished epoch."""
        self.epochs_done = epoch.epoch + 1
        if self._screen is None:
            return
        is_last = self.epochs_done == epoch.epochs
        if not self._screen.is_terminal:
            if is_last or self.epochs_done % max(1, epoch.epochs // PLAIN_LINES) == 0:
                self._screen.say(_line(epoch))
        elif is_last or time.monotonic() >= self._next_drawing:
            self._screen.rewrite(_line(epoch))
            self._next_drawing = time.monotonic() + REDRAW_AFTER
        if is_last:
            self._screen.end_live_line()


def _line(epoch: Epoch) -> str:
    held_out = "" if epoch.validation_loss is None else f"  held out {epoch.validation_loss:.4f}"
    return (
        f"epoch {epoch.epoch + 1:>{len(str(epoch.epochs))}}/{epoch.epochs}"
        f"  loss {epoch.loss:.4f}{held_out}  {epoch.seconds:.1f} s"
    )
