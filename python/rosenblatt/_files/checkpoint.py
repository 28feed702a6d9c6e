"""Checkpoints: when a training is kept in a file, and how another run goes on with it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._checks import arguments
from .._checks.shown import shown
from . import atomic, checkpoint_file, fingerprint
from .checkpoint_file import SavedTraining
from .errors import CheckpointMismatchError, DamagedFileError, refusing
from .safetensors import CHECKPOINT

if TYPE_CHECKING:
    from .._network import Network
    from .._training.monitor import Watch
    from .._training.result import StopReason


@dataclass(frozen=True)
class Checkpoint:
    """A file in which a training is kept, so that the same call goes on with it after a break.

    Where the file is there, `train` goes on with the training in it; else it begins. After the last
    epoch the file stays: the same call returns the same result at once, and one with more `epochs`
    adds those.

    Parameters
    ----------
    path : path-like
        The file; to begin anew, remove it.
    every_epochs : int, optional
        Write it after every so many epochs.
    every_minutes : float, optional
        Write it after the epoch during which so many minutes have passed since it was written.
        Without this and `every_epochs` it is written after every epoch; when the training ends
        after a whole epoch it is written, too.

    Raises
    ------
    TypeError, ValueError
        A setting is of another kind or outside its range.

    Examples
    --------
    >>> import rosenblatt as rb
    >>> rb.Checkpoint("digits.checkpoint", every_minutes=5)
    Checkpoint(path='digits.checkpoint', every_epochs=None, every_minutes=5.0)
    """

    path: str | os.PathLike[str]
    every_epochs: int | None = None
    every_minutes: float | None = None

    def __post_init__(self) -> None:
        arguments.path("path", self.path)
        if self.every_epochs is not None:
            epochs = arguments.integer("every_epochs", self.every_epochs, least=1, most=2**32)
            object.__setattr__(self, "every_epochs", epochs)
        if self.every_minutes is not None:
            minutes = arguments.positive("every_minutes", self.every_minutes)
            object.__setattr__(self, "every_minutes", minutes)


def checkpoint_of(name: str, value: Any) -> Checkpoint | None:
    """Return `value` as a Checkpoint: None, one, or the path of one after every epoch.

    Raises
    ------
    TypeError, ValueError
        `value` is anything else.
    """
    if value is None or isinstance(value, Checkpoint):
        return value
    if not isinstance(value, str | os.PathLike):
        raise TypeError(
            f"{name}: got {shown(value)}, expected a path, a rosenblatt.Checkpoint or None"
        )
    arguments.path(name, value)
    return Checkpoint(value)


def saved_training(checkpoint: Checkpoint, net: Network) -> SavedTraining | None:
    """Return the training in the file, None where there is no file.

    `net` is the network to go on with: its activations are those of the user's own that there are.

    Raises
    ------
    OSError
        The file cannot be read, or could not be written.
    ModelFormatError
        It is not a checkpoint, or is not as it was written.
    """
    atomic.check_writeable(checkpoint.path)
    try:
        return checkpoint_file.read(checkpoint.path, net._custom_activations())
    except FileNotFoundError:
        return None


class Keeping:
    """Who goes on with the training of a checkpoint, if there is one, and writes those to come.

    Parameters
    ----------
    checkpoint
        Where and how often.
    saved
        The training in the file, None where there is none.
    net
        The network that is trained.
    watch
        What looks at the training: it has the metrics, and the best parameters.
    curves
        The names of the history, but for the metrics.
    settings, seed
        As `SavedTraining` has them.
    epochs
        How many were asked for.

    Attributes
    ----------
    epochs
        How many there shall be.
    ended_before
        Why no epoch follows those of the checkpoint, None where some may.

    Raises
    ------
    CheckpointMismatchError
        The training in the file is one with other settings, or has more epochs.
    DamagedFileError
        It contradicts itself.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        saved: SavedTraining | None,
        net: Network,
        watch: Watch,
        *,
        curves: Sequence[str],
        settings: Mapping[str, str],
        seed: int,
        epochs: int,
    ) -> None:
        self._checkpoint = checkpoint
        self._saved = saved
        self._net = net
        self._watch = watch
        self._curves = curves
        self._settings = settings
        self._seed = seed
        self.epochs = epochs
        self.ended_before: StopReason | None = None
        self._done = 0
        self._written = time.monotonic()
        if saved:
            self._check(saved)
            self._go_on(saved)

    def _check(self, saved: SavedTraining) -> None:
        path = os.fsdecode(self._checkpoint.path)
        if differing := fingerprint.differences(self._settings, saved.settings):
            raise CheckpointMismatchError.of(
                path,
                f"checkpoint: {path} is of a training with other arguments: {differing}; to start"
                " again, remove the file or name another",
            )
        if self.epochs < saved.epochs:
            raise CheckpointMismatchError.of(
                path,
                f"epochs: got {self.epochs}, expected at least the {saved.epochs} that are done in"
                f" {path}",
            )

    def _go_on(self, saved: SavedTraining) -> None:
        names = {*self._curves, *self._watch.history}
        with self.refusing():
            if saved.history.keys() != names:
                raise DamagedFileError(
                    f"history: got {shown(list(saved.history))}, expected {shown(sorted(names))}"
                )
            try:
                self._watch.resume(saved.history, saved.best)
            except ValueError as error:
                raise DamagedFileError(str(error)) from None
        self._done = saved.epochs
        self.ended_before = "converged" if saved.converged else self._watch.ended_before
        if self.ended_before:
            self.epochs = saved.epochs

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Let a refusal of the block be one of the file, whoever finds what contradicts itself."""
        path = os.fsdecode(self._checkpoint.path)
        with refusing(path, CHECKPOINT.name, path):
            try:
                yield
            except _core.CheckpointError as error:
                raise DamagedFileError(str(error)) from None

    @property
    def resumed(self) -> tuple[Any, tuple[dict[str, list[float]], list[float], Any]] | None:
        """The checkpoint to go on from, as the core takes it."""
        saved = self._saved
        if saved is None:
            return None
        curves = {name: saved.history[name] for name in self._curves}
        return saved.net._core, (curves, saved.numbers.tolist(), saved.vectors)

    @property
    def functions(self) -> tuple[Callable[[bool], bool], Callable[..., None]]:
        """What the core asks, and what it gives a checkpoint to."""
        return self.wants, self.keep

    def wants(self, last_epoch: bool) -> bool:
        """Take note of a finished epoch; whether to write it."""
        self._done += 1
        every, minutes = self._checkpoint.every_epochs, self._checkpoint.every_minutes
        if last_epoch or (every is None and minutes is None):
            return True
        if every is not None and self._done % every == 0:
            return True
        return minutes is not None and time.monotonic() - self._written >= 60 * minutes

    def keep(self, parts: tuple[dict[str, list[float]], Any, Any], converged: bool) -> None:
        """Write the file; `parts` are the curves, the numbers and the vectors of the core."""
        curves, numbers, vectors = parts
        saved = SavedTraining(
            net=self._net,
            seed=self._seed,
            converged=converged,
            settings=self._settings,
            history={name: curves[name] for name in self._curves} | self._watch.history,
            numbers=np.array(numbers, np.float64),
            vectors=vectors,
            best=self._watch.best_state,
        )
        checkpoint_file.write(saved, self._checkpoint.path)
        self._written = time.monotonic()
