"""The core's cost and delta of the output have the reference's bits, for every kind of target."""

from __future__ import annotations

import math
import operator
import random
from decimal import Decimal, localcontext
from typing import Any, get_args

import numpy as np
import pytest

import rosenblatt as rb
from bits import (
    ACTIVATIONS,
    ALL_LOSSES,
    DTYPES,
    LABEL_LOSSES,
    Array,
    assert_same_bits,
    assert_same_gradients,
    labels,
    n_outputs_for,
    name_of,
    one_hot,
    samples,
    targets,
    twins,
    with_every_loss,
    with_every_loss_of_labels,
)
from rosenblatt import _core, _loss
from rosenblatt.reference import LossRule
from rosenblatt.reference import loss as textbook
from rosenblatt.reference.arithmetic import Float32, Float64

WITHOUT_BOUND = ("poisson", "gaussian_nll", rb.Poisson(log_rate=False))
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
@with_every_loss
def test_every_loss(loss: Any, output: str, n_outputs: int, kind: str | None, dtype: str) -> None:
    n_outputs = n_outputs_for(loss, n_outputs)
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
@with_every_loss
def test_sure_outputs(loss: Any, output: str, scale: float, dtype: str) -> None:
    """The losses stay finite where an output is 0 or 1 to the last bit; e^a may overflow."""
    n_outputs = n_outputs_for(loss, 3)
    core, book = twins([4, n_outputs], output=output, dtype=dtype)
    core.theta[:] *= np.array(scale, dtype)
    book.theta = core.theta.tolist()
    X, Y = samples(11, 4, dtype), targets(loss, output, 11, n_outputs, dtype)
    got = core.gradients(X, Y, loss=loss)
    if loss not in WITHOUT_BOUND:
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
@with_every_loss
def test_equal_weights_change_nothing_but_rounding(loss: Any, output: str, dtype: str) -> None:
    """Weights of 1 are no weights, to the bit: their sum and the shares are the same numbers."""
    n_outputs = n_outputs_for(loss, 3)
    core, _ = twins([4, n_outputs], output=output, dtype=dtype)
    X, Y = samples(10, 4, dtype), targets(loss, output, 10, n_outputs, dtype)
    plain = core.gradients(X, Y, loss=loss)
    weighted = core.gradients(X, Y, loss=loss, sample_weight=np.ones(10))
    assert_same_bits(np.float64(weighted.cost), np.float64(plain.cost))
    assert_same_bits(weighted.grad, plain.grad)


def cost_by_definition(loss: Any, output: str, A: Array, Y: Array) -> float:
    """The cost as docs/losses.md writes it, for outputs A, (n, n_outputs): plain Python."""
    n = len(A)
    rows = zip(A.tolist(), Y.tolist(), strict=True)
    return math.fsum(sample_by_definition(loss, output, a, y) for a, y in rows) / n


def sample_by_definition(loss: Any, output: str, a: list[float], y: list[float]) -> float:
    name, K = name_of(loss), len(a)
    p = textbook.loss_rule(loss).parameters
    if name == "cosine":
        return 1 - sum(map(operator.mul, a, y)) / math.hypot(*a) / math.hypot(*y)
    if name == "gaussian_nll":
        mu, s = a[: K // 2], a[K // 2 :]
        return math.fsum(
            (s_k + (m - y_k) ** 2 / math.exp(s_k)) / 2 for m, s_k, y_k in zip(mu, s, y, strict=True)
        )
    if name == "log_loss":
        classes = K if output == "softmax" else 2
        y = [(1 - p[0]) * y_j + p[0] / classes for y_j in y]
    of_output = {
        "squared_error": lambda a, y: (a - y) ** 2 / 2,
        "absolute_error": lambda a, y: abs(a - y),
        "log_cosh": lambda a, y: math.log(math.cosh(a - y)),
        "huber": lambda a, y: (
            (a - y) ** 2 / 2 if abs(a - y) <= p[0] else p[0] * (abs(a - y) - p[0] / 2)
        ),
        "quantile": lambda a, y: max(p[0] * (y - a), (p[0] - 1) * (y - a)),
        "log_loss": lambda a, y: -y * math.log(a) - (1 - y) * math.log(1 - a),
        "hinge": lambda a, y: max(0.0, 1 - y * a),
        "squared_hinge": lambda a, y: max(0.0, 1 - y * a) ** 2,
        "poisson": lambda a, y: math.exp(a) - y * a if p[0] else a - y * math.log(a),
        "focal": lambda a, y: (
            -y * (1 - a) ** p[0] * math.log(a) - (1 - y) * a ** p[0] * math.log(1 - a)
        ),
    }
    of_class = {
        "log_loss": lambda a, y: -y * math.log(a),
        "kl_divergence": lambda a, y: y * math.log(y / a) if y > 0 else 0.0,
        "focal": lambda a, y: -y * (1 - a) ** p[0] * math.log(a),
    }
    f = (of_class if output == "softmax" and name in of_class else of_output)[name]
    return math.fsum(map(f, a, y))


@pytest.mark.parametrize("n_outputs", [1, 3])
@with_every_loss
def test_the_cost_is_the_one_of_the_notation(loss: Any, output: str, n_outputs: int) -> None:
    n_outputs = n_outputs_for(loss, n_outputs)
    net = rb.Network([4, n_outputs], output=output, dtype="float64", random_state=0)
    X = samples(9, 4, "float64")
    Y = targets(loss, output, 9, n_outputs, "float64")
    A = net.forward(X)
    if name_of(loss) == "cosine":  # an output of zeros has no direction
        X, Y, A = (M[A.any(axis=1)] for M in (X, Y, A))
    wanted = cost_by_definition(loss, output, A, Y)
    # ln(1 - a) loses the bits that 1 - a rounds away: |z| < 8 here, so e^8 units in the last place
    assert net.gradients(X, Y, loss=loss).cost == pytest.approx(wanted, rel=1e-12, abs=1e-15)


# ---- labels, answers, edges ------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("n_outputs", [1, 2, 21])
@with_every_loss_of_labels
def test_labels_of_every_loss(
    loss: Any, output: str, n_outputs: int, kind: str | None, dtype: str
) -> None:
    """Labels and the rows that they stand for give the same bits, in the core and the textbook."""
    core, book = twins([4, 6, n_outputs], output=output, dtype=dtype)
    single = n_outputs == 1 and output != "softmax"
    X, y, s = samples(19, 4, dtype), labels(19, 2 if single else n_outputs), weights(kind, 19)
    Y = y[:, None].astype(dtype) if single else one_hot(y, n_outputs, dtype)
    if "hinge" in name_of(loss):
        Y = 2 * Y - 1
    wanted = book.gradients(X.tolist(), y.tolist(), loss=loss, sample_weight=listed(s))
    for given in (y, Y):
        got = core.gradients(X, given, loss=loss, sample_weight=s)
        assert_same_gradients(got, wanted, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("levels", [(0.1, 0.5, 0.9), (0.3,), 0.3])
def test_a_level_for_each_output_or_one_for_all(levels: Any, dtype: str) -> None:
    core, book = twins([4, 6, 3], dtype=dtype)
    X, Y = samples(19, 4, dtype), targets("quantile", "identity", 19, 3, dtype)
    loss = rb.Quantile(levels)
    got = core.gradients(X, Y, loss=loss)
    assert_same_gradients(got, book.gradients(X.tolist(), Y.tolist(), loss=loss), dtype)
    if not isinstance(levels, tuple) or len(levels) == 1:
        each = core.gradients(X, Y, loss=rb.Quantile((0.3, 0.3, 0.3)))
        assert_same_bits(each.grad, got.grad)
        assert each.cost == got.cost


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_quantile_is_learned(dtype: str) -> None:
    """A constant output that is trained by the pinball loss comes to rest at the quantiles."""
    y = np.random.default_rng(0).exponential(size=(501, 1))
    net = rb.Network([1, 3], dtype=dtype, random_state=0)
    levels = (0.1, 0.5, 0.9)
    rb.train(
        net,
        np.zeros((501, 1)),
        np.repeat(y, 3, axis=1),
        loss=rb.Quantile(levels),
        optimizer=rb.SGD(0.01),
        epochs=300,
    )
    share_below = (y <= net.forward(np.zeros(1))).mean(axis=0)
    assert np.abs(share_below - levels).max() < 0.02


@pytest.mark.parametrize("dtype", DTYPES)
@with_every_loss
def test_an_output_that_is_right_to_the_bit(loss: Any, output: str, dtype: str) -> None:
    """Where the slope of a loss jumps it is 0; the signs of zero are the textbook's, too."""
    core, book = twins([2, 4], output=output, dtype=dtype)
    X = samples(7, 2, dtype)
    Y = core.forward(X)
    if name_of(loss) in LABEL_LOSSES or name_of(loss) in ("gaussian_nll", "poisson"):
        Y = targets(loss, output, 7, 4, dtype)
    else:
        Y[Y.any(axis=1) == 0] = 1
    core.b[0][1] = core.b[0][2] = 0
    core.W[0][1:3] = 0
    book.theta = core.theta.tolist()
    got = core.gradients(X, Y, loss=loss)
    assert_same_gradients(got, book.gradients(X.tolist(), Y.tolist(), loss=loss), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tiny", ["subnormal", "zero"])
def test_a_tiny_probability_counts_as_none(tiny: str, dtype: str) -> None:
    """y ln y goes to 0 with y, though ln y does not stay finite."""
    core, book = twins([2, 3], output="softmax", dtype=dtype)
    X = samples(3, 2, dtype)
    y = np.finfo(dtype).smallest_subnormal if tiny == "subnormal" else 0.0
    Y = np.array([[y, 0.25, 0.75], [1.0, y, y], [0.5, y, 0.5]], dtype)
    got = core.gradients(X, Y, loss="kl_divergence")
    assert np.isfinite(got.cost)
    wanted = book.gradients(X.tolist(), Y.tolist(), loss="kl_divergence")
    assert_same_gradients(got, wanted, dtype)


def test_kl_divergence_is_log_loss_less_the_entropy() -> None:
    net = rb.Network([4, 5], output="softmax", dtype="float64", random_state=0)
    X, Y = samples(9, 4, "float64"), targets("log_loss", "softmax", 9, 5, "float64")
    log_loss, kl = (net.gradients(X, Y, loss=loss) for loss in ("log_loss", "kl_divergence"))
    assert_same_bits(kl.grad, log_loss.grad)
    entropy = -np.sum(Y * np.log(np.where(Y > 0, Y, 1)), axis=1).mean()
    assert kl.cost == pytest.approx(log_loss.cost - entropy, rel=1e-12)
    exact = net.gradients(X, net.forward(X), loss="kl_divergence")
    assert abs(exact.cost) < 1e-15


@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_focal_with_gamma_0_is_log_loss(output: str) -> None:
    net = rb.Network([4, 3], output=output, dtype="float64", random_state=0)
    X, Y = samples(9, 4, "float64"), targets("log_loss", output, 9, 3, "float64")
    focal = net.gradients(X, Y, loss=rb.Focal(gamma=0))
    log_loss = net.gradients(X, Y, loss="log_loss")
    assert focal.cost == pytest.approx(log_loss.cost, rel=1e-14)
    np.testing.assert_allclose(focal.grad, log_loss.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_smoothing_is_log_loss_to_the_bit(dtype: str) -> None:
    net = rb.Network([4, 3], output="softmax", dtype=dtype, random_state=0)
    X, y = samples(9, 4, dtype), labels(9, 3)
    plain, zero = (net.gradients(X, y, loss=loss) for loss in ("log_loss", rb.LogLoss()))
    assert_same_bits(plain.grad, zero.grad)
    assert plain.cost == zero.cost


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_output_of_zeros_has_no_direction(dtype: str) -> None:
    core, book = twins([2, 3], dtype=dtype)
    core.theta[:] = 0
    book.theta = core.theta.tolist()
    X, Y = samples(3, 2, dtype), np.ones((3, 3), dtype)
    got = core.gradients(X, Y, loss="cosine")
    assert got.cost == 1.0
    assert not got.grad.any()
    assert_same_gradients(got, book.gradients(X.tolist(), Y.tolist(), loss="cosine"), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_targets_of_one_mean(dtype: str) -> None:
    """Two outputs of gaussian_nll have one target: (n, 1), or (n,)."""
    core, book = twins([4, 6, 2], dtype=dtype)
    X, Y = samples(13, 4, dtype), targets("gaussian_nll", "identity", 13, 2, dtype)
    wanted = book.gradients(X.tolist(), Y.tolist(), loss="gaussian_nll")
    for given in (Y, Y[:, 0]):
        assert_same_gradients(core.gradients(X, given, loss="gaussian_nll"), wanted, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", [rb.Huber(0.3), rb.Quantile((0.2, 0.7)), rb.Focal(1.5)], ids=str)
def test_the_textbook_by_itself_takes_a_rule(loss: Any, dtype: str) -> None:
    output = "softmax" if loss.name == "focal" else "identity"
    _, book = twins([3, 2], output=output, dtype=dtype)
    X = samples(4, 3, dtype).tolist()
    Y = targets(loss, output, 4, 2, dtype).tolist()
    rule = LossRule(loss.name, loss.parameters)
    assert book.gradients(X, Y, loss=loss) == book.gradients(X, Y, loss=rule)


def test_each_list_of_losses_has_the_same_names() -> None:
    """The core's names, the type of the argument, the textbook's table, the tests' own."""
    names = list(get_args(_loss.LossName))
    assert names == _core.losses()
    assert (
        set(names) == {name for name, _ in textbook.LOSSES} == {name_of(x) for x, _ in ALL_LOSSES}
    )
    assert set(textbook.DEFAULTS) == {each.name for each in _loss.WITH_PARAMETERS}
    assert sorted(_core.label_losses()) == sorted(LABEL_LOSSES) == sorted(textbook.LABEL_LOSSES)


@pytest.mark.parametrize("name", get_args(_loss.LossName))
def test_the_core_and_the_textbook_allow_the_same_outputs(name: str) -> None:
    for output in ACTIVATIONS:
        net = rb.Network([2, 4], output=output, random_state=0)
        Y = targets(name, output, 3, 4, "float32")
        losses = (
            [rb.Poisson(log_rate=flag) for flag in (True, False)] if name == "poisson" else [name]
        )
        allowed = False
        for loss in losses:
            try:
                net.gradients(samples(3, 2, "float32"), Y, loss=loss)
            except ValueError:
                continue
            allowed = True
        assert allowed == ((name, output) in textbook.LOSSES), output
        assert allowed == any(name_of(x) == name and f == output for x, f in ALL_LOSSES), output


def test_a_name_stands_for_the_same_parameters_everywhere() -> None:
    for each in (rb.Huber(), rb.Quantile(), rb.LogLoss(), rb.Poisson(), rb.Focal()):
        assert (
            textbook.loss_rule(each.name) == (each.name, each.parameters) == _loss.rule(each.name)
        )


@pytest.mark.parametrize("T", [Float32, Float64], ids=["float32", "float64"])
def test_the_logarithm_below_1(T: Any) -> None:
    """Within 0.9 units in the last place, as above 1; 0 has minus infinity."""
    rnd = random.Random(0)
    with localcontext() as context:
        context.prec = 60
        for _ in range(3000):
            x = T.round(rnd.uniform(0, 1) * 2.0 ** -rnd.choice([0, 0, 0, 1, 10, 100]))
            true = Decimal(x).ln()
            unit = math.ldexp(1.0, math.frexp(float(true))[1] - 1 - T.fraction_bits)
            assert abs(Decimal(textbook.log_from_0(T, x)) - true) <= Decimal(0.9 * unit), x.hex()
    assert textbook.log_from_0(T, 0.0) == textbook.log_from_0(T, T.smallest_normal / 2) == -math.inf
    assert textbook.log_from_0(T, 1.0) == 0.0
