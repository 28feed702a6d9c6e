"""Temporary files of saves: each is locked while its save lives, so that dead ones can be removed.

The kernel drops a lock when its process ends, however it ends. docs/model-files.md has the rules.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from typing import Final

from .._core import crc32c

NAME: Final = re.compile(r"\.rosenblatt-(?:(?P<tag>[0-9a-f]{8})-)?[0-9a-f]{16}\.tmp")
BOOT: Final = "/proc/sys/kernel/random/boot_id"  # a text that no two running kernels share
ABANDONED_AFTER: Final = 24 * 3600  # seconds since a file changed whose lock may not be seen here
LOCK: Final = fcntl.LOCK_EX | fcntl.LOCK_NB


def tag_of(directory_fd: int) -> str:
    """Return what tells this kernel and this mount from others, empty if that is unknown.

    Two mounts of one network folder need not see each other's locks, even on one host.
    """
    try:
        with open(BOOT, "rb") as file:
            boot = file.read()
    except OSError:
        return ""
    return f"{crc32c(boot + b' %d' % os.fstat(directory_fd).st_dev):08x}"


def create(directory: str, tag: str, mode: int) -> tuple[str, int]:
    """Create a file that no sweep removes while its descriptor is open.

    Parameters
    ----------
    directory, tag
        Where, and `tag_of` that directory.
    mode
        The permissions.

    Returns
    -------
    tuple of str and int
        The path, and a descriptor to write to.

    Raises
    ------
    OSError
        The file cannot be created.
    """
    while True:
        prefix = f"{tag}-" if tag else ""
        path = os.path.join(directory, f".rosenblatt-{prefix}{os.urandom(8).hex()}.tmp")
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        if not tag:
            return path, file
        try:
            fcntl.flock(file, LOCK)
            if os.fstat(file).st_nlink > 0:
                return path, file
        except BlockingIOError:
            pass  # a sweep was faster than the lock, and removes the file
        except OSError:
            tag = ""  # a file system without locks: only its age tells that a file is dead
        os.close(file)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def sweep(directory: str, tag: str) -> None:
    """Remove the temporary files of dead saves; leave all that cannot be known to be dead."""
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            found = entry.name.startswith(".") and NAME.fullmatch(entry.name)
            if found and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    _remove_if_dead(entry.path, sees_lock=bool(tag) and found["tag"] == tag)


def _remove_if_dead(path: str, *, sees_lock: bool) -> None:
    """Remove the file unless its save lives.

    `sees_lock` says that the file was locked through this kernel and this mount, so that a lock
    would be seen here. Otherwise the file must also have been unchanged for a day.
    """
    file = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not sees_lock and time.time() - os.fstat(file).st_mtime < ABANDONED_AFTER:
            return
        try:
            fcntl.flock(file, LOCK)
        except BlockingIOError:
            return
        except OSError:  # a file system without locks
            if sees_lock:
                return
        os.unlink(path)
    finally:
        os.close(file)
