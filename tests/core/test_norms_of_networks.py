"""Networks with norms or skips: what these do, what becomes of them, what is refused."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import Array, assert_same_bits, samples, twins
from test_normalisation import data, every_net, made

# ---- what they are -------------------------------------------------------------------------------


def test_layer_norm_makes_a_sample_standard() -> None:
    net = rb.Network([5, 40, 2], norm="layer", activation="identity", dtype="float64")
    z = net.trace(100 * samples(7, 5, "float64")).Z[0]
    np.testing.assert_allclose(z.mean(axis=1), 0, atol=1e-14)
    np.testing.assert_allclose(z.var(axis=1), 1, rtol=1e-6)  # but for eps = 1e-5 beside it


def test_running_statistics_become_those_of_the_data() -> None:
    net = rb.Network([5, 8, 2], norm="batch", activation="identity", dtype="float64")
    X, Y = samples(50, 5, "float64"), np.zeros((50, 2))
    still = rb.SGD(1e-300)  # W stays as it is
    rb.train(net, X, Y, loss="squared_error", optimizer=still, batch_size=None, epochs=300)
    U = X @ net.W[0].T
    mean, variance = net.running_mean[0], net.running_var[0]
    assert mean is not None
    assert variance is not None
    np.testing.assert_allclose(mean, U.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(variance, U.var(axis=0, ddof=1), rtol=1e-12)
    z = net.trace(X).Z[0]
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-12)


def test_a_skip_adds_what_goes_in() -> None:
    net, _ = made("skip", "float64")
    trace = net.trace(samples(6, 4, "float64"))
    assert net.skips == (False, True)
    assert_same_bits(trace.A[1], np.maximum(trace.Z[0], 0.0))
    assert_same_bits(trace.A[2], np.maximum(trace.Z[1], 0.0) + trace.A[1])


def test_gains_lie_behind_the_biases() -> None:
    net = rb.Network([2, 3, 3, 1], norm=["layer", None], random_state=0)
    assert net.n_params == 2 * 3 + 3 + 3 + 3 * 3 + 3 + 3 + 1
    assert [None if g is None else g.tolist() for g in net.g] == [[1.0, 1.0, 1.0], None, None]
    net.theta[9:12] = [2, 3, 4]
    net.b[0] = [5, 6, 7]
    assert net.theta[6:12].tolist() == [5, 6, 7, 2, 3, 4]
    assert net.norms == ("layer", None)
    assert repr(net.g) == "<g: (3,), None, None>"


def test_weights_are_those_of_a_network_without() -> None:
    plain = rb.Network([4, 6, 6, 2], random_state=3)
    other = rb.Network([4, 6, 6, 2], random_state=3, norm="batch", skip=True)
    for one, same in zip(plain.W, other.W, strict=True):
        assert_same_bits(one, same)


# ---- a network with them is a network ------------------------------------------------------------


@pytest.mark.parametrize(
    "twin_of",
    [rb.Network.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))],
    ids=["copy", "deepcopy", "pickle"],
)
@every_net
def test_copies_are_the_same(net: str, twin_of: Callable[[rb.Network], rb.Network]) -> None:
    core, _ = made(net, "float32")
    X, _ = data(core)
    twin = twin_of(core)
    assert repr(twin) == repr(core)
    assert_same_bits(twin.forward(X), core.forward(X))
    core.theta[:] = 0
    for view in core.running_mean:
        if view is not None:
            view[:] = 7
    assert not np.array_equal(twin.forward(X), core.forward(X))


def test_they_are_shown() -> None:
    net = rb.Network([4, 6, 6, 2], norm=["batch", None], skip=True)
    assert repr(net).endswith("dtype='float32', norm=['batch', None], skip=[False, True])")
    net = rb.Network([6, 6, 2], norm="layer", skip=True)
    assert repr(net).endswith("dtype='float32', norm='layer', skip=True)")


def test_the_best_weights_come_with_their_running_statistics() -> None:
    net = rb.Network([3, 8, 1], norm="batch", random_state=0)
    X, Y = samples(40, 3, "float32"), samples(40, 1, "float32")
    seen: list[tuple[Array, Array]] = []

    def keep(epoch: rb.Epoch) -> None:
        mean = net.running_mean[0]
        assert mean is not None
        seen.append((net.theta.copy(), mean.copy()))

    result = rb.train(
        net,
        X,
        Y,
        loss="squared_error",
        optimizer=rb.SGD(1.0),
        epochs=9,
        batch_size=20,
        validation=(X[:9] + 1, Y[:9]),
        early_stopping=rb.EarlyStopping(patience=3),
        callback=keep,
    )
    assert result.best_epoch is not None
    assert result.best_epoch + 1 < len(seen), "the last epoch was the best: it proves nothing"
    theta, mean = seen[result.best_epoch]
    assert_same_bits(net.theta, theta)
    got = net.running_mean[0]
    assert got is not None
    assert_same_bits(got, mean)


def test_many_are_trained_as_one() -> None:
    nets = [rb.Network([4, 6, 6, 2], norm=n, skip=True, random_state=0) for n in ("batch", "layer")]
    alone = [net.copy() for net in nets]
    X, Y = samples(20, 4, "float32"), samples(20, 2, "float32")
    rb.train_many(nets, X, Y, loss="squared_error", epochs=2, batch_size=10)
    for one, other in zip(nets, alone, strict=True):
        rb.train(other, X, Y, loss="squared_error", epochs=2, batch_size=10)
        assert_same_bits(one.theta, other.theta)


def test_the_search_for_a_learning_rate_leaves_them_alone() -> None:
    net = rb.Network([4, 6, 6, 2], norm="batch", skip=True, random_state=0)
    X, Y = samples(64, 4, "float32"), samples(64, 2, "float32")
    assert rb.find_learning_rate(net, X, Y, loss="squared_error").suggestion > 0
    mean = net.running_mean[0]
    assert mean is not None
    assert not mean.any()
    with pytest.raises(ValueError, match="batch_size: got 63 for 64 samples with norm='batch'"):
        rb.find_learning_rate(net, X, Y, loss="squared_error", batch_size=63)


@pytest.mark.parametrize("watched", [False, True], ids=["alone", "watched step by step"])
def test_a_training_that_diverges_gives_the_last_good_statistics_back(watched: bool) -> None:
    """A callback that looks at every step sees the statistics of an epoch that is not kept."""

    class Watcher(rb.Callback):
        steps = 0

        def on_step(self, step: rb.Step) -> None:
            self.steps += 1

    def train(net: rb.Network, epochs: int, callback: rb.Callback | None) -> None:
        rate = rb.schedules.PerEpoch(lambda epoch: 0.1 if epoch < 2 else 1e30)
        rb.train(
            net,
            samples(20, 3, "float32"),
            samples(20, 1, "float32"),
            loss="squared_error",
            optimizer=rb.SGD(rate),
            batch_size=5,
            epochs=epochs,
            callback=callback,
        )

    diverging, good = (
        rb.Network([3, 8, 1], norm="batch", activation="relu", random_state=0) for _ in range(2)
    )
    watcher = Watcher()
    with pytest.raises(FloatingPointError, match="end of epoch 2"):
        train(diverging, 5, watcher if watched else None)
    assert not watched or watcher.steps > 8  # it saw a step of the epoch that is not kept
    train(good, 2, None)
    assert_same_bits(diverging._state(), good._state(), "parameters and running statistics")
    assert diverging.running_var[0] is not None
    assert (diverging.running_var[0] != 1).any()


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "options", "error", "message"),
    [
        ([4, 6, 2], {"norm": "group"}, ValueError, "norm: got 'group', expected one of 'batch'"),
        ([4, 6, 2], {"norm": True}, TypeError, "norm: got True, expected a name, None, or one"),
        ([4, 6, 2], {"norm": 1}, TypeError, "norm: got 1"),
        ([4, 6, 2], {"norm": b"batch"}, TypeError, "norm: got b'batch'"),
        ([4, 6, 2], {"norm": ["batch"] * 2}, ValueError, "norm: got 2, expected 1: one for each"),
        ([4, 6, 2], {"norm": ["x"]}, ValueError, r"norm\[0\]: got 'x'"),
        ([4, 6, 2], {"norm": [1]}, TypeError, r"norm\[0\]: got 1"),
        ([4, 2], {"norm": "layer"}, ValueError, "norm: got 'layer' without hidden layers"),
        ([4, 6, 2], {"skip": 1}, TypeError, "skip: got 1, expected True or False"),
        ([4, 6, 2], {"skip": "yes"}, TypeError, "skip: got 'yes'"),
        ([4, 6, 2], {"skip": None}, TypeError, "skip: got None"),
        ([4, 6, 2], {"skip": True}, ValueError, r"skip: got True with the layers \[4, 6, 2\]"),
        ([4, 4], {"skip": True}, ValueError, "skip: got True"),
        ([4, 6, 2], {"skip": []}, ValueError, "skip: got 0, expected 1: one for each hidden layer"),
        ([4, 6, 2], {"skip": [1]}, TypeError, r"skip\[0\]: got 1, expected True or False"),
        (
            [4, 6, 2],
            {"skip": [True]},
            ValueError,
            r"skip\[0\]: got True for a layer of 6 units into which 4 go, expected as many",
        ),
    ],
)
def test_bad_settings_are_refused(
    layers: list[int], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rb.Network(layers, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 3}, "batch_size: got 3 for 10 samples with norm='batch'.* its last batch"),
        ({"batch_size": 1}, "batch_size: got 1 for 10 samples with norm='batch'.* a batch would"),
        ({"optimizer": rb.LBFGS(), "batch_size": None}, "optimizer: got LBFGS with norm='batch'"),
    ],
)
def test_batch_norm_refuses_what_it_cannot_do(options: dict[str, Any], message: str) -> None:
    net, _ = twins([4, 6, 2], norm="batch", dtype="float32")
    before = net.theta.copy()
    X, Y = samples(10, 4, "float32"), samples(10, 2, "float32")
    with pytest.raises(ValueError, match=message):
        rb.train(net, X, Y, loss="squared_error", **options)
    assert_same_bits(net.theta, before)


def test_a_single_sample_is_refused() -> None:
    net = rb.Network([4, 6, 2], norm="batch")
    X, Y = samples(1, 4, "float32"), samples(1, 2, "float32")
    with pytest.raises(ValueError, match="batch_size: got 32 for 1 samples"):
        rb.train(net, X, Y, loss="squared_error")


def test_assigned_values_are_checked() -> None:
    net = rb.Network([4, 6, 6, 2], norm=["batch", None], random_state=0)
    with pytest.raises(ValueError, match=r"g\[1\]: got values, expected no assignment"):
        net.g[1] = np.ones(6)
    with pytest.raises(ValueError, match=r"g\[0\]: got shape \(5,\), expected \(6,\)"):
        net.g[0] = np.ones(5)
    with pytest.raises(ValueError, match=r"running_var\[0\]: got -1.0, expected at least 0"):
        net.running_var[0] = -np.ones(6)
    with pytest.raises(ValueError, match=r"running_mean\[0\]: got nan at running_mean\[0\]\[0\]"):
        net.running_mean[0] = np.full(6, np.nan)
    net.running_mean[0] = -np.ones(6)
    net.running_var[0] = np.zeros(6)
    assert np.isfinite(net.forward(np.ones((1, 4)))).all()


# ---- beside what else there is -------------------------------------------------------------------


def test_a_training_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    """The running statistics are kept, those of the best epoch too."""
    X, Y = samples(30, 4, "float32"), samples(30, 2, "float32")

    def trained(epochs: int, **more: Any) -> rb.Network:
        net = rb.Network([4, 6, 6, 2], norm=["batch", "layer"], skip=True, random_state=0)
        rb.train(
            net,
            X,
            Y,
            loss="squared_error",
            optimizer=rb.Adam(0.05),
            batch_size=10,
            epochs=epochs,
            validation=(X[:9] + 1, Y[:9]),
            early_stopping=rb.EarlyStopping(patience=50),
            **more,
        )
        return net

    whole = trained(8)
    trained(5, checkpoint=tmp_path / "c")
    resumed = trained(8, checkpoint=tmp_path / "c")
    assert_same_bits(resumed._state(), whole._state())


def test_a_checkpoint_of_another_norm_is_refused(tmp_path: Path) -> None:
    X, Y = samples(30, 4, "float32"), samples(30, 2, "float32")
    options: dict[str, Any] = {
        "loss": "squared_error",
        "batch_size": 10,
        "checkpoint": tmp_path / "c",
    }
    rb.train(rb.Network([4, 6, 6, 2], norm=["layer", None], random_state=0), X, Y, **options)
    other = rb.Network([4, 6, 6, 2], norm=[None, "layer"], random_state=0)
    with pytest.raises(ValueError, match=r"checkpoint: .* is of a training with other arguments"):
        rb.train(other, X, Y, **options)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_custom_activation_and_noise_go_with_them(norm: Any) -> None:
    own = rb.Activation("own_tanh", np.tanh, lambda z: 1 - np.tanh(z) ** 2)
    nets = [
        rb.Network(
            [4, 6, 6, 2], activation=f, norm=norm, skip=True, dtype="float64", random_state=0
        )
        for f in (own, "tanh")
    ]
    X, Y = samples(20, 4, "float64"), samples(20, 2, "float64")
    for net in nets:
        rb.train(net, X, Y, loss="squared_error", batch_size=10, input_noise=0.1)
    np.testing.assert_allclose(nets[0]._state(), nets[1]._state(), rtol=1e-12, atol=1e-12)
