"""Drawn digits: strokes become images like those of the data, and a network reads them."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from playground_page import Client, Page, floats
from rosenblatt.playground import ink

QUICK = {"epochs_per_second": None}


def arc(centre: tuple[float, float], radii: tuple[float, float], begin: float, end: float) -> Any:
    t = np.linspace(begin, end, 40)
    places = np.column_stack([centre[0] + radii[0] * np.cos(t), centre[1] + radii[1] * np.sin(t)])
    return places.tolist()


DRAWN = {
    0: [arc((0.5, 0.5), (0.16, 0.3), 0, 2 * np.pi)],
    1: [[[0.42, 0.3], [0.52, 0.2], [0.52, 0.8]]],
    2: [[*arc((0.5, 0.35), (0.18, 0.15), -np.pi, 0.4), [0.32, 0.8], [0.72, 0.8]]],
    3: [
        arc((0.47, 0.35), (0.17, 0.15), -2.6, 1.5),
        arc((0.47, 0.65), (0.2, 0.16), -1.5, 2.6),
    ],
    6: [[[0.58, 0.2], [0.42, 0.45], *arc((0.5, 0.65), (0.13, 0.15), -np.pi, np.pi)]],
    7: [[[0.32, 0.2], [0.68, 0.2], [0.45, 0.8]]],
    8: [
        arc((0.5, 0.35), (0.13, 0.14), 0, 2 * np.pi),
        arc((0.5, 0.65), (0.15, 0.16), 0, 2 * np.pi),
    ],
}


def test_a_drawn_digit_looks_like_those_of_the_data() -> None:
    """As high as the image, about as black, multiples of 1/16, wherever and however large it is."""
    X, _ = rb.datasets.load_digits()
    inks = X.sum(axis=1)
    for strokes in DRAWN.values():
        grey = ink.grey_levels(strokes)
        assert np.array_equal(grey * 16, np.rint(grey * 16))
        assert inks.min() <= grey.sum() <= inks.max()
        lines = grey.reshape(8, 8).max(axis=1)
        assert lines.min() > 0
        moved = [[[0.5 * x + 0.375, 0.5 * y + 0.125] for x, y in stroke] for stroke in strokes]
        # Pixels at the very edge of the pen may be in or out: of 1024 a few, here at most 1 in 100.
        assert np.abs(ink.grey_levels(moved) - grey).mean() <= 0.01


def test_a_bitmap_is_counted_in_blocks() -> None:
    strokes = ink.check_strokes([[[0.2, 0.2], [0.2, 0.9]]])
    bitmap = ink.bitmap(strokes)
    assert bitmap.shape == (32, 32)
    assert bitmap.any(axis=1).all()
    assert not bitmap[:, :11].any()
    assert not bitmap[:, 21:].any()
    grey = ink.grey_levels([[[0.2, 0.2], [0.2, 0.9]]]).reshape(8, 8)
    assert grey[3, 4] == bitmap[12:16, 16:20].sum() / 16


def test_a_trained_network_reads_what_is_drawn(client: Client) -> None:
    page = Page(client, data="digits", layers=[32], activation="relu", learning_rate=0.1)
    page.post("run", QUICK)
    page.await_epoch(20)
    page.post("pause")
    read = {}
    for digit, strokes in DRAWN.items():
        found = page.post("classify", {"strokes": strokes})
        assert math.isclose(sum(found["probabilities"]), 1, rel_tol=1e-9)
        assert np.array_equal(found["x"], ink.grey_levels(strokes))
        assert np.array_equal(floats(found["activations"])[:64], np.float32(found["x"]))
        read[digit] = int(np.argmax(found["probabilities"]))
    assert sum(digit == said for digit, said in read.items()) >= len(DRAWN) - 1, read


@pytest.mark.parametrize(
    ("strokes", "words"),
    [
        ([], "strokes: got 0, expected a list of 1 … 100 strokes"),
        ([[]], "strokes: got [[]]"),
        ("7", "strokes: got '7'"),
        ([[[0.5, 0.5]]] * 101, "strokes: got 101"),
        ([[[0.5, 0.5]] * 1001], "strokes: got 1001 points, expected at most 1000"),
        ([[[0.5]]], "strokes: got the point [0.5], expected two numbers from 0 to 1"),
        ([[[0.5, 1.5]]], "strokes: got the point [0.5, 1.5], expected two numbers from 0 to 1"),
        ([[[True, 0.5]]], "strokes: got True"),
        ([[["0", 0.5]]], "strokes: got '0'"),
        (None, "strokes: got None"),
    ],
)
def test_strokes_that_are_none(client: Client, strokes: Any, words: str) -> None:
    page = Page(client, data="digits", layers=[4])
    answer = client.send(f"{page.path}/classify", json.dumps({"strokes": strokes}).encode())
    assert answer.status == 400
    assert words in answer.json["error"]


def test_points_of_the_plane_are_not_drawn(page: Page) -> None:
    body = json.dumps({"strokes": DRAWN[1]}).encode()
    answer = page.client.send(f"{page.path}/classify", body)
    assert answer.status == 409
