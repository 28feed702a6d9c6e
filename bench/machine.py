"""Machine: what a result was measured on, and with which versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

DISTRIBUTIONS = (
    "numpy",
    "torch",
    "jax",
    "jaxlib",
    "tensorflow-cpu",
    "tensorflow",
    "scikit-learn",
    "onnxruntime",
)


def describe() -> dict[str, Any]:
    """Return the processor, its caches, the system, and the versions of what is installed."""
    import rosenblatt

    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "caches": caches(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "rosenblatt": rosenblatt.build_info(),
        "versions": {name: found for name in DISTRIBUTIONS if (found := installed(name))},
    }


def processor() -> str:
    """Return the processor's name, and family and model where the name says little."""
    fields: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    name = fields.get("model name", platform.machine())
    if "cpu family" in fields:
        name += f" (family {fields['cpu family']}, model {fields.get('model', '?')})"
    return name


def caches() -> dict[str, str]:
    """Return the size of each cache of the first core, as "L1 data": "32K"."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            level, kind, size = (
                (index / name).read_text(encoding="ascii").strip()
                for name in ("level", "type", "size")
            )
        except OSError:
            continue
        if kind != "Instruction":
            found[f"L{level} {kind.lower()}" if kind == "Data" else f"L{level}"] = size
    return found


def cache_bytes() -> dict[str, int]:
    """Return the bytes of each cache that holds data, as "L1": 32768."""
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return {
        name.split()[0]: int(size[:-1]) * units[size[-1]]
        for name, size in caches().items()
        if size[:-1].isdigit() and size[-1] in units
    }


def installed(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
