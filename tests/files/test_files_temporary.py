"""Temporary files: a save removes those of dead saves, and never one of a save that lives."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

import rosenblatt as rb
from rosenblatt._files import atomic, temporary
from test_files import PRIVATE_MOUNTS, assert_same, example, run

DAY = 24 * 3600


def left(folder: Path) -> list[str]:
    """The temporary files of a folder."""
    return sorted(name for name in os.listdir(folder) if name.startswith(".rosenblatt-"))


# A save that stops before its bytes reach the disk, says so, and goes on after a line.
PAUSED = """
import os, sys
import rosenblatt as rb

def pause(descriptor, fsync=os.fsync):
    os.fsync = fsync
    print("writing", flush=True)
    sys.stdin.readline()
    fsync(descriptor)

os.fsync = pause
net = rb.Network([2, 3, 2], random_state=5)
{save}
print("saved", flush=True)
"""
SAVE = "net.save(sys.argv[1])"
TRAIN = "rb.train(net, [[0, 1]], [[1, 0]], loss='squared_error', epochs=1, checkpoint=sys.argv[1])"


@contextmanager
def paused_save(path: Path, save: str = SAVE) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of a save to `path`; it is killed if it is still there at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", PAUSED.format(save=save), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert line_of(process.stdout) == "writing\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def finish(process: subprocess.Popen[str]) -> str:
    """Let a paused save go on to its end."""
    return process.communicate("go on\n", timeout=60)[0]


# ---- Dead saves ----------------------------------------------------------------------------------


@pytest.mark.parametrize("save", [SAVE, TRAIN], ids=["model", "checkpoint"])
def test_the_next_save_removes_what_a_killed_one_left(save: str, tmp_path: Path) -> None:
    """Another file in the same folder is saved, and nothing else is removed."""
    (tmp_path / ".rosenblatt-notes").write_text("mine")
    for _ in range(2):
        with paused_save(tmp_path / "m", save) as process:
            process.kill()
            process.wait()
    [dead] = left(tmp_path)[:-1]  # the second save has removed the first one's
    assert temporary.NAME.fullmatch(dead)
    assert not (tmp_path / "m").exists()
    example().save(tmp_path / "other")
    assert sorted(os.listdir(tmp_path)) == [".rosenblatt-notes", "other"]


def test_the_next_checkpoint_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    with paused_save(tmp_path / "c", TRAIN) as process:
        process.kill()
        process.wait()
    assert len(left(tmp_path)) == 1
    rb.train(
        example(), [[0, 1]], [[1, 0]], loss="squared_error", epochs=2, checkpoint=tmp_path / "c"
    )
    assert os.listdir(tmp_path) == ["c"]


def test_predictions_of_the_command_line_remove_them_too(tmp_path: Path) -> None:
    with paused_save(tmp_path / "m") as process:
        process.kill()
        process.wait()
    atomic.replace(tmp_path / "predictions.csv", lambda file: file.write(b"y\n1\n"))
    assert os.listdir(tmp_path) == ["predictions.csv"]


FULL = """
import os, subprocess, sys
import rosenblatt as rb

subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", sys.argv[1]], check=True)
os.chdir(sys.argv[1])
net = rb.Network([100, 100], random_state=0)  # a file of 40 kB
child = os.fork()
if child == 0:
    os.fsync = lambda _: os.kill(os.getpid(), 9)
    net.save("m")
os.waitpid(child, 0)
assert len(os.listdir()) == 1, os.listdir()
net.save("m")  # for which there is room once the other is gone
assert os.listdir() == ["m"], os.listdir()
"""


def test_files_of_killed_saves_do_not_fill_the_disk(tmp_path: Path) -> None:
    probe = [*PRIVATE_MOUNTS, "mount", "-t", "tmpfs", "none", str(tmp_path)]
    try:
        subprocess.run(probe, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    run(FULL, tmp_path, prefix=PRIVATE_MOUNTS)


# ---- Live saves ----------------------------------------------------------------------------------


def test_a_save_of_another_process_is_left_alone(tmp_path: Path) -> None:
    with paused_save(tmp_path / "m") as process:
        [alive] = left(tmp_path)
        os.utime(tmp_path / alive, (0, 0))  # however long it takes
        for name in ("m", "other"):
            example().save(tmp_path / name)
        assert left(tmp_path) == [alive]
        assert finish(process) == "saved\n"
    assert sorted(os.listdir(tmp_path)) == ["m", "other"]
    assert_same(rb.load(tmp_path / "m"), rb.Network([2, 3, 2], random_state=5))


def test_a_process_that_is_stopped_is_alive(tmp_path: Path) -> None:
    with paused_save(tmp_path / "m") as process:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        example().save(tmp_path / "other")
        assert len(left(tmp_path)) == 1
        process.send_signal(signal.SIGCONT)
        assert finish(process) == "saved\n"


def test_a_save_of_another_thread_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on, fsync = threading.Event(), threading.Event(), os.fsync

    def pause(descriptor: int) -> None:
        if threading.current_thread() is thread:
            writing.set()
            assert go_on.wait(60)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", pause)
    thread = threading.Thread(target=example().save, args=(tmp_path / "m",))
    thread.start()
    try:
        assert writing.wait(60)
        [alive] = left(tmp_path)
        example(random_state=2).save(tmp_path / "other")
        assert left(tmp_path) == [alive]
    finally:
        go_on.set()
        thread.join(60)
    assert sorted(os.listdir(tmp_path)) == ["m", "other"]
    assert_same(rb.load(tmp_path / "m"), example())


CONCURRENT = """
import os, sys
import rosenblatt as rb

folder, seed, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
net = rb.Network([30, 30], random_state=seed)
for i in range(n):
    net.save(os.path.join(folder, "same" if i % 2 else f"own-{seed}"))
"""


def test_many_saves_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    """A save whose temporary file were removed would end with a FileNotFoundError."""
    processes = [
        subprocess.Popen([sys.executable, "-c", CONCURRENT, str(tmp_path), str(seed), "40"])
        for seed in range(4)
    ]
    assert [process.wait(120) for process in processes] == [0, 0, 0, 0]
    assert sorted(os.listdir(tmp_path)) == [*(f"own-{seed}" for seed in range(4)), "same"]
    for name in os.listdir(tmp_path):
        assert rb.load(tmp_path / name).layers == (30, 30)


# ---- What cannot be known to be dead -------------------------------------------------------------


def tag(folder: Path) -> str:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return temporary.tag_of(descriptor)
    finally:
        os.close(descriptor)


def name_with(some_tag: str) -> str:
    return f".rosenblatt-{some_tag}-0123456789abcdef.tmp"


OTHER_HOST = name_with("01234567")
OLD_STYLE = ".rosenblatt-0123456789abcdef.tmp"


@pytest.mark.parametrize("name", [OTHER_HOST, OLD_STYLE])
@pytest.mark.parametrize(("age", "stays"), [(0, True), (DAY - 60, True), (DAY + 60, False)])
def test_a_file_whose_lock_may_not_be_seen_stays_for_a_day(
    name: str, age: int, stays: bool, tmp_path: Path
) -> None:
    """Of another host or mount, of before the last boot, or of a version without locks."""
    path = tmp_path / name
    path.write_bytes(b"some")
    os.utime(path, (time.time() - age,) * 2)
    example().save(tmp_path / "m")
    assert path.exists() == stays


@pytest.mark.parametrize("name", [OTHER_HOST, OLD_STYLE])
def test_a_lock_that_is_seen_counts_whatever_the_age(name: str, tmp_path: Path) -> None:
    with open(tmp_path / name, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.utime(tmp_path / name, (0, 0))
        example().save(tmp_path / "m")
        assert (tmp_path / name).exists()
    example().save(tmp_path / "m")
    assert not (tmp_path / name).exists()


def test_a_file_of_this_host_without_a_lock_is_dead_at_once(tmp_path: Path) -> None:
    path = tmp_path / name_with(tag(tmp_path))
    path.write_bytes(b"some")
    example().save(tmp_path / "m")
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("m"),
        lambda path: path.symlink_to("nowhere"),
        os.mkfifo,
    ],
    ids=["directory", "link", "broken link", "pipe"],
)
def test_other_things_of_such_a_name_stay(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / name_with(tag(tmp_path))
    make(path)
    for seed in (1, 2):
        example(random_state=seed).save(tmp_path / "m")
    assert len(os.listdir(tmp_path)) == 2
    assert_same(rb.load(tmp_path / "m"), example(random_state=2))


def test_names_that_no_save_gives_stay(tmp_path: Path) -> None:
    here = tag(tmp_path)
    names = [
        f".rosenblatt-{here}.tmp",
        f".rosenblatt-{here}-0123456789abcdef.tmp.bak",
        f"x.rosenblatt-{here}-0123456789abcdef.tmp",
        f".rosenblatt-{here}-0123456789ABCDEF.tmp",
    ]
    for name in names:
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (0, 0))
    example().save(tmp_path / "m")
    assert sorted(os.listdir(tmp_path)) == sorted([*names, "m"])


# ---- Systems without locks, and the moments between ----------------------------------------------


def test_without_locks_a_name_has_no_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that only its age tells that it is dead."""
    seen: list[str] = []
    fsync = os.fsync

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    def watched(descriptor: int) -> None:
        seen.extend(left(tmp_path))
        fsync(descriptor)

    monkeypatch.setattr(fcntl, "flock", no_locks)
    monkeypatch.setattr(os, "fsync", watched)
    example().save(tmp_path / "m")
    assert_same(rb.load(tmp_path / "m"), example())
    found = temporary.NAME.fullmatch(seen[0])
    assert found is not None
    assert found["tag"] is None
    (tmp_path / OLD_STYLE).write_bytes(b"")
    os.utime(tmp_path / OLD_STYLE, (0, 0))
    (tmp_path / name_with(tag(tmp_path))).write_bytes(b"")
    example().save(tmp_path / "m")
    assert sorted(os.listdir(tmp_path)) == [name_with(tag(tmp_path)), "m"]


def test_without_a_boot_id_a_name_has_no_tag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "BOOT", str(tmp_path / "nowhere"))
    path, descriptor = temporary.create(str(tmp_path), tag(tmp_path), 0o600)
    os.close(descriptor)
    assert len(os.path.basename(path)) == len(OLD_STYLE)
    example().save(tmp_path / "m")
    assert len(left(tmp_path)) == 1


def test_a_sweep_between_the_creation_and_the_lock_costs_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is unlocked for a moment; a save of another process may take it for a dead one."""
    flock, here = fcntl.flock, tag(tmp_path)
    swept = []

    def slow(descriptor: int, operation: int) -> None:
        if not swept:
            swept.extend(left(tmp_path))
            monkeypatch.setattr(fcntl, "flock", flock)
            temporary.sweep(str(tmp_path), here)
            assert left(tmp_path) == []
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", slow)
    example().save(tmp_path / "m")
    assert len(swept) == 1
    assert os.listdir(tmp_path) == ["m"]
    assert_same(rb.load(tmp_path / "m"), example())


def test_a_sweep_that_holds_the_lock_costs_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    held: list[IO[bytes]] = []

    def slow(descriptor: int, operation: int) -> None:
        if not held:
            held.append(open(tmp_path / left(tmp_path)[0], "rb"))  # noqa: SIM115
            flock(held[0], operation)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", slow)
    try:
        example().save(tmp_path / "m")
    finally:
        held[0].close()
    assert os.listdir(tmp_path) == ["m"]


def test_a_folder_that_cannot_be_listed_is_saved_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(errno.EACCES, "no listing")

    monkeypatch.setattr(os, "scandir", fail)
    example().save(tmp_path / "m")
    assert_same(rb.load(tmp_path / "m"), example())


def test_the_tag_is_that_of_the_mount(tmp_path: Path) -> None:
    """Another file system has another one, and the same folder always has the same."""
    assert tag(tmp_path) == tag(tmp_path)
    assert len(tag(tmp_path)) == 8
    if os.stat("/proc").st_dev != tmp_path.stat().st_dev:
        assert tag(Path("/proc")) != tag(tmp_path)
