"""Regions kept while a network learns, and the animation of them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.contour import ContourSet
from PIL import Image

import rosenblatt as rb
from pictures import SQUARE, learn, net_2_8_1, new_axes


def watched(**settings: Any) -> tuple[Any, rb.Network, rb.TrainResult]:
    """Train with the callback, and return it."""
    kept = []

    def callback(net: rb.Network, X: Any, y: Any) -> Any:
        kept.append(rb.plot.DecisionRegions(net, X, y, resolution=20, **settings))
        return kept[0]

    net, result = learn(callback)
    return kept[0], net, result


def test_frames_are_kept_while_a_network_learns() -> None:
    regions, net, result = watched(every=6)
    assert [frame.epoch for frame in regions.frames] == [0, 6, 12, 18, 20]
    assert [frame.loss for frame in regions.frames[1:]] == [
        result.loss_curve[frame.epoch - 1] for frame in regions.frames[1:]
    ]
    np.testing.assert_array_equal(regions.frames[-1].A, regions.regions.outputs(net))
    assert not np.array_equal(regions.frames[0].A, regions.frames[-1].A)


def test_the_callback_does_not_change_what_is_learnt() -> None:
    _, net, result = watched()
    alone, alone_result = learn(lambda *_: None)
    np.testing.assert_array_equal(net.theta, alone.theta)
    assert result.loss_curve == alone_result.loss_curve


def test_frames_are_thinned_out_at_the_most() -> None:
    regions, _, _ = watched(max_frames=5)
    epochs = [frame.epoch for frame in regions.frames]
    assert len(epochs) <= 5
    assert epochs[0] == 0
    assert epochs[-1] == 20
    assert np.ptp(np.diff(epochs[:-1])) == 0  # evenly, but for the last


def test_frames_are_shown_as_they_come() -> None:
    ax = new_axes()
    regions, _, result = watched(ax=ax)
    assert len(ax.get_images()) == 1  # the last in the place of those before
    assert ax.get_title() == f"epoch 20, loss {result.loss_curve[-1]:.3g}"
    assert len(ax.collections) == 2 + len(ax.findobj(ContourSet))  # samples once
    assert len(regions.frames) == 21
    assert plt.get_fignums() == []


def test_an_animation_saves_as_a_gif_of_all_frames(tmp_path: Any, style: str) -> None:
    regions, _, _ = watched(every=5)
    ax = plt.figure(figsize=(3, 2)).add_subplot()
    animation = rb.plot.animate(regions, ax=ax, fps=20)
    file = tmp_path / "learning.gif"
    animation.save(file, writer="pillow", dpi=40)
    with Image.open(file) as gif:
        assert gif.format == "GIF"
        assert gif.n_frames == 5
        assert gif.info["duration"] == 50  # milliseconds
        frames = []
        for i in range(gif.n_frames):
            gif.seek(i)
            frames.append(np.asarray(gif.convert("RGB"), dtype=int))
    assert all((one != other).any() for one, other in itertools.pairwise(frames))
    assert frames[0].shape == (80, 120, 3)


def test_an_animation_without_an_axes_makes_one_figure(tmp_path: Any) -> None:
    regions, _, _ = watched(every=10)
    animation = rb.plot.animate(regions)
    animation.save(tmp_path / "learning.gif", writer="pillow", dpi=20)
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"every": 0}, ValueError, "every: got 0, expected an integer of at least 1"),
        ({"max_frames": 1}, ValueError, "max_frames: got 1"),
        ({"ax": "here"}, TypeError, "ax: got str, expected a matplotlib Axes or None"),
        ({"resolution": True}, TypeError, "resolution: got True"),
    ],
)
def test_bad_settings_of_the_callback_are_refused(
    settings: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rb.plot.DecisionRegions(net_2_8_1(), SQUARE, [0, 0, 1, 1], **settings)


def test_bad_input_of_an_animation_is_refused() -> None:
    regions = rb.plot.DecisionRegions(net_2_8_1(), SQUARE, [0, 0, 1, 1], resolution=4)
    with pytest.raises(TypeError, match=r"regions: got list, expected a plot.DecisionRegions"):
        rb.plot.animate([])  # type: ignore[arg-type]
    for fps in (0, -1, np.inf):
        with pytest.raises(ValueError, match="fps: got"):
            rb.plot.animate(regions, fps=fps)
    assert plt.get_fignums() == []
