"""A copy of the network in training, so that drawing never waits for a step."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray

from .._network import Network


class ShownNetwork:
    """A copy of a network that several threads can use, one at a time.

    Parameters
    ----------
    net
        The network to copy.
    """

    def __init__(self, net: Network) -> None:
        self._net = net.copy()
        self._net.threads = 1  # batches are small, and training needs the other cores
        self._lock = threading.Lock()
        self.sizes = net.layers

    @contextmanager
    def with_parameters(self, theta: NDArray[Any]) -> Iterator[Network]:
        """Give exclusive access to the network with the parameters `theta` (n_params,)."""
        with self._lock:
            self._net.theta[...] = theta
            yield self._net
