"""Bad input: an error names the argument, the value and what was expected; nothing changes."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
import tolerance
from rosenblatt import _optimizer

EITHER = (ValueError, TypeError)
N = 5
X = np.arange(15.0).reshape(N, 3) / 7
Y = np.array([[0.25, 0.75]] * N)  # targets for every loss
LABELS = np.array([0, 1, 1, 0, 1])
V = np.arange(26.0)  # a direction for `network()`


@dataclass(frozen=True)
class Bad:
    """A value that must be refused, with what the error is and what of the value it shows."""

    value: Any
    error: type[Exception] | tuple[type[Exception], ...]
    shows: str = ""


def parameters(table: dict[str, Bad]) -> list[Any]:
    return [pytest.param(bad, id=name) for name, bad in table.items()]


def network(output: str = "softmax", dtype: str = "float32", n_outputs: int = 2) -> rb.Network:
    return rb.Network(
        [3, 4, n_outputs], activation="tanh", output=output, dtype=dtype, random_state=0
    )


@contextmanager
def refused(bad: Bad, argument: str, net: rb.Network | None = None) -> Iterator[None]:
    """Demand the error, its words, and a network that is as it was and can be used."""
    before = None if net is None else net.theta.tobytes()
    with pytest.raises(bad.error) as caught:
        yield
    message = str(caught.value)
    assert re.search(rf"\b{argument}\b", message), f"{message!r} does not name {argument}"
    assert bad.shows in message, f"{message!r} does not say that {bad.shows!r} came"
    assert re.search(r"\bgot\b", message), f"{message!r} does not say what came"
    assert re.search(r"\bexpected\b", message), f"{message!r} does not say what was expected"
    if net is not None:
        assert net.theta.tobytes() == before
        rb.train(net, X, Y, loss="squared_error", epochs=1)  # not left busy


# ---- arrays ----------------------------------------------------------------------------------


def with_entry(value: float, dtype: type = np.float64, position: int = -1) -> np.ndarray:
    array = X.astype(dtype)
    array.flat[position] = value
    return array


# What is wrong with an array of numbers of any meaning.
BAD_KINDS = {
    "complex": Bad(X + 0j, TypeError, "complex128"),
    "complex with no imaginary part, in a list": Bad((X + 0j).tolist(), TypeError, "complex"),
    "object": Bad(X.astype(object), TypeError, "object"),
    "strings": Bad(X.astype(str), TypeError),
    "bytes": Bad(X.astype("S"), TypeError),
    "datetime": Bad(np.zeros((N, 3), "datetime64[s]"), TypeError, "datetime64"),
    "timedelta": Bad(np.zeros((N, 3), "timedelta64[s]"), TypeError, "timedelta64"),
    "structured": Bad(np.zeros((N, 3), [("x", "f4")]), TypeError),
    "void": Bad(np.zeros((N, 3), "V4"), TypeError),
    "list of strings": Bad([["1", "2", "3"]] * N, TypeError),
    "one string": Bad("text", TypeError),
    "None": Bad(None, TypeError),
    "list with None": Bad([[1.0, 2.0, None]] * N, TypeError),
    "dict": Bad({"x": 1}, TypeError),
    "object()": Bad(object(), TypeError),
    "generator": Bad((x for x in range(3)), TypeError),
    "function": Bad(len, TypeError),
    "ragged list": Bad([[1.0, 2.0, 3.0], [1.0, 2.0]], EITHER),
    "integers beyond 64 bits": Bad([[0, 0, 10**400]] * N, EITHER),
    "masked entry": Bad(np.ma.masked_invalid(with_entry(np.nan)), EITHER, "mask"),
}

# What is wrong with numbers.
BAD_NUMBERS = {
    "NaN at the end": Bad(with_entry(np.nan), ValueError, "nan"),
    "NaN in the first row": Bad(with_entry(np.nan, position=2), ValueError, "nan"),
    "infinity": Bad(with_entry(np.inf), ValueError, "inf"),
    "minus infinity": Bad(with_entry(-np.inf), ValueError, "-inf"),
    "float32 NaN": Bad(with_entry(np.nan, np.float32), ValueError, "nan"),
    "float16 infinity": Bad(with_entry(np.inf, np.float16), ValueError, "inf"),
    "NaN in a list": Bad(with_entry(np.nan).tolist(), ValueError, "nan"),
    "too large for float32": Bad(with_entry(1e39), ValueError, "float32"),
    "too large for float32, negative": Bad(with_entry(-1e300), ValueError, "float32"),
    "rounds up to infinity": Bad(with_entry(3.4028236e38), ValueError),
}

BAD_X_SHAPES = {
    "too wide": Bad(np.zeros((N, 4)), ValueError, "(5, 4)"),
    "too narrow": Bad(np.zeros((N, 2)), ValueError, "(5, 2)"),
    "transposed": Bad(np.zeros((3, N)), ValueError, "(3, 5)"),
    "three-dimensional": Bad(np.zeros((2, N, 3)), ValueError, "(2, 5, 3)"),
    "a number": Bad(1.0, ValueError, "()"),
    "no samples": Bad(np.zeros((0, 3)), ValueError, "no samples"),
    "no features": Bad(np.zeros((N, 0)), ValueError, "(5, 0)"),
    "empty list": Bad([], ValueError, "(0,)"),
    "list of empty lists": Bad([[], []], ValueError, "(2, 0)"),
    "single sample of the wrong length": Bad(np.zeros(4), ValueError, "(4,)"),
}

BAD_X = BAD_KINDS | BAD_NUMBERS | BAD_X_SHAPES

TAKES_X: dict[str, Callable[[rb.Network, Any], object]] = {
    "forward": lambda net, bad_X: net.forward(bad_X),
    "trace": lambda net, bad_X: net.trace(bad_X),
    "gradients": lambda net, bad_X: net.gradients(bad_X, Y, loss="log_loss"),
    "train": lambda net, bad_X: rb.train(net, bad_X, Y, loss="log_loss"),
    "backward": lambda net, bad_X: net.backward(bad_X, Y),
    "jacobian": lambda net, bad_X: net.jacobian(bad_X),
    "per_sample_gradients": lambda net, bad_X: net.per_sample_gradients(bad_X, Y, loss="log_loss"),
    "hessian_vector_product": lambda net, bad_X: net.hessian_vector_product(
        bad_X, Y, V, loss="log_loss"
    ),
}


@pytest.mark.parametrize("bad", parameters(BAD_X))
@pytest.mark.parametrize("call", TAKES_X.values(), ids=TAKES_X)
def test_X(call: Callable[[rb.Network, Any], object], bad: Bad) -> None:
    net = network()
    with refused(bad, "X", net):
        call(net, bad.value)


def test_training_needs_more_than_a_single_row() -> None:
    """forward takes one sample as it is; for training it is not clear what a row is."""
    net = network()
    with refused(Bad(None, ValueError, "(3,)"), "X", net):
        rb.train(net, X[0], Y[:1], loss="log_loss")


def test_the_largest_float32_is_not_too_large() -> None:
    net = rb.Network([1, 1], random_state=0)
    net.W[0] = [[1]]
    largest = float(np.finfo(np.float32).max)
    assert net.forward([[largest]]).item() == largest


def test_the_message_shows_the_shape_that_was_needed() -> None:
    for wrong in (np.zeros((N, 4)), np.zeros((2, N, 3))):
        with pytest.raises(ValueError, match=re.escape("expected (n, 3)")):
            network().trace(wrong)


# ---- targets ---------------------------------------------------------------------------------


def in_two_columns(table: dict[str, Bad]) -> dict[str, Bad]:
    """The same kinds of badness in the shape of Y: without the first column."""

    def narrowed(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value[:, 1:]
        return [row[1:] for row in value] if isinstance(value, list) else value

    return {
        name: dataclasses.replace(bad, value=narrowed(bad.value)) for name, bad in table.items()
    }


BAD_Y_SHAPES = {
    "too wide": Bad(np.full((N, 3), 0.5), ValueError, "(5, 3)"),
    "too narrow": Bad(np.full((N, 1), 0.5), ValueError, "(5, 1)"),
    "too few": Bad(Y[:-1], ValueError, "(4, 2)"),
    "too many": Bad(np.vstack([Y, Y]), ValueError, "(10, 2)"),
    "three-dimensional": Bad(Y[:, :, None], ValueError, "(5, 2, 1)"),
    "a number": Bad(0.5, ValueError, "()"),
    "none": Bad(np.zeros((0, 2)), ValueError, "(0, 2)"),
    "empty list": Bad([], EITHER, "(0,)"),  # or of floats, that are no labels
}

TAKES_Y: dict[str, Callable[..., object]] = {
    "gradients": lambda net, bad_Y, loss: net.gradients(X, bad_Y, loss=loss),
    "train": lambda net, bad_Y, loss: rb.train(net, X, bad_Y, loss=loss),
    "per_sample_gradients": lambda net, bad_Y, loss: net.per_sample_gradients(X, bad_Y, loss=loss),
    "hessian_vector_product": lambda net, bad_Y, loss: net.hessian_vector_product(
        X, bad_Y, np.zeros(net.n_params), loss=loss
    ),
}
takes_targets = pytest.mark.parametrize("call", TAKES_Y.values(), ids=TAKES_Y)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "log_loss"])
@pytest.mark.parametrize(
    "bad", parameters(in_two_columns(BAD_KINDS) | in_two_columns(BAD_NUMBERS) | BAD_Y_SHAPES)
)
@takes_targets
def test_Y(call: Callable[..., object], bad: Bad, loss: str) -> None:
    net = network()
    with refused(dataclasses.replace(bad, shows="") if loss == "log_loss" else bad, "Y", net):
        call(net, bad.value, loss)


@pytest.mark.parametrize("value", [np.zeros(N), [0, 1, 0, 1, 1]], ids=["reals", "integers"])
@takes_targets
def test_one_column_is_not_two(call: Callable[..., object], value: Any) -> None:
    net = network()
    with refused(Bad(value, ValueError, "(5,)"), "Y", net):
        call(net, value, "squared_error")


BAD_LABELS = {
    "one too large": Bad([0, 1, 2, 0, 1], ValueError, "2"),
    "negative": Bad([0, 1, -1, 0, 1], ValueError, "-1"),
    "far too large": Bad([0, 1, 2**40, 0, 1], ValueError, str(2**40)),
    "a label after 32 bits": Bad([0, 1, 2**32, 0, 1], ValueError, str(2**32)),
    "unsigned, a label after 64 bits": Bad(
        np.array([0, 2**64 - 1] * 2 + [0], np.uint64), ValueError, str(2**64 - 1)
    ),
    "int8, negative": Bad(np.array([0, 1, 1, 0, -128], np.int8), ValueError, "-128"),
    "halves": Bad([0.0, 0.5, 1.0, 0.0, 1.0], EITHER),
    "floats": Bad([0.0, 1.0, 1.0, 0.0, 1.0], EITHER),
    "NaN": Bad([0.0, 1.0, np.nan, 0.0, 1.0], EITHER),
    "strings": Bad(["a", "b", "b", "a", "b"], TypeError),
    "too few": Bad([0, 1], ValueError, "(2,)"),
    "too many": Bad([0, 1] * 3, ValueError, "(6,)"),
    "a column": Bad([[0], [1], [1], [0], [1]], ValueError, "(5, 1)"),
}


@pytest.mark.parametrize("output", ["softmax", "logistic"])
@pytest.mark.parametrize("bad", parameters(BAD_LABELS))
@takes_targets
def test_labels(call: Callable[..., object], bad: Bad, output: str) -> None:
    net = network(output)
    with refused(bad, "Y", net):
        call(net, bad.value, "log_loss")


@pytest.mark.parametrize("value", [[0, 1, 2, 0, 1], [0, 1, -1, 0, 1]])
@takes_targets
def test_labels_of_one_logistic_output_are_0_and_1(call: Callable[..., object], value: Any) -> None:
    net = rb.Network([3, 1], output="logistic", random_state=0)
    before = net.theta.tobytes()
    with refused(Bad(value, ValueError), "Y"):
        call(net, value, "log_loss")
    assert net.theta.tobytes() == before


BAD_PROBABILITIES = {
    "negative": Bad([[0.25, 0.75]] * 4 + [[-0.25, 1.25]], ValueError),
    "above 1": Bad([[0.25, 0.75]] * 4 + [[0.0, 1.5]], ValueError, "1.5"),
    "barely negative": Bad([[0.25, 0.75]] * 4 + [[-1e-3, 1.0]], ValueError),
}


@pytest.mark.parametrize("output", ["softmax", "logistic"])
@pytest.mark.parametrize("bad", parameters(BAD_PROBABILITIES))
@takes_targets
def test_targets_of_log_loss_are_probabilities(
    call: Callable[..., object], bad: Bad, output: str
) -> None:
    net = network(output)
    with refused(bad, "Y", net):
        call(net, np.array(bad.value), "log_loss")


@pytest.mark.parametrize(
    "sum_of_row", [0.0, 0.5, 1 - 2 * tolerance.ROW_SUM, 1 + 2 * tolerance.ROW_SUM]
)
@takes_targets
def test_rows_of_a_softmax_sum_to_1(call: Callable[..., object], sum_of_row: float) -> None:
    net = network()
    targets = Y.copy()
    targets[-1] *= sum_of_row
    with refused(Bad(targets, ValueError), "Y", net):
        call(net, targets, "log_loss")


@pytest.mark.parametrize("sum_of_row", [1 - tolerance.ROW_SUM / 2, 1.0, 1 + tolerance.ROW_SUM / 2])
@takes_targets
def test_or_nearly(call: Callable[..., object], sum_of_row: float) -> None:
    assert call(network(), Y * sum_of_row, "log_loss") is not None


@takes_targets
def test_rows_of_logistic_outputs_need_not(call: Callable[..., object]) -> None:
    assert call(network("logistic"), np.ones((N, 2)), "log_loss") is not None


@pytest.mark.parametrize(
    "bad", parameters(in_two_columns(BAD_KINDS) | in_two_columns(BAD_NUMBERS) | BAD_Y_SHAPES)
)
def test_dC_dA(bad: Bad) -> None:
    net = network()
    with refused(bad, "dC_dA", net):
        net.backward(X, bad.value)


# ---- sample weights --------------------------------------------------------------------------

BAD_WEIGHTS = {
    "too few": Bad(np.ones(4), ValueError, "(4,)"),
    "too many": Bad(np.ones(6), ValueError, "(6,)"),
    "a column": Bad(np.ones((5, 1)), ValueError, "(5, 1)"),
    "a number": Bad(1.0, ValueError, "()"),
    "empty": Bad([], ValueError, "(0,)"),
    "negative": Bad([1, 1, 1, 1, -0.5], ValueError, "-0.5"),
    "all zero": Bad(np.zeros(5), ValueError),
    "NaN": Bad([1, 1, np.nan, 1, 1], ValueError, "nan"),
    "infinite": Bad([1, 1, np.inf, 1, 1], ValueError, "inf"),
    "an infinite sum": Bad([1e308] * 5, ValueError),
    "complex": Bad(np.ones(5, complex), TypeError, "complex128"),
    "strings": Bad(["1"] * 5, TypeError),
    "object": Bad(np.ones(5, object), TypeError, "object"),
    "one string": Bad("balanced", TypeError),
    "masked": Bad(np.ma.array(np.ones(5), mask=[0, 0, 1, 0, 0]), EITHER, "mask"),
    "ragged": Bad([[1], [1, 2]], EITHER),
}


@pytest.mark.parametrize("bad", parameters(BAD_WEIGHTS))
def test_sample_weight(bad: Bad) -> None:
    net = network()
    with refused(bad, "sample_weight", net):
        net.gradients(X, Y, loss="log_loss", sample_weight=bad.value)
    with refused(bad, "sample_weight", net):
        net.hessian_vector_product(X, Y, V, loss="log_loss", sample_weight=bad.value)


# ---- directions ------------------------------------------------------------------------------

BAD_DIRECTIONS = {
    "too few": Bad(V[1:], ValueError, "(25,)"),
    "too many": Bad(np.zeros(27), ValueError, "(27,)"),
    "a row": Bad(V[None], ValueError, "(1, 26)"),
    "a number": Bad(1.0, ValueError, "()"),
    "empty": Bad([], ValueError, "(0,)"),
    "NaN": Bad(np.where(V == 3, np.nan, V), ValueError, "nan at v[3]"),
    "infinite": Bad(np.where(V == 25, -np.inf, V), ValueError, "-inf at v[25]"),
    "too large for float32": Bad(V * 1e39, ValueError, "float32"),
    "complex": Bad(V + 0j, TypeError, "complex128"),
    "strings": Bad(V.astype(str), TypeError),
    "object": Bad(V.astype(object), TypeError, "object"),
    "None": Bad(None, TypeError),
    "masked": Bad(np.ma.masked_equal(V, 3), EITHER, "mask"),
}


@pytest.mark.parametrize("bad", parameters(BAD_DIRECTIONS))
def test_direction(bad: Bad) -> None:
    net = network()
    with refused(bad, "v", net):
        net.hessian_vector_product(X, Y, bad.value, loss="log_loss")


# ---- the other arguments of train ------------------------------------------------------------

BAD_COUNTS = {
    "zero": Bad(0, ValueError, "0"),
    "negative": Bad(-1, ValueError, "-1"),
    "very negative": Bad(-(2**70), ValueError),
    "a float": Bad(2.0, TypeError, "2.0"),
    "NaN": Bad(float("nan"), TypeError, "nan"),
    "infinity": Bad(float("inf"), TypeError, "inf"),
    "True": Bad(True, TypeError, "True"),
    "NumPy's True": Bad(np.True_, TypeError, "True"),
    "a NumPy float": Bad(np.float64(2), TypeError),
    "a string": Bad("32", TypeError, "32"),
    "a list": Bad([1], TypeError),
    "an array": Bad(np.array([1, 2]), TypeError),
}
NOT_NONE = {"None": Bad(None, TypeError, "None")}

BAD_SEEDS = {
    "negative": Bad(-1, ValueError, "-1"),
    "65 bits": Bad(2**64, ValueError, str(2**64)),
    "far too large": Bad(2**200, ValueError),
    "a float": Bad(1.0, TypeError, "1.0"),
    "NaN": Bad(float("nan"), TypeError, "nan"),
    "True": Bad(True, TypeError, "True"),
    "a string": Bad("0", TypeError),
    "a list": Bad([1, 2], TypeError),
}

BAD_VALIDATIONS = {
    "X alone": Bad(X, EITHER),
    "a tuple of one": Bad((X,), EITHER),
    "a tuple of three": Bad((X, Y, Y), EITHER),
    "an empty tuple": Bad((), EITHER),
    "a string": Bad("XY", EITHER),
    "all samples": Bad(1.0, ValueError, "1.0"),
    "NaN": Bad(float("nan"), ValueError, "nan"),
    "True": Bad(True, TypeError),
    "other lengths": Bad((X, Y[:-1]), ValueError, "(4, 2)"),
    "too wide": Bad((np.zeros((N, 4)), Y), ValueError, "(5, 4)"),
    "no samples": Bad((X[:0], Y[:0]), ValueError, "no samples"),
    "X with NaN": Bad((with_entry(np.nan), Y), ValueError, "nan"),
    "Y with NaN": Bad((X, with_entry(np.nan)[:, :2]), ValueError),
    "X too large": Bad((with_entry(1e39), Y), ValueError, "float32"),
    "X of strings": Bad((X.astype(str), Y), TypeError),
    "labels out of range": Bad((X, [0, 1, 2, 0, 1]), ValueError, "2"),
    "no probabilities": Bad((X, 2 * Y), ValueError),
    "None within": Bad((X, None), TypeError),
}

BAD_REALS = {
    "NaN": Bad(float("nan"), ValueError, "nan"),
    "infinity": Bad(float("inf"), ValueError, "inf"),
    "minus infinity": Bad(-float("inf"), ValueError, "-inf"),
    "beyond float64": Bad(10**400, ValueError),
    "a string": Bad("0.1", TypeError, "0.1"),
    "None": Bad(None, TypeError, "None"),
    "True": Bad(True, TypeError, "True"),
    "False": Bad(False, TypeError, "False"),
    "NumPy's True": Bad(np.True_, TypeError, "True"),
    "complex": Bad(0.1 + 0j, TypeError),
    "an array": Bad(np.array([0.1, 0.2]), TypeError),
    "a list": Bad([0.1], TypeError),
}
BAD_LIMITS = {name: bad for name, bad in BAD_REALS.items() if name != "None"} | {
    "zero": Bad(0, ValueError, "0"),
    "negative": Bad(-0.1, ValueError, "-0.1"),
}

BAD_ARGUMENTS = {
    "l1": BAD_REALS | {"negative": Bad(-0.1, ValueError, "-0.1")},
    "l2": BAD_REALS
    | {"negative": Bad(-0.1, ValueError), "beyond float32": Bad(1e39, ValueError, "1e+39")},
    "clip_norm": BAD_LIMITS,
    "clip_value": BAD_LIMITS | {"0 in float32": Bad(1e-60, ValueError, "1e-60")},
    "max_norm": BAD_LIMITS,
    "max_weight": BAD_LIMITS,
    "ema": BAD_LIMITS | {"one": Bad(1.0, ValueError, "1")},
    "batch_size": BAD_COUNTS,
    "epochs": BAD_COUNTS | NOT_NONE,
    "threads": {name: dataclasses.replace(bad, error=EITHER) for name, bad in BAD_COUNTS.items()},
    "random_state": BAD_SEEDS,
    "loss": {
        "unknown": Bad("mse", ValueError, "mse"),
        "empty": Bad("", ValueError),
        "in capitals": Bad("LOG_LOSS", ValueError, "LOG_LOSS"),
        "bytes": Bad(b"log_loss", TypeError),
        "a number": Bad(3, TypeError, "3"),
        "None": Bad(None, TypeError, "None"),
        "a class of losses": Bad(rb.Huber, TypeError, "Huber"),
        "an optimizer": Bad(rb.SGD(), TypeError, "SGD"),
        "a pair": Bad(("huber", (1.0,)), TypeError, "huber"),
    },
    "optimizer": {
        "a string": Bad("sgd", TypeError, "sgd"),
        "a number": Bad(0.1, TypeError, "0.1"),
        "None": Bad(None, TypeError, "None"),
        "the class": Bad(rb.SGD, TypeError),
        "a dict": Bad({"learning_rate": 0.1}, TypeError),
    },
    "shuffle": {
        "a string": Bad("no", TypeError, "no"),
        "a number": Bad(2, TypeError, "2"),
        "None": Bad(None, TypeError, "None"),
        "NaN": Bad(float("nan"), TypeError, "nan"),
    },
    "callback": {
        "a number": Bad(3, TypeError, "3"),
        "a string": Bad("print", TypeError, "print"),
        "a list with a number": Bad([print, 3], TypeError, "3"),
        "a class": Bad(rb.Callback, TypeError),
    },
    "validation": BAD_VALIDATIONS,
}


@pytest.mark.parametrize(
    ("argument", "bad"),
    [
        pytest.param(argument, bad, id=f"{argument}-{name}")
        for argument, table in BAD_ARGUMENTS.items()
        for name, bad in table.items()
    ],
)
def test_train(argument: str, bad: Bad) -> None:
    net = network()
    with refused(bad, argument, net):
        rb.train(net, X, Y, **({"loss": "log_loss", "epochs": 2} | {argument: bad.value}))


@pytest.mark.parametrize("name", ["relu", "softmax"])
def test_unknown_names_are_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        rb.Network([3, 2], output="swish")
    with pytest.raises(ValueError, match=r"squared_error.*log_loss|log_loss.*squared_error"):
        network().gradients(X, Y, loss="mse")


@pytest.mark.parametrize("call", TAKES_Y)
@pytest.mark.parametrize("output", ["identity", "tanh", "relu"])
def test_log_loss_needs_probabilities(output: str, call: str) -> None:
    net = network(output)
    with refused(Bad(None, ValueError, output), "loss", net):
        TAKES_Y[call](net, Y, "log_loss")


WRONG_OUTPUTS = {
    "log_loss": ("log_softmax", "hard_sigmoid", "softplus"),
    "kl_divergence": ("identity", "logistic", "tanh", "relu", "log_softmax"),
    "hinge": ("logistic", "relu", "softmax", "elu"),
    "squared_hinge": ("logistic", "relu", "softmax", "log_softmax"),
    "poisson": ("logistic", "tanh", "relu", "softmax", "softplus"),
    rb.Poisson(log_rate=False): ("identity", "tanh", "relu", "softmax", "hard_sigmoid"),
    "gaussian_nll": ("logistic", "tanh", "relu", "softmax", "leaky_relu"),
    "focal": ("identity", "tanh", "relu", "log_softmax"),
    rb.LogLoss(label_smoothing=0.1): ("identity", "tanh", "relu"),
}


@pytest.mark.parametrize("call", TAKES_Y)
@pytest.mark.parametrize(
    ("loss", "output"),
    [(loss, output) for loss, outputs in WRONG_OUTPUTS.items() for output in outputs],
)
def test_a_loss_needs_its_output(loss: Any, output: str, call: str) -> None:
    net = network(output)
    with refused(Bad(None, ValueError, output), "loss", net):
        TAKES_Y[call](net, Y[:, :1] if loss == "gaussian_nll" else Y, loss)


def test_log_softmax_is_answered_with_softmax() -> None:
    with pytest.raises(ValueError, match=r"expected output 'softmax'.*takes logarithms itself"):
        network("log_softmax").gradients(X, LABELS, loss="log_loss")


@pytest.mark.parametrize("place", ["activation", "output"])
def test_a_step_cannot_be_trained(place: str) -> None:
    """Its gradient is 0; forward, trace and gradients take it."""
    net = rb.Network([3, 4, 2], **({"activation": "tanh"} | {place: "step"}), random_state=0)
    before = net.theta.tobytes()
    layer = 2 if place == "activation" else 3
    with pytest.raises(ValueError, match=rf"net: got activation 'step' in layer {layer}, expected"):
        rb.train(net, X, Y, loss="squared_error")
    assert net.theta.tobytes() == before
    assert set(net.trace(X).A[layer - 1].ravel().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("call", TAKES_Y)
@pytest.mark.parametrize(
    ("loss", "n_outputs", "shows"),
    [
        ("gaussian_nll", 1, "1 output"),
        ("gaussian_nll", 3, "3 outputs"),
        ("cosine", 1, "1 output"),
        (rb.Quantile((0.1, 0.5, 0.9)), 2, "3 levels"),
        (rb.Quantile((0.1, 0.9)), 1, "2 levels"),
    ],
    ids=str,
)
def test_a_loss_needs_its_number_of_outputs(
    loss: Any, n_outputs: int, shows: str, call: str
) -> None:
    net = network("identity", n_outputs=n_outputs)
    with refused(Bad(None, ValueError, shows), "loss"):
        TAKES_Y[call](net, np.ones((N, n_outputs)), loss)


BAD_TARGETS = {
    "counts below 0": ("poisson", "identity", [[0.0, 3.0]] * 4 + [[-1.0, 2.0]], "-1.0"),
    "rates below 0": (rb.Poisson(log_rate=False), "logistic", [[-0.5, 2.0]] * 5, "-0.5"),
    "0 and 1 for a hinge": ("hinge", "identity", [[1.0, 0.0]] * 5, "0.0"),
    "halves for a hinge": ("squared_hinge", "tanh", [[1.0, -0.5]] * 5, "-0.5"),
    "a negative probability": ("kl_divergence", "softmax", [[-0.25, 1.25]] * 5, "-0.25"),
    "no distribution": ("kl_divergence", "softmax", [[0.25, 0.25]] * 5, "0.5"),
    "no distribution, focal": ("focal", "softmax", [[0.25, 0.25]] * 5, "0.5"),
    "above 1": ("focal", "logistic", [[0.0, 1.5]] * 5, "1.5"),
    "smoothed already": (rb.LogLoss(0.1), "softmax", [[0.5, 0.6]] * 5, "1.1"),
    "no direction": ("cosine", "identity", [[1.0, 2.0]] * 4 + [[0.0, 0.0]], "row 4"),
    "too wide for one mean": ("gaussian_nll", "identity", [[1.0, 2.0]] * 5, "(5, 2)"),
    "a label too large": ("kl_divergence", "softmax", [0, 1, 2, 0, 1], "2"),
    "a label too large, focal": ("focal", "logistic", [0, 1, 2, 0, 1], "2"),
    "-1 as a label": ("hinge", "identity", [0, 1, -1, 0, 1], "-1"),
    "float labels": ("squared_hinge", "identity", [0.0, 1.0, 1.0, 0.0, 1.0], "float64"),
    "labels for numbers": ("huber", "identity", [0, 1, 1, 0, 1], "(5,)"),
    "NaN": (rb.Quantile(0.9), "identity", [[0.0, np.nan]] * 5, "nan"),
}


@pytest.mark.parametrize(
    ("loss", "output", "value", "shows"), BAD_TARGETS.values(), ids=list(BAD_TARGETS)
)
@takes_targets
def test_targets_are_what_the_loss_wants(
    call: Callable[..., object], loss: Any, output: str, value: Any, shows: str
) -> None:
    net = network(output)
    with refused(Bad(value, EITHER, shows), "Y", net):
        call(net, value, loss)


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
@takes_targets
def test_labels_of_one_score_are_0_and_1(call: Callable[..., object], loss: str) -> None:
    net = network("identity", n_outputs=1)
    with refused(Bad(None, ValueError, "2"), "Y"):
        call(net, [0, 1, 2, 0, 1], loss)


# What is wrong with a parameter that is a number.
BAD_PARAMETERS = {
    "NaN": Bad(float("nan"), ValueError, "nan"),
    "infinity": Bad(float("inf"), ValueError, "inf"),
    "True": Bad(True, TypeError, "True"),
    "a string": Bad("1", TypeError, "1"),
    "None": Bad(None, TypeError, "None"),
    "complex": Bad(1j, TypeError),
    "negative": Bad(-0.5, ValueError, "-0.5"),
    "a list of lists": Bad([[0.5]], EITHER),
}
BAD_LEVELS = BAD_PARAMETERS | {
    "zero": Bad(0.0, ValueError, "0.0"),
    "one": Bad(1.0, ValueError, "1.0"),
    "one of them above 1": Bad((0.5, 1.5), ValueError, "1.5"),
    "one of them True": Bad((0.5, True), TypeError, "True"),
    "none": Bad((), ValueError, "()"),
    "an array of two dimensions": Bad(np.full((2, 2), 0.5), ValueError),
}
BAD_LOSSES: dict[tuple[type, str], dict[str, Bad]] = {
    (rb.Huber, "delta"): BAD_PARAMETERS | {"zero": Bad(0, ValueError, "0")},
    (rb.Quantile, "levels"): BAD_LEVELS,
    (rb.LogLoss, "label_smoothing"): BAD_PARAMETERS | {"one": Bad(1.0, ValueError, "1.0")},
    (rb.Focal, "gamma"): BAD_PARAMETERS,
    (rb.Poisson, "log_rate"): {
        "a number": Bad(1, TypeError, "1"),
        "a string": Bad("yes", TypeError, "yes"),
        "None": Bad(None, TypeError, "None"),
    },
}


@pytest.mark.parametrize(
    ("cls", "argument", "bad"),
    [
        pytest.param(cls, argument, bad, id=f"{cls.__name__}-{name}")
        for (cls, argument), table in BAD_LOSSES.items()
        for name, bad in table.items()
    ],
)
def test_the_parameters_of_losses(cls: type, argument: str, bad: Bad) -> None:
    with refused(bad, argument):
        cls(**{argument: bad.value})


@pytest.mark.parametrize(
    "loss", [rb.Huber(1e-60), rb.Quantile(1e-60), rb.Quantile(1 - 1e-12), rb.Focal(1e60)], ids=str
)
def test_parameters_that_float32_cannot_hold(loss: Any) -> None:
    output = "softmax" if loss.name == "focal" else "identity"
    net = network(output)
    with refused(Bad(None, ValueError, "e"), "loss", net):
        net.gradients(X, Y, loss=loss)
    assert network(output, "float64").gradients(X, Y, loss=loss)


def test_losses_take_numbers_of_numpy_and_sequences() -> None:
    assert rb.Huber(np.float32(0.5)) == rb.Huber(0.5)
    assert rb.Quantile(np.array([0.25, 0.75])) == rb.Quantile([0.25, 0.75])
    assert rb.Quantile([0.25, 0.75]).levels == (0.25, 0.75)
    assert hash(rb.Focal(2)) == hash(rb.Focal(2.0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        rb.Huber().delta = 2.0  # type: ignore[misc]


@pytest.mark.parametrize("bad", parameters(BAD_ARGUMENTS["loss"]))
def test_the_loss_of_gradients(bad: Bad) -> None:
    net = network()
    with refused(bad, "loss", net):
        net.gradients(X, Y, loss=bad.value)
    with refused(bad, "loss", net):
        net.per_sample_gradients(X, Y, loss=bad.value)
    with refused(bad, "loss", net):
        net.hessian_vector_product(X, Y, V, loss=bad.value)


NOT_NETWORKS = {
    "None": Bad(None, TypeError, "None"),
    "an object": Bad(object(), TypeError, "object"),
    "a string": Bad("net", TypeError),
    "layers": Bad([3, 4, 2], TypeError),
    "an array": Bad(X, TypeError),
    "the class": Bad(rb.Network, TypeError),
    "theta": Bad(network().theta, TypeError),
}


@pytest.mark.parametrize("bad", parameters(NOT_NETWORKS))
def test_only_a_network_can_be_trained(bad: Bad) -> None:
    with refused(bad, "net"):
        rb.train(bad.value, X, Y, loss="log_loss")


@pytest.mark.parametrize("learning_rate", [1e300, 1e39])
def test_a_learning_rate_beyond_float32(learning_rate: float) -> None:
    """It is one in float64 and infinity in float32: refused, or at the latest a divergence."""
    net = network("identity")
    before = net.theta.tobytes()
    with pytest.raises((ValueError, FloatingPointError), match=r"learning_rate|epoch 1\b"):
        rb.train(net, X, Y, loss="squared_error", optimizer=rb.SGD(learning_rate=learning_rate))
    assert net.theta.tobytes() == before


# ---- optimisers ------------------------------------------------------------------------------

BAD_SGD = {
    "learning_rate": BAD_REALS
    | {
        "zero": Bad(0, ValueError, "0"),
        "0.0": Bad(0.0, ValueError, "0"),
        "-0.0": Bad(-0.0, ValueError, "0"),
        "negative": Bad(-0.1, ValueError, "-0.1"),
    },
    "momentum": BAD_REALS
    | {
        "negative": Bad(-0.1, ValueError, "-0.1"),
        "one": Bad(1.0, ValueError, "1"),
        "the integer one": Bad(1, ValueError, "1"),
        "above one": Bad(1.5, ValueError, "1.5"),
    },
    "nesterov": {
        "a string": Bad("yes", TypeError, "yes"),
        "a number": Bad(1, TypeError, "1"),
        "None": Bad(None, TypeError, "None"),
    },
}


@pytest.mark.parametrize(
    ("argument", "bad"),
    [
        pytest.param(argument, bad, id=f"{argument}-{name}")
        for argument, table in BAD_SGD.items()
        for name, bad in table.items()
    ],
)
def test_SGD(argument: str, bad: Bad) -> None:
    good = {"learning_rate": 0.1, "momentum": 0.5, "nesterov": True}
    with refused(bad, argument):
        rb.SGD(**(good | {argument: bad.value}))


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(ValueError, match=r"nesterov.*momentum"):
        rb.SGD(learning_rate=0.1, nesterov=True)


OPTIMIZERS = _optimizer.OPTIMIZERS
BAD_FLAGS = BAD_SGD["nesterov"]


@pytest.mark.parametrize(
    ("optimizer", "argument", "bad"),
    [
        pytest.param(optimizer, argument, bad, id=f"{optimizer.__name__}-{argument}-{name}")
        for optimizer in OPTIMIZERS[1:]
        for argument, default in optimizer().__dict__.items()
        for name, bad in (
            BAD_FLAGS
            if isinstance(default, bool)
            else BAD_COUNTS | NOT_NONE
            if isinstance(default, int)
            else BAD_REALS | {"negative": Bad(-0.1, ValueError, "-0.1")}
        ).items()
    ],
)
def test_settings_of_optimizers(optimizer: Any, argument: str, bad: Bad) -> None:
    with refused(bad, argument):
        optimizer(**{argument: bad.value})


@pytest.mark.parametrize(
    ("optimizer", "settings"),
    [
        (rb.Adam, {"beta1": 1.0}),
        (rb.Adam, {"beta2": 1}),
        (rb.Adam, {"eps": 0.0}),
        (rb.Adagrad, {"eps": 0}),
        (rb.RMSprop, {"alpha": 1.0}),
        (rb.RMSprop, {"momentum": 1.0}),
        (rb.Rprop, {"shrink": 1.0}),
        (rb.Rprop, {"grow": 1.0}),
        (rb.Rprop, {"smallest": 100.0}),
        (rb.Rprop, {"largest": 0.0}),
        (rb.LBFGS, {"history": 0}),
        (rb.LBFGS, {"evaluations": 0}),
    ],
    ids=str,
)
def test_settings_out_of_range(optimizer: Any, settings: dict[str, float]) -> None:
    with refused(Bad(None, ValueError), next(iter(settings))):
        optimizer(**settings)


def test_a_setting_that_float32_cannot_hold() -> None:
    adam, net = rb.Adam(eps=1e-60), network("identity")
    with refused(Bad(None, ValueError, "1e-60"), "eps", net):
        rb.train(net, X, Y, loss="squared_error", optimizer=adam)
    rb.train(network("identity", "float64"), X, Y, loss="squared_error", optimizer=adam)


def test_an_optimizer_cannot_be_changed_past_its_checks() -> None:
    sgd = rb.SGD(learning_rate=0.1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        sgd.learning_rate = -1.0  # type: ignore[misc]
    with refused(Bad(-1.0, ValueError, "-1"), "learning_rate"):
        dataclasses.replace(sgd, learning_rate=-1.0)
    assert sgd == rb.SGD(learning_rate=0.1)


@pytest.mark.parametrize(
    "learning_rate", [1, 0.5, np.float32(0.5), np.float64(0.5), np.int64(1), 5e-324]
)
@pytest.mark.parametrize("momentum", [0, 0.0, np.float32(0.5), 1 - 2.0**-53])
def test_real_numbers_of_any_type_are_welcome(learning_rate: float, momentum: float) -> None:
    sgd = rb.SGD(learning_rate=learning_rate, momentum=momentum)
    assert sgd.learning_rate == learning_rate
    assert sgd.momentum == momentum


# ---- Network ---------------------------------------------------------------------------------

BAD_NETWORKS = {
    "layers": {
        "none": Bad([], ValueError, "[]"),
        "one": Bad([3], ValueError, "[3]"),
        "a zero": Bad([3, 0], ValueError, "0"),
        "a zero in between": Bad([3, 0, 2], ValueError, "0"),
        "negative": Bad([3, -1, 2], ValueError, "-1"),
        "True": Bad([3, True], TypeError, "True"),
        "NumPy's True": Bad([3, np.True_], TypeError, "True"),
        "a float": Bad([3, 2.0], TypeError, "2.0"),
        "NaN": Bad([3, float("nan")], TypeError, "nan"),
        "strings": Bad(["3", "2"], TypeError, "3"),
        "a string": Bad("32", TypeError, "32"),
        "bytes": Bad(b"32", TypeError),
        "a number": Bad(5, TypeError, "5"),
        "None": Bad(None, TypeError, "None"),
        "None within": Bad([3, None], TypeError, "None"),
        "nested": Bad([[3, 2]], EITHER),
        "beyond 64 bits": Bad([3, 10**30], (ValueError, MemoryError)),
        "negative beyond 64 bits": Bad([3, -(10**30)], ValueError),
    },
    "activation": {
        "unknown": Bad("sigmoid", ValueError, "sigmoid"),
        "in capitals": Bad("ReLU", ValueError, "ReLU"),
        "empty": Bad("", ValueError),
        "too few": Bad(["relu"], ValueError, "1"),
        "too many": Bad(["relu"] * 3, ValueError, "3"),
        "none of two": Bad([], ValueError),
        "one unknown": Bad(["relu", "swish"], ValueError, "swish"),
        "one a number": Bad(["relu", 3], TypeError, "3"),
        "a number": Bad(3, TypeError, "3"),
        "None": Bad(None, TypeError, "None"),
        "bytes": Bad(b"relu", EITHER),
        "a function": Bad(np.tanh, TypeError),
    },
    "output": {
        "unknown": Bad("swish", ValueError, "swish"),
        "a list": Bad(["relu"], TypeError),
        "a number": Bad(3, TypeError, "3"),
        "None": Bad(None, TypeError, "None"),
    },
    "dtype": {
        "float16": Bad("float16", EITHER, "float16"),
        "complex": Bad("complex64", EITHER, "complex64"),
        "integers": Bad("int32", EITHER, "int32"),
        "unknown": Bad("real", EITHER, "real"),
        "a number": Bad(32, EITHER, "32"),
        "None": Bad(None, EITHER, "None"),
    },
    "random_state": BAD_SEEDS,
}


@pytest.mark.parametrize(
    ("argument", "bad"),
    [
        pytest.param(argument, bad, id=f"{argument}-{name}")
        for argument, table in BAD_NETWORKS.items()
        for name, bad in table.items()
    ],
)
def test_Network(argument: str, bad: Bad) -> None:
    with refused(bad, argument):
        rb.Network(**({"layers": [3, 4, 5, 2]} | {argument: bad.value}))


@pytest.mark.parametrize(
    "layers",
    [
        [2**32, 2**32],
        [2**33, 2**33],
        [2**62, 4],
        [2**63, 2],
        [10**12, 10**12],
        [2**31, 2**31, 2**31],
    ],
    ids=str,
)
def test_sizes_that_overflow_are_refused(layers: list[int]) -> None:
    """Their products wrap to small numbers in 64 bits, 2^32 squared even to 0."""
    with pytest.raises((ValueError, MemoryError)):
        rb.Network(layers)


def test_a_network_larger_than_the_memory_is_a_memory_error(run_python: Callable[..., Any]) -> None:
    """In a process that may have 4 GiB, for there are machines that promise more than they have."""
    if "san.so" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("a sanitizer itself needs more address space")
    error = run_python(
        """
        import resource, rosenblatt as rb
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        errors = []
        for layers in ([10**12, 1], [1, 10**12], [10**6, 10**6], [3, 10**5, 10**5, 2]):
            try:
                rb.Network(layers)
            except (MemoryError, ValueError) as error:
                errors.append(type(error).__name__)
        net = rb.Network([3, 2], random_state=0)
        print([net.forward([[0, 0, 0]]).tolist(), len(errors)])
        """
    )
    assert error == [[[0, 0]], 4]


def test_arguments_after_the_data_are_keywords() -> None:
    """Positional arguments end where the order is no longer obvious."""
    with pytest.raises(TypeError, match="positional"):
        rb.Network([3, 2], "relu")  # type: ignore[misc]
    with pytest.raises(TypeError, match="positional"):
        rb.train(network(), X, Y, "log_loss")  # type: ignore[misc]
    with pytest.raises(TypeError, match="positional"):
        network().gradients(X, Y, "log_loss")  # type: ignore[misc]


def test_a_loss_must_be_chosen() -> None:
    with pytest.raises(TypeError, match="loss"):
        rb.train(network(), X, Y)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="loss"):
        network().gradients(X, Y)  # type: ignore[call-arg]
