"""The process survives: an exit during a call, threads that cannot start, half-made objects."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import effort
import rosenblatt as rb
from rosenblatt import _core

RunPython = Callable[..., Any]

# ---- exit ----------------------------------------------------------------------------------------

# Forked children end as any script does, in the middle of a call on a daemon thread.
EXIT = """
    import json, os, signal, sys, threading, warnings
    import numpy as np
    import rosenblatt as rb

    rng = np.random.default_rng(0)
    X, Y, labels = rng.random((500, 50)), rng.random((500, 50)), np.arange(500) % 3
    shape = {"loss": "squared_error", "epochs": 1000}
    net = rb.Network([50, 64, 50])
    reached = threading.Event()

    def on_a_daemon_thread(call, moment):
        def work():
            while True:
                if moment == "between calls":
                    reached.set()
                call()
        threading.Thread(target=work, daemon=True).start()
        if not reached.wait(30):
            os._exit(3)

    def note(*_):
        reached.set()
        return False
"""

# What the thread computes, and how the main thread knows that it has begun.
CALLS = {
    "forward": "lambda: net.forward(X), 'between calls'",
    "forward of one sample": "lambda: net.forward(X[0]), 'between calls'",
    "gradients": "lambda: net.gradients(X, Y, loss='squared_error'), 'between calls'",
    "train": "lambda: rb.train(net, X, Y, **shape), 'between calls'",
    "train with a callback": "lambda: rb.train(net, X, Y, callback=note, **shape), 'within'",
    "train_many": "lambda: rb.train_many([net, net.copy()], X, Y, **shape), 'between calls'",
    "train_many with callbacks": (
        "lambda: rb.train_many([net, net.copy()], X, Y, callback=note, **shape), 'within'"
    ),
    "a custom activation": "lambda: own.forward(X), 'between calls'",
    "a custom loss": "lambda: rb.train(net, X, Y, loss=custom_loss, epochs=1000), 'within'",
    "a perceptron": "lambda: perceptron.fit(X, labels), 'between calls'",
    "an estimator": "lambda: estimator.partial_fit(X, labels, classes=range(3)), 'between calls'",
    "a sample of a stream": "lambda: stream.learn_one(dict(enumerate(X[0])), 1), 'between calls'",
}
# The first call of an estimator goes through np.unique, and NumPy 2.4 ends the process with SIGABRT
# if the shutdown begins there. Later calls do not.
NEEDS = {
    "a custom activation": """
    own = rb.Network([50, 64, 50], activation=rb.Activation("own", np.tanh, lambda z: 1 - z * z))
    """,
    "a custom loss": """
    def custom_loss(A, Y):
        note()
        return float(np.mean(A)), np.full_like(A, 1 / A.size)
    """,
    "a perceptron": """
    from rosenblatt.sklearn import Perceptron
    perceptron = Perceptron(max_iter=1000, tol=None, n_jobs=2)
    """,
    "an estimator": """
    from rosenblatt.sklearn import MLPClassifier
    estimator = MLPClassifier().partial_fit(X, labels, classes=range(3))
    """,
    "a sample of a stream": """
    from rosenblatt.river import MLPClassifier
    stream = MLPClassifier()
    stream.learn_one(dict(enumerate(X[0])), 1)
    """,
}


@pytest.mark.parametrize("what", CALLS)
def test_an_exit_while_a_daemon_thread_computes_has_status_0(
    run_python: RunPython, what: str
) -> None:
    """The interpreter ends a thread that takes its lock during the shutdown; ours sleeps."""
    statuses = run_python(
        EXIT
        + NEEDS.get(what, "")
        + f"""
    statuses = []
    for _ in range({effort.cases(4)}):
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            on_a_daemon_thread({CALLS[what]})
            sys.exit()
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps(statuses))
    """,
        timeout=120,
    )
    assert statuses == [0] * len(statuses)


def test_a_computation_during_the_shutdown_is_finished(run_python: RunPython) -> None:
    """The thread that shuts the interpreter down has its lock: garbage may compute at its end."""
    done = run_python(
        """
    import gc, json, os, signal
    import numpy as np
    import rosenblatt as rb

    own = rb.Activation("own", np.tanh, np.cos)
    net = rb.Network([5, 8, 5], activation=own)
    X = np.random.default_rng(0).random((100, 5))
    net.forward(X)  # imports what is imported late

    class Garbage:
        def __init__(self, pipe):
            self.pipe, self.cycle = pipe, self
        def __del__(self):
            os.write(self.pipe, str(net.forward(X).shape).encode())

    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        gc.disable()
        Garbage(write)  # the shutdown collects it
        raise SystemExit
    os.close(write)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps([status, os.read(read, 100).decode()]))
    """
    )
    assert done == [0, "(100, 5)"]


def test_a_network_with_a_custom_activation_may_last_until_the_shutdown(
    run_python: RunPython,
) -> None:
    """Its end takes the lock, which the thread has already."""
    run_python(
        """
    import json
    import numpy as np
    import rosenblatt as rb
    net = rb.Network([2, 2], activation=rb.Activation("own", np.tanh, np.cos))
    net.forward([[1, 2]])
    print(json.dumps(None))
    """
    )


# ---- threads -------------------------------------------------------------------------------------


def test_threads_that_cannot_start_leave_the_work_to_fewer(run_python: RunPython) -> None:
    """The address space has no room for the stack of a thread."""
    same, trained, started = run_python(
        """
    import json, os, resource, sys

    stack = 1 << 30  # of every thread: the C library reads it when a process begins
    if resource.getrlimit(resource.RLIMIT_STACK)[0] != stack:
        resource.setrlimit(resource.RLIMIT_STACK, (stack, resource.RLIM_INFINITY))
        os.execv(sys.executable, sys.orig_argv)

    import numpy as np
    import rosenblatt as rb

    def size():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()

    X = np.random.default_rng(0).standard_normal((2000, 64), np.float32)
    net = rb.Network([64, 512, 512, 10], random_state=0)
    net.threads = 1
    expected = net.forward(X)
    net.threads = 4
    nets = [rb.Network([64, 8, 64], random_state=0) for _ in range(3)]
    def n_threads():
        return len(os.listdir("/proc/self/task"))
    before = n_threads()  # NumPy has some of its own
    resource.setrlimit(resource.RLIMIT_AS, (size() + stack // 2, resource.RLIM_INFINITY))
    A = net.forward(X)
    results = rb.train_many(nets, X, X, loss="squared_error", epochs=1, threads=3)
    print(json.dumps([A.tobytes() == expected.tobytes(), len(results), n_threads() - before]))
    """
    )
    assert same
    assert trained == 3
    assert started == 0, "threads could start: the test shows nothing"


# ---- half-made objects ---------------------------------------------------------------------------

CLASSES = [
    made
    for _, made in inspect.getmembers(_core, inspect.isclass)
    if made.__module__ == _core.__name__ and not issubclass(made, Exception)
]


def test_the_core_has_classes() -> None:
    assert len(CLASSES) == 4


def uses(half_made: Any) -> Iterator[Callable[[], object]]:
    """Everything that can be done with an object: to read, write and call its members."""
    for name, member in inspect.getmembers(type(half_made)):
        if isinstance(member, property):
            yield functools.partial(getattr, half_made, name)
            if member.fset:
                yield functools.partial(setattr, half_made, name, 1)
        elif not name.startswith("_"):
            n = member.__doc__.partition("\n")[0].partition(" -> ")[0].count(": ") - 1
            yield functools.partial(getattr(half_made, name), *[None] * n)


@pytest.mark.parametrize("made", CLASSES)
def test_an_object_whose_init_never_ran_is_refused(made: Any) -> None:
    """pybind11 would read memory that no constructor has written."""
    tried = 0
    for use in uses(made.__new__(made)):
        tried += 1
        with pytest.raises(TypeError, match="__init__ never ran"):
            use()
    assert tried >= 4


@pytest.mark.parametrize("dtype", ["Float32", "Float64"])
def test_it_is_not_an_argument_either(dtype: str) -> None:
    half_made = getattr(_core, "Network" + dtype)
    half_made = half_made.__new__(half_made)
    with pytest.raises(TypeError, match="__init__ never ran"):
        getattr(_core, "Learner" + dtype)(
            half_made, ("squared_error", []), ("sgd", {}, ([], False, None), {}), 1, [], 0
        )


def test_only_what_prepare_gives_is_trained() -> None:
    for given in (None, 1, rb.Network([2, 2]), np.array(0)):
        with pytest.raises(TypeError, match=f"got {type(given)}".replace("[", r"\[")):
            _core.train(given, 1)
