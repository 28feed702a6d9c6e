"""Scaling has the reference's bits, costs nothing unless used, and goes wherever a network goes."""

from __future__ import annotations

import copy
import pickle
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import (
    DTYPES,
    Array,
    assert_same_bits,
    assert_same_gradients,
    labels,
    samples,
    targets,
    twins,
)
from rosenblatt import reference
from rosenblatt.reference.arithmetic import NUMBER_TYPES
from rosenblatt.reference.scaling import fit_scaling

KINDS = ("standard", "minmax", "robust")
LOSSES = ("squared_error", "absolute_error", rb.Huber(0.5), rb.Quantile((0.2, 0.5, 0.9)))


def table(n: int, n_columns: int, dtype: str, seed: int = 0) -> Array:
    """(n, n_columns) numbers in units of every size, far from 0; the third column is constant."""
    random = np.random.default_rng([seed, n, n_columns])
    X = random.normal(size=(n, n_columns))
    X = X * 10.0 ** random.integers(-3, 4, n_columns) + random.normal(size=n_columns) * 100
    if n_columns > 2:
        X[:, 2] = 0.1
    return X.astype(dtype)


def scaled_twins(
    dtype: str, *, output: str = "identity", n_outputs: int = 3
) -> tuple[rb.Network, reference.Network]:
    """The same network twice, with scalings of its inputs and of its targets."""
    core, book = twins([4, 6, n_outputs], output=output, dtype=dtype)
    inputs = rb.Scaling([0.5, -1.0, 1e-3, 100.0], [2.0, 0.1, 1 / 3, 7.0])
    core.input_scaling = inputs
    sides = [("input_scaling", inputs)]
    if output == "identity":
        core.target_scaling = rb.Scaling([10.0, 0.1, -3.0], [0.3, 5.0, 1 / 7])
        sides.append(("target_scaling", core.target_scaling))
    for name, scaling in sides:
        offset, factor = (x.astype(dtype).tolist() for x in (scaling.offset, scaling.factor))
        setattr(book, name, reference.Scaling(offset, factor))
    return core, book


# ---- the reference's bits --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 37])
@pytest.mark.parametrize("n_columns", [1, 3, 16, 17, 40])
def test_the_statistics(n_columns: int, n: int, kind: str, dtype: str) -> None:
    X = table(n, n_columns, dtype)
    net = rb.Network([n_columns, 2], output="softmax", dtype=dtype, random_state=0)
    rb.train(net, X, labels(n, 2), loss="log_loss", epochs=1, scale_inputs=kind)
    wanted = fit_scaling(NUMBER_TYPES[dtype], X.tolist(), kind)
    assert net.input_scaling is not None
    assert_same_bits(net.input_scaling.offset, np.array(wanted.offset))
    assert_same_bits(net.input_scaling.factor, np.array(wanted.factor))


@pytest.mark.parametrize("kind", KINDS)
def test_fit_gives_the_same_in_float64(kind: Any) -> None:
    X = table(23, 5, "float64")
    scaling, wanted = (
        rb.Scaling.fit(X, kind),
        fit_scaling(NUMBER_TYPES["float64"], X.tolist(), kind),
    )
    assert_same_bits(scaling.offset, np.array(wanted.offset))
    assert_same_bits(scaling.factor, np.array(wanted.factor))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("output", ["identity", "softmax"])
@pytest.mark.parametrize("n", [1, 7, 1100])
def test_forward_and_trace(n: int, output: str, dtype: str) -> None:
    """Few samples, and more than one slice of them."""
    core, book = scaled_twins(dtype, output=output)
    X = table(n, 4, dtype)
    some = slice(max(n - 30, 0), n)
    A = core.forward(X)
    assert_same_bits(A[some], np.array(book.forward(X[some].tolist()), dtype))
    trace, wanted = core.trace(X[some]), book.trace(X[some].tolist())
    for got, lists in zip((*trace.Z, *trace.A), (*wanted.Z, *wanted.A), strict=True):
        assert_same_bits(got, np.array(lists, dtype))
    for i in (0, n - 1):
        assert_same_bits(core.forward(X[i]), A[i])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_derivatives(loss: Any, dtype: str) -> None:
    core, book = scaled_twins(dtype)
    X, Y, s = table(9, 4, dtype), table(9, 3, dtype), np.linspace(0.5, 2, 9)
    x, y = X.tolist(), Y.tolist()
    got = core.gradients(X, Y, loss=loss, sample_weight=s)
    wanted = book.gradients(x, y, loss=loss, sample_weight=s.tolist())
    assert_same_gradients(got, wanted, dtype)
    each = core.per_sample_gradients(X, Y, loss=loss)
    assert_same_bits(each, np.array(book.per_sample_gradients(x, y, loss=loss), dtype))
    v = np.linspace(-1, 1, core.n_params).astype(dtype)
    Hv = core.hessian_vector_product(X, Y, v, loss=loss)
    assert_same_bits(Hv, np.array(book.hessian_vector_product(x, y, v.tolist(), loss=loss), dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_jacobian_and_a_custom_cost(dtype: str) -> None:
    core, book = scaled_twins(dtype)
    X, G = table(9, 4, dtype), samples(9, 3, dtype)
    assert_same_bits(core.jacobian(X), np.array(book.jacobian(X.tolist()), dtype))
    got, wanted = core.backward(X, G), book.backward(X.tolist(), G.tolist())
    for name in ("dW", "db", "delta"):
        for a, b in zip(getattr(got, name), getattr(wanted, name), strict=True):
            assert_same_bits(a, np.array(b, dtype), name)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_training(kind: Any, dtype: str) -> None:
    core, book = twins([4, 6, 3], dtype=dtype)
    X, Y, X2, Y2 = (table(n, k, dtype, n) for n, k in ((20, 4), (20, 3), (9, 4), (9, 3)))
    settings: dict[str, Any] = {"loss": "squared_error", "epochs": 3, "batch_size": 7}
    settings |= {"scale_inputs": kind, "scale_targets": kind}
    got = rb.train(core, X, Y, validation=(X2, Y2), **settings)
    wanted = reference.train(
        book, X.tolist(), Y.tolist(), validation=(X2.tolist(), Y2.tolist()), **settings
    )
    assert got.loss_curve == wanted.loss_curve
    assert got.validation_curve == wanted.validation_curve
    assert_same_bits(core.theta, np.array(book.theta, dtype))
    assert_same_bits(core.forward(X2), np.array(book.forward(X2.tolist()), dtype))


# ---- what it is ------------------------------------------------------------------------------


def test_the_statistics_are_the_usual_ones() -> None:
    X = table(41, 2, "float64")
    by_kind = {kind: rb.Scaling.fit(X, kind) for kind in KINDS}
    of = {
        "standard": (X.mean(axis=0), X.std(axis=0)),
        "minmax": (X.min(axis=0), np.ptp(X, axis=0)),
        "robust": (np.median(X, axis=0), np.subtract(*np.percentile(X, [75, 25], axis=0))),
    }
    for kind, (offset, spread) in of.items():
        np.testing.assert_allclose(by_kind[kind].offset, offset, rtol=1e-13)
        np.testing.assert_allclose(by_kind[kind].factor, 1 / spread, rtol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.0, -0.0, 0.1, -1e300, 5e-324])
def test_a_constant_column_is_shifted_to_0(value: float, kind: Any) -> None:
    """Whatever the rounding of its mean, which would make a tiny deviation of nothing."""
    scaling = rb.Scaling.fit(np.full((7, 1), value), kind)
    assert scaling.factor.tolist() == [1.0]
    assert scaling.offset.tolist() == [value]
    assert not np.signbit(scaling.offset[0]) or value < 0


def test_equal_quartiles_are_no_spread() -> None:
    scaling = rb.Scaling.fit([[1.0], [1.0], [1.0], [1.0], [9.0]], "robust")
    assert (scaling.offset[0], scaling.factor[0]) == (1.0, 1.0)


def test_a_scaled_training_is_one_on_scaled_numbers() -> None:
    """Nothing is added to a step: the weights are those of a plain training on scaled copies."""
    X, Y = table(50, 4, "float64"), table(50, 2, "float64")
    nets = [rb.Network([4, 5, 2], dtype="float64", random_state=0) for _ in range(2)]
    rb.train(nets[0], X, Y, loss="huber", scale_inputs="standard", scale_targets="robust")
    a, b = nets[0].input_scaling, nets[0].target_scaling
    assert a is not None
    assert b is not None
    rb.train(nets[1], (X - a.offset) * a.factor, (Y - b.offset) * b.factor, loss="huber")
    assert_same_bits(nets[0].theta, nets[1].theta)
    outputs = nets[1].forward((X - a.offset) * a.factor) / b.factor + b.offset
    assert_same_bits(nets[0].forward(X), outputs)


def test_dX_is_by_the_numbers_that_came() -> None:
    core, _ = scaled_twins("float64")
    X, Y = samples(5, 4, "float64"), targets("squared_error", "identity", 5, 3, "float64")
    dX, J, h = core.gradients(X, Y, loss="squared_error").dX, core.jacobian(X), 1e-6
    for i, k in np.ndindex(X.shape):
        step = np.zeros_like(X)
        step[i, k] = h
        costs = [core.gradients(X + t, Y, loss="squared_error").cost for t in (step, -step)]
        assert dX[i, k] == pytest.approx((costs[0] - costs[1]) / (2 * h), rel=1e-6, abs=1e-7)
        outputs = core.forward((X + step)[i]) - core.forward((X - step)[i])
        np.testing.assert_allclose(J[i, :, k], outputs / (2 * h), rtol=1e-6, atol=1e-7)


def test_a_custom_loss_sees_the_units_of_the_targets() -> None:
    """Plain descent on the squares: the gradient is that of `backward`, step by step."""
    X, Y = table(12, 4, "float64"), table(12, 3, "float64")
    core, _ = scaled_twins("float64")
    by_hand = core.copy()
    seen: list[Array] = []

    def squares(A: Array, Y: Array) -> tuple[float, Array]:
        seen.append(A.copy())
        return float(((A - Y) ** 2).mean()), (A - Y) / 1e6

    rate = 2.0**-10
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 12, "shuffle": False}
    sgd = rb.SGD(rate)
    rb.train(core, X, Y, loss=squares, optimizer=sgd, validation=(X, Y), **settings)
    for i in range(2):
        A = by_hand.forward(X)
        assert_same_bits(seen[2 * i], A)
        by_hand.theta[:] -= rate * by_hand.backward(X, (A - Y) / 1e6).grad
        assert_same_bits(seen[2 * i + 1], by_hand.forward(X))
    with pytest.raises(ValueError, match="scale_targets: got 'minmax' with a loss of your own"):
        rb.train(core, X, Y, loss=squares, scale_targets="minmax")


def test_without_a_rule_the_network_keeps_its_scaling() -> None:
    core, _ = scaled_twins("float64")
    before = core.input_scaling
    rb.train(core, table(9, 4, "float64"), table(9, 3, "float64"), loss="squared_error", epochs=1)
    assert before is not None
    assert core.input_scaling is not None
    assert core.target_scaling is not None
    assert_same_bits(core.input_scaling.offset, before.offset)
    core.input_scaling = core.target_scaling = None
    assert core.input_scaling is core.target_scaling is None


def test_a_scaling_is_there_in_a_callback_and_cannot_be_changed_by_it() -> None:
    net = rb.Network([4, 3], dtype="float64", random_state=0)
    X, Y = table(9, 4, "float64"), table(9, 3, "float64")
    seen: list[Any] = []

    def look(epoch: rb.Epoch) -> None:
        seen.append((net.input_scaling, net.forward(X)))
        with pytest.raises(RuntimeError, match="being trained"):
            net.input_scaling = None

    rb.train(net, X, Y, loss="huber", epochs=1, scale_inputs="standard", callback=look)
    assert_same_bits(seen[0][1], net.forward(X))
    assert repr(seen[0][0]) == repr(net.input_scaling)


def test_another_thread_may_show_a_network_in_training() -> None:
    net = rb.Network([4, 3], random_state=0)
    net.input_scaling = rb.Scaling(np.zeros(4), np.ones(4))
    shown: list[str] = []

    def look(epoch: rb.Epoch) -> None:
        other = threading.Thread(target=lambda: shown.append(repr(net)))
        other.start()
        other.join(60)

    rb.train(net, table(9, 4, "float32"), samples(9, 3, "float32"), loss="huber", callback=look)
    assert shown[0].startswith("Network([4, 3]")


# ---- where a network goes --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sides", [("input",), ("target",), ("input", "target")], ids=str)
def test_copies_pickles_and_files_keep_it(
    sides: tuple[str, ...], dtype: str, tmp_path: Path
) -> None:
    net, _ = scaled_twins(dtype)
    for side in {"input", "target"} - set(sides):
        setattr(net, f"{side}_scaling", None)
    net.save(tmp_path / "model")
    X = table(7, 4, dtype)
    twins = [net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    for twin in (*twins, rb.load(tmp_path / "model")):
        assert repr(twin) == repr(net)
        assert_same_bits(twin.forward(X), net.forward(X))
    twins[0].input_scaling = None
    assert ("input" in sides) == (net.input_scaling is not None)


def test_repr_shows_it() -> None:
    net = rb.Network([5, 1], random_state=0)
    net.input_scaling = rb.Scaling([0, 0.25, 1e300 / 1e299, 3, 4], np.ones(5))
    assert "input_scaling=Scaling(offset=[0, 0.25, 10, 3, …], factor=[1, 1, 1, 1, …])" in repr(net)
    assert "target_scaling" not in repr(net)


def test_a_scaling_cannot_be_changed_in_place() -> None:
    scaling = rb.Scaling([0.0], [1.0])
    with pytest.raises(ValueError, match="read-only"):
        scaling.offset[0] = 1.0
    with pytest.raises(AttributeError):
        scaling.offset = np.zeros(1)  # type: ignore[misc]


# ---- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "factor", "error", "message"),
    [
        ([0.0], [1.0, 2.0], ValueError, "factor: got shape (2,), expected (1,)"),
        ([[0.0]], [[1.0]], ValueError, "offset: got shape (1, 1), expected"),
        ([], [], ValueError, "offset: got shape (0,), expected"),
        (0.0, 1.0, ValueError, "offset: got shape (), expected"),
        ([np.nan], [1.0], ValueError, "offset: got nan at offset[0]"),
        ([0.0], [np.inf], ValueError, "factor: got inf at factor[0]"),
        ([0.0], [0.0], ValueError, "factor: got 0.0, expected numbers above 0"),
        ([0.0], [-1.0], ValueError, "factor: got -1.0, expected numbers above 0"),
        (["a"], [1.0], TypeError, "offset: got dtype"),
        ([0.0], [1j], TypeError, "factor: got dtype complex128"),
    ],
)
def test_Scaling(offset: Any, factor: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        rb.Scaling(offset, factor)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("input_scaling", rb.Scaling([0.0], [1.0]), ValueError, "input_scaling: got shape (1,)"),
        ("target_scaling", rb.Scaling([0.0], [1.0]), ValueError, "target_scaling: got shape (1,)"),
        ("input_scaling", "standard", TypeError, "input_scaling: got 'standard', expected"),
        ("input_scaling", ([0.0] * 4, [1.0] * 4), TypeError, "input_scaling: got ("),
        ("input_scaling", rb.Scaling([0.0] * 4, [1e-60] * 4), ValueError, "1e-60 for input 0"),
        ("target_scaling", rb.Scaling([0, 1e39, 0], [1.0] * 3), ValueError, "1e+39 and a factor"),
    ],
)
def test_assigned(name: str, value: Any, error: Any, message: str) -> None:
    net, _ = scaled_twins("float32")
    before = repr(net)
    with pytest.raises(error, match=re.escape(message)):
        setattr(net, name, value)
    assert repr(net) == before


@pytest.mark.parametrize("output", ["softmax", "logistic", "tanh", "relu"])
def test_targets_are_scaled_for_outputs_of_any_size_alone(output: str) -> None:
    net = rb.Network([4, 3], output=output, random_state=0)
    with pytest.raises(
        ValueError, match=f"target_scaling: got one for output '{output}', expected"
    ):
        net.target_scaling = rb.Scaling(np.zeros(3), np.ones(3))
    with pytest.raises(ValueError, match=f"scale_targets: got one for output '{output}', expected"):
        rb.train(
            net,
            samples(9, 4, "float32"),
            samples(9, 3, "float32"),
            loss="squared_error",
            scale_targets="standard",
        )


@pytest.mark.parametrize("loss", ["poisson", "cosine", "hinge", "squared_hinge"])
def test_targets_are_scaled_only_for_losses_of_any_number(loss: str) -> None:
    X, Y = samples(9, 4, "float32"), targets(loss, "identity", 9, 3, "float32")
    net = rb.Network([4, 3], random_state=0)
    message = f"loss: got '{loss}' with scaled targets, expected one of 'squared_error'"
    with pytest.raises(ValueError, match=message):
        rb.train(net, X, Y, loss=loss, scale_targets="standard")
    net.target_scaling = rb.Scaling(np.zeros(3), np.ones(3))
    before = net.theta.copy()
    for call in (rb.train, rb.Network.gradients, rb.Network.per_sample_gradients):
        with pytest.raises(ValueError, match=message):
            call(net, X, Y, loss=loss)  # type: ignore[operator]
    assert_same_bits(net.theta, before)


@pytest.mark.parametrize("name", ["scale_inputs", "scale_targets"])
@pytest.mark.parametrize(
    ("value", "error"), [("zscore", ValueError), (True, TypeError), (1, TypeError)]
)
def test_the_rules_of_train(value: Any, error: Any, name: str) -> None:
    net = rb.Network([4, 3], random_state=0)
    X, Y = samples(9, 4, "float32"), samples(9, 3, "float32")
    with pytest.raises(error, match=f"{name}: got {value!r}, expected one of 'standard'"):
        rb.train(net, X, Y, loss="huber", **{name: value})
    assert net.input_scaling is net.target_scaling is None


def test_a_refused_training_leaves_the_scaling_as_it_was() -> None:
    net, _ = scaled_twins("float64")
    before, theta = repr(net), net.theta.copy()
    X, Y = table(9, 4, "float64"), table(9, 3, "float64")
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match=re.escape("X[3, 1]")):
        rb.train(net, X, Y, loss="huber", scale_inputs="standard", scale_targets="standard")
    X[3, 1] = 0
    with pytest.raises(ValueError, match=r"validation\[0\]"):
        rb.train(net, X, Y, loss="huber", scale_inputs="minmax", validation=(X[:, :2], Y))
    assert repr(net) == before
    assert_same_bits(net.theta, theta)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "dtype"), [(1e-43, "float32"), (1.7e308, "float64")])
def test_a_spread_beyond_the_type_is_refused(size: float, dtype: str, kind: Any) -> None:
    column = np.repeat([-size, 0, size], 5)[:, None]
    net = rb.Network([1, 2], output="softmax", dtype=dtype, random_state=0)
    with pytest.raises(ValueError, match=r"X: got an offset of .* for column 0 by"):
        rb.train(net, column, labels(15, 2), loss="log_loss", scale_inputs=kind)
    assert net.input_scaling is None


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros(3), ValueError, "X: got shape (3,), expected (n, n_columns)"),
        (np.zeros((0, 3)), ValueError, "X: got shape (0, 3), expected"),
        (np.zeros((3, 0)), ValueError, "X: got shape (3, 0), expected"),
        ([[0.0, np.inf]], ValueError, "X: got inf at X[0, 1]"),
        ([["a"]], TypeError, "X: got dtype"),
    ],
)
def test_fit(X: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        rb.Scaling.fit(X)
    with pytest.raises(ValueError, match="kind: got 'z', expected one of 'standard'"):
        rb.Scaling.fit([[0.0]], "z")  # type: ignore[arg-type]
