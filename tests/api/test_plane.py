"""The points of a plane lie where their docstrings say, come from the seed, refuse bad input."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from rosenblatt.datasets import Points, make_circles, make_moons, make_spirals, make_xor

Make = Callable[..., Points]
ALL = [make_moons, make_circles, make_spirals, make_xor]
each = pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)


@each
def test_shapes_types_and_balance(make: Make) -> None:
    points = make(301)
    assert isinstance(points, Points)
    assert points.X.shape == (301, 2)
    assert points.X.dtype == np.float32
    assert points.y.dtype == np.int64
    assert np.bincount(points.y).tolist() == [151, 150]
    assert np.isfinite(points.X).all()
    assert points.X.flags.writeable
    assert points.X.flags.c_contiguous


@each
def test_the_square_holds_all_points_without_noise_and_is_filled(make: Make) -> None:
    X, _ = make(2000, noise=0)
    assert np.abs(X).max() <= 1 + 1e-6  # float32 next to 1
    assert np.ptp(X, axis=0).min() > 0.9


@each
def test_the_seed_decides(make: Make) -> None:
    a, b, c = make(50, random_state=3), make(50, random_state=3), make(50, random_state=4)
    assert a.X.tobytes() == b.X.tobytes()
    assert a.X.tobytes() != c.X.tobytes()
    drawn = [make(50, random_state=np.random.default_rng(7)).X.tobytes() for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert make(50, random_state=None).X.tobytes() != make(50, random_state=None).X.tobytes()


@each
def test_the_noise_has_its_standard_deviation(make: Make) -> None:
    clean, noisy = make(20_000, noise=0), make(20_000, noise=0.25)
    # The root mean square of 40,000 normal numbers is within 4 / sqrt(80,000) of 1, almost surely.
    moved = (noisy.X - clean.X).std()
    assert abs(moved / 0.25 - 1) < 4 / np.sqrt(80_000)
    assert np.array_equal(clean.y, noisy.y)


def test_moons_lie_on_their_half_circles() -> None:
    X, y = make_moons(400, noise=0)
    x = X * 1.5 + [0.5, 0.25]
    upper, lower = x[y == 0], x[y == 1]
    assert np.allclose(np.hypot(*upper.T), 1, atol=1e-6)
    assert np.allclose(np.hypot(lower[:, 0] - 1, lower[:, 1] - 0.5), 1, atol=1e-6)
    assert upper[:, 1].min() >= -1e-6
    assert lower[:, 1].max() <= 0.5 + 1e-6


def test_circles_have_their_radii() -> None:
    X, y = make_circles(400, noise=0, factor=0.3)
    assert np.allclose(np.hypot(*X.T), np.where(y == 0, 1, 0.3), atol=1e-6)


def test_spirals_turn_as_often_as_they_should() -> None:
    X, y = make_spirals(4000, noise=0, turns=2)
    radius = np.hypot(*X.T)
    angle = np.arctan2(X[:, 1], X[:, 0])
    off = (angle - 4 * np.pi * radius - np.pi * y) / (2 * np.pi)
    assert np.abs(off - np.rint(off)).max() < 1e-5
    assert radius.min() >= 0.05 - 1e-6


def test_xor_is_the_exclusive_or_and_fills_all_quadrants() -> None:
    X, y = make_xor(400, noise=0)
    assert np.array_equal(y, ((X[:, 0] > 0) != (X[:, 1] > 0)).astype(int))
    quadrants = 2 * (X[:, 0] > 0) + (X[:, 1] > 0)
    assert np.bincount(quadrants).min() > 60  # 100 each on average, 5 standard deviations are 43


@pytest.mark.parametrize(
    ("make", "layers"), [(make_moons, [8]), (make_circles, [8]), (make_xor, [8])]
)
def test_a_small_network_learns_them(make: Make, layers: list[int]) -> None:
    X, y = make(noise=0.05)
    net = rb.Network([2, *layers, 1], activation="tanh", output="logistic", random_state=0)
    adam = rb.Adam(learning_rate=0.05)
    rb.train(net, X, y, loss="log_loss", optimizer=adam, epochs=300)
    assert ((net.forward(X)[:, 0] > 0.5) == y).mean() > 0.9


@pytest.mark.parametrize("make", [make_circles, make_spirals, make_xor])
def test_a_single_perceptron_cannot(make: Make) -> None:
    X, y = make(2000)
    net = rb.Network([2, 1], output="logistic", random_state=0)
    rb.train(net, X, y, loss="log_loss", optimizer=rb.SGD(0.1), epochs=20)
    assert ((net.forward(X)[:, 0] > 0.5) == y).mean() < 0.75


@each
@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"n_samples": 0}, ValueError, "n_samples: got 0, expected an integer 1 … 1000000"),
        ({"n_samples": True}, TypeError, "n_samples: got True"),
        ({"n_samples": 10.0}, TypeError, "n_samples: got 10.0"),
        ({"n_samples": 10**9}, ValueError, "n_samples: got 1000000000"),
        ({"noise": -0.1}, ValueError, "noise: got -0.1, expected a finite number of at least 0"),
        ({"noise": float("nan")}, ValueError, "noise: got nan"),
        ({"random_state": -1}, ValueError, "random_state: got -1"),
    ],
)
def test_bad_arguments(
    make: Make, arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make(**arguments)


def test_bad_arguments_of_one_shape() -> None:
    with pytest.raises(ValueError, match=r"factor: got 1\.0, expected a number from 0 to below 1"):
        make_circles(factor=1)
    with pytest.raises(ValueError, match=r"turns: got 0\.0, expected a finite number above 0"):
        make_spirals(turns=0)
