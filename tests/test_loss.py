"""The core's cost and delta of the output have the reference's bits, for every kind of target."""

from __future__ import annotations

import numpy as np
import pytest

import rosenblatt as rb
from bits import (
    DTYPES,
    LOSSES,
    Array,
    assert_same_bits,
    assert_same_gradients,
    labels,
    one_hot,
    samples,
    targets,
    twins,
)

WEIGHTS = (None, "spread", "with zeros")


def weights(kind: str | None, n: int) -> Array | None:
    """(n,) sample weights, float64."""
    if kind is None:
        return None
    s = np.random.default_rng(n).uniform(0.1, 3.0, size=n)
    if kind == "with zeros":
        s[::3] = 0.0
    return s


def listed(s: Array | None) -> list[float] | None:
    """The weights as the textbook takes them."""
    return None if s is None else s.tolist()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("n_outputs", [1, 3, 18])
@pytest.mark.parametrize(("loss", "output"), LOSSES)
def test_every_loss(loss: str, output: str, n_outputs: int, kind: str | None, dtype: str) -> None:
    core, book = twins([4, n_outputs], output=output, dtype=dtype)
    n = 11
    X, Y, s = samples(n, 4, dtype), targets(loss, output, n, n_outputs, dtype), weights(kind, n)
    got = core.gradients(X, Y, loss=loss, sample_weight=s)
    wanted = book.gradients(X.tolist(), Y.tolist(), loss=loss, sample_weight=listed(s))
    assert_same_gradients(got, wanted, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_labels_are_one_hot_rows(output: str, kind: str | None, dtype: str) -> None:
    core, book = twins([4, 6, 5], output=output, dtype=dtype)
    X, y, s = samples(13, 4, dtype), labels(13, 5), weights(kind, 13)
    wanted = book.gradients(X.tolist(), y.tolist(), loss="log_loss", sample_weight=listed(s))
    for Y in (y, one_hot(y, 5, dtype)):
        got = core.gradients(X, Y, loss="log_loss", sample_weight=s)
        assert_same_gradients(got, wanted, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_labels_of_a_yes_or_no_question(dtype: str) -> None:
    core, book = twins([4, 6, 1], output="logistic", dtype=dtype)
    X, y = samples(13, 4, dtype), labels(13, 2)
    wanted = book.gradients(X.tolist(), y.tolist(), loss="log_loss")
    for Y in (y, y[:, None].astype(dtype)):
        assert_same_gradients(core.gradients(X, Y, loss="log_loss"), wanted, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_real_targets_of_one_output(dtype: str) -> None:
    core, book = twins([4, 6, 1], dtype=dtype)
    X, Y = samples(13, 4, dtype), targets("squared_error", "identity", 13, 1, dtype)
    wanted = book.gradients(X.tolist(), Y[:, 0].tolist(), loss="squared_error")
    for given in (Y, Y[:, 0]):
        assert_same_gradients(core.gradients(X, given, loss="squared_error"), wanted, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [30.0, 1000.0, 2.0**60])
@pytest.mark.parametrize(("loss", "output"), LOSSES)
def test_sure_outputs(loss: str, output: str, scale: float, dtype: str) -> None:
    """The log losses stay finite where an output is 0 or 1 to the last bit."""
    core, book = twins([4, 3], output=output, dtype=dtype)
    core.theta[:] *= np.array(scale, dtype)
    book.theta = core.theta.tolist()
    X, Y = samples(11, 4, dtype), targets(loss, output, 11, 3, dtype)
    got = core.gradients(X, Y, loss=loss)
    assert np.isfinite(got.cost)
    assert_same_gradients(got, book.gradients(X.tolist(), Y.tolist(), loss=loss), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_impossible_output_costs_nothing_unless_it_is_the_answer(dtype: str) -> None:
    """z = -infinity for the first class: 0 times its logarithm is left out, it would be a NaN."""
    core, book = twins([1, 3], output="softmax", dtype=dtype)
    largest = float(np.finfo(dtype).max)
    core.theta[:] = book.theta = [-largest, 0.0, 1.0, -largest, 0.0, 0.0]
    got = core.gradients(np.ones((1, 1), dtype), [2], loss="log_loss")
    assert np.isfinite(got.cost)
    assert_same_gradients(got, book.gradients([[1.0]], [2], loss="log_loss"), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output"), LOSSES)
def test_equal_weights_change_nothing_but_rounding(loss: str, output: str, dtype: str) -> None:
    """Weights of 1 are no weights, to the bit: their sum and the shares are the same numbers."""
    core, _ = twins([4, 3], output=output, dtype=dtype)
    X, Y = samples(10, 4, dtype), targets(loss, output, 10, 3, dtype)
    plain = core.gradients(X, Y, loss=loss)
    weighted = core.gradients(X, Y, loss=loss, sample_weight=np.ones(10))
    assert_same_bits(np.float64(weighted.cost), np.float64(plain.cost))
    assert_same_bits(weighted.grad, plain.grad)


def cost_by_definition(loss: str, output: str, A: Array, Y: Array) -> float:
    """The cost as notation.md writes it, for outputs A, (n, n_outputs)."""
    if loss == "squared_error":
        c = 0.5 * (A - Y) ** 2
    elif output == "softmax":
        c = -Y * np.log(A)
    else:
        c = -(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    return float(np.mean(np.sum(c, axis=1)))


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize(("loss", "output"), LOSSES)
def test_the_cost_is_the_one_of_the_notation(loss: str, output: str, n_outputs: int) -> None:
    net = rb.Network([4, n_outputs], output=output, dtype="float64", random_state=0)
    X = samples(9, 4, "float64")
    Y = targets(loss, output, 9, n_outputs, "float64")
    wanted = cost_by_definition(loss, output, net.forward(X), Y)
    # ln(1 - a) loses the bits that 1 - a rounds away: |z| < 8 here, so e^8 units in the last place
    assert net.gradients(X, Y, loss=loss).cost == pytest.approx(wanted, rel=1e-12, abs=1e-15)
