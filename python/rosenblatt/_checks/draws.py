"""Draws: random generators of the caller, which a call that raises leaves as they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def undone_if_raised(random_states: Iterable[Any]) -> Iterator[None]:
    """Give generators their state back if the block raises.

    Parameters
    ----------
    random_states
        Values of `random_state`; only `numpy.random.Generator` and `RandomState` have a state.
    """
    generators = {
        id(each): each
        for each in random_states
        if isinstance(each, np.random.Generator | np.random.RandomState)
    }.values()
    states = [_state(each) for each in generators]
    try:
        yield
    except BaseException:
        for generator, state in zip(generators, states, strict=True):
            _give_back(generator, state)
        raise


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return generator.bit_generator.state


def _give_back(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.bit_generator.state = state
