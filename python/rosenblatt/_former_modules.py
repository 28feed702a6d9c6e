"""Former names of modules, which pickles written before hold."""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

NOW = {
    "_callbacks": "_training.callbacks",
    "_checkpoint": "_files.checkpoint",
    "_learning_rate": "_training.learning_rate",
    "_train_result": "_training.result",
}


class _FormerModule(types.ModuleType):
    """A module that has moved; it imports the new one when it is first asked for a name."""

    def __getattr__(self, name: str) -> Any:
        package, _, former = self.__name__.rpartition(".")
        return getattr(importlib.import_module(f".{NOW[former]}", package), name)


for each in NOW:
    sys.modules[f"{__package__}.{each}"] = _FormerModule(f"{__package__}.{each}")
