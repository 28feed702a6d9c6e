"""Floating-point modes: whatever another library set, the bits are the specified ones."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb

RunPython = Callable[..., Any]

# Of x86's control register MXCSR: results that are subnormal become 0, operands that are subnormal
# count as 0, and two of its rounding modes.
FLUSH_TO_ZERO = 1 << 15
SUBNORMALS_ARE_ZERO = 1 << 6
ROUND_UP = 2 << 13
ROUND_TO_ZERO = 3 << 13

MODES = {
    "flush to zero": FLUSH_TO_ZERO,
    "subnormals are zero": SUBNORMALS_ARE_ZERO,
    "as left by -ffast-math": FLUSH_TO_ZERO | SUBNORMALS_ARE_ZERO,
    "round up": ROUND_UP,
    "round to zero": ROUND_TO_ZERO,
    "everything": FLUSH_TO_ZERO | SUBNORMALS_ARE_ZERO | ROUND_TO_ZERO,
}

MXCSR_IN_FENV = 28  # the register's place in glibc's fenv_t on x86-64, behind that of the x87
FENV_BYTES = 32

x86_glibc = pytest.mark.skipif(
    platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc",
    reason="sets the mode through glibc's fenv_t of x86-64",
)


def control_register() -> int:
    """The modes of the calling thread, without the sticky flags."""
    fenv = (ctypes.c_char * FENV_BYTES)()
    ctypes.CDLL("libm.so.6").fegetenv(fenv)
    return int.from_bytes(fenv[MXCSR_IN_FENV:FENV_BYTES], "little") & ~0x3F


def set_control_register(modes: int) -> None:
    libm, fenv = ctypes.CDLL("libm.so.6"), (ctypes.c_char * FENV_BYTES)()
    libm.fegetenv(fenv)
    fenv[MXCSR_IN_FENV:FENV_BYTES] = modes.to_bytes(4, "little")
    libm.fesetenv(fenv)


@contextmanager
def mode(bits: int) -> Iterator[None]:
    before = control_register()
    set_control_register(before | bits)
    try:
        yield
    finally:
        set_control_register(before)


TINY = {"float32": 2.0**-70, "float64": 2.0**-520}  # their squares are subnormal
dtypes = pytest.mark.parametrize("dtype", TINY)


@dataclass(frozen=True)
class Problem:
    """A network and data so small that z, the gradients and the steps are subnormal numbers."""

    net: rb.Network
    X: np.ndarray  # (64, 40)
    Y: np.ndarray  # (64, 3)


def problem(dtype: str) -> Problem:
    rng = np.random.default_rng(0)
    X, Y = ((rng.standard_normal((64, n)) * TINY[dtype]).astype(dtype) for n in (40, 3))
    without_biases: Any = {"dtype": dtype, "biases": "zeros", "random_state": 0}
    net = rb.Network([40, 30, 3], activation="tanh", **without_biases)
    net.theta[:] *= TINY[dtype]
    return Problem(net, X, Y)


def bits_of_everything(problem: Problem) -> list[bytes]:
    net, X, Y = problem.net.copy(), problem.X, problem.Y
    gradients, trace = net.gradients(X, Y, loss="squared_error"), net.trace(X)
    arrays = [net.forward(X), *trace.Z, *trace.A, gradients.grad, gradients.dX, *gradients.delta]
    done = rb.train(net, X, Y, loss="squared_error", batch_size=7, epochs=2)
    zero: Any = {"biases": "zeros", "random_state": 1}
    other = rb.Network(net.layers, output="softmax", dtype=net.dtype.name, **zero)
    arrays.append(other.theta.copy())  # the initial weights
    rb.train(other, X, np.arange(64) % 3, loss="log_loss", batch_size=7, epochs=2)
    arrays += [net.theta, other.theta, np.array([gradients.cost, *done.loss_curve])]
    return [array.tobytes() for array in arrays]


@dtypes
def test_the_computation_is_full_of_subnormal_numbers(dtype: str) -> None:
    """Without them the other tests would see no difference."""
    small = problem(dtype)
    gradients = small.net.gradients(small.X, small.Y, loss="squared_error")
    for array in (small.net.trace(small.X).Z[0], gradients.delta[0]):
        subnormal = (array != 0) & (np.abs(array) < np.finfo(dtype).smallest_normal)
        assert np.mean(subnormal) > 0.5


@x86_glibc
def test_the_modes_are_set() -> None:
    """And are seen by NumPy."""
    small, one, little = np.full(9, 2.0**-1050), np.ones(9), np.full(9, 2.0**-60)
    with mode(FLUSH_TO_ZERO | SUBNORMALS_ARE_ZERO):
        flushed = small * one
    with mode(ROUND_UP):
        up = one + little
    assert not flushed.any()
    assert np.all(up > 1)
    assert np.all(small * one == small)
    assert np.all(one + little == 1)


@x86_glibc
@dtypes
@pytest.mark.parametrize("bits", MODES.values(), ids=MODES)
def test_no_mode_changes_a_bit(bits: int, dtype: str) -> None:
    """And the caller's own mode is given back."""
    small = problem(dtype)
    expected = bits_of_everything(small)
    with mode(bits):
        set_to = control_register()
        got = bits_of_everything(small)
        left = control_register()
    assert got == expected
    assert left == set_to


@x86_glibc
@pytest.mark.parametrize("bits", MODES.values(), ids=MODES)
def test_it_does_not_change_the_conversion_to_float32(bits: int) -> None:
    """Float64 data are rounded to nearest, and to subnormal numbers where they are so small."""
    net = rb.Network([1, 1], output="identity", random_state=0)
    net.W[0] = [[1]]
    X = np.array([[1e-40], [-1e-40], [1 / 3], [-1 / 3], [2 / 3], [1e-30 / 3]])
    Y = np.zeros((6, 1))
    expected = (
        net.forward(X).tobytes(),
        net.gradients(X, Y + X, loss="squared_error").grad.tobytes(),
    )
    with mode(bits):
        got = net.forward(X).tobytes(), net.gradients(X, Y + X, loss="squared_error").grad.tobytes()
    assert got == expected


@x86_glibc
def test_a_mode_comes_back_after_an_error() -> None:
    net = rb.Network([2, 2], random_state=0)
    with mode(FLUSH_TO_ZERO):
        before = control_register()
        with pytest.raises(FloatingPointError):
            rb.train(
                net, [[1, 1]], [[1, 1]], loss="squared_error", optimizer=rb.SGD(1e38), epochs=9
            )
        with pytest.raises(ValueError, match="X"):
            net.forward([[np.nan, 1]])
        assert control_register() == before


@x86_glibc
def test_a_callback_runs_and_the_mode_comes_back() -> None:
    net, seen = rb.Network([2, 2], random_state=0), []
    with mode(FLUSH_TO_ZERO):
        before = control_register()
        rb.train(net, [[1, 1]], [[1, 1]], loss="squared_error", epochs=2, callback=seen.append)
        assert control_register() == before
    assert len(seen) == 2


# The pool's threads take over the mode of the thread that starts them.
WORKERS = """
    import ctypes, json
    import numpy as np
    import rosenblatt as rb

    rng = np.random.default_rng(0)
    tiny = 2.0**-70
    X, Y = ((rng.standard_normal(shape) * tiny).astype("f4") for shape in ((2000, 300), (2000, 20)))
    net = rb.Network([300, 200, 20], activation="tanh", random_state=0)
    net.theta[:] *= np.float32(tiny)

    def set_modes(bits):
        libm, fenv = ctypes.CDLL("libm.so.6"), (ctypes.c_char * 32)()
        libm.fegetenv(fenv)
        other_bits = int.from_bytes(fenv[28:32], "little") & 0x1FBF
        fenv[28:32] = (other_bits | bits).to_bytes(4, "little")
        libm.fesetenv(fenv)

    set_modes(FLUSH)
    rb.train(net, X, Y, loss="squared_error", batch_size=500, epochs=2, threads=THREADS)
    gradients = net.gradients(X, Y, loss="squared_error")
    set_modes(0)
    print(json.dumps([net.theta.tobytes().hex(), gradients.dX.tobytes().hex()]))
"""


@x86_glibc
def test_workers_started_in_another_mode_do_not_either(run_python: RunPython) -> None:
    usual = run_python(WORKERS.replace("FLUSH", "0").replace("THREADS", "1"))
    flushing = run_python(WORKERS.replace("FLUSH", "0x8040").replace("THREADS", "4"))
    assert usual == flushing


def test_importing_leaves_numpys_arithmetic_alone(run_python: RunPython) -> None:
    """A library linked with -ffast-math would make subnormal numbers 0 in the whole process."""
    kept = run_python(
        """
        import json, threading, warnings
        import numpy as np
        import rosenblatt as rb

        kept = []
        def check():
            for dtype in (np.float32, np.float64):
                finfo = np.finfo(dtype)
                small = np.full(33, finfo.smallest_normal, dtype)
                kept.append(bool(np.all(small / dtype(4) > 0)))
                kept.append(bool(finfo.smallest_subnormal > 0))
                kept.append(float(dtype(1) + finfo.eps / dtype(4)) == 1.0)
        warnings.simplefilter("error")
        check()
        net = rb.Network([300, 200, 10], random_state=0)
        rb.train(net, np.ones((1000, 300)), np.ones((1000, 10)), loss="squared_error", epochs=1)
        check()
        thread = threading.Thread(target=check)
        thread.start()
        thread.join(60)
        print(json.dumps(kept))
        """
    )
    assert len(kept) == 18
    assert all(kept)
