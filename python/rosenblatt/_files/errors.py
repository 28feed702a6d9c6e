"""File errors: one exception class per kind of failure, each with the path of the file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import ClassVar, Self


class ModelFormatError(ValueError):
    """A file is refused; the message names the file and gives the reason.

    Every kind of failure is a class of its own, derived from this one.

    Attributes
    ----------
    path : str or None
        The file; None if a pickle had the bytes.
    """

    __module__ = "rosenblatt"
    verdict: ClassVar[str] = "is not a sound rosenblatt {kind}"
    path: str | None = None


class UnknownFormatError(ModelFormatError):
    """The file is not a rosenblatt model, or not a checkpoint if one is expected."""

    __module__ = "rosenblatt"
    verdict = "is not a rosenblatt {kind}"


class DamagedFileError(ModelFormatError):
    """The file is a model or a checkpoint, but its content is not what was saved."""

    __module__ = "rosenblatt"
    verdict = "is damaged"


class UnsupportedVersionError(ModelFormatError):
    """The file is intact, but a newer rosenblatt wrote it."""

    __module__ = "rosenblatt"
    verdict = "has an unsupported version"


class UnknownActivationError(ModelFormatError):
    """The network has a custom activation that was not passed to `load`."""

    __module__ = "rosenblatt"
    verdict = "has an unknown activation"


class CheckpointMismatchError(ValueError):
    """The checkpoint is intact, but the arguments of this run do not continue it.

    Attributes
    ----------
    path : str
        The file.
    """

    __module__ = "rosenblatt"
    path: str | None = None

    @classmethod
    def of(cls, path: str, message: str) -> Self:
        """Return an error with the path of the file."""
        error = cls(message)
        error.path = path
        return error


@contextlib.contextmanager
def refusing(subject: str, kind: str, path: str | None) -> Iterator[None]:
    """Make every error of the block begin with the file and the verdict."""
    try:
        yield
    except ModelFormatError as error:
        error.args = (f"{subject} {error.verdict.format(kind=kind)}: {error}",)
        error.path = path
        raise
