"""Atomic files: a file is replaced whole or not at all, and only regular files are opened."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from io import BufferedReader
from typing import BinaryIO, Final

from . import temporary as _temporary
from .errors import UnknownFormatError, refusing

DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def replace(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Write a file; at every moment ``path`` is the whole old file or the whole new one.

    The bytes go to a temporary file in the same directory, reach the disk, and only then take the
    name. If anything fails before that, such as a full disk, the temporary file is removed and the
    old file is untouched. If the process is killed, the next call for this directory removes it.

    Parameters
    ----------
    path : path-like
        A symbolic link is followed: its target is replaced, and the link stays. The new file has
        the permissions of the old one, or those of the umask.
    write : callable
        Writes the content to the open file.

    Raises
    ------
    OSError
        If the file cannot be written, or if ``path`` is write-protected, a directory, a device or
        another thing that is not a regular file. Its ``filename`` is ``path``.
    """
    path = os.fsdecode(path)
    with naming(path):
        target = os.path.realpath(path)
        old_permissions = _permissions_to_keep(target)
        directory = os.path.dirname(target)
        with _closing(os.open(directory, DIRECTORY)) as directory_fd:
            tag = _temporary.tag_of(directory_fd)
            _temporary.sweep(directory, tag)
            # Never more readable than the file it replaces, not even before fchmod.
            mode = 0o666 if old_permissions is None else old_permissions
            temporary, descriptor = _temporary.create(directory, tag, mode)
            try:
                # The lock that keeps other saves from removing it lasts until the file is closed.
                with _closing(descriptor), open(descriptor, "wb", closefd=False) as file:
                    if old_permissions is not None:
                        os.fchmod(descriptor, old_permissions)
                    write(file)
                    file.flush()
                    os.fsync(descriptor)
                    os.replace(temporary, target)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
            _sync_directory(directory_fd)


@contextlib.contextmanager
def opened(path: str, kind: str) -> Iterator[tuple[BufferedReader, int]]:
    """Open a regular file to read; give it and its size in bytes.

    Parameters
    ----------
    path : str
    kind : str
        What is expected: "model" or "checkpoint".

    Raises
    ------
    UnknownFormatError
        It is not a regular file. Every other error of the block gets its path too.
    OSError
        It is missing or cannot be read. Its ``filename`` is ``path``.
    """
    with naming(path), refusing(path, kind, path):
        # Without O_NONBLOCK, opening a named pipe would wait for a writer.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        with _closing(os.open(path, flags)) as descriptor:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UnknownFormatError(f"it is {_kind(status.st_mode)}")
            with open(descriptor, "rb", closefd=False) as file:
                yield file, status.st_size


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Make every OSError of the block name the file as the user did."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, path) from error


def check_writeable(path: str | os.PathLike[str]) -> None:
    """Refuse, before hours of work, a path that `replace` could not write.

    Raises
    ------
    OSError
        The directory is missing or read-only, or the file may not be replaced.
    """
    with naming(os.fsdecode(path)):
        target = os.path.realpath(os.fsdecode(path))
        _permissions_to_keep(target)
        directory = os.path.dirname(target)
        os.close(os.open(directory, DIRECTORY))
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    """Close a descriptor and ignore errors, because everything written is synced already."""
    try:
        yield descriptor
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _permissions_to_keep(target: str) -> int | None:
    """Return the permission bits of the file to replace, None if there is no file.

    The rename alone would override a write protection, so it is checked here.
    """
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"{_kind(mode)}, expected a regular file to replace")
    os.close(os.open(target, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    return mode & 0o777


def _sync_directory(directory_fd: int) -> None:
    """Make the new name outlast a power failure, if the file system supports it."""
    try:
        os.fsync(directory_fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: this file system does not sync directories
            raise OSError(
                error.errno,
                f"{error.strerror}; the new file has replaced the old one, but may not outlast a"
                " power failure",
            ) from error


def _kind(mode: int) -> str:
    """Name the kind of a file that is not a regular one."""
    kinds = {
        stat.S_IFDIR: "a directory",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "a special file")
