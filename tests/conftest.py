"""How the tests run: options, time limits, skips; and the fixtures that several files use."""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import hypothesis
import pytest

import effort
import selection
from playground_page import Client, Page

RunPython = Callable[..., Any]

os.environ["MPLBACKEND"] = "Agg"  # pictures are drawn without a screen

# A job in the background inherits that Ctrl-C is ignored, and so would every process that a test
# starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# ---- options -------------------------------------------------------------------------------------


def cases_of_each(word: str) -> int:
    """Return the K of --thin=K."""
    if not word.isdecimal() or int(word) == 0:
        raise argparse.ArgumentTypeError(
            f"got {word!r}, expected a number of cases; before a path, write --thin=4"
        )
    return int(word)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("rosenblatt")
    group.addoption(
        "--thin",
        metavar="K",
        type=cases_of_each,
        nargs="?",
        const=2,
        help="run at most K cases of each test function (default: 2), and no slow test",
    )
    group.addoption(
        "--long",
        action="store_true",
        help=f"draw {effort.LONG} times as many random cases, fuzzed files and kills",
    )
    group.addoption(
        "--patience",
        metavar="FACTOR",
        type=float,
        default=1.0,
        help="multiply every time limit, for a slow machine or a sanitizer",
    )


def pytest_configure(config: pytest.Config) -> None:
    effort.set_effort(long=config.getoption("--long"), patience=config.getoption("--patience"))
    hypothesis.settings.register_profile(
        "rosenblatt",
        max_examples=effort.cases(100),
        deadline=None,
        derandomize=selection.IN_CI,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("rosenblatt")
    config.pluginmanager.register(Watchdog())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if k := config.getoption("--thin"):
        kept = selection.thin(items, k)
        config.hook.pytest_deselected(items=list(set(items) - set(kept)))
        items[:] = kept
    default = float(config.getini("timeout"))
    for item in items if effort.seconds(1) != 1 else ():
        limit = item.get_closest_marker("timeout")
        args, kwargs = (limit.args, limit.kwargs) if limit else ((), {})
        scaled = effort.seconds(args[0] if args else default)
        item.add_marker(pytest.mark.timeout(scaled, **kwargs), append=False)


# ---- time limits ---------------------------------------------------------------------------------

GRACE = 60  # seconds


class Watchdog:
    """Ends the process, with a traceback of every thread, GRACE seconds after a limit or later.

    It is for what pytest-timeout cannot end: a C++ loop that never looks for signals, or a thread
    of a failed test that never returns. To wind it up for every test would cost a millisecond each.
    """

    def __init__(self) -> None:
        self._stderr = os.dup(2)  # not the one that pytest captures
        self._end = 0.0

    def allow(self, limit: float) -> None:
        """Do not end the process within `limit` seconds from now."""
        now = time.monotonic()
        if self._end < now + limit:
            self._end = now + limit + GRACE
            faulthandler.dump_traceback_later(limit + GRACE, exit=True, file=self._stderr)

    def pytest_timeout_set_timer(self, settings: Any) -> None:
        self.allow(settings.timeout)

    def pytest_exception_interact(self) -> None:
        self._end = 0.0  # pytest has just cancelled it

    def pytest_unconfigure(self) -> None:
        faulthandler.dump_traceback_later(GRACE, exit=True, file=self._stderr)


# ---- skips ---------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    selection.fail_if_unexpected(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    selection.fail_if_unexpected(report)
    return report


# ---- fixtures ------------------------------------------------------------------------------------


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
            timeout=effort.seconds(timeout),
            check=False,
        )
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture
def file_rights_apply() -> Iterator[None]:
    """Take away root's capability to ignore the rights of files, from this thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # the version of the layout; this thread
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 bits
    assert libc.capget(header, sets) == 0
    before = sets[0]
    sets[0] = before & ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    assert libc.capset(header, sets) == 0
    yield
    sets[0] = before
    assert libc.capset(header, sets) == 0


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
        thread.join(60)


@pytest.fixture
def client(server: Any) -> Client:
    """Who asks the playground."""
    return Client(server.port)


@pytest.fixture
def page(client: Client) -> Page:
    """A page of the playground that was just opened."""
    return Page(client)
