"""What explain shows, in text, LaTeX, HTML and as a picture, and what it refuses."""

from __future__ import annotations

import re
import sys
import types
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from bits import twins
from rosenblatt.lecture import explain
from worked_example import X_WORKED, Y_WORKED, worked_example


def test_the_text_shows_all_four_numbers() -> None:
    text = str(explain(worked_example(), X_WORKED, Y_WORKED))
    assert text.startswith("dC/dw_22^(2) = -0.28125\n")
    assert text.count("-0.28125") >= 4
    assert re.search(r"net\.gradients +-0\.28125 +identical", text)
    assert re.search(r"rosenblatt\.reference +-0\.28125 +identical", text)
    assert "central difference" in text


def test_latex_is_balanced_and_has_the_fractions() -> None:
    found = explain(worked_example(), X_WORKED, Y_WORKED)
    text = found.to_latex()
    assert text.count("{") == text.count("}")
    assert text.startswith("\\begin{aligned}\n")
    assert text.endswith("\n\\end{aligned}")
    assert r"\frac{\partial C}{\partial w_{22}^{(2)}}" in text
    assert r"\delta_{2}^{(3)} \cdot a_{2}^{(2)}" in text
    assert found.steps[-1].latex.endswith(r"\delta_{2}^{(3)} \cdot a_{2}^{(2)}")


def test_html_stands_alone_and_is_escaped() -> None:
    net, _ = twins([2, 2, 1], activation="relu")
    shown = explain(net, [1.0, -1.0], [0.5], (1, 1, 1))._repr_html_()
    assert "<i>w</i><sub>11</sub><sup>(1)</sup>" in shown
    assert "&gt; 0]" in shown  # relu' = [z > 0]
    assert "http" not in shown
    assert "<script" not in shown
    for tag in ("div", "table", "tr", "td", "sub", "sup", "span", "style", "p", "b", "i"):
        assert len(re.findall(f"<{tag}[ >]", shown)) == shown.count(f"</{tag}>"), tag


def test_indices_of_two_digits_have_a_comma() -> None:
    net = rb.Network([12, 11, 1], random_state=0)
    found = explain(net, np.ones(12), [0.0], (1, 11, 12))
    assert found.symbol == "w_11,12^(1)"
    assert r"w_{11,12}^{(1)}" in found.steps[-1].latex


def test_the_picture_highlights_the_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, Any] = {}
    picture = types.ModuleType("rosenblatt.plot")
    picture.network = lambda net, **settings: drawn.update(net=net, **settings) or "the axes"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rosenblatt.plot", picture)
    monkeypatch.setattr(rb, "plot", picture, raising=False)
    found = explain(worked_example(), X_WORKED, Y_WORKED)
    assert found.plot(ax="here", labels=False) == "the axes"
    assert drawn == {
        "net": found.network,
        "highlight": found.paths,
        "ax": "here",
        "labels": False,
    }


# ---- Bad input


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"weight": (2, 3, 1)},
            ValueError,
            "j in 1..2, k in 1..3, because W^(2) is 2 × 3",
        ),
        (
            {"weight": (2, 1, 4)},
            ValueError,
            "j in 1..2, k in 1..3, because W^(2) is 2 × 3",
        ),
        ({"weight": (2, 0, 1)}, ValueError, "j in 1..2, k in 1..3"),
        (
            {"weight": (0, 1, 1)},
            ValueError,
            "W^(1) to W^(3); layers count from 1",
        ),
        (
            {"weight": (4, 1, 1)},
            ValueError,
            "W^(1) to W^(3); layers count from 1",
        ),
        ({"weight": (1, 1)}, ValueError, "expected (layer, to, from), counted from 1"),
        ({"weight": 22}, TypeError, "expected (layer, to, from), counted from 1"),
        ({"weight": (1, True, 1)}, TypeError, "weight: got (1, True, 1), expected integers"),
        ({"weight": (1.0, 1, 1)}, TypeError, "expected integers"),
        ({"bias": (2, 3)}, ValueError, "expected j in 1..2, because b^(2) has 2 numbers"),
        ({"bias": (0, 1)}, ValueError, "expected an index of b^(1) to b^(3); layers count from 1"),
        ({"bias": (2, 2, 2)}, ValueError, "bias: got (2, 2, 2), expected (layer, unit)"),
        ({"bias": (2, 2), "weight": (1, 1, 1)}, ValueError, "expected one of the two"),
        ({"x": [1.0, 2.0, 3.0]}, ValueError, "x: got 3 numbers, expected 4"),
        ({"x": [[1.0] * 4] * 2}, ValueError, "x: got shape (2, 4), expected 4"),
        ({"x": [1.0, 2.0, 3.0, np.nan]}, ValueError, "x: got nan at x[3]"),
        ({"x": ["a"] * 4}, TypeError, "x: got dtype"),
        ({"y": [1.0, 2.0, 3.0]}, ValueError, "y: got"),
        ({"y": [[1.0, 2.0]] * 2}, ValueError, "y: got shape (2, 2), expected the target of one"),
        ({"y": [1.0, np.inf]}, ValueError, "y: "),
        ({"loss": "mse"}, ValueError, "loss: got 'mse'"),
        ({"loss": "log_loss"}, ValueError, "loss"),
        ({"digits": 0}, ValueError, "digits: got 0"),
        ({"digits": True}, TypeError, "digits: got True"),
        ({"net": "net"}, TypeError, "net: got str, expected a rosenblatt.Network"),
    ],
)
def test_bad_input_says_what_exists(settings: dict[str, Any], error: Any, message: str) -> None:
    given = {"net": worked_example(), "x": X_WORKED, "y": Y_WORKED} | settings
    with pytest.raises(error, match=re.escape(message)):
        explain(**given)


def test_numpy_integers_are_indices() -> None:
    at = tuple(np.array([2, 2, 2]))
    assert explain(worked_example(), X_WORKED, Y_WORKED, at).weight == (2, 2, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("setting", "value"), [("norm", "batch"), ("norm", ("layer", None)), ("skip", (True, False))]
)
def test_a_name_outside_the_lecture_is_refused(setting: str, value: Any) -> None:
    net = rb.Network([4, 4, 3, 2], random_state=0, **{setting: value})
    with pytest.raises(ValueError, match=f"net: got a network with {setting}="):
        explain(net, X_WORKED, Y_WORKED)


def test_a_custom_activation_is_refused_by_name() -> None:
    square = rb.Activation("square", lambda z: z * z, lambda z: 2 * z)
    net = rb.Network([2, 2, 1], activation=square, random_state=0)
    with pytest.raises(ValueError, match="net: got the activation 'square'"):
        explain(net, [1.0, 2.0], [0.0], (1, 1, 1))


def test_the_picture_is_drawn_into_the_given_axes() -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    ax = figure.subplots()
    assert explain(worked_example(), X_WORKED, Y_WORKED).plot(ax=ax) is ax
    assert ax.collections
