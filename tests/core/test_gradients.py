"""Gradients: of every activation, loss and depth, against long double and against differences.

Both comparisons are made array by array: every dW[l], every db[l] and dX by itself, so that the
small gradients of a deep network's first layers are held to the same relative tolerance as the
large ones.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import long_double
import rosenblatt as rb
import tolerance
from bits import ACTIVATIONS, KINDS, LABEL_LOSSES, name_of
from rosenblatt import _loss

FURTHER_ACTIVATIONS = [name for name in ACTIVATIONS if name not in (*KINDS, "step")]
OUTPUTS_AND_LOSSES = [
    *((output, "squared_error") for output in KINDS),
    ("softmax", "log_loss"),
    ("logistic", "log_loss"),
]
FURTHER_LOSSES = [  # output, loss, n_outputs
    *((output, loss, 3) for output in KINDS for loss in ("absolute_error", "cosine")),
    *((output, rb.Huber(0.25), 3) for output in KINDS),
    *((output, rb.Quantile((0.1, 0.5, 0.8)), 3) for output in KINDS),
    ("identity", "gaussian_nll", 4),
    ("softmax", rb.Focal(gamma=0.5), 3),
    *(
        (output, loss, n_outputs)
        for n_outputs in (1, 3)
        for output, loss in [
            ("softmax", rb.LogLoss(label_smoothing=0.2)),
            ("logistic", rb.LogLoss(label_smoothing=0.2)),
            ("softmax", "kl_divergence"),
            ("identity", "hinge"),
            ("tanh", "hinge"),
            ("identity", "squared_hinge"),
            ("tanh", "squared_hinge"),
            ("identity", "poisson"),
            ("logistic", rb.Poisson(log_rate=False)),
            ("softplus", rb.Poisson(log_rate=False)),
            ("softsign", "squared_hinge"),
            ("hard_tanh", "hinge"),
            ("softmax", "focal"),
            ("logistic", "focal"),
            ("logistic", rb.Focal(gamma=3.5)),
        ]
    ),
]
WIDTHS = [3, 4, 5, 4, 3, 5, 4, 3]  # n_features and hidden layers; no two neighbours are equal
N_SAMPLES = 3

# The standard deviation of z for inputs of size 1: enough that a gradient survives eight layers.
GAIN = {
    "identity": 1.0,
    "logistic": 2.5,
    "tanh": 1.0,
    "relu": 1.4,
    "softmax": 4.0,
    "leaky_relu": 1.4,
    "elu": 1.2,
    "celu": 1.2,
    "selu": 1.0,
    "gelu": 1.5,
    "gelu_tanh": 1.5,
    "silu": 1.7,
    "mish": 1.4,
    "softplus": 1.4,
    "softsign": 1.8,
    "hard_sigmoid": 3.5,
    "hard_tanh": 1.1,
    "relu6": 1.4,
    "sin": 1.2,
    "log_softmax": 1.0,
}


@dataclass(frozen=True)
class Case:
    """One combination: a network without its weights, and a loss."""

    activation: str
    output: str
    loss: Any
    depth: int  # weight layers
    n_outputs: int

    @property
    def layers(self) -> list[int]:
        return [*WIDTHS[: self.depth], self.n_outputs]

    @property
    def activations(self) -> list[str]:
        return [self.activation] * (self.depth - 1) + [self.output]

    @property
    def constant(self) -> bool:
        """Whether the output is a softmax of one: always 1, with every derivative 0."""
        return self.output == "softmax" and self.n_outputs == 1

    def __str__(self) -> str:
        return f"{self.activation}-{self.output}-{self.loss}-{self.depth}-{self.n_outputs}"


CASES = (
    [
        Case(activation, output, loss, depth, n_outputs)
        for depth in (1, 2, 4, 8)
        for activation in (KINDS if depth > 1 else ["relu"])  # depth 1 has no hidden layer
        for output, loss in OUTPUTS_AND_LOSSES
        for n_outputs in (1, 3)
    ]
    + [
        Case(activation, output, loss, depth, n_outputs)
        for activation in FURTHER_ACTIVATIONS
        for depth, output, loss, n_outputs in [
            (2, activation, "squared_error", 3),
            (2, "identity", "squared_error", 1),
            (4, "softmax", "log_loss", 3),
        ]
    ]
    + [
        Case("tanh", output, loss, depth, n_outputs)
        for depth in (1, 3)
        for output, loss, n_outputs in FURTHER_LOSSES
    ]
)
WEIGHTS = [None, (0.5, 2.0, 1.25)]


@dataclass(frozen=True)
class Point:
    """Where the derivatives are taken."""

    theta: NDArray[np.float64]
    X: NDArray[np.float64]
    Y: NDArray[np.float64]


def random_point(case: Case, seed: int) -> Point:
    rng = np.random.default_rng([seed, case.depth, case.n_outputs])
    theta = []
    for n_in, n_out, name in zip(case.layers[:-1], case.layers[1:], case.activations, strict=True):
        W = rng.uniform(-1, 1, (n_in, n_out)) * GAIN[name] * np.sqrt(3 / n_in)
        theta += [W.ravel(), rng.uniform(-0.5, 0.5, n_out)]
    name = name_of(case.loss)
    n_targets = case.n_outputs // 2 if name == "gaussian_nll" else case.n_outputs
    Y = rng.uniform(0.1, 0.9, (N_SAMPLES, n_targets))
    if "hinge" in name:
        Y = np.where(Y > 0.5, 1.0, -1.0)
    if name in LABEL_LOSSES and case.output == "softmax":
        Y /= Y.sum(axis=1, keepdims=True)
    return Point(
        theta=np.round(np.concatenate(theta) / tolerance.GRID) * tolerance.GRID,
        X=np.round(rng.uniform(-1.5, 1.5, (N_SAMPLES, WIDTHS[0])) / tolerance.GRID)
        * tolerance.GRID,
        Y=Y,
    )


def kinks_are_out_of_reach(case: Case, point: Point) -> bool:
    """Whether no unit passes a kink when one weight, bias or input moves by the stencil's reach.

    Nor any output leaves the piece of the loss that it is on.

    The two ends are enough: a unit below which none passes a kink sees z move along a straight
    line, or nearly.
    """
    kinks = [long_double.KINKS.get(name, ()) for name in case.activations]
    name, p = _loss.rule(case.loss)
    piece = long_double.PIECES.get(name)
    if not any(kinks) and piece is None:
        return True
    middle = np.concatenate([point.theta, point.X.ravel()])
    reach = tolerance.REACH * tolerance.STEP * np.eye(len(middle))
    moved = np.concatenate([middle[None], middle - reach, middle + reach])
    theta, X = np.split(moved, [len(point.theta)], axis=1)
    W, b = long_double.matrices(theta, case.layers)
    Z, A = long_double.forward(W, b, case.activations, X.reshape(-1, *point.X.shape))
    if piece is not None and not np.all(piece(A[-1], point.Y, p) == piece(A[-1][0], point.Y, p)):
        return False
    return all(
        np.all((Z_l > kink) == (Z_l[0] > kink))
        for Z_l, kinks_l in zip(Z, kinks, strict=True)
        for kink in kinks_l
    )


@functools.cache
def good_point(case: Case) -> Point:
    """Return a point that no kink and no vanishing gradient spoils, says long double."""
    for seed in range(2000):
        point = random_point(case, seed)
        W, b = long_double.matrices(point.theta, case.layers)
        expected = long_double.gradients(W, b, case.activations, point.X, point.Y, loss=case.loss)
        smallest = tolerance.SMALLEST_GRADIENT * expected.cost
        steep = all(
            np.linalg.norm(g.astype(float)) >= smallest * np.sqrt(g.size)
            for g in (*expected.dW, *expected.db, expected.dX)
        )
        if (steep or case.constant) and kinks_are_out_of_reach(case, point):
            return point
    raise AssertionError(f"no good point for {case}")


def network(case: Case, theta: NDArray[np.float64]) -> rb.Network:
    net = rb.Network(
        case.layers, activation=case.activation, output=case.output, dtype="float64", random_state=0
    )
    net.theta[:] = theta
    return net


def differences(net: rb.Network, point: Point, loss: Any, sample_weight: Any) -> tuple[Any, Any]:
    """dC/dtheta (n_params,) and dC/dX (n, n_features) by the stencil of tolerance.py."""
    theta, X = point.theta.copy(), point.X.copy()

    def cost() -> float:
        net.theta[:] = theta
        return net.gradients(X, point.Y, loss=loss, sample_weight=sample_weight).cost

    def by_each(variables: NDArray[np.float64]) -> NDArray[np.float64]:
        derivative = np.zeros(variables.shape)
        for i in np.ndindex(variables.shape):
            middle = variables[i]
            for offset, weight in tolerance.STENCIL:
                variables[i] = middle + offset * tolerance.STEP
                above = cost()
                variables[i] = middle - offset * tolerance.STEP
                derivative[i] += weight * (above - cost())
            variables[i] = middle
        return derivative / tolerance.STEP

    return by_each(theta), by_each(X)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("sample_weight", WEIGHTS, ids=["plain", "weighted"])
def test_they_agree_with_long_double(case: Case, sample_weight: Any) -> None:
    point = good_point(case)
    net = network(case, point.theta)
    got = net.gradients(point.X, point.Y, loss=case.loss, sample_weight=sample_weight)
    trace = net.trace(point.X)
    expected = long_double.gradients(
        *long_double.matrices(point.theta, case.layers),
        case.activations,
        point.X,
        point.Y,
        loss=case.loss,
        sample_weight=sample_weight,
    )

    def check(name: str, ours: Any, theirs: Any) -> None:
        assert len(ours) == len(theirs), name
        for layer, (our_array, their_array) in enumerate(zip(ours, theirs, strict=True)):
            assert np.shape(our_array) == their_array.shape, f"{name}[{layer}]"
            error = long_double.relative_difference(our_array, their_array)
            assert error <= tolerance.LONG_DOUBLE_RELATIVE, f"{name}[{layer}]: {error:.1e}"

    check("cost", [got.cost], [expected.cost])
    check("Z", trace.Z, expected.Z)
    check("A", trace.A, expected.A)
    check("dW", got.dW, expected.dW)
    check("db", got.db, expected.db)
    check("dX", [got.dX], [expected.dX])
    check("delta", got.delta, expected.delta)


@pytest.mark.parametrize(
    ("case", "sample_weight"),
    [
        pytest.param(case, weight, id=f"{case}-{'weighted' if weight else 'plain'}")
        for case, weight in itertools.product(CASES, WEIGHTS)
        if weight is None or case.depth in (2, 3)
    ],
)
def test_they_agree_with_central_differences(case: Case, sample_weight: Any) -> None:
    point = good_point(case)
    net = network(case, point.theta)
    got = net.gradients(point.X, point.Y, loss=case.loss, sample_weight=sample_weight)
    by_theta, by_X = differences(net, point, case.loss, sample_weight)
    dW, db = long_double.matrices(by_theta, case.layers)  # cuts the flat array, whatever is in it

    def check(name: str, ours: Any, theirs: Any) -> None:
        error = long_double.relative_difference(theirs, ours)
        assert error <= tolerance.DIFFERENCES_RELATIVE, f"{name}: {error:.1e}"

    for layer in range(case.depth):
        check(f"dW[{layer}]", got.dW[layer], dW[layer])
        check(f"db[{layer}]", got.db[layer], db[layer])
    check("dX", got.dX, by_X)


def test_the_points_have_something_to_test() -> None:
    """A softmax of one output apart, no gradient is 0, and relus are both on and off."""
    for case in CASES:
        point = good_point(case)
        got = network(case, point.theta).gradients(point.X, point.Y, loss=case.loss)
        arrays = (*got.dW, *got.db, got.dX, *got.delta)
        assert all(np.any(g) != case.constant for g in arrays), case
    case = Case("relu", "identity", "squared_error", 8, 3)
    Z = np.concatenate(
        [z.ravel() for z in network(case, good_point(case).theta).trace(good_point(case).X).Z[:-1]]
    )
    assert 0.2 < np.mean(Z > 0) < 0.8


@pytest.mark.parametrize("place", ["hidden", "output"])
def test_nothing_comes_back_through_a_step(place: str) -> None:
    activation, output = ("step", "identity") if place == "hidden" else ("tanh", "step")
    net = rb.Network([3, 5, 2], activation=activation, output=output, random_state=0)
    got = net.gradients(np.ones((4, 3)), np.full((4, 2), 0.5), loss="squared_error")
    assert got.cost > 0
    assert not got.dW[0].any()
    assert not got.dX.any()
    assert got.dW[1].any() == (place == "hidden")


@pytest.mark.parametrize("layers", [[300, 3], [3, 300, 2], [257, 16, 256, 17, 1]])
def test_long_sums_of_few_results_agree_with_long_double(layers: list[int]) -> None:
    """Where sums run in interleaved chains; uneven widths leave some chains shorter than others."""
    rng = np.random.default_rng(0)
    net = rb.Network(layers, activation="tanh", dtype="float64", random_state=0)
    for b in net.b:
        b[:] = rng.uniform(-0.5, 0.5, b.shape)
    X, Y = rng.standard_normal((5, layers[0])), rng.standard_normal((5, layers[-1]))
    got = net.gradients(X, Y, loss="squared_error")
    W, b = long_double.matrices(net.theta, layers)
    expected = long_double.gradients(W, b, net.activations, X, Y, loss="squared_error")
    for ours, theirs in [
        (got.cost, expected.cost),
        (got.dX, expected.dX),
        *zip(got.dW, expected.dW, strict=True),
        *zip(got.db, expected.db, strict=True),
        *zip(got.delta, expected.delta, strict=True),
    ]:
        assert long_double.relative_difference(ours, theirs) <= tolerance.LONG_DOUBLE_RELATIVE


@pytest.mark.parametrize("z", [40.0, 800.0, 1e4])
@pytest.mark.parametrize("output", ["logistic", "softmax"])
def test_log_loss_survives_certainty(output: str, z: float) -> None:
    """Sure and right, or sure and wrong: the cost is finite, and delta is a - y."""
    net = rb.Network([2, 2], output=output, dtype="float64", random_state=0)
    net.W[0] = np.eye(2)
    net.b[0] = np.zeros(2)
    X = np.array([[z, -z], [-z, z]])
    Y = np.array([[1.0, 0.0], [1.0, 0.0]])
    got = net.gradients(X, Y, loss="log_loss")
    expected = long_double.gradients(
        *long_double.matrices(net.theta, [2, 2]), [output], X, Y, loss="log_loss"
    )
    assert np.isfinite(got.cost)
    assert (
        long_double.relative_difference(got.cost, expected.cost) <= tolerance.LONG_DOUBLE_RELATIVE
    )
    for ours, theirs in [(got.delta[0], expected.delta[0]), (got.dW[0], expected.dW[0])]:
        assert long_double.relative_difference(ours, theirs) <= tolerance.LONG_DOUBLE_RELATIVE


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_their_shapes_and_dtypes(dtype: str) -> None:
    net = rb.Network([3, 4, 2], dtype=dtype, random_state=0)
    got = net.gradients(np.ones((5, 3)), np.ones((5, 2)), loss="squared_error")
    assert isinstance(got.cost, float)
    assert [dW.shape for dW in got.dW] == [W.shape for W in net.W] == [(4, 3), (2, 4)]
    assert [db.shape for db in got.db] == [b.shape for b in net.b] == [(4,), (2,)]
    assert [delta.shape for delta in got.delta] == [(5, 4), (5, 2)]
    assert got.dX.shape == (5, 3)
    arrays = [*got.dW, *got.db, *got.delta, got.dX, got.grad]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_grad_lies_as_theta_does() -> None:
    """The flat gradient and dW, db are the same numbers, in theta's order."""
    net = rb.Network([3, 4, 2], activation="tanh", dtype="float64", random_state=0)
    X = np.arange(15.0).reshape(5, 3) / 7
    got = net.gradients(X, np.ones((5, 2)), loss="squared_error")
    flat = np.concatenate(
        [x.ravel() for dW, db in zip(got.dW, got.db, strict=True) for x in (dW.T, db)]
    )
    assert got.grad.shape == net.theta.shape
    assert got.grad.tobytes() == flat.tobytes()


def test_they_keep_their_numbers() -> None:
    """A later call does not write into an earlier one's arrays, and none changes the network."""
    net = rb.Network([3, 4, 2], activation="tanh", random_state=0)
    theta = net.theta.tobytes()
    first = net.gradients(np.ones((5, 3)), np.ones((5, 2)), loss="squared_error")
    kept = [first.grad.tobytes(), first.dX.tobytes(), *(d.tobytes() for d in first.delta)]
    net.gradients(np.full((5, 3), 7.0), np.zeros((5, 2)), loss="squared_error")
    assert kept == [first.grad.tobytes(), first.dX.tobytes(), *(d.tobytes() for d in first.delta)]
    assert net.theta.tobytes() == theta


@pytest.mark.parametrize(("output", "loss"), OUTPUTS_AND_LOSSES)
def test_equal_weights_are_no_weights(output: str, loss: str) -> None:
    """Weights of 1 add no rounding: the same bits."""
    net = rb.Network([3, 4, 2], output=output, dtype="float64", random_state=0)
    X, Y = np.arange(15.0).reshape(5, 3) / 7, np.full((5, 2), 0.5)
    plain = net.gradients(X, Y, loss=loss)
    ones = net.gradients(X, Y, loss=loss, sample_weight=np.ones(5))
    assert plain.cost == ones.cost
    assert plain.grad.tobytes() == ones.grad.tobytes()


def test_a_sample_of_weight_zero_is_as_if_not_there() -> None:
    net = rb.Network([3, 4, 2], activation="tanh", dtype="float64", random_state=0)
    X, Y = np.arange(15.0).reshape(5, 3) / 7, np.full((5, 2), 0.5)
    four = net.gradients(X[:4], Y[:4], loss="squared_error", sample_weight=[1, 2, 3, 4])
    five = net.gradients(X, Y, loss="squared_error", sample_weight=[1, 2, 3, 4, 0])
    assert four.cost == five.cost
    assert np.array_equal(four.grad, five.grad)
    assert not five.dX[4].any()
