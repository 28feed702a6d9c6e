"""Steps and rates are PyTorch's, as support/optimizer_steps.py recorded them, up to rounding."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import Array
from optimizer_steps import DATA, KEPT, LAYERS, LOSSES, RATES, SAMPLES, STEPS, problem
from rosenblatt import _optimizer, schedules

RECORDED = json.loads(DATA.read_text(encoding="utf-8"))

# 20 steps of some dozens of operations each, of numbers near 1: the roundings of both sides differ
# by less than 20 * 50 * 2^-53 = 1e-13, and the steps hardly magnify a difference.
SAME = 1e-12


def trained(optimizer: Any, **settings: Any) -> tuple[Array, Any]:
    """theta after the steps that were recorded, and what the training gave."""
    theta, X, Y = problem()
    net = rb.Network(LAYERS, activation="tanh", dtype="float64", random_state=0)
    net.theta = theta
    steps: list[Array] = []

    def keep(epoch: rb.Epoch) -> None:
        if epoch.epoch + 1 in KEPT:
            steps.append(net.theta.copy())

    result = rb.train(
        net,
        X,
        Y,
        loss="squared_error",
        optimizer=optimizer,
        batch_size=SAMPLES,
        epochs=STEPS,
        shuffle=False,
        callback=keep,
        **settings,
    )
    return np.array(steps), result


@pytest.mark.parametrize("name", RECORDED["optimizers"])
def test_every_step_of_an_optimizer(name: str) -> None:
    of = RECORDED["optimizers"][name]
    steps, _ = trained(getattr(rb, of["class"])(**of["settings"]))
    np.testing.assert_allclose(steps, of["steps"], rtol=SAME, atol=SAME)


def test_every_optimizer_is_recorded() -> None:
    recorded = {of["class"] for of in RECORDED["optimizers"].values()}
    assert recorded == {each.__name__ for each in _optimizer.OPTIMIZERS} - {"LBFGS"}


@pytest.mark.parametrize("name", RECORDED["regularisations"])
def test_every_step_with_a_regularisation(name: str) -> None:
    of = RECORDED["regularisations"][name]
    steps, result = trained(rb.SGD(0.1), **of["settings"])
    np.testing.assert_allclose(steps, of["steps"], rtol=SAME, atol=SAME)
    plain, _ = trained(rb.SGD(0.1))
    if name == "ema":
        np.testing.assert_allclose(result.ema, of["ema"], rtol=SAME, atol=SAME)
    else:
        assert np.abs(plain - steps).max() > 1e-3, "it does nothing here"


# PyTorch multiplies the rate of the step before where the schedules here begin at the first: 30
# roundings.
@pytest.mark.parametrize("name", RECORDED["schedules"])
def test_every_rate_of_a_schedule(name: str) -> None:
    of = RECORDED["schedules"][name]
    schedule = getattr(schedules, of["class"])(0.1, **of["settings"])
    rates = schedules.rates(schedule, RATES, losses=LOSSES)
    np.testing.assert_allclose(rates, of["rates"], rtol=SAME, atol=1e-15)
    assert len(set(of["rates"])) > 2


def test_every_rate_of_a_warm_up() -> None:
    schedule = schedules.WarmUp(4, schedules.Exponential(0.1, factor=0.9), start=0.25)
    np.testing.assert_allclose(schedules.rates(schedule, RATES), RECORDED["warm-up"], rtol=SAME)
