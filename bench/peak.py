"""Peak: compiles peak.c for this machine and measures the rate of fused multiply-adds with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from .measure import held_to

SOURCE = Path(__file__).with_name("peak.c")


class Peak:
    """The measuring program; without a C compiler, or where it fails, the peak is unknown.

    Parameters
    ----------
    folder : Path
        Where to leave the compiled program.
    cores : set of int
        Where it runs: one thread on each of them.
    """

    def __init__(self, folder: Path, cores: set[int]) -> None:
        self._program = folder / "peak"
        self._cores = cores
        self.known = compiled(SOURCE, self._program, ["-O2", "-march=native", "-pthread"]) and bool(
            self.measure(0.01)
        )

    def measure(self, seconds: float) -> dict[str, float]:
        """Return GFLOP/s by "width dtype", as "512 float32"; `seconds` for each of them."""
        command = [str(self._program), str(seconds), str(len(self._cores))]
        with held_to(self._cores):
            run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            return {}
        rates: dict[str, float] = json.loads(run.stdout)
        return rates


def compiled(source: Path, target: Path, options: list[str]) -> bool:
    """Compile a C file for this machine; false where there is no compiler or it refuses."""
    compiler = os.environ.get("CC") or shutil.which("cc")
    if compiler is None:
        return False
    command = [compiler, *options, "-o", str(target), str(source), "-lm"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def best(rates: dict[str, float], dtype: str) -> float | None:
    """Return the peak of the widest or the fastest registers, whichever is more."""
    return max((rate for kind, rate in rates.items() if kind.endswith(dtype)), default=None)
