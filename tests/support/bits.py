"""What the comparisons of the core with the reference share: equal bits, and twin networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

import rosenblatt as rb
from rosenblatt import _core, reference

DTYPES = ("float32", "float64")
KINDS = ("identity", "logistic", "tanh", "relu", "softmax")  # what is combined with everything
ACTIVATIONS = (*KINDS, *(name for name in _core.activations() if name not in KINDS))
OF_ANY_OUTPUT = (
    "squared_error",
    "absolute_error",
    "log_cosh",
    rb.Huber(delta=0.5),
    rb.Quantile(levels=0.2),
    "cosine",
)
OF_SOME_OUTPUTS: tuple[tuple[Any, str], ...] = (
    ("log_loss", "softmax"),
    ("log_loss", "logistic"),
    (rb.LogLoss(label_smoothing=0.1), "softmax"),
    (rb.LogLoss(label_smoothing=0.1), "logistic"),
    ("kl_divergence", "softmax"),
    *(
        (loss, output)
        for loss in ("hinge", "squared_hinge")
        for output in ("identity", "tanh", "softsign", "hard_tanh")
    ),
    ("poisson", "identity"),
    (rb.Poisson(log_rate=False), "logistic"),
    (rb.Poisson(log_rate=False), "softplus"),
    ("gaussian_nll", "identity"),
    ("focal", "softmax"),
    ("focal", "logistic"),
    (rb.Focal(gamma=0.5), "softmax"),
    (rb.Focal(gamma=0.0), "logistic"),
)
# Every loss with every output that suits it: for tests that draw some of them.
ALL_LOSSES: tuple[tuple[Any, str], ...] = (
    *((loss, output) for loss in OF_ANY_OUTPUT for output in ACTIVATIONS),
    *OF_SOME_OUTPUTS,
)
# The losses of any output go by dc/da, and the way through the output's activation is apart from
# it, in the kernels and for second derivatives: so these are all of them with an output that does
# nothing and with one that mixes units, and two of them with each other output.
LOSSES: tuple[tuple[Any, str], ...] = (
    *((loss, output) for loss in OF_ANY_OUTPUT for output in ("identity", "softmax")),
    *(
        (OF_ANY_OUTPUT[(i + step) % len(OF_ANY_OUTPUT)], output)
        for i, output in enumerate(f for f in ACTIVATIONS if f not in ("identity", "softmax"))
        for step in (0, 2)
    ),
    *OF_SOME_OUTPUTS,
)
# Loss, output and hidden activation: all of the kinds, and every other beside a few.
COMBINATIONS: tuple[tuple[Any, str, str], ...] = tuple(
    (loss, output, activation)
    for loss, output in LOSSES
    for activation in ACTIVATIONS
    if (output in KINDS and activation in KINDS)
    or activation == "tanh"
    or (loss, output) in (("squared_error", "identity"), ("log_loss", "softmax"))
)


def with_each(names: str, cases: Sequence[tuple[Any, ...]]) -> pytest.MarkDecorator:
    """Parametrise a test with cases whose names are those of their values."""
    return pytest.mark.parametrize(names, cases, ids=["-".join(map(str, case)) for case in cases])


with_every_loss = with_each("loss, output", LOSSES)
with_every_combination = with_each("loss, output, activation", COMBINATIONS)
LABEL_LOSSES = ("log_loss", "kl_divergence", "hinge", "squared_hinge", "focal")

Array = NDArray[Any]


def bits(values: ArrayLike) -> Array:
    """The values' bits as unsigned integers, every NaN with the same ones."""
    array = np.ascontiguousarray(values)
    assert array.dtype in (np.float32, np.float64), array.dtype
    array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
    return array.view(np.uint32 if array.dtype == np.float32 else np.uint64)


def assert_same_bits(got: ArrayLike, wanted: ArrayLike, what: str = "values") -> None:
    """Fail with the first place where the bits differ."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.dtype == wanted.dtype, f"{what}: {got.dtype} is not {wanted.dtype}"
    assert got.shape == wanted.shape, f"{what}: shape {got.shape} is not {wanted.shape}"
    differ = np.argwhere((bits(got) != bits(wanted)).reshape(got.shape))
    if len(differ):
        at = tuple(int(i) for i in differ[0])
        raise AssertionError(
            f"{what}: {len(differ)} of {got.size} differ, the first at {at}: "
            f"got {float(got[at]).hex()}, wanted {float(wanted[at]).hex()}"
        )


def twins(
    layers: Sequence[int],
    *,
    activation: str | Sequence[str] = "tanh",
    output: str = "identity",
    dtype: str = "float64",
    seed: int = 0,
    norm: Any = None,
    skip: Any = False,
) -> tuple[rb.Network, reference.Network]:
    """The same network twice, compiled and textbook, with biases that are not 0.

    Gains and running statistics are not what they begin with, either.
    """
    options: dict[str, Any] = {"activation": activation, "output": output, "dtype": dtype}
    options |= {"random_state": seed, "norm": norm, "skip": skip}
    core = rb.Network(layers, **options)
    book = reference.Network(layers, **options)
    random = np.random.default_rng(seed)
    for b_core, b_book in zip(core.b, book.b, strict=True):
        b_core[:] = random.normal(size=len(b_book), scale=0.5).astype(dtype)
        b_book[:] = b_core.tolist()
    for of_core, of_book, least in (
        (core.g, book.g, 0.5),
        (core.running_mean, book.running_mean, -0.5),
        (core.running_var, book.running_var, 0.5),
    ):
        for layer, view in enumerate(of_core):
            if view is not None:
                view[:] = (least + random.random(size=len(view))).astype(dtype)
                of_book[layer] = view.tolist()
    assert_same_bits(core.theta, np.array(book.theta, dtype), "theta")
    return core, book


def samples(n: int, n_features: int, dtype: str, seed: int = 0) -> Array:
    """(n, n_features) numbers around 0, some of them 0."""
    random = np.random.default_rng([seed, n, n_features])
    X = random.normal(size=(n, n_features))
    X[random.random(X.shape) < 0.1] = 0.0
    return X.astype(dtype)


def name_of(loss: Any) -> str:
    """The name of a loss, with parameters or without."""
    return loss if isinstance(loss, str) else str(loss.name)


LABELLED = [(loss, output) for loss, output in LOSSES if name_of(loss) in LABEL_LOSSES]
with_every_loss_of_labels = with_each("loss, output", LABELLED)


def n_outputs_for(loss: Any, wanted: int) -> int:
    """The number of outputs from `wanted` up that the loss can have."""
    if name_of(loss) == "gaussian_nll":
        return wanted + wanted % 2
    return max(wanted, 2) if name_of(loss) == "cosine" else wanted


def targets(loss: Any, output: str, n: int, n_outputs: int, dtype: str, *, seed: int = 0) -> Array:
    """(n, n_targets) targets that the loss allows: real numbers, distributions, answers, counts."""
    random = np.random.default_rng([seed, n, n_outputs, 1])
    name = name_of(loss)
    if name == "gaussian_nll":
        n_outputs //= 2
    if name in ("hinge", "squared_hinge"):
        return random.choice([-1.0, 1.0], size=(n, n_outputs)).astype(dtype)
    if name == "poisson":
        return random.poisson(1.5, size=(n, n_outputs)).astype(dtype)
    if name not in LABEL_LOSSES:
        return random.normal(size=(n, n_outputs)).astype(dtype)
    if output == "softmax":  # some answers are impossible; the sums are 1 but for rounding
        possible = random.random((n, n_outputs)) < 0.8
        possible[:, 0] = True
        Y = np.where(possible, random.random((n, n_outputs)), 0.0)
        return (Y / Y.sum(axis=1, keepdims=True)).astype(dtype)
    return random.choice([0.0, 0.25, 0.9, 1.0], size=(n, n_outputs)).astype(dtype)


def labels(n: int, n_classes: int, seed: int = 0) -> Array:
    """(n,) class labels."""
    return np.random.default_rng([seed, n, n_classes, 2]).integers(n_classes, size=n)


def one_hot(y: Array, n_classes: int, dtype: str) -> Array:
    """(n, n_classes) rows with a 1 at the label."""
    return np.eye(n_classes, dtype=dtype)[y]


def assert_same_gradients(got: Any, wanted: reference.Gradients, dtype: str) -> None:
    """Compare everything that `gradients` gives: the core's arrays with the textbook's lists."""
    assert_same_bits(np.float64(got.cost), np.float64(wanted.cost), "cost")
    for name in ("delta", "dW", "db", "dg"):
        for layer, (a, b) in enumerate(zip(getattr(got, name), getattr(wanted, name), strict=True)):
            if a is None:
                assert b == [], f"{name}[{layer}]: got None, wanted {b}"
            else:
                assert_same_bits(a, np.array(b, dtype), f"{name}[{layer}]")
    assert_same_bits(got.dX, np.array(wanted.dX, dtype), "dX")
    assert_same_bits(got.grad, np.array(wanted.grad, dtype), "grad")
