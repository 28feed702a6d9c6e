"""Allocation: a batch loop takes no memory; a call survives its lack, and gives back all of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import rosenblatt as rb
import tolerance

RunPython = Callable[..., Any]

# Stands before the C library: every allocation of the process, on any thread, goes through here.
COUNTER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static atomic_long count;
long allocations(void) { return count; }

/* The k-th allocation from now on that the core or the C++ library asks for fails; 0: none. */
static atomic_long left_to_fail;
void fail_at(long k) { left_to_fail = k; }
long has_failed(void) { return left_to_fail < 0; }

static int fails(void* caller) {
    if (left_to_fail <= 0) return 0;
    Dl_info info;
    if (!dladdr(caller, &info) || info.dli_fname == NULL) return 0;
    const char* file = strrchr(info.dli_fname, '/');
    file = file ? file + 1 : info.dli_fname;
    int counts = !strncmp(file, "_core.", 6) || !strncmp(file, "libstdc++.", 10);
    if (!counts || --left_to_fail > 0) return 0;
    left_to_fail = -1;
    errno = ENOMEM;
    return 1;
}
#define FAIL(result) if (fails(__builtin_return_address(0))) return result;

static _Alignas(64) char early[1 << 16];  /* for dlsym, which may itself allocate */
static atomic_size_t early_used;
static _Thread_local int looking;

static void* take_early(size_t size) {
    size_t at = atomic_fetch_add(&early_used, (size + 63) & ~(size_t)63);
    return at + size <= sizeof early ? early + at : NULL;
}
static int is_early(void* p) { return (char*)p >= early && (char*)p < early + sizeof early; }

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (real == NULL && !looking) { \
        looking = 1; \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name); \
        looking = 0; \
    }

void* malloc(size_t size) {
    REAL(void*, malloc, size_t)
    FAIL(NULL)
    ++count;
    return real ? real(size) : take_early(size);
}
void* calloc(size_t n, size_t size) {
    REAL(void*, calloc, size_t, size_t)
    FAIL(NULL)
    ++count;
    return real ? real(n, size) : take_early(n * size);
}
void* realloc(void* p, size_t size) {
    REAL(void*, realloc, void*, size_t)
    FAIL(NULL)
    ++count;
    if (!is_early(p)) return real(p, size);
    void* moved = malloc(size);
    size_t rest = (size_t)(early + sizeof early - (char*)p);
    return moved ? memcpy(moved, p, size < rest ? size : rest) : NULL;
}
void* aligned_alloc(size_t alignment, size_t size) {
    REAL(void*, aligned_alloc, size_t, size_t)
    FAIL(NULL)
    ++count;
    return real(alignment, size);
}
void* memalign(size_t alignment, size_t size) {
    REAL(void*, memalign, size_t, size_t)
    FAIL(NULL)
    ++count;
    return real(alignment, size);
}
int posix_memalign(void** p, size_t alignment, size_t size) {
    REAL(int, posix_memalign, void**, size_t, size_t)
    FAIL(ENOMEM)
    ++count;
    return real(p, alignment, size);
}
void free(void* p) {
    REAL(void, free, void*)
    if (real && !is_early(p)) real(p);
}
"""

COUNT = """
    import ctypes, json
    import numpy as np
    import rosenblatt as rb

    process = ctypes.CDLL(None)
    process.allocations.restype = ctypes.c_long
    process.malloc.restype = ctypes.c_void_p
    process.free.argtypes = [ctypes.c_void_p]
    X = np.random.default_rng(0).standard_normal((10_000, 784), np.float32)

    def count(call):
        before = process.allocations()
        call()
        return process.allocations() - before

    labels = np.arange(10_000) % 10
    one_hot = np.eye(10, dtype=np.float32)[labels]

    def of_training(epochs, batch_size, y, loss, shuffle, momentum, threads):
        net = rb.Network([784, 128, 10], output="softmax", random_state=0)
        sgd = rb.SGD(0.01, momentum=momentum)
        return count(lambda: rb.train(net, X, y, loss=loss, optimizer=sgd, batch_size=batch_size,
                                      epochs=epochs, shuffle=shuffle, threads=threads))
"""


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled counter."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler called cc")
    if "san.so" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("a sanitizer has its own malloc")
    folder = tmp_path_factory.mktemp("counter")
    (folder / "counter.c").write_text(COUNTER, encoding="utf-8")
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", "counter.so", "counter.c", "-ldl"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "counter.so"


@pytest.fixture(scope="module")
def _quick_enough() -> None:
    """Skip on kernels without the fused multiply-add: an epoch takes them seconds."""
    if rb.build_info()["isa"] == "baseline":
        pytest.skip("an epoch takes seconds with the baseline kernels")


def test_the_counter_counts(run_python: RunPython, counter: Path) -> None:
    """Three calls of malloc are three, a NumPy array is one or more, nothing is about nothing."""
    three, array, nothing = run_python(
        COUNT
        + """
    def three():
        for _ in range(3):
            process.free(process.malloc(100_000))
    count(three)
    print(json.dumps([count(three), count(lambda: np.empty(10**6)), count(lambda: None)]))
    """,
        LD_PRELOAD=str(counter),
    )
    assert 3 <= three < 6
    assert array >= 1
    assert nothing < 3


@pytest.mark.usefixtures("_quick_enough")
@pytest.mark.parametrize(
    "options",
    [
        "y=labels, loss='log_loss', shuffle=True, momentum=0.0, threads=None",
        "y=labels, loss='log_loss', shuffle=True, momentum=0.9, threads=1",
        "y=one_hot, loss='log_loss', shuffle=True, momentum=0.0, threads=2",
        "y=one_hot, loss='squared_error', shuffle=True, momentum=0.9, threads=2",
        "y=labels, loss='log_loss', shuffle=False, momentum=0.0, threads=2",
        "y=one_hot, loss='squared_error', shuffle=False, momentum=0.0, threads=1",
    ],
)
def test_the_batch_loop_allocates_nothing(
    run_python: RunPython, counter: Path, options: str
) -> None:
    """An epoch of 313 batches, and four such epochs, take hardly more than four batches."""
    few_batches, one_epoch, four_epochs = run_python(
        COUNT
        + f"""
    options = dict({options})
    of_training(1, 32, **options)  # the first call starts the threads
    runs = [(1, 2500), (1, 32), (4, 32)]
    print(json.dumps([min(of_training(*run, **options) for _ in range(2)) for run in runs]))
    """,
        LD_PRELOAD=str(counter),
    )
    print(f"allocations: {few_batches} for 4 batches, {one_epoch} for 313, {four_epochs} for 1252")
    assert one_epoch - few_batches <= tolerance.ALLOCATIONS_PER_EPOCH
    assert four_epochs - one_epoch <= 3 * tolerance.ALLOCATIONS_PER_EPOCH


# ---- no memory -----------------------------------------------------------------------------------

SETTING = """
    import ctypes, json, os, pickle, signal, sys, warnings
    import numpy as np
    import rosenblatt as rb
    from rosenblatt.sklearn import MLPClassifier, Perceptron

    process = ctypes.CDLL(None)
    process.fail_at.argtypes = [ctypes.c_long]
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((2000, 64), np.float32), np.arange(2000) % 10
    shape = {"loss": "log_loss", "epochs": 1, "batch_size": 1000}
    net = rb.Network([64, 256, 256, 10], output="softmax", random_state=0)
    net.threads = 4
    pickled = pickle.dumps(net)
    few = [rb.Network([64, 4, 10], output="softmax", random_state=0) for _ in range(2)]
    estimator = MLPClassifier((4,), max_iter=2, random_state=0)
    stream = MLPClassifier((4,)).partial_fit(X[:20], labels[:20], classes=range(10))

    def status_of(k, call):
        "How a child ends whose k-th allocation fails: 0, -signal, or None if it makes fewer."
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            status = 0
            process.fail_at(k)
            try:
                call()
            except MemoryError:
                pass
            except BaseException as error:
                print(k, repr(error), file=sys.stderr, flush=True)
                status = 1
            failed = process.has_failed()
            process.fail_at(0)
            os._exit(status if failed else 2)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return None if status == 2 else status

    def bad_endings(call):
        "The k whose failure is more than a MemoryError, and how many were tried."
        found, k = [], 0
        while True:
            k += 1
            status = status_of(k, call)
            if status is None:
                return found, k - 1
            if status != 0:
                found.append([k, status])
"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("call", "n_objects"),
    [
        ("net.forward(X)", 0),
        ("net.forward(X[0])", 0),
        ("net.gradients(X, labels, loss='log_loss')", 0),
        ("rb.train(net, X, labels, **shape)", 0),
        ("rb.train_many(few, X, labels, threads=2, **shape)", 0),
        ("Perceptron(max_iter=2, tol=None, n_jobs=2).fit(X, labels)", 0),
        ("stream.partial_fit(X[:20], labels[:20])", 0),
        ("rb.Network([64, 8, 10])", 1),
        ("net.copy()", 1),
        ("pickle.loads(pickled)", 1),
        ("estimator.fit(X[:20], labels[:20])", 1),
    ],
)
def test_an_allocation_that_fails_is_a_memory_error_or_fewer_threads(
    run_python: RunPython, counter: Path, call: str, n_objects: int
) -> None:
    """pybind11 itself ends the process where it registers an object: once for each, at most."""
    bad, tried = run_python(
        dedent(SETTING) + f"print(json.dumps(bad_endings(lambda: {call})))",
        LD_PRELOAD=str(counter),
        timeout=300,
    )
    print(f"{tried} allocations failed, one at a time; bad: {bad}")
    assert tried >= 2
    assert len(bad) <= n_objects


# ---- what is taken is given back -----------------------------------------------------------------

REPEATED = """
    import gc, json, os, sys, warnings
    import numpy as np
    import rosenblatt as rb

    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((2000, 8)), rng.standard_normal((2000, 8))
    net = rb.Network([8, 4, 8], dtype="float64", random_state=0)
    how = {"loss": "squared_error", "batch_size": 2000}

    def in_use():
        "Bytes of the process's memory, and how many blocks Python's objects have."
        gc.collect()
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE"), sys.getallocatedblocks()

    def growth(call, n):
        "By how much both grow while the call is repeated n times."
        for _ in range(n // 4):
            call()
        before = in_use()
        for _ in range(n):
            call()
        return [after - was for after, was in zip(in_use(), before)]

    def raising(*_):
        raise ZeroDivisionError

    def failing(call):
        try:
            call()
        except (ZeroDivisionError, FloatingPointError, ValueError):
            pass
"""

# Whatever of 16 kB or more a repetition kept would be 8 MB in the end.
REPETITIONS = 500


@pytest.mark.parametrize(
    "call",
    [
        "rb.train(net, X, Y, epochs=1, shuffle=lambda epoch: rng.permutation(2000), **how)",
        "rb.train(net, X, Y, epochs=1, callback=lambda epoch: None, **how)",
        "rb.train(net, X, Y, epochs=1, validation=(X, Y), **how)",
        "rb.train(net, X, Y, epochs=1, loss=lambda A, Y: (0.0, A - Y))",
        "rb.train_many([net, net.copy()], X, Y, epochs=1, threads=2, **how)",
        "net.gradients(X, Y, loss='squared_error')",
        "(net.forward(X), net.forward(X[0]), net.trace(X), net.jacobian(X))",
        "own.forward(X)",
        "failing(lambda: rb.train(net, X, Y, epochs=1, callback=raising, **how))",
        "failing(lambda: rb.train(net, X, Y * 1e300, epochs=1, **how))",
        "failing(lambda: net.forward(np.full_like(X, np.nan)))",
        "pickle.loads(pickle.dumps(large))",
    ],
)
def test_a_call_gives_back_what_it_takes(run_python: RunPython, call: str) -> None:
    """Neither memory nor Python's objects become more with the number of calls."""
    n_bytes, n_blocks = run_python(
        REPEATED
        + f"""
    import pickle
    own = rb.Network([8, 8], activation=rb.Activation("own", np.tanh, np.cos))
    large = rb.Network([100, 100], random_state=0)
    print(json.dumps(growth(lambda: {call}, {REPETITIONS})))
    """
    )
    assert n_bytes < REPETITIONS * 8192
    assert n_blocks < REPETITIONS
