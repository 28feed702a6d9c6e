"""A learner takes the steps of a training, bit for bit, over any number of calls."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import DTYPES, assert_same_bits, samples, targets
from rosenblatt import _core, _loss, _optimizer
from rosenblatt._training.options import Regularisation
from rosenblatt._training.train import job_of
from snapshots import assert_unchanged, snapshot

LEARNERS = {"float32": _core.LearnerFloat32, "float64": _core.LearnerFloat64}


def learner(
    net: rb.Network, optimizer: Any, batch_size: int, *, dropout: Any = (), **settings: Any
) -> Any:
    return LEARNERS[net.dtype.name](
        net._core,
        _loss.rule("squared_error"),
        _optimizer.rule(optimizer, Regularisation(**settings).for_core()),
        batch_size,
        list(dropout),
        0,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize(
    "optimizer",
    [rb.SGD(0.1), rb.SGD(0.1, momentum=0.9, nesterov=True), rb.Adam(0.05, eps_hat=True)],
    ids=repr,
)
@pytest.mark.parametrize(
    ("layers", "dropout"),
    [([5, 9, 4], 0.0), ([17, 33, 1], 0.0), ([3, 2], 0.0), ([5, 9, 4], 0.1), ([17, 33, 1], 0.4)],
    ids=str,
)
def test_calls_are_epochs(
    layers: list[int], dropout: float, optimizer: Any, alpha: float, dtype: str
) -> None:
    nets = [rb.Network(layers, dtype=dtype, random_state=0) for _ in range(2)]
    X = samples(11, layers[0], dtype)
    Y = targets("squared_error", "identity", 11, layers[-1], dtype)
    penalties: list[float] = []
    result = rb.train(
        nets[0],
        X,
        Y,
        loss="squared_error",
        optimizer=optimizer,
        alpha=alpha,
        batch_size=4,
        epochs=3,
        dropout=dropout,
        random_state=0,
        callback=lambda epoch: penalties.append(epoch.penalty),
    )
    orders = [_core.shuffled(0, epoch, 11) for epoch in range(3)]
    rates = [0.0, dropout] if dropout else []
    learning = learner(nets[1], optimizer, 4, alpha=alpha, dropout=rates)
    found = [learning.learn(X, Y, None, order, 4, 1) for order in orders]
    assert_same_bits(nets[1].theta, nets[0].theta, "theta")
    assert [loss for loss, _ in found] == list(result.loss_curve)
    assert [penalty for _, penalty in found] == penalties
    assert (penalties[0] > 0) == (alpha > 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_sample_is_a_batch_of_one(dtype: str) -> None:
    nets = [rb.Network([5, 9, 1], dtype=dtype, random_state=0) for _ in range(2)]
    X = samples(7, 5, dtype)
    Y = targets("squared_error", "identity", 7, 1, dtype)
    ours, many = (learner(net, rb.Adam(0.05), 1, alpha=0.1) for net in nets)
    many.learn(X, Y, None, None, 1, 1)
    for x, y in zip(X, Y, strict=True):
        ours.learn_one(x, float(y[0]))
    assert_same_bits(nets[0].theta, nets[1].theta, "theta")


def test_memory_goes_on() -> None:
    """What one learner remembered, another one goes on with."""
    X = samples(8, 5, "float64")
    Y = targets("squared_error", "identity", 8, 2, "float64")
    straight, broken = (rb.Network([5, 6, 2], dtype="float64", random_state=0) for _ in range(2))
    whole = learner(straight, rb.Adam(0.05), 4)
    for _ in range(4):
        whole.learn(X, Y, None, None, 4, 1)
    first = learner(broken, rb.Adam(0.05), 4)
    first.learn(X, Y, None, None, 4, 1)
    first.learn(X, Y, None, None, 4, 1)
    second = learner(broken, rb.Adam(0.05), 4)
    second.memory = first.memory
    second.learn(X, Y, None, None, 4, 1)
    second.learn(X, Y, None, None, 4, 1)
    assert_same_bits(broken.theta, straight.theta, "theta")
    with pytest.raises(ValueError, match="memory: got that of another optimizer"):
        learner(broken, rb.SGD(0.1), 4).memory = first.memory


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", [rb.Adam(0.05), rb.SGD(0.1, momentum=0.9)], ids=repr)
def test_a_learner_goes_on_after_a_training(optimizer: Any, dtype: str) -> None:
    X = samples(11, 5, dtype)
    Y = targets("squared_error", "identity", 11, 3, dtype)
    whole, broken = (rb.Network([5, 9, 3], dtype=dtype, random_state=0) for _ in range(2))
    how: Any = {"loss": "squared_error", "optimizer": optimizer, "batch_size": 4, "shuffle": False}
    rb.train(whole, X, Y, epochs=5, **how)
    training = job_of(broken, X=X, Y=Y, epochs=3, remember=True, **how)
    assert training.memory is None
    training.run(1)
    learning = learner(broken, optimizer, 4)
    learning.memory = training.memory
    for _ in range(2):
        learning.learn(X, Y, None, None, 4, 1)
    assert_same_bits(broken.theta, whole.theta, "theta")


def test_invalid_state_is_refused() -> None:
    X = samples(11, 5, "float64")
    Y = targets("squared_error", "identity", 11, 3, "float64")
    net = rb.Network([5, 9, 3], dtype="float64", random_state=0)
    unasked = job_of(net, X=X, Y=Y, loss="squared_error", epochs=1)
    minimiser: Any = {"optimizer": rb.LBFGS(), "batch_size": None, "remember": True}
    for training in (
        unasked,
        job_of(net, X=X, Y=Y, loss="squared_error", epochs=1, **minimiser),
    ):
        training.run(1)
        assert training.memory is None


def test_a_memory_is_not_read_while_it_is_written() -> None:
    X = samples(8, 5, "float64")
    Y = targets("squared_error", "identity", 8, 2, "float64")
    net = rb.Network([5, 6, 2], dtype="float64", random_state=0)
    begun, over = threading.Event(), threading.Event()

    def rate(_epoch: int) -> float:
        begun.set()
        assert over.wait(60)
        return 0.1

    learning = learner(net, rb.SGD(rb.schedules.PerEpoch(rate), momentum=0.9), 8)
    memory = learning.memory
    thread = threading.Thread(target=learning.learn, args=(X, Y, None, None, 8, 1))
    thread.start()
    assert begun.wait(60)
    try:
        with pytest.raises(RuntimeError, match="it is being trained"):
            _ = learning.memory
        with pytest.raises(RuntimeError, match="it is being trained"):
            learning.memory = memory
    finally:
        over.set()
        thread.join(60)
    assert learning.memory[0][0] == 1


def test_divergence_takes_no_step() -> None:
    net = rb.Network([1, 1], dtype="float64", random_state=0)
    net.W[0] = [[1e200]]
    before = net.theta.copy()
    with pytest.raises(FloatingPointError, match="the loss became infinite or NaN"):
        learner(net, rb.SGD(0.1), 1).learn_one(np.array([1e150]), 0.0)
    assert_same_bits(net.theta, before, "theta")


RULES = [
    rb.SGD(0.5, momentum=0.9),
    rb.Adagrad(0.5),
    rb.RMSprop(0.5, centered=True, momentum=0.5),
    rb.Adam(0.5, amsgrad=True),
    rb.NAdam(0.5),
    rb.Lion(0.5),
    rb.SGD(rb.schedules.PerEpoch(lambda epoch: 1e307 if epoch else 0.5)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", RULES, ids=repr)
def test_a_call_that_diverges_changes_nothing(optimizer: Any, dtype: str) -> None:
    """The third batch diverges, after two steps that were taken."""
    net = rb.Network([5, 6, 2], dtype=dtype, norm="batch", random_state=0)
    X = samples(12, 5, dtype)
    Y = targets("squared_error", "identity", 12, 2, dtype)
    learning = learner(net, optimizer, 4, dropout=[0.0, 0.3])
    learning.learn(X, Y, None, None, 4, 1)
    X[9] = Y[9] = np.finfo(dtype).max
    before = snapshot([net, learning])
    with pytest.raises(FloatingPointError, match=r"the (loss|weights) became infinite or NaN"):
        learning.learn(X, Y, None, None, 4, 1)
    assert_unchanged(before, [net, learning])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", RULES, ids=repr)
def test_one_sample_that_diverges_changes_nothing(optimizer: Any, dtype: str) -> None:
    """The loss is finite, and the step is not."""
    net = rb.Network([1, 1], dtype=dtype, random_state=0)
    learning = learner(net, optimizer, 1)
    learning.learn_one(np.ones(1, dtype), 1.0)
    huge = float(np.sqrt(np.finfo(dtype).max))
    net.W[0] = [[0.0]]
    before = snapshot([net, learning])
    diverged = False
    for factor in (1.0, huge, huge**1.9):
        try:
            learning.learn_one(np.full(1, huge / 4, dtype), 1.0, factor)
        except FloatingPointError:
            diverged = True
            assert_unchanged(before, [net, learning])
        before = snapshot([net, learning])
        assert np.isfinite(net.theta).all()
    assert diverged


def test_a_rate_that_raises_changes_nothing() -> None:
    def rate(epoch: int) -> float:
        if epoch == 1:
            raise KeyError("no rate")
        return 0.1

    net = rb.Network([3, 2], dtype="float64", random_state=0)
    X = samples(8, 3, "float64")
    Y = targets("squared_error", "identity", 8, 2, "float64")
    learning = learner(net, rb.SGD(rb.schedules.PerEpoch(rate), momentum=0.9), 4)
    learning.learn(X, Y, None, None, 4, 1)
    before = snapshot([net, learning])
    with pytest.raises(KeyError, match="no rate"):
        learning.learn(X, Y, None, None, 4, 1)
    with pytest.raises(KeyError, match="no rate"):
        learning.learn_one(X[0], Y[0])
    assert_unchanged(before, [net, learning])


def test_a_factor_multiplies_the_gradient() -> None:
    """Twice the gradient is twice the step of plain descent, and 1 changes no bit."""
    nets = [rb.Network([5, 4, 1], dtype="float64", random_state=0) for _ in range(3)]
    begun = nets[0].theta.copy()
    x = samples(1, 5, "float64")[0]
    for net, factor in zip(nets, [(), (1.0,), (2.0,)], strict=True):
        learner(net, rb.SGD(0.125), 1).learn_one(x, 3.0, *factor)
    assert_same_bits(nets[1].theta, nets[0].theta, "theta")
    np.testing.assert_allclose(nets[2].theta - begun, 2 * (nets[0].theta - begun), rtol=1e-12)


def test_masks_go_on_with_the_calls() -> None:
    """A learner that is told how many calls there were draws the masks that come next."""
    X = samples(8, 5, "float64")
    Y = targets("squared_error", "identity", 8, 2, "float64")
    nets = [rb.Network([5, 6, 2], dtype="float64", random_state=0) for _ in range(2)]
    whole, first = (learner(net, rb.SGD(0.1), 4, dropout=[0.2, 0.5]) for net in nets)
    for _ in range(2):
        whole.learn(X, Y, None, None, 4, 1)
    first.learn(X, Y, None, None, 4, 1)
    second = learner(nets[1], rb.SGD(0.1), 4, dropout=[0.2, 0.5])
    second.calls = first.calls
    second.learn(X, Y, None, None, 4, 1)
    assert_same_bits(nets[1].theta, nets[0].theta, "theta")
    assert whole.calls == second.calls == 2


def test_batch_norm_needs_two_samples() -> None:
    net = rb.Network([3, 4, 2], norm="batch", dtype="float64", random_state=0)
    X = samples(5, 3, "float64")
    Y = targets("squared_error", "identity", 5, 2, "float64")
    learning = learner(net, rb.SGD(0.1), 5)
    before = snapshot([net, learning])
    with pytest.raises(ValueError, match="norm: got 'batch' with a batch of 1 sample, expected"):
        learning.learn(X, Y, None, None, 4, 1)
    with pytest.raises(ValueError, match="norm: got 'batch' with a batch of 1 sample, expected"):
        learning.learn_one(X[0], Y[0])
    assert_unchanged(before, [net, learning])


def test_a_custom_order() -> None:
    """`shuffle` may be a function; what it gives is checked."""
    X = samples(7, 3, "float64")
    Y = targets("squared_error", "identity", 7, 1, "float64")
    nets = [rb.Network([3, 4, 1], dtype="float64", random_state=0) for _ in range(2)]
    options: Any = {"loss": "squared_error", "batch_size": 2, "epochs": 3}
    asked: list[int] = []

    def order(epoch: int) -> Any:
        asked.append(epoch)
        return _core.shuffled(0, epoch, 7)

    rb.train(nets[0], X, Y, shuffle=order, **options)
    rb.train(nets[1], X, Y, shuffle=True, **options)
    assert_same_bits(nets[0].theta, nets[1].theta, "theta")
    assert asked == [0, 1, 2]
    for wrong in ([0, 1], [0.5] * 7, [0, 1, 2, 3, 4, 5, 7], [-1, 0, 1, 2, 3, 4, 5]):
        with pytest.raises(ValueError, match=r"shuffle: got .* expected the indices of 7 samples"):
            rb.train(nets[0], X, Y, shuffle=lambda _, bad=wrong: bad, **options)


def test_a_callable_rate_is_called_once_per_epoch() -> None:
    X = samples(6, 3, "float64")
    Y = targets("squared_error", "identity", 6, 1, "float64")
    asked: list[int] = []

    def rate(epoch: int) -> float:
        asked.append(epoch)
        return 0.1 / (epoch + 1)

    net = rb.Network([3, 1], dtype="float64", random_state=0)
    sgd = rb.SGD(rb.schedules.PerEpoch(rate))
    rb.train(net, X, Y, loss="squared_error", optimizer=sgd, batch_size=2, epochs=4)
    assert asked == [0, 1, 2, 3]
    with pytest.raises(TypeError, match=r"function: got 0.1, expected a function of the epoch"):
        rb.schedules.PerEpoch(0.1)  # type: ignore[arg-type]
