"""The options, time limits and skips of conftest.py, tried on a few tests of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

TESTS = Path(__file__).resolve().parents[1]
Outcome = tuple[int, str]
Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs pytest on code, with the project's conftest and settings."""

    def run_pytest(code: str, *options: str, file: str = "test_it.py", ci: str = "") -> Outcome:
        (tmp_path / file).write_text(dedent(code), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider"]
        command += ["-c", str(TESTS.parent / "pyproject.toml"), "--rootdir", str(tmp_path)]
        path = [TESTS, TESTS / "support", os.environ.get("PYTHONPATH", "")]
        done = subprocess.run(
            [*command, "-v", str(tmp_path), *options],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path)), "CI": ci},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run_pytest


CASES = """
    import pytest

    @pytest.mark.parametrize("i", range(10))
    def test_many(i):
        pass

    def test_one():
        pass
"""


def test_thin_keeps_evenly_spaced_cases(run: Run) -> None:
    status, output = run(CASES, "--thin=4")
    assert status == 0
    assert "5 passed, 6 deselected" in output
    for i in (0, 3, 6, 9):
        assert f"test_many[{i}] PASSED" in output


def test_thin_keeps_two_cases_unless_told_otherwise(run: Run) -> None:
    assert "3 passed, 8 deselected" in run(CASES, "--thin")[1]
    assert "2 passed, 9 deselected" in run(CASES, "--thin=1")[1]
    assert "expected a number of cases" in run(CASES, "--thin", "tests")[1]


def test_thin_leaves_slow_files_out(run: Run) -> None:
    assert "11 deselected" in run(CASES, "--thin", file="test_site.py")[1]


SKIP = """
    import pytest

    def test_it():
        pytest.skip({reason!r})
"""


@pytest.mark.parametrize(
    ("ci", "reason", "status"),
    [
        ("", "some reason", 0),
        ("1", "some reason", 1),
        ("1", "no file system can be mounted here", 0),
    ],
)
def test_an_unexpected_skip_fails_in_ci(run: Run, ci: str, reason: str, status: int) -> None:
    got, output = run(SKIP.format(reason=reason), ci=ci)
    assert got == status
    assert reason in output


def test_an_unexpected_skip_of_a_file_fails_in_ci(run: Run) -> None:
    status, output = run("import pytest\npytest.importorskip('no_such_package')", ci="1")
    assert status != 0
    assert "CI does not accept this skip" in output
    assert "no_such_package" in output


def test_a_test_that_waits_for_ever_fails(run: Run) -> None:
    status, output = run(
        """
        import threading, pytest

        @pytest.mark.timeout(0.5)
        def test_it():
            threading.Event().wait()
        """
    )
    assert status == 1
    assert "Timeout (>0.5s)" in output


def test_patience_raises_a_limit(run: Run) -> None:
    status, output = run(
        """
        import time, pytest

        @pytest.mark.timeout(0.01)
        def test_it():
            time.sleep(0.2)
        """,
        "--patience=1000",
    )
    assert status == 0, output


def test_long_draws_more_cases(run: Run) -> None:
    code = """
        from hypothesis import given, settings, strategies as st
        from effort import cases

        seen = []

        @given(st.integers(0, 10**9))
        @settings(max_examples=cases(4))
        def test_it(i):
            seen.append(i)

        def test_the_number():
            print(f"drew {len(seen)} cases")
    """
    assert "drew 4 cases" in run(code, "-s")[1]
    assert "drew 100 cases" in run(code, "-s", "--long")[1]
