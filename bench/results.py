"""Results: performance.json, written after every match, so that runs add up and none is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .machine import describe
from .workloads import WORKLOADS

NAME = "performance.json"


class Store:
    """The results in a folder.

    Parameters
    ----------
    folder : Path
        Made with the first result; results that are there are kept until measured anew.
    complete : bool
        Whether the runs are long enough for a report; a note of it goes with every result.
    """

    def __init__(self, folder: Path, *, complete: bool) -> None:
        self._path = folder / NAME
        self._complete = complete
        self.failed = False  # whether a contestant failed in this run
        self.data: dict[str, Any] = {}
        if self._path.exists():
            self.data = json.loads(self._path.read_text(encoding="utf-8"))

    def add_comparison(self, dtype: str, threads: int, figures: dict[str, Any]) -> None:
        """Keep a match's figures, in the place of older ones of the same workload."""
        section = self.data.setdefault("comparisons", {}).setdefault(f"{dtype} {threads}", {})
        section["dtype"], section["threads"] = dtype, threads
        section["machine"] = describe()
        kept = {match["workload"]["name"]: match for match in section.get("matches", [])}
        kept[figures["workload"]["name"]] = {"complete": self._complete, **figures}
        section["matches"] = [kept[one.name] for one in WORKLOADS if one.name in kept]
        self.failed |= any("failure" in one for one in figures["contestants"].values())
        self._write()

    def set(self, name: str, figures: Any) -> None:
        self.data[name] = {"complete": self._complete, "machine": describe(), "figures": figures}
        self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.data, indent=1, ensure_ascii=False)
        self._path.write_text(text + "\n", encoding="utf-8")
