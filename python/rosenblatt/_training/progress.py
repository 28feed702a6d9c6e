"""Progress of a run, shown by rich or tqdm if one is installed, else in lines."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from .._checks import arguments
from .callbacks import Callback, Epoch

STYLES = ("rich", "tqdm", "plain")
PLAIN_LINES = 10


class Bar(Callback):
    """Shows the progress of a run; `close` it however the run ends."""

    def close(self) -> None:
        """Leave the screen ready for the next line."""


class RichBar(Bar):
    """A live bar of rich."""

    def __init__(self, rich: ModuleType, epochs: int) -> None:
        self._progress: Any = rich.Progress(
            *rich.Progress.get_default_columns(), rich.TextColumn("{task.fields[loss]}")
        )
        self._task = self._progress.add_task("training", total=epochs, loss="")
        self._progress.start()

    def on_epoch(self, epoch: Epoch) -> None:
        self._progress.update(self._task, completed=epoch.epoch + 1, loss=numbers_of(epoch))

    def close(self) -> None:
        self._progress.stop()


class TqdmBar(Bar):
    """A live bar of tqdm."""

    def __init__(self, tqdm: ModuleType, epochs: int) -> None:
        self._bar: Any = tqdm.tqdm(total=epochs, desc="training", unit="epoch")

    def on_epoch(self, epoch: Epoch) -> None:
        self._bar.set_postfix_str(numbers_of(epoch), refresh=False)
        self._bar.update(epoch.epoch + 1 - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class PlainLines(Bar):
    """A handful of lines on standard error."""

    def __init__(self, epochs: int) -> None:
        self._every = max(1, epochs // PLAIN_LINES)

    def on_epoch(self, epoch: Epoch) -> None:
        done = epoch.epoch + 1
        if done % self._every == 0 or done == epoch.epochs:
            print(
                f"epoch {done:>{len(str(epoch.epochs))}}/{epoch.epochs}  {numbers_of(epoch)}",
                file=sys.stderr,
            )


def numbers_of(epoch: Epoch) -> str:
    """Return the numbers of an epoch in a short line."""
    numbers = {"loss": epoch.loss}
    if epoch.validation_loss is not None:
        numbers["validation"] = epoch.validation_loss
    return "  ".join(
        f"{name} {value:.4g}" for name, value in (numbers | dict(epoch.metrics)).items()
    )


def progress_bar(name: str, value: Any, epochs: int) -> Bar | None:
    """Return the bar that `value` selects: none, the best one that is installed, or one by name.

    Raises
    ------
    TypeError, ValueError
        `value` is none of these.
    ImportError
        The package is not installed.
    """
    if value is None or value is False:
        return None
    if isinstance(value, str):
        style = arguments.choice(name, value, STYLES)
        return _bar(style, epochs)
    arguments.flag(name, value)
    for style in STYLES:
        try:
            return _bar(style, epochs)
        except ImportError:
            continue
    return None


def _bar(style: str, epochs: int) -> Bar:
    if style == "plain":
        return PlainLines(epochs)
    module = "rich.progress" if style == "rich" else "tqdm"
    try:
        found = importlib.import_module(module)
    except ImportError:
        raise ImportError(
            f"progress: {style!r} needs the package {style}: pip install {style}"
        ) from None
    return RichBar(found, epochs) if style == "rich" else TqdmBar(found, epochs)
