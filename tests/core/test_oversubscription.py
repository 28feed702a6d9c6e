"""More threads than cores: training ends, with the same bits, for not much more work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import tolerance

RunPython = Callable[..., Any]

# Keeps a core busy until it is killed, for two minutes at most.
BUSY = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
end = time.monotonic() + 120
print("busy", flush=True)
while time.monotonic() < end:
    pass
"""

# A step of this network is cut into tiles, and the threads meet a dozen times in each. It prints
# how many times as much of the processor's time the threads take as one thread does, by the least
# of some runs, and whether the bits were the same.
TRAIN = """
    import json, os, time
    import numpy as np
    import rosenblatt as rb

    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((2000, 300)).astype("f4"), rng.integers(0, 10, 2000)

    def train(threads):
        net = rb.Network([300, 257, 129, 10], output="softmax", random_state=0)
        began = time.process_time()
        rb.train(net, X, y, loss="log_loss", batch_size=200, epochs=6, threads=threads)
        return time.process_time() - began, net.theta.tobytes()

    def hold_to(cores):  # every thread that there is
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), cores)

    def compare(threads):
        one = [train(1) for _ in range(3)]  # before the pool has any thread
        many = [train(threads) for _ in range(3)]
        factor = min(seconds for seconds, _ in many) / min(seconds for seconds, _ in one)
        bits = {bits for _, bits in [*one, *many, train(None)]}
        return factor, len(bits) == 1
"""


@contextmanager
def busy_loops(cores: list[int], on_each: int) -> Iterator[None]:
    """Keep the cores busy with so many processes on each."""
    processes = []
    try:
        for core in cores * on_each:
            command = [sys.executable, "-c", BUSY, str(core)]
            processes.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == b"busy\n"
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate(timeout=60)


@pytest.mark.parametrize("threads", [2, 7])
def test_beside_busy_loops(run_python: RunPython, threads: int) -> None:
    cores = sorted(os.sched_getaffinity(0))[:2]
    with busy_loops(cores, on_each=3):
        processor, same = run_python(
            TRAIN
            + f"""
    hold_to({set(cores)})
    print(json.dumps(compare({threads})))
    """,
            timeout=300,
        )
    assert same
    assert processor <= tolerance.OVERSUBSCRIBED_PROCESSOR


@pytest.mark.parametrize("when", ["before", "after"])
def test_on_one_core(run_python: RunPython, when: str) -> None:
    """The process is held to one core before its pool has any thread, or after."""
    core = min(os.sched_getaffinity(0))
    processor, same, threads = run_python(
        TRAIN
        + f"""
    if {when == "after"}:
        train(7)
    hold_to({{{core}}})
    print(json.dumps([*compare(7), rb.build_info()["threads"]]))
    """,
        timeout=300,
    )
    assert same
    assert threads == 1
    assert processor <= tolerance.OVERSUBSCRIBED_PROCESSOR
