"""Schedules: the core's rates are the reference's to the bit, and those of the formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import assert_same_bits, samples, targets
from rosenblatt import schedules
from rosenblatt.reference import schedule as textbook
from test_update import SCHEDULES, in_the_textbook, name

STEPS, STEPS_PER_EPOCH = 40, 3
LOSSES = [5.0, 4.0, 4.1, 3.9, 3.89, 3.0, 3.0, 3.1, -1.0, -1.5, -1.51, -1.4, 0.0]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=name)
def test_rates_have_the_bits_of_the_textbook(schedule: Any) -> None:
    got = schedules.rates(schedule, STEPS, steps_per_epoch=STEPS_PER_EPOCH, losses=LOSSES)
    twin = in_the_textbook(schedule)
    wanted = []
    for step in range(STEPS):
        epoch, first = divmod(step, STEPS_PER_EPOCH)
        if epoch > 0 and first == 0 and epoch <= len(LOSSES):
            textbook.end_epoch(twin, LOSSES[epoch - 1])
        wanted.append(twin.rate(epoch if twin.per == "epoch" else step))
    assert_same_bits(got, np.array(wanted), "rates")


def test_a_number_is_constant() -> None:
    assert schedules.rates(0.1, 3).tolist() == [0.1] * 3
    assert schedules.rates(0.1, 0).shape == (0,)


# The library's argument pi u, up to pi, is wrong by 2^-52 from its rounding and 2^-53 from that of
# pi; what is computed here, from an argument of at most pi / 4, by less than another 2^-53.
@pytest.mark.parametrize("u", [*np.linspace(0, 1, 201).tolist(), 1e-300, 0.25, 0.5, 0.75])
def test_cosine(u: float) -> None:
    assert abs(textbook.cos_of_half_turns(u) - math.cos(math.pi * u)) <= 4 * 2.0**-53


@pytest.mark.parametrize("base", [0.5, 0.9, 0.999, 1.01])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 100, 1023])
def test_power(base: float, n: int) -> None:
    """Two roundings for each bit of n, of which one at the start weighs n times: n + 2 ulp."""
    assert abs(textbook.power(base, n) / math.pow(base, n) - 1) <= (n + 2) * 2.0**-52


@pytest.mark.parametrize("x", [1.0, 1.5, 10.0, 1e6])
@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 2.5])
def test_real_power(x: float, p: float) -> None:
    """e^y with y = p ln x wrong by 2 ulp: abs(y) 2^-51 relative, and exp's own error."""
    bound = (abs(p * math.log(x)) + 2) * 2.0**-51
    assert abs(textbook.real_power(x, p) / math.pow(x, p) - 1) <= bound


BAD: dict[str, tuple[Any, type[Exception]]] = {
    "no rate": (lambda: schedules.StepDecay(0.0, every=3), ValueError),
    "a rate that is NaN": (lambda: schedules.Exponential(math.nan, factor=0.5), ValueError),
    "a bool": (lambda: schedules.Exponential(True, factor=0.5), TypeError),
    "every 0": (lambda: schedules.StepDecay(0.1, every=0), ValueError),
    "half a period": (lambda: schedules.Cosine(0.1, period=2.5), TypeError),  # type: ignore[arg-type]
    "a day": (lambda: schedules.StepDecay(0.1, every=1, per="day"), ValueError),  # type: ignore[arg-type]
    "a factor of 1": (lambda: schedules.ReduceOnPlateau(0.1, factor=1.0), ValueError),
    "two warm-ups": (lambda: schedules.WarmUp(3, schedules.WarmUp(3, 0.1)), TypeError),
    "a warm-up to a string": (lambda: schedules.WarmUp(3, "cosine"), TypeError),
    "all of it a rise": (lambda: schedules.OneCycle(0.1, steps=9, rise=1.0), ValueError),
    "a class": (lambda: rb.SGD(schedules.Cosine), TypeError),  # type: ignore[arg-type]
    "a string": (lambda: schedules.rates("cosine", 3), TypeError),  # type: ignore[arg-type]
    "rprop's": (lambda: rb.Rprop(schedules.Cosine(0.1, period=3)), TypeError),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("make", "error"), BAD.values(), ids=BAD)
def test_bad_settings_are_refused(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"got .*expected"):
        make()


# ---- finding a learning rate -----------------------------------------------------------------


def digits() -> tuple[rb.Network, Any, Any]:
    X, y = rb.datasets.load_digits()
    return rb.Network([64, 16, 10], output="softmax", random_state=0), X[:500], y[:500]


@pytest.mark.parametrize("optimizer", [rb.SGD(), rb.SGD(momentum=0.9), rb.Adam()], ids=name)
def test_a_suggested_rate_learns(optimizer: Any) -> None:
    net, X, y = digits()
    before = net.theta.tobytes()
    found = rb.find_learning_rate(net, X, y, loss="log_loss", optimizer=optimizer, highest=1e3)
    assert net.theta.tobytes() == before
    assert found.rates.shape == found.losses.shape <= (100,)
    assert np.all(np.diff(found.rates) > 0)
    assert np.isfinite(found.losses).all()
    optimizer = type(optimizer)(learning_rate=found.suggestion)
    result = rb.train(net, X, y, loss="log_loss", optimizer=optimizer, epochs=5)
    assert result.loss_curve[-1] < 0.7 * result.loss_curve[0]


def test_its_first_costs_are_those_of_training() -> None:
    net, X, y = digits()
    options: Any = {"loss": "log_loss", "batch_size": 500}
    found = rb.find_learning_rate(net, X, y, lowest=0.01, highest=0.1, steps=10, **options)
    rising = schedules.Exponential(0.01, factor=10 ** (1 / 9))
    result = rb.train(net, X, y, optimizer=rb.SGD(rising), epochs=10, **options)
    assert found.losses.tolist() == list(result.loss_curve)


def test_bad_searches_are_refused() -> None:
    net, X, y = digits()
    for bad in ({"lowest": 0.0}, {"lowest": 11.0}, {"steps": 9}, {"optimizer": rb.Rprop()}):
        with pytest.raises((ValueError, TypeError), match=r"got .*expected"):
            rb.find_learning_rate(net, X, y, loss="log_loss", **bad)  # type: ignore[arg-type]
    step = rb.Network([64, 16, 10], activation="step", output="softmax")
    with pytest.raises(ValueError, match=r"net: got .*step.*expected"):
        rb.find_learning_rate(step, X, y, loss="log_loss")
    net = rb.Network([3, 2], random_state=0)
    Y = targets("squared_error", "identity", 4, 2, "float32")
    for X in (samples(4, 2, "float32"), np.float32(1.0)):
        with pytest.raises((ValueError, TypeError), match=r"X: got .*expected"):
            rb.find_learning_rate(net, X, Y, loss="squared_error")  # type: ignore[arg-type]
