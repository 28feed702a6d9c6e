"""Activations by themselves: their names, their exactness, their edges."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import mpmath
import numpy as np
import pytest

import rosenblatt as rb
from bits import ACTIVATIONS, DTYPES, Array, assert_same_bits, samples
from rosenblatt import _activation, _core
from rosenblatt._checks import arguments as _arguments
from rosenblatt.reference import activation as textbook

PAGE = (Path(__file__).parents[2] / "docs" / "activations.md").read_text(encoding="utf-8")
OF_ROWS = ("softmax", "log_softmax")
OF_NUMBERS = [name for name in ACTIVATIONS if name not in OF_ROWS]


def one_unit(name: str, dtype: str) -> rb.Network:
    """A network that computes a = f(z) for z = x: one weight, 1, and one bias, 0."""
    return rb.Network([1, 1], output=name, dtype=dtype, weights=[[[1.0]]])


def f(name: str, z: Array) -> Array:
    """f(z) for (n,) numbers."""
    return one_unit(name, str(z.dtype)).forward(z[:, None])[:, 0]


def slope(name: str, z: Array) -> Array:
    """f'(z) for (n,) numbers."""
    return one_unit(name, str(z.dtype)).backward(z[:, None], np.ones(len(z))).delta[0][:, 0]


# ---- names -----------------------------------------------------------------------------------


def test_each_list_of_activations_has_the_same_names() -> None:
    names = _core.activations()
    assert list(get_args(_activation.ActivationName)) == names
    assert list(textbook.ACTIVATIONS) == names == list(ACTIVATIONS)
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(names)
    assert set(_arguments.NOT_TRAINABLE) <= set(names)


def test_the_page_says_what_a_derivative_is_computed_from() -> None:
    for name, columns in re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE, re.MULTILINE):
        _, _, derivative_from, *_ = re.split(r"(?<!\\)\|", columns)
        wanted = "–" if name == "step" else textbook.ACTIVATIONS[name].derivative_from
        assert derivative_from.strip() == wanted, name


# ---- exactness -------------------------------------------------------------------------------

Real = Any  # an mpmath number
SQRT_2_OVER_PI = mpmath.sqrt(2 / mpmath.pi)
SELU_ALPHA = mpmath.mpf("1.67326324235437728481704297202")
SELU_SCALE = mpmath.mpf("1.05070098735548049341933498529")


def softplus(z: Real) -> Real:
    return mpmath.log1p(mpmath.exp(z))


EXACT: dict[str, Callable[[Real], Real]] = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + mpmath.exp(-z)),
    "tanh": mpmath.tanh,
    "relu": lambda z: max(z, 0),
    "leaky_relu": lambda z: z if z > 0 else z / 100,
    "elu": lambda z: z if z > 0 else mpmath.expm1(z),
    "celu": lambda z: max(0, z) + min(0, mpmath.expm1(z)),
    "selu": lambda z: SELU_SCALE * (z if z > 0 else SELU_ALPHA * mpmath.expm1(z)),
    "gelu": lambda z: z * mpmath.ncdf(z),
    "gelu_tanh": lambda z: (
        z / (1 + mpmath.exp(-2 * SQRT_2_OVER_PI * (z + mpmath.mpf("0.044715") * z**3)))
    ),
    "silu": lambda z: z / (1 + mpmath.exp(-z)),
    "mish": lambda z: z * mpmath.tanh(softplus(z)),
    "softplus": softplus,
    "softsign": lambda z: z / (1 + abs(z)),
    "hard_sigmoid": lambda z: min(max(z / 6 + mpmath.mpf(1) / 2, 0), 1),
    "hard_tanh": lambda z: min(max(z, -1), 1),
    "relu6": lambda z: min(max(z, 0), 6),
    "sin": mpmath.sin,
    "step": lambda z: mpmath.mpf(z > 0),
}


def largest_error(name: str, z: Array) -> float:
    """The largest error of f(z), in ulp of the exact value.

    Where a factor of it is below the smallest normal number, f(z) is 0; that factor is at most 1000
    times as small.
    """
    worst = 0.0
    nothing = 1000 * float(np.finfo(z.dtype).smallest_normal)
    with mpmath.workdps(60):
        for x, a in zip(z.tolist(), f(name, z).tolist(), strict=True):
            exact = EXACT[name](mpmath.mpf(x))
            if abs(exact) < nothing:
                assert abs(a) < 2 * nothing
                continue
            ulp = float(np.spacing(z.dtype.type(abs(float(exact)))))
            worst = max(worst, float(abs(a - exact) / ulp))
    return worst


def arguments(n: int, dtype: str, seed: int) -> Array:
    """Numbers where the functions bend, in their tails, and of every small size."""
    rng = np.random.default_rng(seed)
    parts = [
        rng.uniform(-3, 3, n // 3),
        rng.uniform(-40, 40, n // 3),
        rng.uniform(-1, 1, n - 2 * (n // 3)) * 2.0 ** rng.integers(-60, 3, n - 2 * (n // 3)),
    ]
    return np.concatenate(parts).astype(dtype)


def promised(name: str, dtype: str) -> float:
    """What the page says of the error."""
    found = re.search(rf"^\| {name} \| ([\d.]+) \| ([\d.]+) \|", PAGE, re.MULTILINE)
    assert found, name
    return float(found[1 if dtype == "float32" else 2])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_NUMBERS)
def test_they_are_as_exact_as_the_page_says(name: str, dtype: str) -> None:
    assert largest_error(name, arguments(900, dtype, seed=1)) <= promised(name, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in OF_NUMBERS if name != "step"])
def test_their_derivatives_are_close(name: str, dtype: str) -> None:
    """Within some roundings of numbers of about the size of 1, or of f' where it is larger."""
    z = arguments(150, dtype, seed=2)
    step = mpmath.mpf("1e-28")  # no z here is so near to a kink
    with mpmath.workdps(80):
        exact = [
            float((EXACT[name](x + step) - EXACT[name](x - step)) / (2 * step))
            for x in map(mpmath.mpf, z.tolist())
        ]
    error = np.abs(slope(name, z).astype(np.float64) - exact)
    assert (error <= 16 * np.finfo(dtype).eps * np.maximum(np.abs(exact), 1)).all()


# ---- edges -----------------------------------------------------------------------------------

LIMITS = {  # f(-inf), f(0), f(inf)
    "identity": (-np.inf, 0, np.inf),
    "logistic": (0, 0.5, 1),
    "tanh": (-1, 0, 1),
    "relu": (0, 0, np.inf),
    "leaky_relu": (-np.inf, 0, np.inf),
    "elu": (-1, 0, np.inf),
    "celu": (-1, 0, np.inf),
    "selu": (-1.7580993408473768, 0, np.inf),
    "gelu": (0, 0, np.inf),
    "gelu_tanh": (0, 0, np.inf),
    "silu": (0, 0, np.inf),
    "mish": (0, 0, np.inf),
    "softplus": (0, np.log(2), np.inf),
    "softsign": (-1, 0, 1),
    "hard_sigmoid": (0, 0.5, 1),
    "hard_tanh": (-1, 0, 1),
    "relu6": (0, 0, 6),
    "sin": (np.nan, 0, np.nan),
    "step": (0, 0, 1),
}
SLOPES = {  # f' far below 0, at 0, far above
    "identity": (1, 1, 1),
    "logistic": (0, 0.25, 0),
    "tanh": (0, 1, 0),
    "relu": (0, 0, 1),
    "leaky_relu": (0.01, 0.01, 1),
    "elu": (0, 1, 1),
    "celu": (0, 1, 1),
    "selu": (0, 1.7580993408473768, 1.0507009873554805),
    "gelu": (0, 0.5, 1),
    "gelu_tanh": (0, 0.5, 1),
    "silu": (0, 0.5, 1),
    "mish": (0, 0.6, 1),
    "softplus": (0, 0.5, 1),
    "softsign": (0, 1, 0),
    "hard_sigmoid": (0, 1 / 6, 0),
    "hard_tanh": (0, 1, 0),
    "relu6": (0, 0, 0),
    "sin": (1, 1, 1),
    "step": (0, 0, 0),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_NUMBERS)
def test_far_out_they_are_their_limits(name: str, dtype: str) -> None:
    """As far as X goes, and beyond: a weight of infinity makes z infinite."""
    net = one_unit(name, dtype)
    largest = float(np.finfo(dtype).max)
    below, at_0, above = (np.array(x, dtype) for x in LIMITS[name])
    got = net.trace([[0.0], [-0.0]]).A[1]
    np.testing.assert_allclose(got, at_0, rtol=4 * np.finfo(dtype).eps)
    if name not in ("identity", "relu", "leaky_relu", "sin"):
        far = net.trace([[-largest]]).A[1].item()
        np.testing.assert_allclose(far, below, rtol=4 * np.finfo(dtype).eps)
        assert np.signbit(far) == np.signbit(below)
    net.W[0][...] = [[2.0]]
    got = net.trace([[-largest], [largest]]).A[1].ravel()
    np.testing.assert_allclose(got, [below, above], rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_NUMBERS)
def test_far_out_their_slopes_are_their_limits(name: str, dtype: str) -> None:
    far = 1e30
    got = slope(name, np.array([-far, 0.0, far], dtype))
    np.testing.assert_allclose(got, SLOPES[name], rtol=4 * np.finfo(dtype).eps, atol=1e-20)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_nan_stays_a_nan(name: str, dtype: str) -> None:
    net = rb.Network([1, 3], output=name, dtype=dtype, weights="zeros")
    net.theta[:] = np.nan
    assert np.isnan(net.trace([[1.0]]).A[1]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_outputs", [2, 5, 40])
def test_log_softmax_is_the_logarithm_of_softmax(n_outputs: int, dtype: str) -> None:
    z = np.random.default_rng(0).normal(size=(7, n_outputs)).astype(dtype)
    eye = [np.eye(n_outputs)]
    log_softmax, softmax = (
        rb.Network([n_outputs] * 2, output=name, dtype=dtype, weights=eye).forward(z)
        for name in ("log_softmax", "softmax")
    )
    np.testing.assert_allclose(log_softmax, np.log(softmax), rtol=0, atol=8 * np.finfo(dtype).eps)
    sure = rb.Network([n_outputs] * 2, output="log_softmax", dtype=dtype, weights=eye)
    assert sure.forward(1000 * np.eye(n_outputs)[:1])[0].tolist() == [0] + [-1000] * (n_outputs - 1)


def test_hidden_and_output_activations_agree() -> None:
    z = arguments(301, "float64", seed=3)[:, None]
    for name in ACTIVATIONS:
        hidden = rb.Network([1, 1, 1], activation=name, dtype="float64", weights=[[[1]], [[1]]])
        output = one_unit(name, "float64")
        assert np.array_equal(hidden.forward(z), output.forward(z)), name


# ---- in training -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "step"])
@pytest.mark.parametrize(
    ("layers", "n"), [([5, 9, 4], 6), ([64, 200, 96, 300, 7], 150)], ids=["small", "large"]
)
def test_a_step_is_the_gradient_and_the_update(
    layers: list[int], n: int, name: str, dtype: str
) -> None:
    """In one call or in tiles on several threads: an epsilon of 1/2 leaves one rounding."""
    net = rb.Network(layers, activation=name, dtype=dtype, random_state=0)
    X, Y = samples(n, layers[0], dtype), samples(n, layers[-1], dtype, seed=1)
    theta, grad = net.theta.copy(), net.gradients(X, Y, loss="squared_error").grad
    assert grad[: layers[0]].any()
    for threads in (1, 3):
        net.theta = theta
        sgd = rb.SGD(0.5)
        rb.train(
            net,
            X,
            Y,
            loss="squared_error",
            optimizer=sgd,
            batch_size=n,
            epochs=1,
            shuffle=False,
            threads=threads,
        )
        assert_same_bits(net.theta, theta - grad * theta.dtype.type(0.5))
