"""Results: performance.json, written after every match, so that runs add up and none is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .machine import describe
from .workloads import WORKLOADS

NAME = "performance.json"
LONGEST_LINE = 500  # characters: a entry fits on one line


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
        self.failed = False  # whether a entry failed in this run
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
        self.failed |= any("failure" in one for one in figures["entries"].values())
        self._write()

    def set(self, name: str, figures: Any) -> None:
        self.data[name] = {"complete": self._complete, "machine": describe(), "figures": figures}
        self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("".join(lines(rounded(self.data))) + "\n", encoding="utf-8")


def rounded(value: Any) -> Any:
    """Return JSON data with its floats at 6 significant digits, far below their spread."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def lines(value: Any, indent: str = "") -> Iterator[str]:
    """Yield JSON text in which whatever fits on one line is on one line."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= LONGEST_LINE or not isinstance(value, dict | list):
        yield text
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield opening
    items = value.items() if isinstance(value, dict) else (("", each) for each in value)
    for i, (key, each) in enumerate(items):
        yield ("," if i else "") + "\n" + indent + " "
        yield json.dumps(key, ensure_ascii=False) + ": " if isinstance(value, dict) else ""
        yield from lines(each, indent + " ")
    yield "\n" + indent + closing
