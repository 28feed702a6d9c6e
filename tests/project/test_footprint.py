"""Footprint: what `import rosenblatt` brings along: NumPy, no thread, little time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

import tolerance

RunPython = Callable[..., Any]


def test_importing_it_imports_nothing_but_numpy(run_python: RunPython) -> None:
    modules = run_python(
        """
        import json, sys
        import numpy
        before = set(sys.modules)
        import rosenblatt
        print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
        """
    )
    assert set(modules) - sys.stdlib_module_names - {"numpy"} == {"rosenblatt"}


def test_importing_it_starts_no_thread(run_python: RunPython) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("counts the threads in /proc")
    before, imported, made, names = run_python(
        """
        import json, os, threading
        import numpy as np
        threads = lambda: len(os.listdir("/proc/self/task"))
        counts = [threads()]
        import rosenblatt as rb
        counts.append(threads())
        net = rb.Network([3, 4, 2], random_state=0)
        rb.train(net, np.ones((8, 3)), np.ones((8, 2)), loss="squared_error", threads=8)
        counts.append(threads())
        print(json.dumps([*counts, threading.active_count()]))
        """
    )
    assert imported == before
    assert made == before, "a training too small to share has started threads"
    assert names == 1


def test_importing_it_is_quick(run_python: RunPython) -> None:
    """On top of NumPy; the processor's time, and the best of some processes, for others run too."""
    code = """
        import time
        import numpy
        began = time.process_time()
        import rosenblatt
        print(time.process_time() - began)
    """
    seconds = [run_python(code)]
    while min(seconds) > tolerance.IMPORT_SECONDS and len(seconds) < 10:
        seconds.append(run_python(code))
    print(f"seconds: {seconds}")
    assert min(seconds) < tolerance.IMPORT_SECONDS


@pytest.mark.parametrize("module", ["rosenblatt", "rosenblatt.reference", "rosenblatt.datasets"])
def test_importing_it_prints_and_warns_nothing(run_python: RunPython, module: str) -> None:
    output = run_python(
        f"""
        import contextlib, io, json
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
            import {module}
        print(json.dumps(out.getvalue()))
        """,
        "-W",
        "error",
    )
    assert output == ""
