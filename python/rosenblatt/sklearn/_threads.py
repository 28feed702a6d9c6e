"""The number of threads of an estimator."""

from __future__ import annotations

from joblib.parallel import get_active_backend


def thread_count(threads: int | None) -> int | None:
    """Return `threads`; if None, 1 inside a joblib worker and None (all) elsewhere.

    joblib usually runs one worker per core, so each worker uses one thread.
    """
    if threads is not None:
        return int(threads)
    backend, _ = get_active_backend()
    return 1 if backend.nesting_level else None
