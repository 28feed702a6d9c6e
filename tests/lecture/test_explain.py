"""explain: the chain rule step by step has the bits of the gradients, and its numbers are right."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import (
    ACTIVATIONS,
    COMBINATIONS,
    assert_same_bits,
    labels,
    n_outputs_for,
    samples,
    targets,
    twins,
)
from rosenblatt.lecture import explain
from rosenblatt.lecture._parameters import Parameter, at_place, place_in_theta
from rosenblatt.lecture._sample import backward_pass, forward_pass
from rosenblatt.lecture._steps import Derivation, Step
from rosenblatt.reference.activation import ACTIVATIONS as IN_THE_BOOK
from rosenblatt.reference.arithmetic import Float64
from worked_example import X_WORKED, Y_WORKED, worked_example

# ---- The lecture's worked example: four inputs, two hidden layers, the path through W_22^(2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_lectures_worked_example(dtype: str) -> None:
    # z^(2) = (1·1,  1·1 + 1·2 + 2·0.5 - 1,  -1·2 - 1·(-1)) = (1, 3, -1)
    # a^(2) = (1/2, 3/4, -1/2)
    # z^(3) = (1·0.5 + 1·0.75 - 0.25,  2·0.5 + 4·0.75 + 2·(-0.5)) = (1, 3)
    # a^(3) = (1/2, 3/4),  f'(z^(3)) = (1/4, 1/16)
    # a^(4) = z^(4) = (1·0.5 + 2·0.75,  -2·0.5 + 4·0.75 - 1) = (2, 1)
    # C = 1/2 ((2 - 1)^2 + (1 - 3)^2) = 5/2
    # delta^(4) = (2 - 1, 1 - 3) = (1, -2)
    # dC/da_2^(3) = w_12^(3) delta_1^(4) + w_22^(3) delta_2^(4) = 2·1 + 4·(-2) = -6
    # delta_2^(3) = -6 · 1/16 = -3/8
    # dC/dw_22^(2) = delta_2^(3) a_2^(2) = -3/8 · 3/4 = -9/32
    found = explain(worked_example(dtype), X_WORKED, Y_WORKED, weight=(2, 2, 2))
    assert [(step.formula, step.numbers, step.value) for step in found.steps] == [
        (
            "z_2^(3) = b_2^(2) + w_21^(2) · a_1^(2) + w_22^(2) · a_2^(2) + w_23^(2) · a_3^(2)",
            "0 + 2 · 0.5 + 4 · 0.75 + 2 · (-0.5)",
            3.0,
        ),
        ("a_2^(3) = f(z_2^(3)) = softsign(z_2^(3))", "softsign(3)", 0.75),
        (
            "C = 1/2 · ((a_1^(4) - y_1)^2 + (a_2^(4) - y_2)^2)",
            "1/2 · ((2 - 1)^2 + (1 - 3)^2)",
            2.5,
        ),
        ("delta_1^(4) = (a_1^(4) - y_1) · f'(z_1^(4))", "(2 - 1) · 1", 1.0),
        ("delta_2^(4) = (a_2^(4) - y_2) · f'(z_2^(4))", "(1 - 3) · 1", -2.0),
        (
            "dC/da_2^(3) = w_12^(3) · delta_1^(4) + w_22^(3) · delta_2^(4)",
            "2 · 1 + 4 · (-2)",
            -6.0,
        ),
        ("f'(z_2^(3)) = (1 - |a_2^(3)|)^2", "(1 - |0.75|)^2", 1 / 16),
        ("delta_2^(3) = dC/da_2^(3) · f'(z_2^(3))", "(-6) · 0.0625", -3 / 8),
        (
            "dC/dw_22^(2) = dC/dz_2^(3) · dz_2^(3)/dw_22^(2) = delta_2^(3) · a_2^(2)",
            "(-0.375) · 0.75",
            -9 / 32,
        ),
    ]
    assert found.value == found.gradients == found.reference == -9 / 32
    assert found.agrees
    assert abs(found.finite_difference.value + 9 / 32) <= found.finite_difference.expected_error
    assert found.paths == {(2, 2, 2), (3, 1, 2), (3, 2, 2)}
    assert found.weight == (2, 2, 2)
    assert found.bias is None
    assert found.symbol == "w_22^(2)"


@pytest.mark.parametrize("mixing", ["softmax", "log_softmax"])
def test_paths_through_a_hidden_softmax_leave_from_all_its_units(mixing: str) -> None:
    """Each of its activations depends on every z, so that one weight reaches all of them."""
    net = rb.Network([2, 3, 4, 2], activation=[mixing, "tanh"], dtype="float64", random_state=0)
    X, Y = [0.5, -1.0], [1.0, 0.0]
    found = explain(net, X, Y, weight=(1, 2, 1))
    above = {(2, j, k) for j in range(1, 5) for k in range(1, 4)}
    last = {(3, j, k) for j in range(1, 3) for k in range(1, 5)}
    assert found.paths == {(1, 2, 1)} | above | last
    assert explain(net, X, Y, bias=(1, 3)).paths == above | last
    assert explain(net, X, Y, weight=(2, 4, 1)).paths == {(2, 4, 1), (3, 1, 4), (3, 2, 4)}


def test_a_bias_and_a_last_and_a_first_weight_by_hand() -> None:
    net = worked_example()
    bias = explain(net, X_WORKED, Y_WORKED, bias=(2, 2))
    assert bias.value == bias.gradients == bias.reference == -3 / 8  # delta_2^(3)
    assert bias.paths == {(3, 1, 2), (3, 2, 2)}
    assert (bias.weight, bias.bias, bias.symbol) == (None, (2, 2), "b_2^(2)")
    # A weight of the last layer directly: dC/dw_21^(3) = delta_2^(4) a_1^(3) = -2 · 1/2
    last = explain(net, X_WORKED, Y_WORKED, weight=(3, 2, 1))
    assert last.value == -1.0
    assert last.paths == {(3, 2, 1)}
    assert not any("delta_1" in step.formula for step in last.steps)
    # delta_1^(3) = (1·1 + (-2)·(-2)) / 4 = 5/4;  dC/da_1^(2) = 1·5/4 + 2·(-3/8) = 1/2
    # delta_1^(2) = 1/2 · 1/4 = 1/8;  dC/dw_12^(1) = 1/8 · 2
    first = explain(net, X_WORKED, Y_WORKED, weight=(1, 1, 2))
    assert first.value == 0.25
    assert first.paths == {(1, 1, 2), (2, 1, 1), (2, 2, 1)} | {
        (3, j, k) for j in (1, 2) for k in (1, 2)
    }


# ---- Every weight and bias, every activation and loss


def every_parameter(net: rb.Network) -> list[Parameter]:
    return [
        Parameter(layer, j, k)
        for layer, W in enumerate(net.W)
        for j in range(W.shape[0])
        for k in [*range(W.shape[1]), None]
    ]


def test_parameters_know_their_place_in_theta() -> None:
    net = rb.Network([3, 4, 2, 1], random_state=0, dtype="float64")
    net.theta[:] = np.arange(net.n_params)
    for parameter in every_parameter(net):
        i = place_in_theta(net.layers, parameter)
        assert parameter.of(net.W, net.b) == i
        assert at_place(net.layers, i) == parameter


def derivations(
    net: rb.Network, x: Any, y: Any, loss: Any, digits: int
) -> list[tuple[Parameter, list[Step]]]:
    way = forward_pass(net, x)
    derivation = Derivation(way, backward_pass(net, way, y, loss), digits)
    return [(parameter, derivation.steps(parameter)) for parameter in every_parameter(net)]


def assert_bits_of_gradients(net: rb.Network, x: Any, y: Any, loss: Any) -> None:
    wanted = net.gradients(x[None], np.reshape(y, (1, *np.shape(y))), loss=loss)
    dW = [np.zeros_like(W) for W in net.W]
    db = [np.zeros_like(b) for b in net.b]
    for (layer, j, k), steps in derivations(net, x, y, loss, 3):
        if k is None:
            db[layer][j] = steps[-1].value
        else:
            dW[layer][j, k] = steps[-1].value
    for layer in range(len(net.W)):
        assert_same_bits(dW[layer], wanted.dW[layer], f"dC/dW^({layer + 1})")
        assert_same_bits(db[layer], wanted.db[layer], f"dC/db^({layer + 1})")


DEPTHS = ([3], [3, 2], [3, 2, 3], [2, 3, 2, 3], [2, 3, 2, 2, 3])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layers", DEPTHS, ids=lambda layers: f"{len(layers)}-layers")
def test_every_parameter_has_the_bits_of_the_gradients(layers: list[int], dtype: str) -> None:
    """Every combination of loss, output and hidden activation, each at one of the depths."""
    combinations = COMBINATIONS[DEPTHS.index(layers) :: len(DEPTHS)]
    assert len(combinations) > 40
    for seed, (loss, output, activation) in enumerate(combinations):
        sizes = [*layers, n_outputs_for(loss, 2)]
        net, _ = twins(sizes, activation=activation, output=output, dtype=dtype, seed=seed)
        x = samples(1, sizes[0], dtype, seed)[0]
        y = targets(loss, output, 1, sizes[-1], dtype, seed=seed)[0]
        assert_bits_of_gradients(net, x, y, loss)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_five_layers_of_every_activation_have_the_bits(activation: str) -> None:
    sizes = [3, 2, 3, 2, 3, 2]
    net, _ = twins(sizes, activation=activation, output=activation, dtype="float64", seed=5)
    x, y = samples(1, 3, "float64", 5)[0], targets("squared_error", activation, 1, 2, "float64")[0]
    assert_bits_of_gradients(net, x, y, "squared_error")


def test_a_wide_layer_with_interleaved_sums_has_the_bits() -> None:
    net, _ = twins([300, 4, 270, 3], activation="tanh", output="softmax", dtype="float32")
    x = samples(1, 300, "float32")[0]
    wanted = net.gradients(x[None], [1], loss="log_loss")
    way = forward_pass(net, x)
    derivation = Derivation(way, backward_pass(net, way, 1, "log_loss"), 6)
    for layer, j, k in [(0, 2, 299), (0, 0, 0), (1, 269, 1), (2, 1, 255)]:
        steps = derivation.steps(Parameter(layer, j, k))
        assert steps[-1].value == float(wanted.dW[layer][j, k])
        assert len(steps) < 40
        assert all(len(step.formula) < 300 for step in steps)
    many = [
        step.value for step in derivation.steps(Parameter(0, 2, 5)) if "same way" in step.formula
    ]
    assert [len(values) for values in many if isinstance(values, tuple)] == [270 - 5]
    assert_same_bits(np.array(many[0], "float32"), wanted.delta[1][0][4:-1])


@pytest.mark.parametrize("loss", ["log_loss", "kl_divergence", "focal"])
def test_labels_are_rows_with_a_one(loss: Any) -> None:
    net, _ = twins([3, 4, 3], output="softmax")
    x, y = samples(1, 3, "float64")[0], int(labels(1, 3)[0])
    assert_bits_of_gradients(net, x, y, loss)
    by_label = explain(net, x, y, (1, 2, 3), loss=loss)
    by_row = explain(net, x, np.eye(3)[y], (1, 2, 3), loss=loss)
    assert by_label.value == by_row.value


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scaled_networks_are_explained_as_they_compute(dtype: str) -> None:
    net, _ = twins([3, 4, 2], dtype=dtype)
    net.input_scaling = rb.Scaling([1.0, -2.0, 0.1], [0.3, 2.0, 1.7])
    net.target_scaling = rb.Scaling([5.0, 0.1], [0.7, 3.0])
    x, y = samples(1, 3, dtype)[0], np.array([1.5, -2.5], dtype)
    assert_bits_of_gradients(net, x, y, "squared_error")
    found = explain(net, x, y, (1, 4, 2))
    assert found.agrees
    assert found.steps[0].formula == "a_2^(1) = (x_2 - (-2)) · 2"
    assert found.steps[0].value == float(dtype_of(net)((dtype_of(net)(x[1]) + 2) * 2))
    assert any("y'_1" in step.formula for step in found.steps)


def dtype_of(net: rb.Network) -> Any:
    return net.dtype.type


# ---- The numbers in a step come out at its value


def written_function(name: str) -> Any:
    return lambda z: IN_THE_BOOK[name].forward(Float64, [float(z)])[0]


WRITTEN: dict[str, Any] = {
    **{name: written_function(name) for name in ACTIVATIONS if "softmax" not in name},
    "exp": math.exp,
    "ln": math.log,
    "cos": math.cos,
    "cosh": math.cosh,
    "sign": lambda d: float(np.sign(d)),
    "Phi": lambda z: math.erfc(-z / math.sqrt(2)) / 2,
}


def evaluated(numbers: str, loss: Any) -> float:
    """Compute what a step's line of numbers says."""
    python = numbers.replace("·", "*").replace("^", "**")
    python = re.sub(r"\|([^|]*)\|", r"abs(\1)", python)
    python = re.sub(r"\[([^\]]*)\]", r"(\1)", python)
    bend = getattr(loss, "delta", 1.0)
    names = WRITTEN | {"h": lambda d: min(abs(d), bend) * (abs(d) - min(abs(d), bend) / 2)}
    return float(eval(python, {"__builtins__": {}, "abs": abs, "max": max, "min": min} | names))


@pytest.mark.parametrize("turn", range(4))
def test_the_numbers_of_every_step_come_out_at_its_value(turn: int) -> None:
    checked = 0
    for seed, (loss, output, activation) in enumerate(COMBINATIONS[turn::4]):
        sizes = [2, 3, n_outputs_for(loss, 2)]
        net, _ = twins(sizes, activation=activation, output=output, seed=seed)
        x = samples(1, 2, "float64", seed)[0] + 0.1
        y = targets(loss, output, 1, sizes[-1], "float64", seed=seed)[0]
        for parameter, steps in derivations(net, x, y, loss, 17):
            if parameter.k not in (None, 1):
                continue
            for step in steps:
                assert isinstance(step.value, float)
                got = evaluated(step.numbers, loss)
                # Seventeen digits are exact; sums of a few terms of size 1 are off by some 1e-15.
                assert got == pytest.approx(step.value, rel=1e-9, abs=1e-12), (step, loss, output)
                checked += 1
    assert checked > 1000


# ---- The other ways to the number


@pytest.mark.parametrize("activation", ["tanh", "gelu", "logistic", "sin", "softmax"])
@pytest.mark.parametrize(
    ("loss", "output"), [("squared_error", "identity"), ("log_loss", "softmax"), ("cosine", "tanh")]
)
def test_the_difference_is_as_near_as_it_says(activation: str, loss: Any, output: str) -> None:
    net, _ = twins([3, 4, 3, 2], activation=activation, output=output)
    x, y = samples(1, 3, "float64")[0], targets(loss, output, 1, 2, "float64")[0]
    for at in [(1, 1, 1), (1, 4, 3), (2, 2, 2), (3, 2, 1)]:
        found = explain(net, x, y, at, loss=loss)
        error = abs(found.finite_difference.value - found.value)
        assert error <= found.finite_difference.expected_error
        assert found.finite_difference.expected_error < 1e-6


def test_nothing_is_changed() -> None:
    net = worked_example()
    before = net.theta.copy()
    found = explain(net, X_WORKED, Y_WORKED)
    assert_same_bits(net.theta, before)
    net.W[0] = np.zeros((3, 4))
    assert found.network.W[0][0, 0] == 1.0  # the copy is of the network as it was
