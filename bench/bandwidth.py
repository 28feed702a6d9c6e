"""Bandwidth: compiles bandwidth.c, and measures how fast a core reads from caches and memory."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from .machine import cache_bytes
from .measure import spread
from .peak import compiled

SOURCE = Path(__file__).with_name("bandwidth.c")

MEMORY_BYTES = 256 << 20  # at least, and four times the largest cache


def blocks(caches: dict[str, int]) -> dict[str, int]:
    """Return the bytes of a block that lies in each cache, and of one that lies in none.

    Half of the first two caches, of which other data want a part; a quarter of the third, which
    other cores use, too.
    """
    parts = {"L1": 2, "L2": 2, "L3": 4}
    found = {level: caches[level] // part for level, part in parts.items() if level in caches}
    return {**found, "memory": max(MEMORY_BYTES, 4 * max(caches.values(), default=0))}


def bandwidths(folder: Path, rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Return for each level its bytes, those of the block and GB/s; nothing without a compiler."""
    program = folder / "bandwidth"
    if not compiled(SOURCE, program, ["-O2", "-march=native"]):
        return {}
    caches = cache_bytes()
    sizes = blocks(caches)
    command = [str(program), str(seconds), *[str(size) for size in sizes.values()]]
    rates = []
    for _ in range(rounds):
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode == 0:
            rates.append(json.loads(run.stdout))
    if not rates:
        return {}
    return {
        level: {
            "cache_bytes": caches.get(level),
            "bytes": size,
            "gb_per_s": spread(values).as_json(),
        }
        for (level, size), values in zip(sizes.items(), zip(*rates, strict=True), strict=True)
    }
