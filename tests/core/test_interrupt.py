"""Interruptions: Ctrl-C, signals and callbacks end a training, or see it, between two steps."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Callable
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
import tolerance
from ctrl_c import CTRL_C

RunPython = Callable[..., Any]

# ---- Ctrl-C ----------------------------------------------------------------------------------

STEP = (
    CTRL_C
    + """
    def step(net, X, Y, i, size):
        "The i-th step of a training that does not shuffle."
        first = i * size % len(X)
        rb.train(net, X[first : first + size], Y[first : first + size], loss=loss, optimizer=sgd,
                 batch_size=size, epochs=1, shuffle=False)
"""
)


def check_and_show(seconds: float | list[float]) -> None:
    print(f"processor seconds from Ctrl-C to KeyboardInterrupt: {seconds}")
    assert np.max(seconds) < tolerance.INTERRUPT_SECONDS


@pytest.mark.parametrize("threads", [None, 1])
def test_ctrl_c_in_a_large_training(run_python: RunPython, threads: int | None) -> None:
    """Steps of some milliseconds: the weights are those after k of them, done once more."""
    seconds, steps = run_python(
        STEP
        + f"""
    loss, sgd, size = "log_loss", rb.SGD(0.01), 128
    X, Y = rng.standard_normal((1280, 784)).astype("f4"), rng.integers(0, 10, 1280)
    net = rb.Network([784, 512, 512, 10], output="softmax", random_state=0)
    again = net.copy()
    began = time.process_time()
    step(net.copy(), X, Y, 0, size)
    a_few_steps = 3.5 * (time.process_time() - began)
    seconds = seconds_to_stop(max(0.2, a_few_steps), lambda: rb.train(
        net, X, Y, loss=loss, optimizer=sgd, batch_size=size, epochs=10**6, shuffle=False,
        threads={threads}), threads={threads})
    steps = 0
    while again.theta.tobytes() != net.theta.tobytes() and steps < 2000:
        step(again, X, Y, steps, size)
        steps += 1
    print(json.dumps([seconds, steps]))
    """
    )
    check_and_show(seconds)
    assert 0 < steps < 2000, "the weights are not those after any of the first 2000 steps"


def test_ctrl_c_in_a_tiny_training(run_python: RunPython) -> None:
    """Steps of 0.2 µs; the last bias falls in every one, so it tells about how many.

    The rate is so small that millions of steps do not bring the output to its target.
    """
    seconds, steps, found = run_python(
        STEP
        + """
    loss, sgd, chunk = "squared_error", rb.SGD(1e-7), 1000
    n = 1000 * chunk
    X = rng.standard_normal((n, 2)).astype("f4")
    Y = np.column_stack([rng.standard_normal(n), np.full(n, -1000)]).astype("f4")
    net = rb.Network([2, 3, 2], activation="tanh", random_state=0)
    again = net.copy()
    seconds = seconds_to_stop(0.2, lambda: rb.train(
        net, X, Y, loss=loss, optimizer=sgd, batch_size=1, epochs=100, shuffle=False))
    steps = 0
    while again.b[1][1] > net.b[1][1]:
        last, last_steps = again.copy(), steps
        first = steps % n
        rb.train(again, X[first : first + chunk], Y[first : first + chunk], loss=loss,
                 optimizer=sgd, batch_size=1, epochs=1, shuffle=False)
        steps += chunk
    found = False
    for steps in range(last_steps, last_steps + chunk + 1):
        found = last.theta.tobytes() == net.theta.tobytes()
        if found:
            break
        step(last, X, Y, steps, 1)
    print(json.dumps([seconds, steps, found]))
    """
    )
    check_and_show(seconds)
    assert found, f"the weights are not those after any number of steps near {steps}"
    assert steps > 100  # the interrupt came in the middle of something


def test_ctrl_c_in_the_middle_of_a_long_step(run_python: RunPython) -> None:
    """Steps of a second or more, and the other long calls: these change no weight."""
    seconds, steps, changed = run_python(
        STEP
        + """
    loss, sgd, size = "log_loss", rb.SGD(0.01), 1024
    X, Y = rng.standard_normal((size, 2048)).astype("f4"), rng.integers(0, 10, size)
    net = rb.Network([2048, 4096, 4096, 10], output="softmax", random_state=0)
    again = net.copy()
    seconds = [seconds_to_stop(0.3, lambda: rb.train(
        net, X, Y, loss=loss, optimizer=sgd, batch_size=size, epochs=1000, shuffle=False))]
    steps = 0
    while again.theta.tobytes() != net.theta.tobytes() and steps < 5:
        step(again, X, Y, steps, size)
        steps += 1
    many = rng.standard_normal((16 * size, 2048), np.float32)
    seconds.append(seconds_to_stop(0.2, lambda: net.forward(many)))
    labels = np.zeros(4096, int)
    seconds.append(seconds_to_stop(0.2, lambda: net.gradients(many[:4096], labels, loss=loss)))
    seconds.append(seconds_to_stop(0.2, lambda: net.trace(many[:8192])))
    print(json.dumps([seconds, steps, net.theta.tobytes() != again.theta.tobytes()]))
    """
    )
    check_and_show(seconds)
    assert steps < 5, "the weights are not those after any of the first steps"
    assert not changed


def test_ctrl_c_in_a_long_validation(run_python: RunPython) -> None:
    """One short step and then seconds of validation: that step is finished, and it is kept."""
    seconds, kept = run_python(
        STEP
        + """
    loss, sgd = "squared_error", rb.SGD(1e-4)
    X, Y = rng.standard_normal((8, 512)).astype("f4"), rng.standard_normal((8, 10)).astype("f4")
    many = rng.standard_normal((200_000, 512), np.float32), np.zeros((200_000, 10), np.float32)
    net = rb.Network([512, 2048, 10], random_state=0)
    again = net.copy()
    seconds = seconds_to_stop(0.5, lambda: rb.train(
        net, X, Y, loss=loss, optimizer=sgd, batch_size=8, epochs=100, shuffle=False,
        validation=many))
    kept = False
    for i in range(20):
        step(again, X, Y, i, 8)
        kept = kept or again.theta.tobytes() == net.theta.tobytes()
    print(json.dumps([seconds, kept]))
    """
    )
    check_and_show(seconds)
    assert kept


# How a call begins whose memory or arguments are large, and the call.
PREPARATIONS = {
    "the memory of a large batch": (
        """
        net = rb.Network([50, 2048, 2048, 10], dtype="float64")
        X, Y, v = np.ones((8000, 50)), np.ones((8000, 10)), np.ones_like(net.theta)
        """,
        "net.hessian_vector_product(X, Y, v, loss='squared_error')",
    ),
    "initial weights": ("", "rb.Network([10_000, 10_000, 1])"),
    "normal initial weights": ("", "rb.Network([5000, 10_000, 1], weights='glorot_normal')"),
    "orthogonal initial weights": ("", "rb.Network([2000, 2000, 1], weights='orthogonal')"),
    "the conversion of an argument": (
        "net, X = rb.Network([100, 2, 1]), np.ones((2_000_000, 100))",
        "net.forward(X)",
    ),
    "a shuffled order": (
        "net, X = rb.Network([1, 1]), np.zeros((30_000_000, 1), np.float32)",
        "rb.train(net, X, X, loss='squared_error', epochs=1, batch_size=1000)",
    ),
}


@pytest.mark.parametrize("what", PREPARATIONS)
def test_ctrl_c_while_a_large_call_is_prepared(run_python: RunPython, what: str) -> None:
    """Also a call that holds the interpreter's lock, at three moments of its beginning."""
    prepare, call = PREPARATIONS[what]
    seconds = run_python(
        dedent(CTRL_C)
        + dedent(prepare)
        + dedent(f"""
    print(json.dumps([seconds_to_stop_by_timer(after, lambda: {call})
                      for after in (0.01, 0.1, 0.2)]))
    """)
    )
    print(f"processor seconds from Ctrl-C to KeyboardInterrupt: {seconds}")
    assert np.max(seconds) < tolerance.PREPARATION_SECONDS


# ---- other signals, in this process ----------------------------------------------------------

X = np.random.default_rng(0).standard_normal((40, 6))
Y = np.random.default_rng(1).standard_normal((40, 2))


def network() -> rb.Network:
    return rb.Network([6, 8, 2], activation="tanh", random_state=0)


def train(net: rb.Network, epochs: int, **options: Any) -> rb.TrainResult:
    return rb.train(
        net, X, Y, **({"loss": "squared_error", "batch_size": 8, "epochs": epochs} | options)
    )


def theta_after(epochs: int, **options: Any) -> bytes:
    net = network()
    if epochs:
        train(net, epochs, **options)
    return net.theta.tobytes()


@pytest.fixture
def alarm() -> Any:
    """A function that makes Python call `handler` every 50 ms of this process's own time."""
    before = signal.getsignal(signal.SIGPROF)

    def start(handler: Callable[[], None]) -> None:
        signal.signal(signal.SIGPROF, lambda *_: handler())
        signal.setitimer(signal.ITIMER_PROF, 0.05, 0.05)

    yield start
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


def test_a_signal_whose_handler_returns_changes_nothing(alarm: Any) -> None:
    """The handler runs during the training, not after it."""
    many = np.tile(X, (500, 1)), np.tile(Y, (500, 1))

    def seconds_and_bits(epochs: int) -> tuple[float, bytes]:
        net = network()
        began = time.process_time()
        rb.train(net, *many, loss="squared_error", batch_size=8, epochs=epochs)
        return time.process_time() - began, net.theta.tobytes()

    epochs = 4
    while (seconds := seconds_and_bits(epochs)[0]) < 0.1:
        epochs *= 2
    epochs = int(epochs * 0.5 / seconds) + 1
    _, expected = seconds_and_bits(epochs)
    rung: list[float] = []
    alarm(lambda: rung.append(time.process_time()))
    _, got = seconds_and_bits(epochs)
    over = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, 0)
    assert got == expected
    assert sum(t < over - 0.05 for t in rung) >= 2


def test_a_signal_whose_handler_raises_ends_the_training(alarm: Any) -> None:
    """With the handler's own exception, and a network that can be used."""

    class EnoughError(Exception):
        pass

    def handler() -> None:
        raise EnoughError

    net = network()
    alarm(handler)
    with pytest.raises(EnoughError):
        train(net, 10**8)
    signal.setitimer(signal.ITIMER_PROF, 0)
    assert np.isfinite(net.theta).all()
    assert net.theta.tobytes() != theta_after(0)
    train(net, 1)


# ---- callbacks -------------------------------------------------------------------------------


def test_a_callback_sees_every_epoch() -> None:
    seen: list[rb.Epoch] = []
    result = train(network(), 4, callback=seen.append, validation=(X, Y))
    assert [epoch.epoch for epoch in seen] == [0, 1, 2, 3]
    assert {epoch.epochs for epoch in seen} == {4}
    assert tuple(epoch.loss for epoch in seen) == result.loss_curve
    assert tuple(epoch.validation_loss for epoch in seen) == result.validation_curve
    assert 0 <= seen[0].seconds <= seen[1].seconds <= seen[3].seconds <= result.seconds
    assert (result.epochs, result.stop_reason) == (4, "epochs")
    for record, name in [(seen[0], "loss"), (result, "epochs")]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, name, 0)


def test_without_validation_there_is_no_validation_loss() -> None:
    seen: list[rb.Epoch] = []
    result = train(network(), 2, callback=seen.append)
    assert [epoch.validation_loss for epoch in seen] == [None, None]
    assert result.validation_curve is None


@pytest.mark.parametrize("answer", [None, False, 0])
def test_a_callback_changes_nothing_by_being_there(answer: object) -> None:
    net = network()
    result = train(net, 5, callback=lambda _: answer)
    assert result.epochs == 5
    assert net.theta.tobytes() == theta_after(5)


def test_a_callback_that_returns_true_ends_the_training() -> None:
    net = network()
    result = train(net, 10, callback=lambda epoch: epoch.epoch == 2)
    assert (result.epochs, result.stop_reason) == (3, "callback")
    assert len(result.loss_curve) == 3
    assert net.theta.tobytes() == theta_after(3)


def test_in_the_last_epoch_too() -> None:
    result = train(network(), 3, callback=lambda epoch: epoch.epoch == 2)
    assert (result.epochs, result.stop_reason) == (3, "callback")


@pytest.mark.parametrize(
    "error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3), StopIteration()]
)
def test_a_callbacks_exception_comes_through(error: BaseException) -> None:
    """The very object; the weights of the epoch are kept, and the network is free again."""
    net = network()

    def callback(epoch: rb.Epoch) -> None:
        if epoch.epoch == 1:
            raise error

    with pytest.raises(type(error)) as caught:
        train(net, 10, callback=callback)
    assert caught.value is error
    assert net.theta.tobytes() == theta_after(2)
    train(net, 1)


def test_ctrl_c_leaves_a_whole_step(run_python: RunPython) -> None:
    """What follows a step belongs to it: after Ctrl-C every unit keeps within the norm."""
    code = (
        CTRL_C
        + """
    net = rb.Network([2, 8, 1], activation="tanh", random_state=0)
    X, Y = rng.standard_normal((10_000, 2)), 100 * rng.standard_normal((10_000, 1))
    begun = threading.Event()
    seconds_to_stop(0, lambda: rb.train(
        net, X, Y, loss="squared_error", optimizer=rb.SGD(0.1), max_norm=0.5, batch_size=1,
        epochs=2**32, callback=lambda epoch: begun.set()), begun=begun)
    print(json.dumps(max(float(np.linalg.norm(W, axis=1).max()) for W in net.W)))
    """
    )
    assert run_python(code) <= 0.5 * (1 + 1e-6)


def test_ctrl_c_in_a_callback_keeps_its_epoch() -> None:
    net = network()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            train(
                net,
                10,
                callback=lambda epoch: epoch.epoch == 1 and signal.raise_signal(signal.SIGINT),
            )
    finally:
        signal.signal(signal.SIGINT, before)
    assert net.theta.tobytes() == theta_after(2)


def test_a_callback_may_look_at_the_network() -> None:
    """It sees the weights of the end of its epoch, through views made before as well."""
    net = network()
    theta, seen = net.theta, []

    def callback(_: rb.Epoch) -> None:
        gradients = net.gradients(X, Y, loss="squared_error")
        seen.append(
            (
                theta.tobytes(),
                net.forward(X).tobytes(),
                net.W[0].tobytes(),
                gradients.cost,
                net.trace(X).A[-1].tobytes(),
                net.copy().theta.tobytes(),
            )
        )

    train(net, 3, callback=callback)
    for epochs, (theta_bits, A_bits, W_bits, cost, last_A_bits, copy_bits) in enumerate(
        seen, start=1
    ):
        other = network()
        train(other, epochs)
        assert theta_bits == copy_bits == other.theta.tobytes()
        assert A_bits == last_A_bits == other.forward(X).tobytes()
        assert W_bits == other.W[0].tobytes()
        assert cost == other.gradients(X, Y, loss="squared_error").cost
    assert len(seen) == 3


def test_a_callback_may_change_the_network() -> None:
    """The training goes on from there."""

    def halve(net: rb.Network) -> None:
        net.W[0] *= 0.5
        net.b[1] = [1, -1]

    net, other = network(), network()
    train(net, 3, shuffle=False, callback=lambda _: halve(net))
    for _ in range(3):
        train(other, 1, shuffle=False)
        halve(other)
    assert net.theta.tobytes() == other.theta.tobytes()


def test_changes_of_a_callback_before_it_raised_are_kept() -> None:
    net = network()

    def callback(_: rb.Epoch) -> None:
        net.theta[:] = 7
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        train(net, 3, callback=callback)
    assert (net.theta == 7).all()


def test_a_callback_may_not_train_its_own_network() -> None:
    net, errors = network(), []

    def callback(_: rb.Epoch) -> None:
        with pytest.raises(RuntimeError, match="train") as caught:
            train(net, 1)
        errors.append(caught.value)

    train(net, 3, callback=callback)
    assert len(errors) == 3
    assert net.theta.tobytes() == theta_after(3)


def test_a_callback_may_train_another_network() -> None:
    net, others = network(), []

    def callback(_: rb.Epoch) -> None:
        others.append(network())
        train(others[-1], 2)

    train(net, 3, callback=callback)
    assert net.theta.tobytes() == theta_after(3)
    assert [other.theta.tobytes() for other in others] == [theta_after(2)] * 3
