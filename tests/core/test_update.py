"""The core's steps have the reference's bits: every optimiser, regularisation and schedule."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import DTYPES, Array, assert_same_bits, samples, targets, twins
from rosenblatt import reference, schedules
from rosenblatt._training.train import job_of
from rosenblatt.reference import schedule as textbook
from rosenblatt.reference.arithmetic import NUMBER_TYPES
from rosenblatt.reference.update import Counters

ISAS = rb.build_info()["isas"]

DESCENTS = (
    rb.SGD(0.1),
    rb.SGD(0.3, momentum=0.9),
    rb.SGD(0.3, momentum=0.9, nesterov=True),
    rb.SGD(1e-3, momentum=0.5, nesterov=True),
    rb.SGD(0.3, momentum=1e-60),  # 0 in float32: a plain step
)
OTHERS = (
    rb.Adagrad(0.1),
    rb.Adagrad(0.1, initial_sum=0.25),
    rb.RMSprop(0.05),
    rb.RMSprop(0.05, alpha=0.5, momentum=0.5),
    rb.RMSprop(0.05, alpha=0.5, centered=True),
    rb.RMSprop(0.05, alpha=0.5, momentum=0.5, centered=True),
    rb.Adadelta(0.5),
    rb.Adadelta(0.5, rho=0.5, eps=1e-3),
    rb.Adam(0.05),
    rb.Adam(0.05, beta1=0.0, beta2=0.5),
    rb.Adam(0.1, beta2=0.5, amsgrad=True),
    rb.Adam(0.1, eps=1e-2, eps_hat=True),
    rb.AdamW(0.05, weight_decay=0.5),
    rb.AdamW(0.05, weight_decay=0.5, amsgrad=True),
    rb.NAdam(0.05),
    rb.NAdam(0.05, momentum_decay=1.0),
    rb.Lion(0.05),
    rb.Lion(0.05, weight_decay=0.5),
    rb.Rprop(0.05),
    rb.Rprop(0.05, largest=0.06, smallest=0.01),
)
SCHEDULES = (
    schedules.StepDecay(0.1, every=2, factor=0.5),
    schedules.StepDecay(0.1, every=1, factor=0.5, per="epoch"),
    schedules.Exponential(0.1, factor=0.9),
    schedules.InverseScaling(0.1, power=0.75, decay=0.5),
    schedules.Cosine(0.1, period=3, growth=2, lowest=0.01),
    schedules.Cosine(0.1, period=2, per="epoch"),
    schedules.OneCycle(0.2, steps=9),
    schedules.OneCycle(0.2, steps=2, rise=0.0),
    schedules.PerEpoch(lambda epoch: 0.1 / (epoch + 1)),
    schedules.WarmUp(3, 0.1),
    schedules.WarmUp(2, schedules.Exponential(0.1, factor=0.5, per="epoch"), start=0.0),
    schedules.ReduceOnPlateau(0.1, factor=0.5, patience=0, threshold=0.3),
    schedules.ReduceOnPlateau(0.1, factor=0.5, patience=1, threshold=0.5, cooldown=1, lowest=0.03),
    schedules.WarmUp(2, schedules.ReduceOnPlateau(0.1, factor=0.5, patience=0, threshold=0.3)),
)
REGULARISATIONS: tuple[dict[str, float], ...] = (
    {"l1": 0.01},
    {"l2": 0.1},
    {"alpha": 1.0},
    {"alpha": 0.5, "l1": 0.01, "l2": 0.1, "clip_norm": 0.1},
    {"l1": 0.01, "l2": 0.1, "clip_value": 0.02},
    {"clip_norm": 0.1},
    {"clip_norm": 1e6},
    {"clip_norm": 0.1, "clip_value": 0.02, "l2": 0.1},
    {"max_norm": 0.7},
    {"max_weight": 0.2},
    {"ema": 0.9},
    {"l1": 0.01, "clip_norm": 0.1, "max_norm": 0.7, "max_weight": 0.3, "ema": 0.5},
)


def name(x: Any) -> str:
    return repr(x).replace(" ", "")


def in_the_textbook(x: Any) -> Any:
    """The reference's optimiser or schedule of the same name and settings."""
    if not dataclasses.is_dataclass(x):
        return x
    home = textbook if type(x).__module__ == schedules.__name__ else reference
    settings = {field.name: getattr(x, field.name) for field in dataclasses.fields(x)}
    return getattr(home, type(x).__name__)(
        **{key: in_the_textbook(value) for key, value in settings.items()}
    )


def compare(
    layers: list[int],
    optimizer: Any,
    dtype: str,
    regularisation: dict[str, float] | None = None,
    *,
    n: int = 11,
    batch_size: int = 4,
    epochs: int = 3,
    validation: bool = False,
) -> Array:
    """One training on the core and one on the textbook; theta at the end."""
    core, book = twins(layers, dtype=dtype)
    X = samples(n, layers[0], dtype)
    Y = targets("squared_error", "identity", n, layers[-1], dtype)
    options: Any = {"loss": "squared_error", "batch_size": batch_size, "epochs": epochs}
    penalties: list[float] = []
    got = rb.train(
        core,
        X,
        Y,
        optimizer=optimizer,
        validation=(X[:5], Y[:5]) if validation else None,
        callback=lambda epoch: penalties.append(epoch.penalty),
        **options,
        **(regularisation or {}),
    )
    wanted = reference.train(
        book,
        X.tolist(),
        Y.tolist(),
        optimizer=in_the_textbook(optimizer),
        regularisation=reference.Regularisation(**(regularisation or {})),
        validation=(X[:5].tolist(), Y[:5].tolist()) if validation else None,
        **options,
    )
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")
    assert_same_bits(np.array(got.loss_curve), np.array(wanted.loss_curve), "loss_curve")
    assert got.history.get("learning_rate") == wanted.learning_rates
    assert_same_bits(np.array(penalties), np.array(wanted.penalties), "penalties")
    assert (got.ema is None) == (wanted.ema is None)
    if got.ema is not None:
        assert_same_bits(got.ema, np.array(wanted.ema, dtype), "ema")
    return core.theta.copy()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", [*DESCENTS, *OTHERS], ids=name)
@pytest.mark.parametrize("layers", [[3, 2], [5, 9, 4], [17, 33, 1]], ids=str)
def test_every_optimizer(layers: list[int], optimizer: Any, dtype: str) -> None:
    """Batches of 4, 4 and 3 samples; the states live on between them."""
    compare(layers, optimizer, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", OTHERS, ids=name)
@pytest.mark.parametrize("batch_size", [1, 11])
def test_single_samples_and_whole_batches(batch_size: int, optimizer: Any, dtype: str) -> None:
    compare([5, 7, 2], optimizer, dtype, batch_size=batch_size)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", [*DESCENTS[:3], rb.Adam(0.05), rb.Lion(0.05)], ids=name)
@pytest.mark.parametrize("regularisation", REGULARISATIONS, ids=name)
@pytest.mark.parametrize("layers", [[5, 9, 4], [7, 1]], ids=str)
def test_every_regularisation(
    layers: list[int], regularisation: dict[str, float], optimizer: Any, dtype: str
) -> None:
    theta = compare(layers, optimizer, dtype, regularisation)
    plain = compare(layers, optimizer, dtype)
    if isinstance(optimizer, rb.SGD):  # a sign, or a gradient over its own size, may stay the same
        idle = regularisation in ({"clip_norm": 1e6}, {"ema": 0.9})
        assert np.array_equal(theta, plain) == idle


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=name)
def test_every_schedule(schedule: Any, dtype: str) -> None:
    for optimizer in (rb.SGD(schedule), rb.AdamW(schedule, weight_decay=0.5)):
        for validation in (False, True):
            compare([5, 9, 4], optimizer, dtype, epochs=5, validation=validation)
    plain = compare([5, 9, 4], rb.SGD(0.1), dtype, epochs=5)
    assert not np.array_equal(compare([5, 9, 4], rb.SGD(schedule), dtype, epochs=5), plain)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_function_as_a_schedule(dtype: str) -> None:
    asked: list[int] = []

    def rate(step: int) -> float:
        asked.append(step)
        return 0.1 / (1 + step)

    theta = compare([5, 9, 4], rb.SGD(rate), dtype)
    assert asked == [*range(9)] * 2  # three batches in each of three epochs, on either side
    scaling = schedules.InverseScaling(0.1, power=1.0)
    np.testing.assert_allclose(theta, compare([5, 9, 4], rb.SGD(scaling), dtype), rtol=1e-5)


def test_the_error_of_a_schedule_function_comes_out() -> None:
    net = rb.Network([3, 2], random_state=0)
    X, Y = samples(8, 3, "float32"), targets("squared_error", "identity", 8, 2, "float32")

    def raising(step: int) -> float:
        if step == 2:
            raise LookupError("no rate")
        return 0.1

    with pytest.raises(LookupError, match="no rate"):
        rb.train(net, X, Y, loss="squared_error", optimizer=rb.SGD(raising), batch_size=2)
    for bad, error in [(float("nan"), ValueError), (-1.0, ValueError), ("a", TypeError)]:
        with pytest.raises(error, match=r"learning_rate: .*step 0.*expected"):
            rb.train(net, X, Y, loss="squared_error", optimizer=rb.SGD(lambda _, x=bad: x))
    rb.train(net, X, Y, loss="squared_error")  # not left busy


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", [rb.SGD(0.1), rb.SGD(0.1, momentum=0.9), *OTHERS], ids=name)
@pytest.mark.parametrize("layers", [[70, 100], [130, 1]], ids=str)
def test_steps_of_large_products(layers: list[int], optimizer: Any, dtype: str) -> None:
    """Too much for the step of a small network: gradients of the core, steps of the textbook."""
    n = 5_000 if layers[-1] == 1 else 200
    net = rb.Network(layers, dtype=dtype, random_state=0)
    X = samples(n, layers[0], dtype)
    Y = targets("squared_error", "identity", n, layers[-1], dtype)
    T, rule, counters = NUMBER_TYPES[dtype], in_the_textbook(optimizer), Counters()
    theta = net.theta.tolist()
    states = [rule.states(T) for _ in theta]
    walker = net.copy()
    for step in range(2):
        walker.theta = theta
        grad = walker.gradients(X, Y, loss="squared_error").grad.tolist()
        counters.steps = step + 1
        k = rule.numbers(T, rule.learning_rate, counters)
        for i, dw in enumerate(grad):
            theta[i] = rule.step(T, k, dw, states[i], theta[i])
    options: Any = {"batch_size": n, "epochs": 2, "shuffle": False}
    rb.train(net, X, Y, loss="squared_error", optimizer=optimizer, **options)
    assert_same_bits(net.theta, np.array(theta, dtype), "theta")


WIDE = [300, 257, 129, 10]


def wide(dtype: str, optimizer: Any, threads: int | None, **regularisation: float) -> list[bytes]:
    """A training whose steps are cut into tiles."""
    net = rb.Network(WIDE, output="softmax", dtype=dtype, random_state=0)
    random = np.random.default_rng(0)
    X, y = random.standard_normal((450, WIDE[0])), random.integers(0, 10, 450)
    result = rb.train(
        net,
        X,
        y,
        loss="log_loss",
        optimizer=optimizer,
        batch_size=200,
        epochs=2,
        threads=threads,
        **regularisation,
    )
    return [net.theta.tobytes(), b"" if result.ema is None else result.ema.tobytes()]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", [rb.SGD(0.05, momentum=0.5), rb.Adam()], ids=name)
@pytest.mark.parametrize(
    "regularisation",
    [
        {},
        {"l1": 1e-4, "l2": 1e-3, "clip_value": 0.01, "max_norm": 1.0, "ema": 0.9},
        {"l2": 1e-3, "clip_norm": 0.1, "max_norm": 1.0},
    ],
    ids=name,
)
def test_threads_change_no_bit(
    regularisation: dict[str, float], optimizer: Any, dtype: str
) -> None:
    one = wide(dtype, optimizer, 1, **regularisation)
    for threads in (2, 3, None):
        assert wide(dtype, optimizer, threads, **regularisation) == one


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("isa", ISAS[1:])
def test_every_instruction_set_has_the_same_bits(isa: str, dtype: str) -> None:
    def of_all() -> list[Array]:
        thetas = [compare([5, 9, 4], optimizer, dtype) for optimizer in OTHERS]
        for regularisation in REGULARISATIONS:
            thetas.append(compare([5, 9, 4], rb.Adam(0.05), dtype, regularisation))
        return thetas

    wanted = of_all()
    rb.set_isa(isa)
    try:
        for got, want in zip(of_all(), wanted, strict=True):
            assert_same_bits(got, want)
    finally:
        rb.set_isa(ISAS[0])


def test_many_at_a_time_are_each_alone() -> None:
    X, Y = samples(40, 5, "float32"), targets("squared_error", "identity", 40, 2, "float32")
    rates = [0.01, schedules.Cosine(0.05, period=9), lambda step: 0.05 / (1 + step)]
    settings: list[Any] = [{"optimizer": rb.Adam(rate), "ema": 0.9} for rate in rates]
    settings.append({"optimizer": rb.LBFGS(), "batch_size": None})
    options: Any = {"loss": "squared_error", "epochs": 5}
    nets = [rb.Network([5, 8, 2], random_state=i) for i in range(4)]
    alone = [net.copy() for net in nets]
    together = rb.train_many(nets, X, Y, settings=settings, threads=2, **options)
    for net, own, one, result in zip(nets, settings, alone, together, strict=True):
        wanted = rb.train(one, X, Y, **own, **options)
        assert isinstance(result, rb.TrainResult)
        assert result.loss_curve == wanted.loss_curve
        assert_same_bits(net.theta, one.theta, "theta")
        if wanted.ema is not None:
            assert_same_bits(result.ema, wanted.ema, "ema")


def test_max_norm_limits_the_norms() -> None:
    net = rb.Network([20, 30, 3], dtype="float64", random_state=0)
    X = samples(40, 20, "float64")
    Y = targets("squared_error", "identity", 40, 3, "float64")
    rb.train(net, X, Y, loss="squared_error", max_norm=0.5, epochs=1)
    norms = np.concatenate([np.linalg.norm(W, axis=1) for W in net.W])
    assert norms.max() <= 0.5 * (1 + 1e-15)
    assert (norms > 0.499).any()


FADING = [  # a mean that more than halves in every step would become 0 by itself
    rb.RMSprop(0.001, alpha=0.8),
    rb.RMSprop(0.001, alpha=0.8, centered=True, momentum=0.8),
    rb.Adam(0.001, beta1=0.8, beta2=0.8),
    rb.Adam(0.001, beta1=0.8, beta2=0.8, amsgrad=True),
    rb.AdamW(0.001, beta1=0.8, beta2=0.8),
    rb.NAdam(0.001, beta1=0.8, beta2=0.8),
    rb.Lion(0.001, beta1=0.8, beta2=0.8),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", FADING, ids=repr)
@pytest.mark.parametrize("width", [1, 40])
def test_a_dead_unit_costs_no_subnormal_numbers(width: int, optimizer: Any, dtype: str) -> None:
    """The means of a gradient that stays 0 fade to 0 in the core and do not stay subnormal.

    The hidden units are alive for the first sample and dead for all others.
    """

    def states(n_dead: int) -> list[Array]:
        """What the optimiser remembers of the parameters whose gradient is 0 in dead units."""
        net = rb.Network([1, width, 1], activation="relu", dtype=dtype, random_state=0)
        net.W[0][:], net.b[0][:], net.W[1][:] = 1.0, 0.0, 0.5
        training = job_of(
            net,
            X=np.array([1.0] + [-1e3] * n_dead)[:, None],
            Y=np.array([50.0] + [0.0] * n_dead),
            loss="squared_error",
            optimizer=optimizer,
            batch_size=1,
            epochs=1,
            shuffle=False,
            remember=True,
        )
        training.run(1)
        return [state[: 3 * width] for state in training.memory[1]]

    assert all((state != 0).all() for state in states(0))
    means = states(4000)
    if getattr(optimizer, "amsgrad", False):
        assert (means.pop() > 0).all()  # the largest mean so far does not fade
    for mean in means:
        assert not mean.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_plain_step_goes_down_the_gradient(dtype: str) -> None:
    core, _ = twins([5, 9, 4], dtype=dtype)
    X, Y = samples(6, 5, dtype), targets("squared_error", "identity", 6, 4, dtype)
    w, grad = core.theta.copy(), core.gradients(X, Y, loss="squared_error").grad
    options: Any = {"batch_size": 6, "epochs": 1, "shuffle": False}
    rb.train(core, X, Y, loss="squared_error", optimizer=rb.SGD(0.1), **options)
    T = NUMBER_TYPES[dtype]
    pairs = zip(w.tolist(), grad.tolist(), strict=True)
    wanted = [T.fma(-T.round(0.1), dw_i, w_i) for w_i, dw_i in pairs]
    assert_same_bits(core.theta, np.array(wanted, dtype), "theta")
