"""Pictures: where they go, colours and words that can be read, in light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import AxLine
from matplotlib.text import Text
from PIL import Image

import rosenblatt as rb
from hostile import check_messages, parameters
from pictures import moons, net_2_8_1, new_axes, pixels, result_of
from rosenblatt.plot._colours import (
    background,
    contrast,
    diverging,
    ink,
)

# ---- Where a picture goes ----


def test_an_axes_of_the_callers_is_used_and_pyplot_left_alone() -> None:
    ax = new_axes()
    assert rb.plot.network(net_2_8_1(), ax=ax) is ax
    assert plt.get_fignums() == []


def test_without_an_axes_there_is_one_new_figure() -> None:
    before = dict(mpl.rcParams)
    ax = rb.plot.network(net_2_8_1())
    assert plt.get_fignums() == [ax.figure.number]  # type: ignore[union-attr]
    assert dict(mpl.rcParams) == before


def test_a_subfigure_is_drawn_into() -> None:
    figure = Figure(layout="constrained")
    left, right = figure.subfigures(1, 2)
    rb.plot.network(net_2_8_1(), ax=left.add_subplot())
    rb.plot.network(net_2_8_1(), ax=right.add_subplot())
    assert len(np.unique(pixels(figure).reshape(-1, 3), axis=0)) > 20


def test_only_axes_are_accepted() -> None:
    with pytest.raises(TypeError, match=r"ax: got Figure, expected a matplotlib Axes or None"):
        rb.plot.network(net_2_8_1(), ax=Figure())  # type: ignore[arg-type]
    assert plt.get_fignums() == []


def test_without_matplotlib_the_extra_is_named(run_python: Any) -> None:
    message = run_python(
        """
        import json, sys
        sys.modules["matplotlib"] = None
        import rosenblatt as rb
        try:
            rb.plot
        except ImportError as error:
            print(json.dumps(str(error)))
        """
    )
    assert message == "rosenblatt.plot needs matplotlib: pip install rosenblatt[plot]"


def test_rosenblatt_itself_does_not_import_matplotlib(run_python: Any) -> None:
    loaded = run_python("import json, sys, rosenblatt; print(json.dumps(sorted(sys.modules)))")
    assert "numpy" in loaded
    assert not any(name.partition(".")[0] == "matplotlib" for name in loaded)


# ---- Colours ----


@pytest.mark.parametrize("face", ["white", "black", "#fdf6e3", "#002b36", "#777777", "none"])
def test_ink_can_be_read_on_any_background(face: str, style: str) -> None:
    ax = Figure(facecolor=face).add_subplot(facecolor=face)
    assert contrast(ink(ax), background(ax)) >= 4.5


def test_transparency_shows_the_figure_behind() -> None:
    ax = Figure(facecolor="black").add_subplot(facecolor="none")
    assert background(ax) == (0, 0, 0)
    ax.set_facecolor((1, 1, 1, 0.5))
    assert background(ax) == (0.5, 0.5, 0.5)


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast((0, 0, 0), (1, 1, 1)) == 21
    assert contrast((1, 1, 1), (0, 0, 0)) == 21
    # WCAG's own example of the least grey on white for text: #767676.
    assert 4.5 <= contrast(to_rgb("#767676"), (1, 1, 1)) < 4.6


def test_signs_differ_from_the_background_and_zero_does_not(style: str) -> None:
    ax = plt.figure().add_subplot()
    colours = diverging(ax)
    for end in (0.0, 1.0):
        assert contrast(colours(end)[:3], background(ax)) >= 3  # WCAG 1.4.11, for graphics
    assert contrast(colours(0.5)[:3], background(ax)) < 1.05
    red, _, blue = colours(0.0)[:3]
    assert red > blue  # orange is negative
    red, _, blue = colours(1.0)[:3]
    assert blue > red


# ---- The line of a perceptron ----


@pytest.mark.parametrize(
    ("w", "b"), [([1.0, 2.0], -1.0), ([0.0, 3.0], 6.0), ([2.0, 0.0], 1.0), ([1e-200, 2e-200], 0)]
)
def test_a_line_is_where_the_score_is_zero(w: list[float], b: float) -> None:
    ax = new_axes()
    ax.set_xlim(-3, 3)
    ax.set_ylim(-4, 4)
    assert rb.plot.line(w, b, ax=ax, label="line") is ax
    (drawn,) = ax.get_lines()
    assert isinstance(drawn, AxLine)
    for x in (drawn.get_xy1(), drawn.get_xy2()):
        assert np.dot(w, np.asarray(x)) + b == pytest.approx(0, abs=1e-12 * np.hypot(*w))
    assert drawn.get_xy1() != drawn.get_xy2()
    assert ax.get_xlim() == (-3, 3)
    pixels(ax.figure)


def test_a_line_has_the_styles_ink_or_the_callers(style: str) -> None:
    ax = plt.figure().add_subplot()
    rb.plot.line([1, 1], 0, ax=ax)
    rb.plot.line([1, 2], 0, ax=ax, color="C1", linestyle="--")
    plain, own = ax.get_lines()
    assert contrast(to_rgb(plain.get_color()), background(ax)) >= 4.5
    assert own.get_color() == "C1"


@pytest.mark.parametrize(
    ("w", "b", "error", "message"),
    [
        ([0.0, 0.0], 1.0, ValueError, r"w: got \[0, 0\]"),
        ([1.0], 1.0, ValueError, r"w: got shape \(1,\), expected \(2,\)"),
        ([1.0, np.nan], 1.0, ValueError, r"w: got nan at w\[1\]"),
        ([1.0, 1.0], np.inf, ValueError, "b: got inf"),
        ([1.0, 1.0], "1", TypeError, "b: got '1'"),
    ],
)
def test_bad_input_of_a_line_is_refused(
    w: Any, b: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rb.plot.line(w, b)
    assert plt.get_fignums() == []


# ---- Every picture, in every style and size ----


def pictures() -> dict[str, Any]:
    """Return every function by name, as one of an Axes alone."""
    X, y = moons()
    net = net_2_8_1(dtype="float64")
    path = [net.theta.copy() + i * np.linspace(-0.1, 0.1, 33) ** (1 + i % 2) for i in range(5)]
    result = result_of(
        [3.0, 2.0, 1.0], [3.0, 2.0, 2.5], best_epoch=1, metrics={"accuracy": (0.5, 0.8, 0.9)}
    )
    digits = rb.Network([64, 8, 10], random_state=0)
    return {
        "network": lambda ax: rb.plot.network(net, ax=ax),
        "decision_regions": lambda ax: rb.plot.decision_regions(net, X, y, ax=ax, resolution=30),
        "surface": lambda ax: rb.plot.decision_regions(net, X, X[:, 0], ax=ax, resolution=30),
        "line": lambda ax: rb.plot.line([1, 2], 0, ax=ax),
        "loss_curve": lambda ax: rb.plot.loss_curve(result, ax=ax),
        "first_layer_weights": lambda ax: rb.plot.first_layer_weights(digits, ax=ax),
        "histograms": lambda ax: rb.plot.histograms(net, X, y, "log_loss", ax=ax),
        "loss_surface": lambda ax: rb.plot.loss_surface(
            net, X, y, loss="log_loss", path=path, resolution=5, ax=ax
        ),
    }


@pytest.mark.parametrize("size", [(6.4, 4.8), (2.4, 4.2), (1.6, 1.2)], ids=str)
@pytest.mark.parametrize("name", pictures())
def test_every_picture_is_drawn_and_its_words_can_be_read(
    name: str, size: tuple[float, float], style: str
) -> None:
    figure = plt.figure(figsize=size, layout="constrained")
    ax = figure.add_subplot()
    assert pictures()[name](ax) is ax
    shown = pixels(figure)
    behind = np.array(background(ax))
    assert (np.abs(shown / 255 - behind).max(axis=-1) > 0.2).mean() > 0.01  # not blank
    face = to_rgb(figure.get_facecolor())
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible():
            assert contrast(to_rgb(text.get_color()), face) >= 4.5, text.get_text()
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize("name", pictures())
def test_every_plot_makes_a_figure_without_axes(name: str) -> None:
    ax = pictures()[name](None)
    assert isinstance(ax, Axes)
    assert len(plt.get_fignums()) == 1


def test_the_public_names_are_the_documented_ones() -> None:
    page = (Path(__file__).parents[2] / "docs" / "plots.md").read_text("utf-8")
    assert [name for name in rb.plot.__all__ if f"rb.plot.{name}" not in page] == []


def test_the_pictures_of_the_page_are_those_its_code_draws(tmp_path: Path, run_python: Any) -> None:
    docs = Path(__file__).parents[2] / "docs"
    drawn = run_python(
        f"""
        import json, pathlib, sys
        sys.path.insert(0, {str(docs)!r})
        import draw_plots
        print(json.dumps([str(each) for each in draw_plots.draw(pathlib.Path())]))
        """
    )
    assert len(drawn) >= 8
    assert sorted(drawn) == sorted(picture.name for picture in docs.glob("plots-*.png"))
    for name in drawn:
        assert (docs / name).stat().st_size < 100_000
        with Image.open(docs / name) as committed, Image.open(tmp_path / name) as new:
            assert committed.size == new.size
            difference = np.abs(
                np.asarray(committed.convert("RGB"), dtype=int) - np.asarray(new.convert("RGB"))
            )
        # Fonts and a version's finest strokes may differ, what is drawn where may not.
        assert (difference.max(axis=-1) > 64).mean() < 0.02


# ---- Messages ----

X, Y = moons(12)  # as many as the hostile arrays have


def images() -> rb.Network:
    return rb.Network([64, 3, 1], random_state=0)


PLOTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "network": (rb.plot.network, {"net": net_2_8_1()}),
    "decision_regions": (rb.plot.decision_regions, {"net": net_2_8_1(), "X": X, "y": Y}),
    "loss_curve": (rb.plot.loss_curve, {"results": result_of([2.0, 1.0])}),
    "first_layer_weights": (rb.plot.first_layer_weights, {"net": images()}),
    "histograms": (rb.plot.histograms, {"net": net_2_8_1(), "X": X}),
    "line": (rb.plot.line, {"w": [1.0, 1.0], "b": 0.5}),
}


@pytest.mark.parametrize(("name", "parameter"), parameters(PLOTS))
def test_a_message_is_short_and_names_the_argument(name: str, parameter: str) -> None:
    check_messages(PLOTS[name], parameter)
    plt.close("all")
