"""A second network like the one that learns, so that looking never waits for learning."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray

from .._network import Network


class ShownNetwork:
    """A copy of a network that many threads look through, one at a time.

    Parameters
    ----------
    net
        What it is a copy of.
    """

    def __init__(self, net: Network) -> None:
        self._net = net.copy()
        self._net.threads = 1  # its batches are small, and the one that learns works beside it
        self._lock = threading.Lock()
        self.sizes = net.layers

    @contextmanager
    def having(self, theta: NDArray[Any]) -> Iterator[Network]:
        """Lend the network with the parameters `theta` (n_params,)."""
        with self._lock:
            self._net.theta[...] = theta
            yield self._net
