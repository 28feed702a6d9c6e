"""The command `rosenblatt playground`: says where it listens, ends with Ctrl-C, words trouble."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from playground_page import Client, Page
from rosenblatt import playground
from rosenblatt._cli.main import main


def read_line(process: subprocess.Popen[str], seconds: float = 30) -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], seconds)[0], "it said nothing"
    return process.stdout.readline()


def test_it_serves_until_ctrl_c() -> None:
    command = [sys.executable, "-W", "error", "-m", "rosenblatt", "playground", "--port", "0"]
    with subprocess.Popen(
        [*command, "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = read_line(process)
            found = re.fullmatch(
                r"the playground is at http://127\.0\.0\.1:(\d+)/ \(press Ctrl-C to stop it\)\n",
                line,
            )
            assert found, line
            page = Page(Client(int(found[1])))
            page.post("run", {"epochs_per_second": None})
            page.await_epoch(1)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, "")
    assert out.strip() == "the playground has stopped"
    assert time.monotonic() - began < 10


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["playground", "--port", str(port), "--no-browser"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"rosenblatt: error: port {port} is in use, perhaps by another playground: "
        "choose another port with --port, or --port 0 for any free port\n"
    )


@pytest.mark.parametrize("port", ["65536", "-1", "x", "1e3", ""])
def test_a_port_that_is_none(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["playground", f"--port={port}", "--no-browser"]) == 2
    assert "argument --port: got" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"port": -1}, ValueError, "port: got -1, expected an integer 0 … 65535"),
        ({"port": "80"}, TypeError, "port: got '80'"),
        ({"port": 0, "open_browser": 1}, TypeError, "open_browser: got 1"),
    ],
)
def test_arguments_of_serve(arguments: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        playground.serve(**arguments)


def test_it_opens_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_page(url: str) -> None:
        opened.append(url)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("webbrowser.open", open_page)
    said: list[str] = []
    playground.serve(ready=said.append)
    assert opened == said
    assert said[0].startswith("http://127.0.0.1:")
