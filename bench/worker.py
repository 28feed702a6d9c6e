"""Worker: a process of its own for one entry and one workload, at the match's service.

It is started as ``python -m bench.worker REPLIES`` with the number of a pipe to answer on, and
reads one request per line, all in JSON. What the libraries print goes to standard error.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from .libraries import ENTRIES, Runner, UnsuitableError
from .workloads import Workload

# Where a pass is shorter than this part of the time asked for, several make one measurement.
SHORT_PASS = 0.5


class Bench:
    """A runner on its bench: opened, judged and timed."""

    def __init__(self) -> None:
        self._runner: Runner
        self._steps = 1
        self._pass_seconds = 0.0

    def open(self, name: str, workload: dict[str, Any], threads: int) -> dict[str, Any]:
        """Prepare everything, and learn how long a pass over the samples takes."""
        settings = Workload.from_json(workload)
        self._runner = ENTRIES[name].open_runner(settings, threads)
        self._steps = settings.steps
        self._runner.run(1)  # compiles, allocates, touches
        began = time.perf_counter()
        self._runner.run(1)
        self._pass_seconds = time.perf_counter() - began
        return {"pass_seconds": self._pass_seconds}

    def judge(self, steps: int, path: str) -> dict[str, Any]:
        """Leave what is judged in a file."""
        import numpy as np

        np.save(path, np.asarray(self._runner.result(steps)))
        return {}

    def measure(self, seconds: float) -> dict[str, Any]:
        """Return seconds per step, over passes that take about `seconds`, and how much of them ran.

        `ran` is the processor's time over the time on the clock: with one thread less than 1 where
        others took the core away.
        """
        self._runner.reset()
        if self._pass_seconds < SHORT_PASS * seconds:
            self._runner.run(1)  # fills the caches after the wait
        count = max(1, round(seconds / self._pass_seconds))
        gc.collect()
        gc.disable()
        ran, began = time.process_time(), time.perf_counter()
        self._runner.run(count)
        taken, ran = time.perf_counter() - began, time.process_time() - ran
        gc.enable()
        self._pass_seconds = taken / count
        return {"seconds": taken / (count * self._steps), "ran": ran / taken}

    def memory(self) -> dict[str, Any]:
        """Return the largest resident size so far, in bytes."""
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return {"bytes": int(line.split()[1]) * 1024}
        return {"bytes": None}


def answer(bench: Bench, request: dict[str, Any]) -> dict[str, Any]:
    """Do one request; an error becomes a reply."""
    what = request.pop("do")
    try:
        reply: dict[str, Any] = getattr(bench, what)(**request)
    except UnsuitableError as error:
        return {"unsuitable": str(error)}
    except Exception as error:  # whatever a library throws: the others go on
        traceback.print_exc()
        lines = str(error).strip().splitlines() or [""]
        return {"error": f"{type(error).__name__}: {lines[0][:200]}"}
    return reply


def main() -> None:
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as replies:
        bench = Bench()
        for line in sys.stdin:
            print(json.dumps(answer(bench, json.loads(line))), file=replies, flush=True)


if __name__ == "__main__":
    main()
