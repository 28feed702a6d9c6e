"""Weight images and histograms: the numbers they show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.patches import StepPatch

import rosenblatt as rb
from pictures import SQUARE, image, moons, net_2_8_1, new_axes, pixels

# ---- Weight images ----


def test_each_unit_is_an_image_of_its_weights() -> None:
    net = rb.Network([6, 5, 1], random_state=0)
    ax = new_axes()
    assert rb.plot.first_layer_weights(net, (2, 3), ax=ax) is ax
    sheet = image(ax).get_array()
    columns = (sheet.shape[1] - 1) // 4
    for unit in range(5):
        top, left = 3 * (unit // columns) + 1, 4 * (unit % columns) + 1
        np.testing.assert_array_equal(
            sheet[top : top + 2, left : left + 3], net.W[0][unit].reshape(2, 3)
        )
    assert sheet.count() == 5 * 6  # all else is frame
    largest = np.abs(net.W[0]).max()
    assert (image(ax).norm.vmin, image(ax).norm.vmax) == (-largest, largest)


def test_images_of_a_wide_layer_are_counted() -> None:
    net = rb.Network([784, 512, 10], random_state=0)
    ax = rb.plot.first_layer_weights(net, (28, 28), ax=new_axes())
    assert ax.get_title() == "$W^{(1)}$: 64 of 512 units of 28 × 28 weights"
    assert image(ax).get_array().count() == 64 * 784


def test_weights_of_zero_have_a_scale() -> None:
    ax = rb.plot.first_layer_weights(rb.Network([4, 2], weights="zeros"), (2, 2), ax=new_axes())
    pixels(ax.figure)


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((28, 28), ValueError, r"shape: got \(28, 28\), 784 weights per image, expected 64"),
        ((8,), TypeError, r"shape: got \(8,\), expected \(height, width\)"),
        (64, TypeError, "shape: got 64, expected"),
        ((8.0, 8), TypeError, r"shape\[0\]: got 8.0"),
        ((-8, -8), ValueError, r"shape\[0\]: got -8"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(
    shape: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rb.plot.first_layer_weights(rb.Network([64, 2]), shape)
    assert plt.get_fignums() == []


# ---- Histograms ----


def test_histograms_count_every_unit_and_sample() -> None:
    X, y = moons()
    net = net_2_8_1()
    ax = new_axes()
    assert rb.plot.histograms(net, X, y, "log_loss", ax=ax, bins=7) is ax
    trace, delta = net.trace(X), net.gradients(X, y, loss="log_loss").delta
    expected = [*trace.Z, *trace.A[1:], *delta]
    assert len(ax.child_axes) == 6
    for panel, values in zip(ax.child_axes, expected, strict=True):
        (steps,) = panel.findobj(StepPatch)
        counts, edges, _ = steps.get_data()
        assert counts.sum() == values.size
        assert len(counts) == 7
        assert edges[0] == pytest.approx(values.min())
        assert edges[-1] == pytest.approx(values.max())
    lefts = [panel.get_position().x0 for panel in ax.child_axes]
    assert lefts[0] < lefts[1]  # layers go to the right


def test_without_targets_there_is_no_delta() -> None:
    ax = rb.plot.histograms(net_2_8_1(), SQUARE)
    assert [panel.get_ylabel() for panel in ax.child_axes] == ["z", "", "a", ""]
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize("value", [0.0, 1.0, 1e30, -3e38])
def test_equal_values_have_a_histogram(value: float) -> None:
    net = rb.Network([2, 3], weights="zeros")
    net.b[0][...] = value
    ax = rb.plot.histograms(net, SQUARE, ax=new_axes())
    for panel in ax.child_axes:
        (steps,) = panel.findobj(StepPatch)
        assert steps.get_data().values.sum() == 12
    pixels(ax.figure)


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "message"),
    [
        ((SQUARE, [0, 0, 1, 1]), {}, TypeError, "loss: got None with Y, expected both or neither"),
        ((SQUARE, None, "log_loss"), {}, TypeError, "Y: got None with loss"),
        ((np.empty((0, 2)),), {}, ValueError, "X: got"),
        ((SQUARE[:, :1],), {}, ValueError, r"X: got shape \(4, 1\)"),
        ((SQUARE,), {"bins": 0}, ValueError, "bins: got 0"),
        ((SQUARE, [0, 0, 1, 1], "log"), {}, ValueError, "loss: got 'log'"),
    ],
)
def test_bad_input_of_histograms_is_refused(
    arguments: Any, settings: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rb.plot.histograms(net_2_8_1(), *arguments, **settings)
    assert plt.get_fignums() == []
