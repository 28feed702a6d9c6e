"""Footprint: what a package takes on disk with its dependencies, and how long its import takes."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    packages_distributions,
)
from pathlib import Path
from typing import Any

from .measure import spread

# The import that a user of each library writes.
IMPORTS = {
    "rosenblatt": "rosenblatt",
    "NumPy": "numpy",
    "PyTorch": "torch",
    "JAX": "jax.numpy",
    "TensorFlow": "tensorflow",
    "scikit-learn": "sklearn.neural_network",
    "ONNX Runtime": "onnxruntime",
}

TIMER = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def footprints(rounds: int) -> dict[str, dict[str, Any]]:
    """Return for every installed library its size in bytes and the seconds of its import.

    A fresh interpreter imports each, in turn, `rounds` times after a first one that is not counted.
    """
    names = {
        label: module for label, module in IMPORTS.items() if import_seconds(module) is not None
    }
    times: dict[str, list[float]] = {label: [] for label in names}
    for _ in range(rounds):
        for label, module in names.items():
            seconds = import_seconds(module)
            if seconds is not None:
                times[label].append(seconds)
    return {
        label: {"import_seconds": spread(times[label]).as_json(), **sizes(module.partition(".")[0])}
        for label, module in names.items()
    }


def import_seconds(module: str) -> float | None:
    """Return the seconds of an import in a fresh interpreter; None where it fails."""
    run = subprocess.run(
        [sys.executable, "-c", TIMER.format(module)], capture_output=True, text=True, check=False
    )
    return float(run.stdout.split()[-1]) if run.returncode == 0 else None


def sizes(module: str) -> dict[str, int]:
    """Return the bytes of a package's wheel, of its files, and of these with all that it needs."""
    names = packages_distributions().get(module, [])
    if not names:
        return {}
    own = distribution(names[0])
    return {
        "wheel_bytes": wheel_size_of(own),
        "bytes_alone": size_of(own),
        "bytes": sum(size_of(part) for part in with_dependencies(own).values()),
    }


def with_dependencies(first: Distribution) -> dict[str, Distribution]:
    """Return a distribution and what it needs, directly or not, of what is installed; no extras."""
    found: dict[str, Distribution] = {}
    waiting = [first]
    while waiting:
        part = waiting.pop()
        name = canonical(part.metadata["Name"])
        if name in found:
            continue
        found[name] = part
        for requirement in part.requires or []:
            needed, _, condition = requirement.partition(";")
            match = re.match(r"[\w.-]+", needed)
            if match is None or "extra" in condition:
                continue
            try:
                waiting.append(distribution(match[0]))
            except PackageNotFoundError:
                continue  # for another system or version of Python
    return found


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def files_of(part: Distribution) -> set[Path]:
    """Return all files that a distribution installed."""
    paths = {Path(str(file.locate())) for file in part.files or []}
    return {path for path in paths if path.is_file()}


def size_of(part: Distribution) -> int:
    """Return the bytes of all files that a distribution installed."""
    return sum(path.stat().st_size for path in files_of(part))


def wheel_size_of(part: Distribution) -> int:
    """Return the bytes of a distribution's files, compressed as in a wheel, without compiled ones.

    A wheel is a zip archive; its directory, some 100 bytes a file, comes on top.
    """
    total = 0
    for path in files_of(part):
        if path.suffix == ".pyc":
            continue
        packer = zlib.compressobj()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total += len(packer.compress(block))
        total += len(packer.flush())
    return total
