"""Checkpoints: when a run is saved to a file, and how a later run resumes from it."""

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
    """A file to which a run is saved, so that the same call can resume it.

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
    """Return the run in the file, None if there is no file.

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
    """Resumes the run of a checkpoint, if there is one, and writes the next checkpoints.

    Parameters
    ----------
    checkpoint
        The file, and how often it is written.
    saved
        The run in the file, or None.
    net
        The network that is trained.
    watch
        The monitor of the run: it has the metrics and the best parameters.
    curves
        The names in the history, except the metrics.
    settings, seed
        As `SavedTraining` has them.
    epochs
        Number of epochs requested.

    Attributes
    ----------
    epochs
        Number of epochs of the run.
    ended_before
        Why no epoch follows those of the checkpoint, or None.

    Raises
    ------
    CheckpointMismatchError
        The run in the file has other settings or more epochs.
    DamagedFileError
        Its contents are inconsistent.
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
        """Turn errors of the block about inconsistent contents into errors of the file."""
        path = os.fsdecode(self._checkpoint.path)
        with refusing(path, CHECKPOINT.name, path):
            try:
                yield
            except _core.CheckpointError as error:
                raise DamagedFileError(str(error)) from None

    @property
    def resumed(self) -> tuple[Any, tuple[dict[str, list[float]], list[float], Any]] | None:
        """The checkpoint to resume from, in the form that the core accepts."""
        saved = self._saved
        if saved is None:
            return None
        curves = {name: saved.history[name] for name in self._curves}
        return saved.net._core, (curves, saved.numbers.tolist(), saved.vectors)

    @property
    def functions(self) -> tuple[Callable[[bool], bool], Callable[..., None]]:
        """The functions that the core calls: is one due, and write it."""
        return self.wants, self.keep

    def wants(self, last_epoch: bool) -> bool:
        """Record a finished epoch and return whether to write a checkpoint."""
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
