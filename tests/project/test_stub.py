"""The stub of the compiled module is what the module says of itself.

After a change of the bindings, from an environment with the new module:
``pybind11-stubgen rosenblatt._core -o build && cp build/rosenblatt/_core.pyi python/rosenblatt/``
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

STUB = Path(__file__).parents[2] / "python" / "rosenblatt" / "_core.pyi"


def test_the_stub_is_that_of_the_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pybind11_stubgen", "rosenblatt._core", "-o", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    generated = (tmp_path / "rosenblatt" / "_core.pyi").read_text()
    assert STUB.read_text() == generated, "python/rosenblatt/_core.pyi is not up to date"
