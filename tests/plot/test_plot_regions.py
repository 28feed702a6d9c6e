"""Decision regions: colours, borders, samples, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import PathCollection
from matplotlib.contour import ContourSet

import rosenblatt as rb
from pictures import SQUARE, image, new_axes, pixels
from rosenblatt.plot._colours import (
    background,
    class_colours,
    contrast,
    ink,
    mix,
)


def half_plane(**settings: Any) -> rb.Network:
    """One output, above 0.5 where x_1 is above 0."""
    return rb.Network([2, 1], output="logistic", weights=[[[4.0, 0.0]]], **settings)


def test_regions_have_the_colours_of_their_classes(style: str) -> None:
    ax = plt.figure().add_subplot()
    assert rb.plot.decision_regions(half_plane(), SQUARE, [0, 0, 1, 1], ax=ax) is ax
    shown = image(ax).get_array()
    behind = background(ax)
    for side, colour in zip((0, -1), class_colours(ax, 2), strict=True):
        place = shown[80, side]
        towards = np.array(colour) - behind
        share = (place - behind) @ towards / (towards @ towards)
        np.testing.assert_allclose(place, mix(behind, colour, share))
        assert 0.5 < share < 0.7
        # What is drawn on it can be read.
        assert contrast(ink(ax), tuple(place)) >= 3
    assert np.abs(shown[80, 79] - behind).max() < 0.3  # in doubt: pale


def test_regions_cover_the_samples_and_borders_are_decision_boundaries() -> None:
    ax = rb.plot.decision_regions(half_plane(), SQUARE, [0, 0, 1, 1], ax=new_axes())
    left, right, bottom, top = image(ax).get_extent()
    assert (left, right) == ax.get_xlim()
    assert (bottom, top) == ax.get_ylim()
    assert left < -1 < 1 < right
    assert bottom < -1 < 1 < top
    (border,) = ax.findobj(ContourSet)
    (path,) = border.get_paths()
    np.testing.assert_allclose(path.vertices[:, 0], 0, atol=1e-6)


def test_the_lowest_row_of_the_plane_is_below() -> None:
    net = rb.Network([2, 1], output="logistic", weights=[[[0.0, 4.0]]])  # above 0.5 for x_2 > 0
    ax = rb.plot.decision_regions(net, SQUARE, [0, 1, 0, 1], ax=new_axes())
    shown = image(ax).get_array()
    zero, one = class_colours(ax, 2)
    assert image(ax).origin == "lower"
    assert np.linalg.norm(shown[0, 80] - zero) < np.linalg.norm(shown[0, 80] - one)
    assert np.linalg.norm(shown[-1, 80] - one) < np.linalg.norm(shown[-1, 80] - zero)


@pytest.mark.parametrize("output", ["softmax", "log_softmax", "identity", "logistic"])
@pytest.mark.parametrize("rows", [False, True])
def test_several_classes_have_a_colour_a_border_and_a_line_in_the_legend(
    output: Any, rows: bool
) -> None:
    net = rb.Network([2, 3], output=output, weights=[[[9, 0], [-5, 8], [-5, -8]]])
    y = net.forward(SQUARE).argmax(axis=1)
    targets: Any = np.eye(3)[y] if rows else y
    ax = rb.plot.decision_regions(net, SQUARE, targets, ax=new_axes())
    assert len(ax.findobj(ContourSet)) == 3
    legend = ax.get_legend()
    assert legend is not None
    assert {text.get_text() for text in legend.get_texts()} == {f"class {k}" for k in set(y)}
    shown = {tuple(points.get_facecolor()[0, :3]) for points in ax.findobj(PathCollection)}
    assert shown == {class_colours(ax, 3)[k] for k in set(y)}


def test_labels_of_minus_one_and_one_have_the_border_zero() -> None:
    net = rb.Network([2, 1], weights=[[[1.0, 0.0]]])
    net.b[0][0] = -0.5  # 0 at x_1 = 0.5, and 0.5 at x_1 = 1
    for y, expected in (([-1, -1, 1, 1], 0.5), ([0, 0, 1, 1], 1.0)):
        ax = rb.plot.decision_regions(net, SQUARE * 2, y, ax=new_axes())
        (border,) = ax.findobj(ContourSet)
        np.testing.assert_allclose(border.get_paths()[0].vertices[:, 0], expected, atol=1e-6)
    ax = rb.plot.decision_regions(net, SQUARE * 2, [0, 0, 1, 1], threshold=0, ax=new_axes())
    (border,) = ax.findobj(ContourSet)
    np.testing.assert_allclose(border.get_paths()[0].vertices[:, 0], 0.5, atol=1e-6)


def test_a_regression_is_a_surface_with_a_scale() -> None:
    net = rb.Network([2, 1], weights=[[[1.0, 2.0]]])
    y = [-3.0, 1.0, -1.0, 3.0]
    ax = rb.plot.decision_regions(net, SQUARE, y, ax=new_axes())
    shown = image(ax)
    assert (shown.norm.vmin, shown.norm.vmax) == (-3, 3)
    left, right, bottom, top = shown.get_extent()
    assert shown.get_array()[0, 0] == pytest.approx(left + 2 * bottom)
    assert shown.get_array()[-1, -1] == pytest.approx(right + 2 * top)
    assert len(ax.figure.axes) == 2
    with_labels = rb.plot.decision_regions(net, SQUARE, [0, 0, 1, 1], kind="surface", ax=new_axes())
    assert len(with_labels.figure.axes) == 2


def test_a_network_of_one_answer_has_no_border() -> None:
    net = rb.Network([2, 1], output="logistic", weights="zeros")
    net.b[0][0] = 5
    ax = rb.plot.decision_regions(net, SQUARE, [1, 1, 1, 1], ax=new_axes())
    assert ax.findobj(ContourSet) == []
    pixels(ax.figure)


def test_outputs_that_are_not_finite_are_left_blank() -> None:
    net = rb.Network([2, 1], weights=[[[3e38, 3e38]]])
    ax = rb.plot.decision_regions(net, SQUARE * 100, [0, 0, 1, 1], ax=new_axes())
    shown = image(ax).get_array()
    np.testing.assert_array_equal(shown[0, 0], background(ax))
    pixels(ax.figure)


def test_classes_whose_outputs_are_not_finite_are_left_blank() -> None:
    net = rb.Network([2, 3], weights=[[[3e38, 3e38], [3e38, 3e38], [0, 0]]])
    ax = rb.plot.decision_regions(net, SQUARE * 100, [0, 0, 1, 2], ax=new_axes())
    np.testing.assert_array_equal(image(ax).get_array()[-1, -1], background(ax))
    pixels(ax.figure)


@pytest.mark.parametrize("place", [0.0, 7.0, 1e20])
def test_samples_on_one_spot_have_room_round_them(place: float) -> None:
    ax = rb.plot.decision_regions(half_plane(), [[place, place]] * 2, [0, 1], ax=new_axes())
    left, right, bottom, top = image(ax).get_extent()
    assert left < place < right
    assert bottom < place < top
    pixels(ax.figure)


def test_inputs_are_in_the_users_units() -> None:
    net = half_plane()
    net.input_scaling = rb.Scaling([100.0, 0.0], [50.0, 1.0])
    X = SQUARE * (50, 1) + (100, 0)
    ax = rb.plot.decision_regions(net, X, [0, 0, 1, 1], ax=new_axes())
    (border,) = ax.findobj(ContourSet)
    np.testing.assert_allclose(border.get_paths()[0].vertices[:, 0], 100, atol=1e-3)


@pytest.mark.parametrize(
    ("net", "samples", "settings", "error", "message"),
    [
        (
            rb.Network([3, 1]),
            (SQUARE, [0, 0, 1, 1]),
            {},
            ValueError,
            "net: got 3 inputs, expected 2",
        ),
        (
            "net",
            (SQUARE, [0, 0, 1, 1]),
            {},
            TypeError,
            "net: got str, expected a rosenblatt.Network",
        ),
        (
            rb.Network([2, 1]),
            (SQUARE[:, :1], [0, 0, 1, 1]),
            {},
            ValueError,
            r"X: got shape \(4, 1\)",
        ),
        (rb.Network([2, 1]), ([[0, np.nan]], [0]), {}, ValueError, r"X: got nan at X\[0, 1\]"),
        (rb.Network([2, 1]), (np.empty((0, 2)), []), {}, ValueError, r"X: got shape \(0, 2\)"),
        (rb.Network([2, 1]), ([["a", "b"]], [0]), {}, TypeError, "X: got dtype"),
        (
            rb.Network([2, 1]),
            (SQUARE, [0, 1]),
            {},
            ValueError,
            r"y: got shape \(2,\), expected \(4,\)",
        ),
        (rb.Network([2, 1]), (SQUARE, 1), {}, ValueError, r"y: got shape \(\)"),
        (rb.Network([2, 1]), (SQUARE, [0, 1, 0, np.inf]), {}, ValueError, r"y: got inf at y\[3\]"),
        (rb.Network([2, 3]), (SQUARE, [0, 1, 2, 3]), {}, ValueError, "y: .* expected labels 0 … 2"),
        (
            rb.Network([2, 3]),
            (SQUARE, [0, 1, 2, 0.5]),
            {},
            ValueError,
            "y: .* expected labels 0 … 2",
        ),
        (
            rb.Network([2, 3]),
            (SQUARE, np.ones((4, 2))),
            {},
            ValueError,
            r"y: got shape \(4, 2\), expected \(4,\) or \(4, 3\)",
        ),
        (
            rb.Network([2, 1]),
            (SQUARE, [0, 1, 2, 3]),
            {"kind": "classes"},
            ValueError,
            "y: got numbers that are not labels, expected 0 and 1",
        ),
        (
            rb.Network([2, 3]),
            (SQUARE, [0, 1, 2, 0]),
            {"kind": "surface"},
            ValueError,
            "kind: got 'surface' for 3 outputs",
        ),
        (
            rb.Network([2, 1]),
            (SQUARE, [0, 0, 1, 1]),
            {"kind": "map"},
            ValueError,
            "kind: got 'map'",
        ),
        (
            rb.Network([2, 3]),
            (SQUARE, [0, 1, 2, 0]),
            {"threshold": 0.5},
            ValueError,
            "threshold: got 0.5, expected None",
        ),
        (
            rb.Network([2, 1]),
            (SQUARE, [0, 0, 1, 1]),
            {"threshold": np.nan},
            ValueError,
            "threshold: got nan",
        ),
        (
            rb.Network([2, 1]),
            (SQUARE, [0, 0, 1, 1]),
            {"resolution": 1},
            ValueError,
            "resolution: got 1, expected an integer 2 … 2000",
        ),
    ],
)
def test_bad_input_of_regions_is_refused(
    net: Any, samples: Any, settings: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rb.plot.decision_regions(net, *samples, **settings)
    assert plt.get_fignums() == []
