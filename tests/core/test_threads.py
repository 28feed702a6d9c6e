"""Threads: their number changes no bit, Python's own run on meanwhile, and a fork loses nothing."""

from __future__ import annotations

import pickle
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
import tolerance

RunPython = Callable[..., Any]

# Large enough that a step is cut into tiles; the widths are multiples of no register.
LAYERS = [300, 257, 129, 10]
BATCH = 200


def data(n: int, n_features: int, n_outputs: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, n_features)), rng.integers(0, n_outputs, n)


@dataclass(frozen=True)
class Work:
    """Something to compute that is worth several threads."""

    layers: list[int]
    batch_size: int
    n: int
    momentum: float = 0.0

    def bits(self, dtype: str, threads: int | None) -> list[bytes]:
        net = rb.Network(self.layers, output="softmax", dtype=dtype, random_state=0)
        net.threads = threads
        X, y = data(self.n, self.layers[0], self.layers[-1])
        done = rb.train(
            net,
            X,
            y,
            loss="log_loss",
            optimizer=rb.SGD(0.01, momentum=self.momentum),
            batch_size=self.batch_size,
            epochs=2,
            validation=(X, y),
            threads=threads,
        )
        gradients, trace = net.gradients(X, y, loss="log_loss"), net.trace(X)
        arrays = [net.theta, net.forward(X), gradients.grad, gradients.dX]
        arrays += [*trace.Z, *trace.A, *gradients.delta]
        arrays.append(np.array([*done.loss_curve, *done.validation_curve, gradients.cost]))
        return [array.tobytes() for array in arrays]


WORK = {
    "some of everything": Work(LAYERS, batch_size=BATCH, n=450),
    "with momentum": Work(LAYERS, batch_size=BATCH, n=450, momentum=0.9),
    "interleaved sums": Work([1500, 10], batch_size=1000, n=1700),
    "narrow, wide, narrow": Work([10, 1500, 3], batch_size=999, n=1000, momentum=0.9),
    "many weights, few samples": Work([2000, 2001, 10], batch_size=4, n=9),
    "many weights with momentum": Work([2000, 2001, 10], batch_size=4, n=9, momentum=0.9),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_their_number_changes_no_bit(work: Work, dtype: str) -> None:
    one = work.bits(dtype, threads=1)
    for threads in (3, None):
        assert work.bits(dtype, threads) == one


def test_a_network_carries_its_own_number() -> None:
    net = rb.Network([3, 2])
    assert net.threads is None
    net.threads = 3
    assert net.threads == 3
    assert net.copy().threads == 3
    for bad in (0, -1, 2.0, "2", True):
        with pytest.raises((ValueError, TypeError), match="threads"):
            net.threads = bad
    assert net.threads == 3


def test_networks_trained_side_by_side_do_not_meddle() -> None:
    """Four Python threads share one pool, whose workers are often busy with another network."""

    def run(seed: int) -> bytes:
        net = rb.Network(LAYERS, output="softmax", random_state=seed)
        X, y = data(2 * BATCH, LAYERS[0], LAYERS[-1])
        rb.train(net, X, y, loss="log_loss", batch_size=BATCH, epochs=3, threads=1 + seed % 3)
        return net.theta.tobytes()

    alone = [run(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(8))) == alone


def test_a_network_can_be_read_by_several_threads() -> None:
    net = rb.Network(LAYERS, random_state=0)
    X, _ = data(BATCH, LAYERS[0], 2)
    expected = net.forward(X).tobytes()
    with ThreadPoolExecutor(4) as pool:
        assert {A.tobytes() for A in pool.map(net.forward, [X] * 20)} == {expected}


# ---- a network that is being trained ---------------------------------------------------------

SMALL_X, SMALL_Y = np.ones((4, 3)), np.zeros((4, 2))

USES: dict[str, Callable[[rb.Network, Path], object]] = {
    "forward": lambda net, _: net.forward(SMALL_X),
    "trace": lambda net, _: net.trace(SMALL_X),
    "gradients": lambda net, _: net.gradients(SMALL_X, SMALL_Y, loss="squared_error"),
    "train": lambda net, _: rb.train(net, SMALL_X, SMALL_Y, loss="squared_error"),
    "copy": lambda net, _: net.copy(),
    "pickle": lambda net, _: pickle.dumps(net),
    "save": lambda net, folder: net.save(folder / "net.safetensors"),
}


def trained(epochs: int) -> rb.Network:
    net = rb.Network([3, 4, 2], activation="tanh", random_state=0)
    rb.train(net, SMALL_X, SMALL_Y, loss="squared_error", epochs=epochs)
    return net


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_other_threads_cannot_use_a_network_during_training(
    use: Callable[[rb.Network, Path], object], tmp_path: Path
) -> None:
    """The training stands still in its callback while this thread tries."""
    net = rb.Network([3, 4, 2], activation="tanh", random_state=0)
    in_callback, go_on = threading.Event(), threading.Event()

    def wait(epoch: rb.Epoch) -> None:
        if epoch.epoch == 1:
            in_callback.set()
            go_on.wait(30)

    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(
            rb.train, net, SMALL_X, SMALL_Y, loss="squared_error", epochs=4, callback=wait
        )
        try:
            assert in_callback.wait(30)
            with pytest.raises(RuntimeError, match="train"):
                use(net, tmp_path)
        finally:
            go_on.set()
        assert training.result(60).epochs == 4
    assert net.theta.tobytes() == trained(4).theta.tobytes()
    use(net, tmp_path)  # and afterwards anybody may
    assert not list(tmp_path.glob("*.tmp"))


def test_also_in_the_middle_of_a_batch() -> None:
    """As above, with the training in the compiled loop: it never stands still."""
    net = rb.Network([3, 4, 2], activation="tanh", random_state=0)
    running, stop, refusals = threading.Event(), threading.Event(), 0

    def watch(_: rb.Epoch) -> bool:
        running.set()
        return stop.is_set()

    X, Y = np.tile(SMALL_X, (5000, 1)), np.tile(SMALL_Y, (5000, 1))
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(
            rb.train, net, X, Y, loss="squared_error", batch_size=4, epochs=10**6, callback=watch
        )
        try:
            assert running.wait(30)
            for _ in range(200):
                with pytest.raises(RuntimeError, match="train"):
                    net.forward(SMALL_X)
                refusals += 1
        finally:
            stop.set()
        done = training.result(60)
    assert refusals == 200
    other = rb.Network([3, 4, 2], activation="tanh", random_state=0)
    rb.train(other, X, Y, loss="squared_error", batch_size=4, epochs=done.epochs)
    assert net.theta.tobytes() == other.theta.tobytes()


# ---- Python's lock ---------------------------------------------------------------------------

LONG_CALLS: dict[str, Callable[[rb.Network, np.ndarray, np.ndarray], object]] = {
    "forward": lambda net, X, _: net.forward(X),
    "trace": lambda net, X, _: net.trace(X),
    "gradients": lambda net, X, Y: net.gradients(X, Y, loss="squared_error"),
    "train": lambda net, X, Y: rb.train(net, X, Y, loss="squared_error", batch_size=64, epochs=1),
}


@pytest.mark.parametrize("call", LONG_CALLS.values(), ids=LONG_CALLS)
def test_other_python_threads_run_on(call: Callable[..., object]) -> None:
    """A thread that sleeps a millisecond at a time wakes many times in the course of a long call.

    Time is that of the processor which computes: it stands still while the machine is busy.
    """
    net = rb.Network([200, 300, 10], activation="relu", random_state=0)
    net.threads = 1

    def seconds(n: int) -> float:
        X, Y = np.zeros((n, 200), np.float32), np.zeros((n, 10), np.float32)
        began = time.thread_time()
        call(net, X, Y)
        return time.thread_time() - began

    n = 2000
    while (duration := seconds(n)) < 0.05:
        n *= 2
    n = int(n * 0.3 / duration) + 1
    X, Y = np.zeros((n, 200), np.float32), np.zeros((n, 10), np.float32)

    wakings: list[float] = []
    ended = threading.Event()
    clock = time.pthread_getcpuclockid(threading.get_ident())

    def wake() -> None:
        while not ended.is_set():
            wakings.append(time.clock_gettime(clock))
            time.sleep(0.001)

    thread = threading.Thread(target=wake)
    thread.start()
    began = time.thread_time()
    call(net, X, Y)
    over = time.thread_time()
    ended.set()
    thread.join(60)
    during = [t for t in wakings if began < t < over]
    assert len(during) >= 10, f"{len(during)} wakings in {over - began:.2f} s"
    assert statistics.median(np.diff(during)) < tolerance.WAKING_SECONDS


# ---- fork ------------------------------------------------------------------------------------

# In a process of its own, for Python 3.12 and later warn of forking one with threads.
FORK = """
    import json, multiprocessing, os, signal, sys, threading, warnings
    import numpy as np
    import rosenblatt as rb

    warnings.simplefilter("ignore")
    signal.alarm(50)  # a child that hangs would outlive the test
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 300)).astype("f4"), rng.integers(0, 10, 200)

    def run(_=None):
        net = rb.Network([300, 257, 129, 10], output="softmax", random_state=0)
        rb.train(net, X, y, loss="log_loss", batch_size=200, epochs=3, threads=3)
        return net.theta.tobytes()

    def in_child(work):
        child = os.fork()
        if child == 0:
            signal.alarm(40)
            os._exit(0 if work() else 1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    before = run()
"""


def test_a_forked_child_trains_and_the_parent_goes_on(run_python: RunPython) -> None:
    outcome = run_python(
        FORK
        + """
    grandchild = lambda: run() == before and in_child(lambda: run() == before) == 0
    children = [in_child(lambda: run() == before), in_child(grandchild)]
    print(json.dumps([children, run() == before]))
    """
    )
    assert outcome == [[0, 0], True]


def test_a_fork_in_a_callback(run_python: RunPython) -> None:
    """Both go on training where they are."""
    outcome = run_python(
        FORK
        + """
    child = None
    def callback(epoch):
        global child
        if epoch.epoch == 1:
            child = os.fork()
            if child == 0:
                signal.alarm(40)
    net = rb.Network([300, 257, 129, 10], output="softmax", random_state=0)
    rb.train(net, X, y, loss="log_loss", batch_size=200, epochs=3, threads=3, callback=callback)
    same = net.theta.tobytes() == before and run() == before
    if child == 0:
        os._exit(0 if same else 1)
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), same]))
    """
    )
    assert outcome == [0, True]


def test_a_pool_of_forked_processes(run_python: RunPython) -> None:
    outcome = run_python(
        FORK
        + """
    with multiprocessing.get_context("fork").Pool(2) as pool:
        same = [theta == before for theta in pool.map(run, range(4))]
    print(json.dumps([*same, run() == before]))
    """
    )
    assert outcome == [True] * 5


def test_a_fork_in_the_middle_of_a_training(run_python: RunPython) -> None:
    """The child has the pool's memory but none of its threads, nor the one that was training."""
    outcome = run_python(
        FORK
        + """
    busy = rb.Network([300, 257, 129, 10], output="softmax", random_state=0)
    running, stop, epochs = threading.Event(), threading.Event(), []
    def watch(epoch):
        epochs.append(epoch.epoch)
        running.set()
        return stop.is_set()
    thread = threading.Thread(target=lambda: rb.train(
        busy, X, y, loss="log_loss", batch_size=200, epochs=10**6, threads=3, callback=watch))
    thread.start()
    running.wait(30)
    children = [in_child(lambda: run() == before) for _ in range(5)]
    stop.set()
    thread.join(30)
    again = rb.Network([300, 257, 129, 10], output="softmax", random_state=0)
    rb.train(again, X, y, loss="log_loss", batch_size=200, epochs=len(epochs), threads=1)
    print(json.dumps([children, busy.theta.tobytes() == again.theta.tobytes(), run() == before]))
    """
    )
    assert outcome == [[0] * 5, True, True]
