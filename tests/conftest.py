"""Fixtures: a fresh interpreter for what its own should be spared, the playground, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from playground_page import Client, Page

RunPython = Callable[..., Any]

os.environ["MPLBACKEND"] = "Agg"  # pictures are drawn without a screen

# A job in the background inherits that Ctrl-C is ignored, and so would every process that a test
# starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def run_python(tmp_path: Path) -> RunPython:
    """Return a function that runs code in a new process and returns its last line, from JSON."""

    def run(code: str, *options: str, timeout: float = 60, **environment: str) -> Any:
        done = subprocess.run(
            [sys.executable, *options, "-c", dedent(code)],
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture(params=["default", "dark_background"])
def style(request: pytest.FixtureRequest) -> Iterator[str]:
    """Go through a light and a dark style of matplotlib, in use while the test runs."""
    from matplotlib import pyplot

    with pyplot.style.context(request.param):
        yield request.param


@pytest.fixture(autouse=True)
def _no_picture_is_left() -> Iterator[None]:
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """A playground that is served while the tests run."""
    from rosenblatt.playground.server import PlaygroundServer

    with PlaygroundServer(0) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def client(server: Any) -> Client:
    """Who asks the playground."""
    return Client(server.port)


@pytest.fixture
def page(client: Client) -> Page:
    """A page of the playground that was just opened."""
    return Page(client)
