"""Transaction: a method call that raises leaves the estimator unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._checks.draws import undone_if_raised


class NothingToLearn(Exception):  # noqa: N818 - not an error
    """All samples of a batch have weight 0, so the estimator must not change."""


_running: set[int] = set()  # ids of the estimators in a transaction


@contextmanager
def transaction(estimator: Any) -> Iterator[None]:
    """Restore the attributes of an estimator if the block raises.

    The block may assign attributes and append to lists. The state of random generators is restored
    too, including that of the user's `random_state`. Code that changes anything else in place must
    restore it; the core does so for a network.

    Raises
    ------
    RuntimeError
        The estimator is in another transaction, in another thread or around this call.
    """
    if id(estimator) in _running:
        raise RuntimeError(
            f"{type(estimator).__name__}: it is being trained; wait until the call returns, or use"
            " a copy"
        )
    _running.add(id(estimator))
    try:
        with _restoring(estimator):
            yield
    finally:
        _running.discard(id(estimator))


@contextmanager
def _restoring(estimator: Any) -> Iterator[None]:
    before = dict(vars(estimator))
    lengths = {name: len(value) for name, value in before.items() if isinstance(value, list)}
    try:
        with undone_if_raised(_generators(estimator)):
            yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        for name, length in lengths.items():
            del before[name][length:]
        raise


def _generators(estimator: Any) -> Iterator[np.random.RandomState]:
    current = vars(estimator).get("_random_state")
    if isinstance(current, np.random.RandomState):
        yield current
    parameter = estimator.random_state
    if parameter is None or isinstance(parameter, np.random.RandomState):
        yield check_random_state(parameter)
