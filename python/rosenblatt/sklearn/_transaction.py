"""Transaction: a call of an estimator that raises leaves the estimator as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._checks.draws import undone_if_raised


class PassedOver(Exception):  # noqa: N818 - a batch that is passed over is not an error
    """All samples of a batch weigh nothing, so that nothing is to change."""


_running: set[int] = set()  # the ids of the estimators that are in a transaction


@contextmanager
def transaction(estimator: Any) -> Iterator[None]:
    """Give an estimator its attributes back if the block raises.

    Attributes may be assigned, and lists may gain items. Random generators, also the one that the
    estimator was given, get their state back. Everything else that the block changes in place is
    restored by whoever changes it; the core does so for a network.

    Raises
    ------
    RuntimeError
        The estimator is in a transaction, of another thread or of a call whose callback this is.
    """
    if id(estimator) in _running:
        raise RuntimeError(
            f"{type(estimator).__name__}: it is being trained; wait until the call returns, or work"
            " on a copy"
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
    drawn_from = vars(estimator).get("_random_state")
    if isinstance(drawn_from, np.random.RandomState):
        yield drawn_from
    given = estimator.random_state
    if given is None or isinstance(given, np.random.RandomState):
        yield check_random_state(given)
