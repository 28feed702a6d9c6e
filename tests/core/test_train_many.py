"""Many networks at once: each is trained to the bits of a training alone, whatever others do."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
import tolerance
from bits import Array, assert_same_bits, labels, samples
from ctrl_c import CTRL_C

X, Y = samples(60, 4, "float64"), labels(60, 3)


def networks(n: int, dtype: str = "float32", output: str = "softmax") -> list[rb.Network]:
    return [rb.Network([4, 5 + i, 3], output=output, dtype=dtype, random_state=i) for i in range(n)]


def assert_as_alone(
    nets: list[rb.Network], results: list[Any], settings: list[dict[str, Any]]
) -> None:
    """Compare with a training of each from where it began."""
    for net, result, own in zip(nets, results, settings, strict=True):
        alone = rb.Network(
            net.layers,
            activation=net.activations[:-1],
            output=net.activations[-1],
            dtype=net.dtype,
            random_state=net.layers[1] - 5,
        )
        wanted = rb.train(alone, **({"X": X, "Y": Y} | own))
        assert_same_bits(net.theta, alone.theta)
        assert repr(net) == repr(alone)
        assert result.loss_curve == wanted.loss_curve
        assert result.validation_curve == wanted.validation_curve
        assert result.history == wanted.history
        assert (result.epochs, result.stop_reason) == (wanted.epochs, wanted.stop_reason)
        assert result.best_epoch == wanted.best_epoch


@pytest.mark.parametrize("threads", [None, 1, 2, 7])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_ensemble(dtype: str, threads: int | None) -> None:
    nets = networks(5, dtype)
    results = rb.train_many(nets, X, Y, loss="log_loss", epochs=4, threads=threads)
    assert_as_alone(nets, results, [{"loss": "log_loss", "epochs": 4}] * 5)
    assert all(isinstance(result, rb.TrainResult) for result in results)


def squares(A: Array, Y: Array) -> tuple[float, Array]:
    """A loss of one's own."""
    return float(((A - Y) ** 2).mean()), (A - Y) / A.size


def test_a_grid_of_settings() -> None:
    nets = networks(6)
    own: list[dict[str, Any]] = [
        {"optimizer": rb.SGD(0.1, momentum=0.9)},
        {"batch_size": 7, "random_state": 5},
        {"epochs": 2, "shuffle": False, "validation": (X[:9], Y[:9])},
        {"scale_inputs": "robust"},
        {"validation": 0.3, "metrics": "accuracy", "early_stopping": rb.EarlyStopping(patience=1)},
        {"loss": squares, "Y": np.eye(3)[Y], "optimizer": rb.SGD(0.5)},
    ]
    results = rb.train_many(nets, X, Y, loss="log_loss", epochs=3, settings=own)
    common = {"loss": "log_loss", "epochs": 3}
    assert_as_alone(nets, results, [common | each for each in own])


def test_each_its_own_samples_loss_and_type() -> None:
    nets = [networks(1)[0], networks(2, "float64", "identity")[1]]
    own: list[dict[str, Any]] = [
        {"loss": "log_loss"},
        {"X": X[:20], "Y": samples(20, 3, "float64", 1), "loss": "huber"},
    ]
    results = rb.train_many(nets, X, Y, settings=own)
    assert_as_alone(nets, results, own)
    again = [networks(1)[0], networks(2, "float64", "identity")[1]]
    own[0] |= {"X": X, "Y": Y}
    rb.train_many(again, settings=own)
    for net, other in zip(nets, again, strict=True):
        assert_same_bits(net.theta, other.theta)


def test_large_networks_stay_on_their_thread_and_give_the_same_bits() -> None:
    wide, y = samples(300, 200, "float32"), labels(300, 10)
    nets = [rb.Network([200, 300, 10], output="softmax", random_state=i) for i in range(2)]
    alone = [net.copy() for net in nets]
    settings: dict[str, Any] = {"loss": "log_loss", "epochs": 2, "batch_size": 150}
    rb.train_many(nets, wide, y, **settings)
    for net, other in zip(nets, alone, strict=True):
        rb.train(other, wide, y, **settings)
        assert_same_bits(net.theta, other.theta)


def test_a_divergence_is_its_own() -> None:
    nets = networks(3, output="identity")
    T, before = samples(60, 3, "float64", 2), nets[1].theta.copy()
    own = [{}, {"optimizer": rb.SGD(1e30)}, {}]
    results = rb.train_many(nets, X, T, loss="squared_error", epochs=3, settings=own)
    assert isinstance(results[1], FloatingPointError)
    assert "epoch 1; the network has the weights of the end of epoch 0" in str(results[1])
    assert_same_bits(nets[1].theta, before)
    others = [0, 2]
    assert_as_alone(
        [nets[i] for i in others],
        [results[i] for i in others],
        [{"Y": T, "loss": "squared_error", "epochs": 3}] * 2,
    )


def test_callbacks_see_their_own_network() -> None:
    nets = networks(3)
    seen: dict[int, list[Any]] = {0: [], 1: [], 2: []}

    def watcher(i: int) -> Callable[[rb.Epoch], bool]:
        def watch(epoch: rb.Epoch) -> bool:
            seen[i].append((epoch.epoch, nets[i].forward(X).sum(), threading.get_ident()))
            return epoch.epoch == i

        return watch

    own = [{"callback": watcher(i)} for i in range(3)]
    results = rb.train_many(nets, X, Y, loss="log_loss", epochs=9, settings=own)
    for i, result in enumerate(results):
        assert isinstance(result, rb.TrainResult)
        assert (result.epochs, result.stop_reason) == (i + 1, "callback")
        assert [epoch for epoch, *_ in seen[i]] == list(range(i + 1))
        assert seen[i][-1][1] == nets[i].forward(X).sum()
        assert threading.get_ident() not in {thread for *_, thread in seen[i]}


def test_an_exception_in_a_callback_ends_all() -> None:
    nets = networks(4)

    def fail(epoch: rb.Epoch) -> None:
        raise LookupError("enough")

    endless: dict[str, Any] = {"epochs": 2**32}
    own: list[dict[str, Any]] = [endless, {"callback": fail}, endless, {}]
    with pytest.raises(LookupError, match="enough"):
        rb.train_many(nets, X, Y, loss="log_loss", settings=own, threads=3)
    assert all(np.isfinite(net.theta).all() for net in nets)
    rb.train_many(nets, X, Y, loss="log_loss", epochs=1)  # none is left busy


def test_ctrl_c_ends_all(run_python: Callable[..., Any]) -> None:
    """The networks have changed, are whole, and can be trained again."""
    seconds, changed, finite = run_python(
        CTRL_C
        + """
    X = rng.standard_normal((640, 20))
    y = np.arange(640) % 3
    nets = [rb.Network([20, 30, 3], output="softmax", random_state=i) for i in range(3)]
    before = [net.theta.copy() for net in nets]
    seen, begun = set(), threading.Event()
    def told(i):
        def callback(epoch):
            seen.add(i)
            if len(seen) == 3:
                begun.set()
        return callback
    # one is done at once: then the caller only waits
    own = [{"callback": told(0), "epochs": 1}, {"callback": told(1)}, {"callback": told(2)}]
    seconds = seconds_to_stop(0, lambda: rb.train_many(
        nets, X, y, loss="log_loss", epochs=2**32, settings=own, threads=3), begun=begun)
    changed = [bool((net.theta != old).any()) for net, old in zip(nets, before)]
    finite = [bool(np.isfinite(net.theta).all()) for net in nets]
    rb.train_many(nets, X, y, loss="log_loss", epochs=1)
    print(json.dumps([seconds, changed, finite]))
    """
    )
    assert seconds < tolerance.INTERRUPT_SECONDS
    assert all(changed)
    assert all(finite)


def test_a_network_in_use_is_not_trained_and_nor_are_the_others() -> None:
    nets = networks(3)
    begun, go_on = threading.Event(), threading.Event()

    def wait(epoch: rb.Epoch) -> None:
        begun.set()
        assert go_on.wait(60)

    other = threading.Thread(
        target=lambda: rb.train(nets[1], X, Y, loss="log_loss", epochs=1, callback=wait)
    )
    other.start()
    try:
        assert begun.wait(60)
        before = nets[0].theta.copy()
        with pytest.raises(RuntimeError, match="network: it is being trained"):
            rb.train_many(nets, X, Y, loss="log_loss")
        assert_same_bits(nets[0].theta, before)
    finally:
        go_on.set()
        other.join(60)


# ---- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"networks": []}, ValueError, "networks: got none, expected a sequence of"),
        ({"networks": networks(1)[0]}, TypeError, "networks: got Network, expected a sequence"),
        ({"networks": [networks(1)[0], None]}, TypeError, "networks[1]: got NoneType, expected"),
        ({"networks": networks(1) * 2}, ValueError, "networks: got [0] again at [1], expected"),
        ({"settings": [{}]}, ValueError, "settings: got 1, expected a sequence of 2 dicts"),
        ({"settings": {}}, TypeError, "settings: got dict, expected a sequence of 2 dicts"),
        ({"settings": [{}, None]}, TypeError, "settings[1]: got None, expected a dict"),
        (
            {"settings": [{}, {"lr": 1}]},
            TypeError,
            "settings[1]: got 'lr', expected one of X, Y, l",
        ),
        ({"settings": [{}, {"threads": 2}]}, TypeError, "settings[1]: got 'threads', expected one"),
        ({"settings": [{}, {"net": 2}]}, TypeError, "settings[1]: got 'net', expected one of"),
        ({"settings": [{}, {"epochs": 0}]}, ValueError, "networks[1]: epochs: got 0, expected"),
        ({"settings": [{"X": X[:, :2]}, {}]}, ValueError, "networks[0]: X: got shape (60, 2)"),
        ({"settings": [{}, {"Y": None}]}, TypeError, "networks[1]: got no Y, expected one for"),
        ({"X": None}, TypeError, "networks[0]: got no X, expected one for all networks"),
        ({"loss": None}, TypeError, "networks[0]: got no loss, expected one for all networks"),
        ({"loss": "mse"}, ValueError, "networks[0]: loss: got 'mse', expected one of"),
        ({"progress": True}, TypeError, "train_many: got 'progress', expected one of X, Y, loss"),
        ({"rate": 1}, TypeError, "train_many: got 'rate', expected one of X, Y, loss"),
        ({"threads": 0}, ValueError, "threads: got 0, expected"),
        ({"epochs": True}, TypeError, "networks[0]: epochs: got True, expected an integer"),
    ],
    ids=str,
)
def test_invalid_arguments_are_refused(given: Any, error: Any, message: str) -> None:
    nets = networks(2)
    before = [net.theta.copy() for net in nets]
    arguments: dict[str, Any] = {"networks": nets, "X": X, "Y": Y, "loss": "log_loss"}
    with pytest.raises(error, match=re.escape(message)):
        rb.train_many(**arguments | given)
    for net, theta in zip(nets, before, strict=True):
        assert_same_bits(net.theta, theta)
