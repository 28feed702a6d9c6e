"""The loss surface: costs, directions, and the path on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.contour import ContourSet

import rosenblatt as rb
from pictures import learn, moons, net_2_8_1, new_axes, pixels
from rosenblatt.plot import _directions

BOWL = [[1.0, 0.0], [0.0, 1.0]]  # with it C = sum (theta - y)^2 / 4, and the biases play no part


def linear() -> rb.Network:
    """Return a network whose theta is w_1, w_2, b, all 0."""
    return rb.Network([2, 1], weights="zeros", dtype="float64")


def test_the_surface_is_the_cost_along_both_directions() -> None:
    net = linear()
    ax = new_axes()
    found = rb.plot.loss_surface(
        net,
        BOWL,
        [1.0, 2.0],
        loss="squared_error",
        directions=[[1, 0, 0], [0, 1, 0]],
        span=3,
        resolution=13,
        ax=ax,
    )
    assert found is ax
    assert ax.get_xlim() == (-3, 3)
    assert ax.get_ylim() == (-3, 3)
    filled = ax.findobj(ContourSet)[0]
    # C = ((w_1 - 1)^2 + (w_2 - 2)^2) / 4: 0 at (1, 2), (16 + 25) / 4 at (-3, -3)
    assert filled.levels[0] == pytest.approx(0, abs=1e-12)
    assert filled.levels[-1] == pytest.approx(41 / 4)
    np.testing.assert_array_equal(net.theta, 0)


def test_a_path_has_the_right_coordinates() -> None:
    path = [[0, 0, 0], [1, 0, 9], [1, 2, 9]]
    ax = rb.plot.loss_surface(
        linear(),
        BOWL,
        [1.0, 2.0],
        loss="squared_error",
        path=path,
        directions=[[2, 0, 0], [1, 1, 0]],  # 2 alpha + beta = w_1, beta = w_2
        resolution=5,
        ax=new_axes(),
    )
    drawn, start, end = ax.get_lines()
    np.testing.assert_allclose(drawn.get_xydata(), [[0, 0], [0.5, 0], [-0.5, 2]], atol=1e-12)
    np.testing.assert_allclose(start.get_xydata(), [[0, 0]], atol=1e-12)
    np.testing.assert_allclose(end.get_xydata(), [[-0.5, 2]], atol=1e-12)
    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    assert left < -0.5
    assert right > 0.5
    assert bottom < 0
    assert top > 2


def test_the_path_of_a_training_gives_its_own_directions() -> None:
    kept = []

    def callback(net: rb.Network, *_: Any) -> Any:
        kept.append(rb.plot.ThetaPath(net, every=3))
        return kept[0]

    net, result = learn(callback)
    path = kept[0].thetas
    assert len(path) == 1 + 20 // 3 + 1
    np.testing.assert_array_equal(path[0], net_2_8_1().theta)
    np.testing.assert_array_equal(path[-1], net.theta)
    X, y = moons()
    ax = rb.plot.loss_surface(net, X, y, loss="log_loss", path=kept[0], resolution=5, ax=new_axes())
    drawn, _, end = ax.get_lines()
    np.testing.assert_allclose(end.get_xydata(), [[0, 0]], atol=1e-6)  # theta is the origin
    # The first component has the larger share, and both together nearly all of the path.
    differences = np.array(path, dtype=float) - net.theta
    lengths = np.linalg.norm(drawn.get_xydata(), axis=1)
    assert (lengths <= np.linalg.norm(differences, axis=1) + 1e-6).all()
    shares = [int(label.split(": ")[1].rstrip("%")) for label in (ax.get_xlabel(), ax.get_ylabel())]
    assert shares[0] > shares[1] > 0
    assert sum(shares) > 90
    assert result.epochs == 20


def test_random_directions_are_as_long_as_the_weights_of_each_unit() -> None:
    net = rb.Network([3, 4, 2], random_state=0, dtype="float64")
    along = _directions.random(net, 5)
    for vector in along.vectors:
        dW, db, _ = net._split(vector)
        for d, W in zip(dW, net.W, strict=True):
            np.testing.assert_allclose(np.linalg.norm(d, axis=1), np.linalg.norm(W, axis=1))
        assert not any(d.any() for d in db)
    np.testing.assert_array_equal(along.vectors, _directions.random(net, 5).vectors)
    assert not np.array_equal(along.vectors, _directions.random(net, 6).vectors)


def test_a_flat_surface_and_one_with_infinite_costs_can_be_drawn() -> None:
    flat = rb.plot.loss_surface(
        linear(),
        [[0.0, 0.0]],
        [1.0],
        loss="squared_error",
        directions=[[1, 0, 0], [0, 1, 0]],
        resolution=3,
        ax=new_axes(),
    )
    pixels(flat.figure)
    steep = rb.plot.loss_surface(
        linear(),
        BOWL,
        [1.0, 2.0],
        loss="squared_error",
        directions=[[1e200, 0, 0], [0, 1, 0]],
        resolution=5,
        ax=new_axes(),
    )
    pixels(steep.figure)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"directions": "pca"}, ValueError, "directions: got 'pca' without a path"),
        ({"directions": "up"}, ValueError, "directions: got 'up'"),
        ({"directions": 2}, TypeError, "directions: got 2, expected"),
        ({"directions": [[1, 0, 0]]}, ValueError, "directions: got 1, expected"),
        ({"directions": [[1, 0], [0, 1]]}, ValueError, r"directions\[0\]: got shape \(2,\)"),
        ({"directions": [[1, 0, 0], [2, 0, 0]]}, ValueError, "directions: got parallel vectors"),
        ({"directions": [[1, 0, 0], [0, 0, 0]]}, ValueError, "directions: got a vector of zeros"),
        ({}, ValueError, "net: got weights of 0"),
        ({"path": []}, ValueError, "path: got no points"),
        ({"path": 5}, TypeError, "path: got int"),
        ({"path": [[1, 2]]}, ValueError, r"path\[0\]: got shape \(2,\), expected \(3,\)"),
        ({"path": [[0, 0, 0], [1, 1, 1]]}, ValueError, "path: got a path with fewer"),
        ({"span": 0}, ValueError, "span: got 0"),
        ({"resolution": 1}, ValueError, "resolution: got 1"),
        ({"random_state": -1}, ValueError, "random_state: got -1"),
        ({"loss": "log"}, ValueError, "loss: got 'log'"),
    ],
)
def test_bad_input_of_a_surface_is_refused(
    settings: Any, error: type[Exception], message: str
) -> None:
    if "directions" not in settings and settings.keys() & {"span", "resolution", "loss"}:
        settings = {"directions": [[1, 0, 0], [0, 1, 0]], **settings}
    net = linear()
    with pytest.raises(error, match=message):
        rb.plot.loss_surface(net, BOWL, [1.0, 2.0], **{"loss": "squared_error", **settings})
    np.testing.assert_array_equal(net.theta, 0)
    assert plt.get_fignums() == []


def test_bad_settings_of_a_path_are_refused() -> None:
    with pytest.raises(ValueError, match="every: got 0"):
        rb.plot.ThetaPath(net_2_8_1(), every=0)
    with pytest.raises(TypeError, match="net: got int"):
        rb.plot.ThetaPath(5)  # type: ignore[arg-type]
