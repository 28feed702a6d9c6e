"""Former names of modules, which older pickles refer to."""

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
    """Stand-in for a moved module, which imports the new module on first use."""

    def __getattr__(self, name: str) -> Any:
        package, _, former = self.__name__.rpartition(".")
        return getattr(importlib.import_module(f".{NOW[former]}", package), name)


for each in NOW:
    sys.modules[f"{__package__}.{each}"] = _FormerModule(f"{__package__}.{each}")
