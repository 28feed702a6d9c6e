"""Loss curves: their numbers, scales, names and stars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt

import rosenblatt as rb
from pictures import new_axes, pixels, result_of


def test_curves_have_their_numbers_over_epochs_from_one() -> None:
    result = result_of([3.0, 2.0, 1.0], [3.5, 1.5, 2.5], best_epoch=1)
    ax = new_axes()
    assert rb.plot.loss_curve(result, ax=ax) is ax
    training, held_out, star = ax.get_lines()
    np.testing.assert_array_equal(training.get_xydata(), [[1, 3], [2, 2], [3, 1]])
    np.testing.assert_array_equal(held_out.get_ydata(), [3.5, 1.5, 2.5])
    np.testing.assert_array_equal(star.get_xydata(), [[2, 1.5]])
    assert star.get_marker() == "*"
    assert star.get_label() == "best epoch: 2"
    assert held_out.get_linestyle() == "--"
    assert training.get_color() != held_out.get_color()


def test_the_star_is_at_the_best_epoch_of_the_monitored_curve() -> None:
    """The best epoch by a metric need not have the lowest loss."""
    result = result_of(
        [3.0, 2.0, 1.0],
        [3.5, 2.5, 1.5],
        metrics={"accuracy": (0.5, 0.9, 0.7)},
        best_epoch=1,
        monitor="accuracy",
    )
    ax = rb.plot.loss_curve(result, ax=new_axes())
    assert [line.get_marker() for line in ax.get_lines()] == ["None", "None"]
    _, star = ax.figure.axes[1].get_lines()
    np.testing.assert_array_equal(star.get_xydata(), [[2, 0.9]])
    without = rb.plot.loss_curve(result, metrics=False, ax=new_axes())
    np.testing.assert_array_equal(without.get_lines()[-1].get_xydata(), [[2, 2.5]])


def test_the_star_of_the_training_loss() -> None:
    result = result_of(
        [3.0, 1.0, 2.0],
        metrics={"training_loss": (0.5, 4.0, 1.0)},
        best_epoch=0,
        monitor="training_loss",
    )
    *curves, star = rb.plot.loss_curve(result, ax=new_axes()).get_lines()
    assert [line.get_linestyle() for line in curves] == ["-", "-."]
    np.testing.assert_array_equal(star.get_xydata(), [[1, 0.5]])


@pytest.mark.parametrize(
    ("losses", "log", "scale"),
    [
        ([100.0, 1.0], None, "log"),
        ([2.0, 1.0], None, "linear"),
        ([100.0, -1.0], None, "linear"),
        ([100.0, 1.0], False, "linear"),
        ([2.0, 1.0], True, "log"),
        ([100.0, np.nan, 1.0], None, "log"),
    ],
)
def test_the_axis_is_logarithmic_for_large_ranges(
    losses: list[float], log: bool | None, scale: str
) -> None:
    ax = rb.plot.loss_curve(result_of(losses), log=log, ax=new_axes())
    assert ax.get_yscale() == scale
    pixels(ax.figure)


def test_metrics_have_a_separate_axis() -> None:
    result = result_of([3.0, 2.0], metrics={"accuracy": (0.5, 0.9)})
    ax = rb.plot.loss_curve(result, ax=new_axes())
    right = ax.figure.axes[1]
    np.testing.assert_array_equal(right.get_lines()[0].get_ydata(), [0.5, 0.9])
    assert len(ax.get_lines()) == 1
    assert len(rb.plot.loss_curve(result, metrics=False, ax=new_axes()).figure.axes) == 1


def test_several_trainings_have_a_colour_each_and_their_names() -> None:
    results = {"slow": result_of([3.0, 2.0], [3.0, 2.5]), "fast": result_of([3.0, 1.0], [3.0, 1.5])}
    ax = rb.plot.loss_curve(results, ax=new_axes())
    labels = [line.get_label() for line in ax.get_lines()]
    assert labels == ["slow: loss", "slow: validation loss", "fast: loss", "fast: validation loss"]
    colours = [line.get_color() for line in ax.get_lines()]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    listed = rb.plot.loss_curve(list(results.values()), ax=new_axes())
    assert [line.get_label() for line in listed.get_lines()][2] == "training 2: loss"


def test_one_epoch_is_a_point() -> None:
    ax = rb.plot.loss_curve(result_of([1.0]), ax=new_axes())
    assert ax.get_lines()[0].get_marker() == "o"
    pixels(ax.figure)


@pytest.mark.parametrize(
    ("results", "settings", "error", "message"),
    [
        (3, {}, TypeError, "results: got int, expected a TrainResult"),
        ("ab", {}, TypeError, "results: got str"),
        ([3], {}, TypeError, "results: got a int among them"),
        ([], {}, ValueError, "results: got none"),
        ({}, {}, ValueError, "results: got none"),
        (result_of([np.nan]), {}, ValueError, "results: got no epoch with a finite loss"),
        (result_of([-1.0]), {"log": True}, ValueError, "log: got True for losses of at most 0"),
        (result_of([1.0]), {"log": "yes"}, TypeError, "log: got 'yes', expected True or False"),
        (result_of([1.0]), {"metrics": 1}, TypeError, "metrics: got 1, expected True or False"),
    ],
)
def test_bad_input_of_loss_curves_is_refused(
    results: Any, settings: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rb.plot.loss_curve(results, **settings)
    assert plt.get_fignums() == []
