"""Threads: how many an estimator uses, beside others that run at the same time."""

from __future__ import annotations

from joblib.parallel import get_active_backend


def thread_count(threads: int | None) -> int | None:
    """Return `threads`; where None was given, 1 inside a worker of joblib, else None for all.

    joblib runs as many workers as there are cores, so each of them has one thread for itself.
    """
    if threads is not None:
        return int(threads)
    backend, _ = get_active_backend()
    return 1 if backend.nesting_level else None
