"""Saving and opening: a file takes its name whole or not at all, and is opened with distrust."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from functools import partial
from io import BufferedReader

from ._layout import ModelFormatError


def replace(path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview[int]]) -> None:
    """Write a file; at every moment ``path`` is the whole old file or the whole new one.

    The bytes go to a temporary file in the same directory, reach the disk, and only then take the
    name. If anything fails, a full disk included, the temporary file is removed and the old file is
    untouched. A process killed in the middle may leave a ``.rosenblatt-*.tmp`` behind.

    Parameters
    ----------
    path : path-like
        A symbolic link is followed: its target is replaced, the link stays. A replaced file hands
        on its permissions; a new one has those of the umask.
    chunks : iterable of bytes
        The content.

    Raises
    ------
    OSError
        If the file cannot be written, or if ``path`` is write-protected, a directory, a device or
        another thing that is not a regular file.
    """
    path = os.fsdecode(path)
    target = os.path.realpath(path)
    directory = os.path.dirname(target)
    old_permissions = _permissions_to_keep(target)
    temporary = os.path.join(directory, f".rosenblatt-{os.urandom(8).hex()}.tmp")

    directory_fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Never more readable than the file it replaces, not even before fchmod.
        creation_mode = 0o666 if old_permissions is None else old_permissions
        with open(temporary, "xb", opener=partial(os.open, mode=creation_mode)) as file:
            if old_permissions is not None:
                os.fchmod(file.fileno(), old_permissions)
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync_directory(directory_fd)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename is None:  # "No space left": say for what
            error.filename = path
        raise
    finally:
        os.close(directory_fd)


@contextlib.contextmanager
def opened(path: str) -> Iterator[tuple[BufferedReader, int]]:
    """Open a regular file to read; give it and its size in bytes.

    Raises
    ------
    ModelFormatError
        It is no regular file; what the block says of its content is said with its name.
    OSError
        It is missing or cannot be read.
    """
    # Without O_NONBLOCK, opening a named pipe would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ModelFormatError(f"got {_kind(status.st_mode)}, needed a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            yield file, status.st_size
    except ModelFormatError as error:
        raise ModelFormatError(f"{path}: {error}") from None
    finally:
        os.close(descriptor)


def check_writeable(path: str | os.PathLike[str]) -> None:
    """Refuse, before hours of work, a path that `replace` could not write.

    Raises
    ------
    OSError
        The directory is missing or read-only, or the file may not be replaced.
    """
    target = os.path.realpath(os.fsdecode(path))
    _permissions_to_keep(target)
    directory = os.path.dirname(target)
    os.close(os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), directory)


def _permissions_to_keep(target: str) -> int | None:
    """Return the permission bits of the file that is to be replaced, None where there is none.

    The rename alone would override a write protection, so the right to write is asked for here.
    """
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"{_kind(mode)}, needed a regular file to replace", target)
    os.close(os.open(target, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    return mode & 0o777


def _sync_directory(directory_fd: int) -> None:
    """Make the new name outlast a power failure, on the file systems that know how."""
    try:
        os.fsync(directory_fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: this file system does not sync directories
            raise


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
