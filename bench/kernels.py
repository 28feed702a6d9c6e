"""Kernels: one product or function at a time, beside the FMA peak, NumPy's BLAS and the C library.

The measuring happens in a process of its own, held to one core before NumPy counts the cores:
``python -m bench.kernels ROUNDS SECONDS QUICK`` prints the figures as JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .match import ROOT, Player, Rules, environment
from .measure import cores_for, spread
from .peak import Peak, best, compiled
from .rivals import OWN
from .workloads import WORKLOADS, Array

# Rows, inputs, outputs: one sample, batches, large ones; square, wide, narrow; with and without remainders.
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

# Where the functions are evaluated, uniformly: what pre-activations look like, and log's own domain.
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
    run = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(Player(OWN, WORKLOADS[0]), rules),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, rules.cores),
    )
    figures: dict[str, Any] = json.loads(run.stdout)
    for row in figures["products"]:
        say("  " + product_line(row))
    for row in figures["functions"]:
        say("  " + function_line(row))
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
            repeats = range(counts[name])
            began = time.perf_counter()
            for _ in repeats:
                call()
            times[name].append((time.perf_counter() - began) / len(repeats))
    return times


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
    """Measure the forward pass of one layer, and its training step, beside the bare products."""
    import rosenblatt as rb

    rows = []
    for dtype in DTYPES:
        for n, n_in, n_out in shapes:
            rng = np.random.default_rng(3)
            X = rng.standard_normal((n, n_in)).astype(dtype)
            Y = rng.standard_normal((n, n_out)).astype(dtype)
            Z, dW = np.empty_like(Y), np.empty((n_in, n_out), dtype)
            net = rb.Network([n_in, n_out], dtype=dtype, random_state=0)
            net.threads = 1
            W = np.ascontiguousarray(net.W[0].T)
            sgd = rb.SGD(1e-6)
            # Enough epochs for the call itself to be a small part: 100 µs or more.
            epochs = max(1, round(1e-4 * 1e11 / (4 * n * n_in * n_out)))
            calls: dict[str, Call] = {
                "forward": lambda net=net, X=X: net.forward(X),
                "step": lambda net=net, X=X, Y=Y, sgd=sgd, n=n, epochs=epochs: rb.train(
                    net,
                    X,
                    Y,
                    loss="squared_error",
                    optimizer=sgd,
                    batch_size=n,
                    epochs=epochs,
                    shuffle=False,
                    threads=1,
                ),
                "BLAS forward": lambda X=X, W=W, Z=Z: np.dot(X, W, out=Z),
                "BLAS gradient": lambda X=X, Y=Y, dW=dW: np.dot(X.T, Y, out=dW),
            }
            times = in_turn(calls, rounds, seconds)
            limit = best(peak.measure(0.02), dtype) if peak.known else None
            gflop_forward = 2e-9 * n * n_in * n_out
            both = [a + b for a, b in zip(times["BLAS forward"], times["BLAS gradient"], strict=True)]
            step = [one / epochs for one in times["step"]]
            for what, own, blas, gflop in (
                ("forward", times["forward"], times["BLAS forward"], gflop_forward),
                ("step", step, both, 2 * gflop_forward),
            ):
                seconds_own = spread(own)
                rows.append(
                    {
                        "what": what,
                        "dtype": dtype,
                        "shape": [n, n_in, n_out],
                        "seconds": seconds_own.as_json(),
                        "gflops": gflop / seconds_own.median,
                        "share": gflop / seconds_own.median / limit if limit else None,
                        "blas_gflops": gflop / spread(blas).median,
                    }
                )
    return rows


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
                "rosenblatt": lambda name=name, x=x: _core.evaluate(name, x),
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
        return lambda: function(x, out=out)

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
    return lambda: function(*arguments)


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
        }
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), bool(int(sys.argv[3])))
