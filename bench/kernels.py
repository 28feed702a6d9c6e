"""Kernels: one product or function at a time, beside the FMA peak, NumPy's BLAS and the C library.

The measuring happens in a process of its own, held to one core before NumPy counts the cores:
``python -m bench.kernels ROUNDS SECONDS QUICK`` prints the figures as JSON.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .bandwidth import bandwidths
from .judge import UNIT_ROUNDOFF
from .libraries import OWN
from .match import ROOT, Player, Rules, environment
from .measure import ATTEMPTS, UNDISTURBED, cores_for, held_to, spread
from .peak import Peak, best, compiled
from .workloads import WORKLOADS, Array

# Rows, inputs, outputs: one sample, batches, large ones; square, wide, narrow; with remainders.
PRODUCTS = (
    (1, 32, 32),
    (1, 784, 128),
    (1, 10000, 1),
    (4, 2, 8),
    (8, 512, 512),
    (32, 64, 64),
    (32, 784, 128),
    (128, 512, 10),
    (128, 784, 512),
    (256, 256, 256),
    (257, 255, 253),
    (512, 1000, 64),
    (512, 1000, 2),
    (1024, 1024, 1024),
    (1024, 4096, 1000),
    (10000, 784, 512),
)
DTYPES = ("float32", "float64")
LONGEST_EPOCH = 2e10  # multiply-adds of the steps that are timed: tenths of a second

# Where the functions are evaluated, uniformly: as pre-activations are, and log in its own domain.
FUNCTIONS = {
    "exp": (-10.0, 0.0),
    "logistic": (-8.0, 8.0),
    "tanh": (-4.0, 4.0),
    "log": (1.0, 1000.0),
    "log1p": (0.0, 1.0),
}
NUMBERS = 8192  # 32 or 64 kB, in and out: the first or second level of cache

Call = Callable[[], Any]


def measure_kernels(
    rounds: int, seconds: float, quick: bool, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure in a process of its own, and return the figures."""
    rules = Rules(rounds, seconds, frozenset(cores_for(1)))
    command = [sys.executable, "-m", "bench.kernels", str(rounds), str(seconds), str(int(quick))]
    # The environment is that of any worker with one thread.
    with held_to(set(rules.cores)):
        run = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(Player(OWN, WORKLOADS[0]), rules),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    figures: dict[str, Any] = json.loads(run.stdout)
    for row in figures["products"]:
        say("  " + product_line(row))
    for row in figures["functions"]:
        say("  " + function_line(row))
    for level, one in figures["bandwidths"].items():
        say(f"  read from {level:<7}{one['gb_per_s']['median']:9.1f} GB/s")
    return figures


def product_line(row: dict[str, Any]) -> str:
    shape = " × ".join(str(size) for size in row["shape"])
    share = f"{row['share']:7.1%} of the peak" if row["share"] is not None else ""
    return (
        f"{row['what']:<8} {row['dtype']}  {shape:<20}{row['gflops']:9.2f} GFLOP/s{share}"
        f"   NumPy's BLAS {row['blas_gflops']:9.2f}"
    )


def function_line(row: dict[str, Any]) -> str:
    times = ", ".join(f"{who} {1e9 * one['median']:.2f} ns" for who, one in row["seconds"].items())
    return f"{row['what']:<8} {row['dtype']}  {times}"


def in_turn(calls: dict[str, Call], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Return the seconds of one call of each, for every round."""
    counts = {name: calibrated(call, seconds) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(timed(call, counts[name]))
    return times


def timed(call: Call, count: int) -> float:
    """Return the seconds of a call, of the least disturbed of some attempts."""
    best_ran, best_taken = -1.0, 0.0
    for _ in range(ATTEMPTS):
        ran, began = time.process_time(), time.perf_counter()
        for _ in range(count):
            call()
        taken = time.perf_counter() - began
        ran = (time.process_time() - ran) / taken
        if ran > best_ran:
            best_ran, best_taken = ran, taken
        if ran >= UNDISTURBED:
            break
    return best_taken / count


def calibrated(call: Call, seconds: float) -> int:
    """Return how many calls take about `seconds`, after a first one for caches and buffers."""
    call()
    count = 1
    while True:
        began = time.perf_counter()
        for _ in range(count):
            call()
        taken = time.perf_counter() - began
        if taken > seconds / 4:
            return max(1, round(count * seconds / taken))
        count *= 4


def products(rounds: int, seconds: float, peak: Peak, shapes: Any) -> list[dict[str, Any]]:
    """Measure one layer's forward pass and training step, in both types and all shapes."""
    return [
        row
        for dtype in DTYPES
        for shape in shapes
        for row in products_of(shape, dtype, rounds, seconds, peak=peak)
    ]


def products_of(
    shape: tuple[int, int, int], dtype: str, rounds: int, seconds: float, *, peak: Peak
) -> list[dict[str, Any]]:
    """Measure the forward pass of one layer, and its training step, beside the bare products."""
    import rosenblatt as rb

    n, n_in, n_out = shape
    rng = np.random.default_rng(3)
    X = rng.standard_normal((n, n_in)).astype(dtype)
    Y = rng.standard_normal((n, n_out)).astype(dtype)
    Z, dW = np.empty_like(Y), np.empty((n_in, n_out), dtype)
    net = rb.Network([n_in, n_out], dtype=dtype, random_state=0)
    net.threads = 1
    W = np.ascontiguousarray(net.W[0].T)
    check_layer(net, X, Y)
    # Many equal batches for an epoch's own work, which passes over all weights, to be a small part,
    # and enough epochs for the call itself to be one: some 100 µs at 100 GFLOP/s.
    multiply_adds = 2 * n * n_in * n_out
    steps = int(min(64, max(1, LONGEST_EPOCH / multiply_adds)))
    epochs = max(1, round(1e-4 * 1e11 / (2 * multiply_adds * steps)))
    batches = np.tile(X, (steps, 1)), np.tile(Y, (steps, 1))
    train = partial(train_plainly, net, *batches, batch_size=n)
    calls: dict[str, Call] = {
        "forward": partial(net.forward, X),
        "step": partial(train, learning_rate=1e-6, epochs=epochs),
        "BLAS forward": partial(np.dot, X, W, out=Z),
        "BLAS gradient": partial(np.dot, X.T, Y, out=dW),
    }
    times = in_turn(calls, rounds, seconds)
    peaks = [best(peak.measure(0.02), dtype) or 0.0 for _ in range(3)] if peak.known else []
    limit = spread(peaks).median if peaks else None
    gflop = 2e-9 * n * n_in * n_out
    # What has to be read or written at least: X, W, Z; in a step X again, Delta, and W both ways.
    once = X.size + W.size + Z.size
    both = [a + b for a, b in zip(times["BLAS forward"], times["BLAS gradient"], strict=True)]
    step_times = [one / (epochs * steps) for one in times["step"]]
    return [
        {
            "what": what,
            "dtype": dtype,
            "shape": list(shape),
            "seconds": spread(own).as_json(),
            "gflops": work / spread(own).median,
            "peak": limit,
            "bytes": once * X.itemsize,
            "multiply_adds_per_byte": 0.5e9 * work / (numbers * X.itemsize),
            "share": work / spread(own).median / limit if limit else None,
            "blas_gflops": work / spread(blas).median,
        }
        for what, own, blas, work, numbers in (
            ("forward", times["forward"], times["BLAS forward"], gflop, once),
            ("step", step_times, both, 2 * gflop, 2 * once + W.size),
        )
    ]


def train_plainly(
    net: Any, X: Array, Y: Array, *, batch_size: int, learning_rate: float, epochs: int
) -> None:
    """Train with the rows in their order."""
    import rosenblatt as rb

    rb.train(
        net,
        X,
        Y,
        loss="squared_error",
        optimizer=rb.SGD(learning_rate),
        batch_size=batch_size,
        epochs=epochs,
        shuffle=False,
        threads=1,
    )


def check_layer(net: Any, X: Array, Y: Array) -> None:
    """Compare the outputs, and W after one step, with float64.

    A sum of k products is off by at most k u times the sum of their sizes, to first order.

    Raises
    ------
    AssertionError
        One number is further off than that.
    """
    u, rate = UNIT_ROUNDOFF[str(X.dtype)] + UNIT_ROUNDOFF["float64"], 0.01
    wide_X, wide_Y, W = X.astype(float), Y.astype(float), net.W[0].T.astype(float)
    Z = wide_X @ W
    size_Z = np.abs(wide_X) @ np.abs(W)
    assert np.all(np.abs(net.forward(X) - Z) <= (len(W) + 1) * u * size_Z), "outputs are wrong"
    trained = net.copy()
    train_plainly(trained, X, Y, batch_size=len(X), learning_rate=rate, epochs=1)
    moved = W - rate * (wide_X.T @ (Z - wide_Y)) / len(X)
    size_dW = np.abs(wide_X).T @ (size_Z + np.abs(wide_Y)) / len(X)
    allowed = u * np.abs(moved) + rate * (len(W) + len(X) + 3) * u * size_dW
    assert np.all(np.abs(trained.W[0].T - moved) <= allowed), "the step is wrong"


def functions(rounds: int, seconds: float, folder: Path) -> list[dict[str, Any]]:
    """Measure the activation functions: ours, NumPy's, and the C library's called in a loop."""
    from rosenblatt import _core

    library = c_library(folder)
    rows = []
    for dtype in DTYPES:
        for name, (low, high) in FUNCTIONS.items():
            x = np.random.default_rng(4).uniform(low, high, NUMBERS).astype(dtype)
            out = np.empty_like(x)
            calls: dict[str, Call] = {
                "rosenblatt": partial(_core.evaluate, name, x),
                "NumPy": numpy_call(name, x, out),
            }
            if library is not None:
                calls["C library"] = c_call(library, f"{name}_{dtype}", x, out)
            for who, call in calls.items():
                check_function(who, name, x, call, out)
            times = in_turn(calls, rounds, seconds)
            rows.append(
                {
                    "what": name,
                    "dtype": dtype,
                    "range": [low, high],
                    "seconds": {
                        who: spread([one / NUMBERS for one in values]).as_json()
                        for who, values in times.items()
                    },
                }
            )
    return rows


def numpy_call(name: str, x: Array, out: Array) -> Call:
    """Return a call that leaves NumPy's result in `out`."""
    if name != "logistic":
        function = getattr(np, name)
        return partial(function, x, out=out)

    def logistic() -> None:
        np.negative(x, out=out)
        np.exp(out, out=out)
        np.add(out, 1, out=out)
        np.reciprocal(out, out=out)

    return logistic


def c_library(folder: Path) -> ctypes.CDLL | None:
    """Return libm.c, compiled with scalar calls; None without a compiler."""
    path = folder / "libm.so"
    options = ["-O2", "-fno-tree-vectorize", "-shared", "-fPIC"]
    if not compiled(Path(__file__).with_name("libm.c"), path, options):
        return None
    return ctypes.CDLL(str(path))


def c_call(library: ctypes.CDLL, name: str, x: Array, out: Array) -> Call:
    """Return a call that leaves the C library's result in `out`."""
    function = library[name]
    function.restype = None
    arguments = (
        ctypes.c_void_p(x.ctypes.data),
        ctypes.c_void_p(out.ctypes.data),
        ctypes.c_size_t(x.size),
    )
    return partial(function, *arguments)


def check_function(who: str, name: str, x: Array, call: Call, out: Array) -> None:
    """Compare a result with the function in float64.

    Raises
    ------
    AssertionError
        It is further off than 8 units in the last place, twice what any of these functions states,
        or than 1e-12 where float64 is compared with itself.
    """
    wide = x.astype(np.float64)
    expected = 1 / (1 + np.exp(-wide)) if name == "logistic" else getattr(np, name)(wide)
    result = call()
    found = out if result is None or result is out else result
    allowed = 1e-12 if x.dtype == np.float64 else 8 * 2.0**-24
    error = float(np.max(np.abs(found - expected) / np.maximum(np.abs(expected), 1e-3)))
    assert error <= allowed, f"{who}'s {name} is off by {error:.2g}, relative"


def main(rounds: int, seconds: float, quick: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = {
            "rounds": rounds,
            "products": products(
                rounds, seconds, Peak(folder, cores_for(1)), PRODUCTS[:7] if quick else PRODUCTS
            ),
            "functions": functions(rounds, seconds, folder),
            "bandwidths": bandwidths(folder, rounds, seconds),
        }
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), bool(int(sys.argv[3])))
