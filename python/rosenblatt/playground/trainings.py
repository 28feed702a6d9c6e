"""The training runs of all open pages, whose number is limited."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from typing import Final

from .refused import RefusedError
from .settings import Settings
from .training import ENDED, Training

MOST_TRAININGS: Final = 8


class Trainings:
    """Training runs by the id of their page."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_id: OrderedDict[str, Training] = OrderedDict()  # least recently viewed first

    def begin(self, settings: Settings) -> str:
        """Start a run and return its id.

        Beyond the limit, the least recently viewed run is closed.
        """
        training, page_id = Training(settings), secrets.token_hex(16)
        dropped = []
        with self._lock:
            self._by_id[page_id] = training
            while len(self._by_id) > MOST_TRAININGS:
                dropped.append(self._by_id.popitem(last=False)[1])
        for each in dropped:
            each.close()
        return page_id

    def of(self, page_id: str) -> Training:
        """Return the training run of a page and mark it as just viewed.

        Raises
        ------
        RefusedError
            The run does not exist, or has ended.
        """
        with self._lock:
            if page_id not in self._by_id:
                raise RefusedError(404, ENDED)
            self._by_id.move_to_end(page_id)
            return self._by_id[page_id]

    def count(self) -> int:
        """Return the number of training runs."""
        with self._lock:
            return len(self._by_id)

    def close(self) -> None:
        """End all training runs."""
        with self._lock:
            trainings = list(self._by_id.values())
            self._by_id.clear()
        for each in trainings:
            each.close()
