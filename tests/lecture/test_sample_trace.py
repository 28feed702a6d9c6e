"""trace: the numbers of one sample are the network's own, and they are laid out as matrices."""

from __future__ import annotations

import re
from typing import Any

import pytest

import rosenblatt as rb
from bits import assert_same_bits, samples, twins
from rosenblatt.lecture import trace
from worked_example import X_WORKED, Y_WORKED, worked_example


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_has_the_bits_of_the_network(dtype: str) -> None:
    net, _ = twins([3, 4, 2], output="softmax", dtype=dtype)
    x = samples(1, 3, dtype)[0]
    found, z_and_a = trace(net, x, 1, "log_loss"), net.trace(x[None])
    at = net.gradients(x[None], [1], loss="log_loss")
    assert found.cost == at.cost
    assert found.delta is not None
    assert found.dW is not None
    assert found.db is not None
    for layer in range(2):
        assert_same_bits(found.Z[layer], z_and_a.Z[layer][0])
        assert_same_bits(found.A[layer + 1], z_and_a.A[layer + 1][0])
        assert_same_bits(found.delta[layer], at.delta[layer][0])
        assert_same_bits(found.dW[layer], at.dW[layer])
        assert_same_bits(found.db[layer], at.db[layer])
    assert_same_bits(found.A[0], x)


def test_without_a_target_there_is_no_way_back() -> None:
    found = trace(worked_example(), X_WORKED)
    assert (found.cost, found.delta, found.dW, found.db) == (None,) * 4
    assert "delta" not in str(found)
    assert "C =" not in str(found)


def test_the_worked_example_is_laid_out_as_in_the_lecture() -> None:
    lines = str(trace(worked_example(), X_WORKED, Y_WORKED)).splitlines()
    at = lines.index("Layer 3")  # the numbers are those worked out in test_explain.py
    assert lines[at + 1 : at + 7] == [
        "                                ⎡1  1  0⎤   ⎡ 0.5⎤   ⎡-0.25⎤   ⎡1⎤",
        "z^(3) = W^(2) · a^(2) + b^(2) = ⎣2  4  2⎦ · ⎢0.75⎥ + ⎣    0⎦ = ⎣3⎦",
        "                                            ⎣-0.5⎦",
        "",
        "a^(3) = softsign(z^(3)) = ⎡ 0.5⎤",
        "                          ⎣0.75⎦",
    ]
    back = lines.index("Back to W^(2) and b^(2)")
    assert lines[back + 1 : back + 3] == [
        "delta^(3) = (W^(3)T · delta^(4)) * f'(z^(3)) = ⎡  1.25⎤",
        "                                               ⎣-0.375⎦",
    ]
    assert "C = 2.5" in lines


def test_a_wide_network_stays_readable() -> None:
    net = rb.Network([64, 300, 10], output="softmax", random_state=0)
    x, _ = rb.datasets.load_digits()
    shown = str(trace(net, x[0], 3, "log_loss"))
    assert len(shown.splitlines()) < 100
    assert max(len(line) for line in shown.splitlines()) < 140
    assert "⋮" in shown
    assert "…" in shown
    assert f"{trace(net, x[0]).Z[0][-1]:.4g}" in shown  # the last unit is always there


def test_scaled_input_is_shown_beside_the_given_one() -> None:
    net, _ = twins([2, 2])
    net.input_scaling = rb.Scaling([1.0, 0.0], [2.0, 3.0])
    found = trace(net, [3.0, 5.0])
    assert found.x.tolist() == [3.0, 5.0]
    assert found.A[0].tolist() == [4.0, 15.0]
    assert "a^(1) = x, scaled = ⎡ 4⎤" in str(found)


def test_latex_and_html() -> None:
    found = trace(worked_example(), X_WORKED, Y_WORKED)
    text, page = found.to_latex(), found._repr_html_()
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin{pmatrix}") == text.count(r"\end{pmatrix}") > 10
    assert r"\frac{\partial C}{\partial W^{(2)}} = \delta^{(3)} \cdot a^{(2)T}" in text
    assert r"(W^{(3)T} \cdot \delta^{(4)}) \odot f'(z^{(3)})" in text
    assert '<td class="n">−0.375</td>' in page
    for tag in ("div", "table", "tr", "td", "sub", "sup", "span", "style", "p", "b", "i"):
        assert len(re.findall(f"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"x": [1.0]}, ValueError, "x: got 1 numbers, expected 4"),
        ({"loss": "squared_error"}, ValueError, "loss: got 'squared_error' without y"),
        ({"y": [1.0]}, ValueError, "y: "),
        ({"y": Y_WORKED, "loss": "log_loss"}, ValueError, "loss"),
        ({"digits": 18}, ValueError, "digits: got 18"),
        ({"net": None}, TypeError, "net: got NoneType"),
    ],
)
def test_bad_input(settings: dict[str, Any], error: Any, message: str) -> None:
    given: dict[str, Any] = {"net": worked_example(), "x": X_WORKED} | settings
    with pytest.raises(error, match=re.escape(message)):
        trace(**given)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"norm": "layer"}, r"net: got a network with norm=\['layer', 'layer'\], expected one"),
        ({"skip": True}, r"net: got a network with skip=\[False, True\], expected one without"),
    ],
)
def test_networks_that_the_lecture_lacks_are_refused(settings: Any, message: str) -> None:
    net = rb.Network([2, 3, 3, 2], random_state=0, **settings)
    with pytest.raises(ValueError, match=message):
        trace(net, [0.5, -0.25])
