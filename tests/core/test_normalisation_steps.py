"""Steps with norms and skips are PyTorch's, as support/normalisation_steps.py recorded them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import rosenblatt as rb
from normalisation_steps import DATA, LAYERS, NETS, RATE, SAMPLES, STEPS, problem

RECORDED = json.loads(DATA.read_text(encoding="utf-8"))["nets"]

# 10 steps of some dozens of operations each, of numbers near 1; a division by a deviation may
# magnify a difference by some tens.
SAME = 1e-11


@pytest.mark.parametrize("name", NETS)
def test_every_step_is_pytorchs(name: str) -> None:
    wanted = RECORDED[name]
    theta, X, Y = problem(wanted["norm"])
    net = rb.Network(
        LAYERS, activation="tanh", norm=wanted["norm"], skip=wanted["skip"], dtype="float64"
    )
    net.theta = theta
    result = rb.train(
        net,
        X,
        Y,
        loss="squared_error",
        optimizer=rb.SGD(RATE),
        batch_size=SAMPLES,
        epochs=STEPS,
        shuffle=False,
    )
    np.testing.assert_allclose(result.loss_curve, wanted["costs"], rtol=SAME)
    np.testing.assert_allclose(net.theta, wanted["theta"], rtol=SAME, atol=SAME)
    assert np.abs(net.theta - theta).max() > 0.01, "nothing was learnt"
    for views, of_batch_norm in (
        (net.running_mean, wanted["running_mean"]),
        (net.running_var, wanted["running_var"]),
    ):
        found = [view for view in views if view is not None]
        assert len(found) == len(of_batch_norm)
        for view, numbers in zip(found, of_batch_norm, strict=True):
            np.testing.assert_allclose(view, numbers, rtol=SAME, atol=SAME)
    np.testing.assert_allclose(net.forward(X), wanted["outputs"], rtol=SAME, atol=SAME)
