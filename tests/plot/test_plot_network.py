"""The picture of a network: its units, weights and highlighted paths."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import EllipseCollection, LineCollection

import rosenblatt as rb
from pictures import labelled, net_2_8_1, new_axes, pixels
from rosenblatt.plot._colours import (
    ink,
)
from rosenblatt.plot._units import column

# ---- Units of a wide layer ----


@pytest.mark.parametrize("n_units", [1, 2, 5, 12, 13, 14, 512])
def test_a_column_shows_its_ends_and_counts_the_rest(n_units: int) -> None:
    shown = column(n_units, 12)
    assert len(shown.units) == (n_units if n_units <= 13 else 12)
    assert shown.units[0] == 0
    assert shown.units[-1] == n_units - 1
    assert len(shown.units) + sum(missing for _, missing in shown.gaps) == n_units
    assert shown.y[0] == -shown.y[-1]


@pytest.mark.parametrize("wanted", [{300}, {0, 511}, {3, 200, 201, 400}, set(range(512))])
def test_a_column_shows_what_is_wanted_first(wanted: set[int]) -> None:
    shown = column(512, 12, wanted)
    assert len(shown.units) == 12
    assert wanted >= set(shown.units) or wanted <= set(shown.units)
    assert len(shown.units) + sum(missing for _, missing in shown.gaps) == 512
    places = sorted([*shown.y, *(y for y, _ in shown.gaps)])
    assert np.diff(places).min() == 1  # no two on one place


# ---- The network ----


@pytest.mark.parametrize("layers", [[2, 8, 1], [1, 1], [12, 12, 12], [3, 2, 5, 4, 1]])
def test_every_weight_of_a_small_network_is_a_line(layers: list[int]) -> None:
    net = rb.Network(layers, random_state=0)
    ax = rb.plot.network(net, ax=new_axes(), max_units=12)
    lines = labelled(ax, LineCollection, "weights")
    assert len(lines.get_segments()) == sum(W.size for W in net.W)
    np.testing.assert_array_equal(
        np.sort(lines.get_array()), np.sort(np.concatenate([W.ravel() for W in net.W]))
    )
    units = labelled(ax, EllipseCollection, "units")
    assert len(units.get_offsets()) == sum(layers)


def test_a_line_leads_from_unit_to_unit_with_its_weight() -> None:
    net = rb.Network([2, 3], weights=[[[1, 2], [3, -4], [5, -6]]], dtype="float64")
    lines = labelled(rb.plot.network(net, ax=new_axes()), LineCollection, "weights")
    found = {
        ((1 - y_to), (0.5 - y_from)): weight  # unit 0 is on top
        for ((_, y_from), (_, y_to)), weight in zip(
            lines.get_segments(), lines.get_array(), strict=True
        )
    }
    expected = {(to, source): net.W[0][to, source] for to in range(3) for source in range(2)}
    assert found == expected
    assert {x for segment in lines.get_segments() for x in segment[:, 0]} == {0.0, 1.0}


def test_larger_weights_are_wider_and_on_top() -> None:
    net = rb.Network([2, 3], weights=[[[1, 2], [3, -4], [5, -6]]], dtype="float64")
    lines = labelled(rb.plot.network(net, ax=new_axes()), LineCollection, "weights")
    sizes = np.abs(lines.get_array())
    assert (np.diff(sizes) >= 0).all()  # drawn in this order
    assert (np.diff(lines.get_linewidths()) > 0).all()
    assert lines.norm.vmin == -6
    assert lines.norm.vmax == 6


def test_a_wide_network_has_few_lines_and_says_what_it_leaves_out() -> None:
    net = rb.Network([784, 512, 512, 10], random_state=0)
    ax = rb.plot.network(net, ax=new_axes(6.4, 4.8))
    lines = labelled(ax, LineCollection, "weights")
    assert len(lines.get_segments()) == 12 * 12 + 12 * 12 + 12 * 10
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("772") == 1
    assert texts.count("500") == 2
    assert "784" in texts
    assert ax.get_title() == "784 – 512 – 512 – 10"


@pytest.mark.parametrize(("height", "shown"), [(4.8, 12), (3.6, 8), (1.0, 4)])
def test_a_low_picture_shows_fewer_units(height: float, shown: int) -> None:
    net = rb.Network([784, 512], random_state=0)
    ax = rb.plot.network(net, ax=new_axes(6.4, height))
    assert len(labelled(ax, LineCollection, "weights").get_segments()) == shown**2


def test_captions_count_from_one() -> None:
    texts = [text.get_text() for text in rb.plot.network(net_2_8_1(), ax=new_axes()).texts]
    assert {"layer 1\ninput", "layer 2\ntanh", "layer 3\nlogistic"} <= set(texts)
    assert {"$W^{(1)}$", "$W^{(2)}$"} <= set(texts)
    assert "0" not in texts


def test_labels_and_scale_can_be_left_out() -> None:
    ax = rb.plot.network(net_2_8_1(), ax=new_axes(), labels=False, colorbar=False)
    assert len(ax.texts) == 0
    assert ax.figure.axes == [ax]


def test_a_highlighted_path_is_strong_and_the_rest_faint() -> None:
    net = net_2_8_1()
    ax = rb.plot.network(net, highlight=[(1, 3, 2), (2, 1, 3)], ax=new_axes())
    strong = labelled(ax, LineCollection, "highlighted weights")
    faint = labelled(ax, LineCollection, "weights")
    assert set(strong.get_array()) == {net.W[0][2, 1], net.W[1][0, 2]}
    assert len(faint.get_segments()) == 2 * 8 + 8 - 2
    assert faint.get_alpha() < 0.3
    assert strong.get_alpha() is None
    assert strong.get_zorder() > faint.get_zorder()


def test_a_highlighted_weight_of_zero_shows(style: str) -> None:
    net = rb.Network([1, 1], weights="zeros")
    plain, marked = (
        plt.figure(figsize=(3, 2), layout="constrained").add_subplot() for _ in range(2)
    )
    rb.plot.network(net, ax=plain, colorbar=False, labels=False, highlight=[])
    rb.plot.network(net, ax=marked, colorbar=False, labels=False, highlight=[(1, 1, 1)])
    changed = (pixels(plain.figure) != pixels(marked.figure)).any(axis=-1)
    rim = np.array(ink(marked)) * 255
    shown = pixels(marked.figure)[changed]
    assert (np.abs(shown - rim).max(axis=-1) < 32).sum() > 50


def test_highlighted_units_of_a_wide_layer_are_shown() -> None:
    net = rb.Network([784, 512, 10], random_state=0)
    paths = [(1, 300, 400), *((2, j, 300) for j in range(1, 11))]
    ax = rb.plot.network(net, highlight=iter(paths), ax=new_axes())
    strong = labelled(ax, LineCollection, "highlighted weights")
    assert len(strong.get_segments()) == 11
    assert net.W[0][299, 399] in strong.get_array()


def test_nothing_highlighted_is_all_faint() -> None:
    ax = rb.plot.network(net_2_8_1(), highlight=[], ax=new_axes())
    assert len(labelled(ax, LineCollection, "weights").get_segments()) == 24


@pytest.mark.parametrize(
    ("highlight", "error", "message"),
    [
        ([(3, 1, 1)], ValueError, r"highlight\[0\]: got layer 3, expected 1 … 2"),
        ([(0, 1, 1)], ValueError, r"highlight\[0\]: got layer 0, expected 1 … 2"),
        (
            [(1, 1, 1), (1, 9, 1)],
            ValueError,
            r"highlight\[1\]: got j = 9, k = 1, expected j in 1..8, k in 1..2",
        ),
        ([(1, 1, 0)], ValueError, r"j in 1..8, k in 1..2"),
        ([(1, 1)], TypeError, r"highlight\[0\]: got \(1, 1\), expected \(layer, to, from\)"),
        ([(1, 1.0, 1)], TypeError, r"highlight\[0\]: got 1.0, expected an integer"),
        ([(True, 1, 1)], TypeError, r"highlight\[0\]: got True"),
        (5, TypeError, r"highlight: got 5, expected an iterable"),
        ("path", TypeError, r"highlight: got 'path', expected an iterable"),
    ],
)
def test_a_weight_that_is_not_there_is_refused(
    highlight: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rb.plot.network(net_2_8_1(), highlight=highlight)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"max_units": 1}, ValueError, "max_units: got 1, expected an integer 2 … 1000"),
        ({"max_units": 8.0}, TypeError, "max_units: got 8.0"),
        ({"labels": "all"}, TypeError, "labels: got 'all', expected True or False"),
        ({"colorbar": 1}, TypeError, "colorbar: got 1, expected True or False"),
    ],
)
def test_bad_settings_of_a_network_are_refused(
    settings: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rb.plot.network(net_2_8_1(), **settings)
    assert plt.get_fignums() == []


def test_only_networks_are_drawn() -> None:
    with pytest.raises(TypeError, match=r"net: got list, expected a rosenblatt.Network"):
        rb.plot.network([2, 8, 1])  # type: ignore[arg-type]


def test_weights_that_are_not_finite_are_refused() -> None:
    net = net_2_8_1()
    net.W[1][0, 0] = np.nan
    with pytest.raises(ValueError, match=r"net: got NaN or infinity in W\^\(2\)"):
        rb.plot.network(net)


@pytest.mark.parametrize("size", [(6.4, 4.8), (2.6, 4.8), (1.6, 1.2)])
@pytest.mark.parametrize("layers", [[2, 8, 1], [64, 32, 10], [4] * 12])
def test_texts_lie_inside_and_apart(
    layers: list[int], size: tuple[float, float], style: str
) -> None:
    net = rb.Network(layers, random_state=0)
    figure = plt.figure(figsize=size, layout="constrained")
    ax = rb.plot.network(net, ax=figure.add_subplot())
    shown = pixels(figure)
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 20
    boxes = [text.get_window_extent() for text in ax.texts]
    height, width = shown.shape[:2]
    for box in boxes:
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= width + 1
        assert box.y1 <= height + 1
    for one, other in itertools.combinations(boxes, 2):
        overlap_x = min(one.x1, other.x1) - max(one.x0, other.x0)
        overlap_y = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert min(overlap_x, overlap_y) < 1  # pixel
