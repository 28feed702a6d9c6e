"""gradient_check: it finds nothing where all is well, and says where something is not."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import samples, targets, twins
from rosenblatt.lecture import gradient_check


@pytest.mark.parametrize(
    ("activation", "output", "loss"),
    [
        ("tanh", "identity", "squared_error"),
        ("silu", "softmax", "log_loss"),
        ("softmax", "logistic", "focal"),
        ("log_softmax", "identity", "poisson"),
        ("gelu", "identity", "gaussian_nll"),
    ],
)
def test_smooth_networks_agree_everywhere(activation: str, output: str, loss: Any) -> None:
    net, _ = twins([3, 4, 2], activation=activation, output=output)
    X, Y = samples(5, 3, "float64"), targets(loss, output, 5, 2, "float64")
    check = gradient_check(net, X, Y, loss)
    assert check.n_unexpected == 0
    assert check.gradient.shape == check.differences.shape == (net.n_params,)
    assert np.abs(check.gradient - check.differences).max() == check.largest_absolute.absolute
    assert check.largest_absolute.absolute < 1e-8
    assert str(check).startswith(f"all of {net.n_params} parameters agree")


def test_a_kink_is_located() -> None:
    """A unit of relu with z = 0: its derivative is 0, and the difference is half the slope."""
    net = rb.Network([1, 2, 1], dtype="float64", weights=[[[1.0], [2.0]], [[3.0, 5.0]]])
    net.b[0] = [0.0, -2.0]  # z^(2) = (1, 0) at x = 1
    check = gradient_check(net, [[1.0]], [2.0])
    # C = 1/2 (3 - 2)^2, delta^(3) = 1; unit 2 is off: dC/db_2^(1) = 0, but C(b + h) rises by 5 h.
    assert check.largest_absolute.parameter in ("w_21^(1)", "b_2^(1)")
    assert check.largest_absolute.gradient == 0.0
    assert check.largest_absolute.difference == pytest.approx(2.5, rel=1e-3)
    assert check.largest_relative.relative == 1.0
    assert check.n_unexpected == 2
    assert "7 parameters" in str(check)
    assert str(check).startswith("5 of 7")
    assert "largest absolute disagreement 2.5 at " in str(check)


def test_float32_is_compared_with_differences_in_float64() -> None:
    net, _ = twins([3, 4, 2], dtype="float32")
    before = net.theta.copy()
    check = gradient_check(net, samples(5, 3, "float32"), samples(5, 2, "float32", 1))
    assert check.gradient.dtype == np.float32
    # Sums of some 5 terms of size 1, rounded to 24 bits.
    assert 1e-9 < check.largest_absolute.absolute < 1e-5
    assert (net.theta == before).all()


def test_scaled_networks_are_checked_as_they_are() -> None:
    net, _ = twins([3, 2])
    net.input_scaling = rb.Scaling([1.0, 2.0, 3.0], [2.0, 0.5, 1.0])
    net.target_scaling = rb.Scaling([1.0, 2.0], [2.0, 0.5])
    assert gradient_check(net, samples(5, 3, "float64"), samples(5, 2, "float64")).n_unexpected == 0


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"net": 1}, TypeError, "net: got int"),
        ({"X": [[1.0]]}, ValueError, "X: got"),
        ({"Y": [[1.0]]}, ValueError, "Y: got"),
        ({"loss": "log_loss"}, ValueError, "loss"),
    ],
)
def test_bad_input(settings: dict[str, Any], error: Any, message: str) -> None:
    net, _ = twins([3, 2])
    given: dict[str, Any] = {"net": net, "X": np.ones((2, 3)), "Y": np.ones((2, 2))} | settings
    with pytest.raises(error, match=re.escape(message)):
        gradient_check(**given)
