"""The loss curve as text: its shape for known curves, its width, and odd values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosenblatt._cli.loss_curve import HEIGHT, draw_loss_curve


def test_a_falling_line() -> None:
    assert draw_loss_curve([10.0, 1.0], None, 20) == [
        "loss: ── training",
        "10 ┤╮",
        " 9 ┤╰─╮",
        " 8 ┤  ╰─╮",
        " 7 ┤    ╰─╮",
        " 6 ┤      ╰─╮",
        " 5 ┤        ╰╮",
        " 4 ┤         ╰─╮",
        " 3 ┤           ╰─╮",
        " 2 ┤             ╰─╮",
        " 1 ┤               ╰",
        "   └───────────────┬",
        "    1        epoch 2",
    ]


def test_a_wide_range_is_drawn_on_a_log_scale() -> None:
    lines = draw_loss_curve([1.0, 0.1, 0.01], [1.0, 0.2, 0.1], 60)
    assert lines[0] == "loss (log scale): ── training  · held out"
    assert lines[1].split("┤")[0].strip() == "1"
    assert lines[HEIGHT].split("┤")[0].strip() == "0.01"
    assert any("·" in line for line in lines[1:])


def test_one_epoch_is_said() -> None:
    assert draw_loss_curve([0.25], [0.5], 80) == ["loss 0.25 in the only epoch"]
    assert draw_loss_curve([], None, 80) == []


@pytest.mark.parametrize("losses", [[0.5, 0.5], [0.0, 0.0], [0.0, 1.0], [1e-300, 1e300]])
def test_extremes(losses: list[float]) -> None:
    lines = draw_loss_curve(losses, losses, 80)
    assert len(lines) == HEIGHT + 3
    assert any("─" in line for line in lines[1 : HEIGHT + 1])


LOSSES = st.lists(st.floats(0, 1e300) | st.sampled_from([math.inf, math.nan]), min_size=2)


@given(training=LOSSES, held_out=st.none() | LOSSES, width=st.integers(40, 120))
def test_any_curve_fits_the_width(
    training: list[float], held_out: list[float] | None, width: int
) -> None:
    lines = draw_loss_curve(training, held_out, width)
    assert max(map(len, lines[1:])) <= width
    assert all(line.isprintable() for line in lines)
