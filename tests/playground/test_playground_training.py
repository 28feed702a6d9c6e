"""A training of the playground takes the steps of train, and its frames show its numbers."""

from __future__ import annotations

import base64
import json
import threading
import time
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from playground_page import Client, Page, floats
from rosenblatt.playground import samples, settings, training, trainings
from rosenblatt.playground.settings import Settings

QUICK = {"epochs_per_second": None}


def test_it_begins_with_the_initial_weights(page: Page) -> None:
    seen, scene = page.frame(), page.scene()
    net = rb.Network(
        scene["sizes"], activation="tanh", output="logistic", dtype="float64", random_state=0
    )
    assert scene["sizes"] == [2, 6, 4, 1]
    assert np.array_equal(floats(seen["theta"]), net.theta.astype(np.float32))
    assert (seen["state"], seen["step"], seen["epoch"], seen["index"]) == ("paused", 0, 0, 0)
    drawn = samples.draw(Settings())
    assert np.array_equal(floats(scene["X"]), drawn.X.astype(np.float32).ravel())
    assert scene["classes"] == drawn.y.tolist()
    assert len(scene["classes_held_out"]) == 100
    assert seen["cost"] == net.gradients(drawn.X, drawn.y, loss="log_loss").cost


def test_steps_are_those_of_train(page: Page) -> None:
    """An epoch taken step by step, and a run of more, are what one call of train does."""
    page.post("settings", page.settings | {"optimizer": "Adam", "learning_rate": 0.01, "l2": 0.001})
    for count in range(1, 31):
        page.post("step")
        seen = page.frame()
        assert (seen["step"], seen["epoch"]) == (count, count // 30)
    drawn = samples.draw(Settings())
    net = rb.Network(
        [2, 6, 4, 1], activation="tanh", output="logistic", dtype="float64", random_state=0
    )
    result = rb.train(
        net,
        drawn.X,
        drawn.y,
        loss="log_loss",
        optimizer=rb.Adam(0.01),
        l2=0.001,
        batch_size=10,
        epochs=1,
        validation=(drawn.X_held_out, drawn.y_held_out),
    )
    assert np.array_equal(floats(seen["theta"]), net.theta.astype(np.float32))
    assert seen["cost"] == result.loss_curve[0]
    assert seen["cost_held_out"] == result.validation_curve[0]  # type: ignore[index]


def test_run_and_pause(page: Page) -> None:
    page.post("run", QUICK)
    assert page.await_epoch(20)["state"] == "running"
    page.post("pause")
    first = page.frame()
    time.sleep(0.05)
    assert page.frame() == first
    assert first["state"] == "paused"
    assert first["accuracy"] > 0.7
    epochs, costs, costs_held_out = map(floats, first["curve"])
    assert len(epochs) == len(costs) == len(costs_held_out)
    assert epochs[0] == 0
    assert epochs[-1] == first["epoch"]
    assert costs[-1] < costs[0]


def test_it_keeps_to_its_pace(page: Page) -> None:
    began = time.monotonic()
    page.post("run", {"epochs_per_second": 20})
    page.await_epoch(5)
    page.post("pause")
    assert page.frame()["epoch"] <= 20 * (time.monotonic() - began) + 1


def test_a_frame_that_is_known_is_not_sent_again(page: Page) -> None:
    version = page.frame()["version"]
    again = page.client.get(f"{page.path}/frame?since={version}").json
    assert again == {"version": version}


def test_one_sample_is_one_step_of_gradient_descent(page: Page) -> None:
    page.post("settings", page.settings | {"l2": 0.1, "learning_rate": 0.5})
    page.post("select", {"index": 6})
    before = floats(page.frame()["theta"]).astype(np.float64)
    page.post("sample")
    seen = page.frame()
    assert seen["index"] == 7
    drawn = samples.draw(Settings())
    net = rb.Network(
        [2, 6, 4, 1], activation="tanh", output="logistic", dtype="float64", random_state=0
    )
    of = net.gradients(drawn.X[7:8], drawn.y[7:8], loss="log_loss")
    for layer in range(3):
        net.W[layer] -= 0.5 * (of.dW[layer] + 0.1 * net.W[layer])
        net.b[layer] -= 0.5 * of.db[layer]
    assert np.array_equal(floats(seen["theta"]), net.theta.astype(np.float32))
    assert not np.array_equal(before, net.theta)


def test_the_maps_are_the_activations_over_the_plane(page: Page) -> None:
    seen, scene = page.frame(), page.scene()
    net = rb.Network(
        [2, 6, 4, 1], activation="tanh", output="logistic", dtype="float64", random_state=0
    )
    n, m = scene["surface"], scene["map"]
    surface = np.frombuffer(base64.b64decode(seen["surface"]), np.uint8).reshape(n, n)
    places = scene["extent"] * ((2 * np.arange(n) + 1) / n - 1)
    for line, column in [(0, 0), (0, n - 1), (n - 1, 0), (20, 41)]:
        a = net.forward([[places[column], places[n - 1 - line]]])[0, 0]
        assert abs(surface[line, column] - 255 * a) <= 0.5 + 1e-9
    maps = np.frombuffer(base64.b64decode(seen["maps"]), np.uint8).reshape(10, m, m)
    A = net.trace(samples.plane(m)).A
    unit = A[2][:, 1].reshape(m, m)
    assert np.abs(maps[7] - (127.5 + 127.5 * unit / np.abs(unit).max())).max() <= 0.5 + 1e-9
    a = net.trace(floats(scene["X"])[:2].astype(np.float64)[np.newaxis]).A
    assert np.allclose(floats(seen["activations"]), np.concatenate([each[0] for each in a]), 1e-5)


def test_settings_that_can_keep_the_weights_do(page: Page) -> None:
    page.post("run", QUICK)
    page.await_epoch(2)
    page.post("pause")
    before = page.frame()
    changed = page.settings | {"learning_rate": 0.01, "batch_size": 50, "dropout": 0.25}
    page.post("settings", changed)
    after = page.frame()
    assert after["theta"] == before["theta"]
    assert (after["epoch"], after["beginning"]) == (before["epoch"], before["beginning"])
    assert page.scene()["settings"]["batch_size"] == 50
    page.post("step")
    assert page.frame()["step"] == before["step"] + 1


@pytest.mark.parametrize(
    "changed",
    [
        {"data": "spirals"},
        {"noise": 0.3},
        {"layers": []},
        {"layers": [3, 5, 2]},
        {"activation": "relu"},
        {"biases": "zeros"},
        {"seed": 9},
        {"data": "digits", "layers": [8]},
    ],
    ids=str,
)
def test_other_settings_begin_anew(page: Page, changed: dict[str, Any]) -> None:
    page.post("step")
    before = page.frame()
    page.post("settings", page.settings | changed)
    seen, scene = page.frame(), page.scene()
    assert seen["beginning"] == scene["beginning"] > before["beginning"]
    assert (seen["step"], seen["state"]) == (0, "paused")
    assert seen["theta"] != before["theta"]
    inputs, outputs = (64, 10) if changed.get("data") == "digits" else (2, 1)
    assert scene["sizes"] == [inputs, *changed.get("layers", [6, 4]), outputs]
    page.post("step")
    assert page.frame()["step"] == 1


def test_reset_begins_anew(page: Page) -> None:
    before = page.frame()
    page.post("run", QUICK)
    page.await_epoch(1)
    page.post("reset")
    after = page.frame()
    assert after["theta"] == before["theta"]
    assert (after["step"], after["epoch"], after["state"]) == (0, 0, "paused")
    assert after["curve"] == before["curve"]


def test_divergence_is_said_and_can_be_left(client: Client) -> None:
    page = Page(client, learning_rate=100.0, l2=10.0)  # w := (1 - 1000) w - ... in every step
    page.post("run", QUICK)
    end = time.monotonic() + 20
    while (seen := page.frame())["state"] != "diverged":
        assert time.monotonic() < end
    assert "infinite or NaN" in seen["message"]
    assert np.isfinite(floats(seen["theta"])).all()
    page.post("settings", page.settings | {"l2": 0.0, "learning_rate": 0.01})
    page.post("step")
    assert page.frame()["state"] == "paused"


def test_divergence_of_one_sample(client: Client) -> None:
    page = Page(client, learning_rate=100.0, l2=10.0)
    before = page.frame()["theta"]
    end = time.monotonic() + 20
    while page.frame()["state"] != "diverged":
        before = page.frame()["theta"]
        page.post("sample")
        assert time.monotonic() < end
    assert page.frame()["theta"] == before
    page.post("reset")
    assert page.frame()["state"] == "paused"


def test_steps_stop_without_viewers(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "UNSEEN", 0.1)
    page.post("run", QUICK)
    time.sleep(0.3)
    first = page.frame()
    time.sleep(0.3)
    # It went on for 0.1 s after the look, and no longer; then it waited for the next one.
    assert first["state"] == "running"
    waited = page.frame()["epoch"]
    assert page.await_epoch(waited + 1)["state"] == "running"


def test_a_long_curve_stays_short(page: Page) -> None:
    page.post("settings", page.settings | {"batch_size": 300, "layers": [1]})
    page.post("run", QUICK)
    seen = page.await_epoch(1500)
    epochs = floats(seen["curve"][0])
    assert len(epochs) <= 513
    assert epochs[-1] == seen["epoch"]
    assert (np.diff(epochs) > 0).all()


# ---- explanations --------------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", [{"weight": [2, 2, 3]}, {"bias": [1, 6]}], ids=str)
def test_explain_gives_the_number_of_the_gradients(
    page: Page, parameter: dict[str, list[int]]
) -> None:
    page.post("select", {"index": 11})
    found = page.post("explain", parameter)
    drawn = samples.draw(Settings())
    net = rb.Network(
        [2, 6, 4, 1], activation="tanh", output="logistic", dtype="float64", random_state=0
    )
    of = net.gradients(drawn.X[11:12], drawn.y[11:12], loss="log_loss")
    if "weight" in parameter:
        expected, now = of.dW[1][1, 2], net.W[1][1, 2]
    else:
        expected, now = of.db[0][5], net.b[0][5]
    assert found["index"] == 11
    assert found["value"] == found["gradients"] == expected
    assert found["now"] == now
    assert float(found["steps"][-1]["value"]) == expected
    assert all(step["formula"] and step["numbers"] for step in found["steps"])


def test_explain_a_weight_of_the_digits(client: Client) -> None:
    page = Page(client, data="digits", layers=[12])
    found = page.post("explain", {"weight": [1, 12, 20]})
    assert found["value"] == found["gradients"]


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ({"weight": [1, 7, 1]}, "6"),
        ({"weight": [0, 1, 1]}, "weight"),
        ({"weight": [9, 1, 1]}, "weight"),
        ({"weight": [1, 1]}, "weight: got [1, 1], expected [layer, to, from], counted from 1"),
        ({"weight": [1, 1, 1.5]}, "weight: got 1.5"),
        ({"weight": "W"}, "weight: got 'W'"),
        ({"bias": [1, 1, 1]}, "bias: got [1, 1, 1], expected [layer, unit], counted from 1"),
        ({"weight": [1, 1, 1], "bias": [1, 1]}, "got an unknown field 'bias'"),
        ({}, "bias: is missing"),
    ],
    ids=str,
)
def test_explain_what_is_not_there(page: Page, parameter: Any, words: str) -> None:
    answer = page.client.send(f"{page.path}/explain", json.dumps(parameter).encode())
    assert answer.status == 400
    assert words in answer.json["error"]


# ---- how many there can be -----------------------------------------------------------------------


def test_the_longest_unseen_training_gives_way() -> None:
    kept = trainings.Trainings()
    ids = [kept.begin(Settings(layers=(1,))) for _ in range(trainings.MOST_TRAININGS)]
    kept.of(ids[0])
    dropped = kept.of(ids[1])
    kept.of(ids[0])
    for each in ids[2:]:
        kept.of(each)
    kept.begin(Settings())
    assert kept.count() == trainings.MOST_TRAININGS
    with pytest.raises(Exception, match="this training run does not exist"):
        kept.of(ids[1])
    assert kept.of(ids[0])
    assert not dropped._thread.is_alive()
    kept.close()
    assert kept.count() == 0


def test_many_pages_at_once(client: Client) -> None:
    pages = [Page(client, layers=[units]) for units in range(1, 5)]
    for page in pages:
        page.post("run", QUICK)
    seen = [page.await_epoch(5) for page in pages]
    assert len({each["theta"] for each in seen}) == 4
    for units, page in enumerate(pages, start=1):
        page.post("pause")
        assert page.scene()["sizes"] == [2, units, 1]


def test_requests_of_many_threads_at_once(page: Page) -> None:
    """Orders and looks from everywhere end in one of the states that they could leave."""
    page.post("run", QUICK)
    failed: list[object] = []

    def work(name: str, fields: Any) -> None:
        try:
            for _ in range(15):
                page.post(name, fields)
                page.frame()
        except BaseException as error:
            failed.append(error)

    wishes = [("step", {}), ("sample", {}), ("run", QUICK), ("reset", {}), ("select", {"index": 3})]
    threads = [threading.Thread(target=work, args=wish) for wish in wishes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    page.post("pause")
    assert np.isfinite(floats(page.frame()["theta"])).all()


def test_the_bounds_are_those_that_the_page_offers(client: Client) -> None:
    choices = client.get("choices").json
    most = choices["most"]
    assert (most["layers"], most["units"]) == (settings.MOST_LAYERS, settings.MOST_UNITS)
    largest = [most["units"]] * most["layers"]
    page = Page(client, data="digits", layers=largest, batch_size=most["batch_size"])
    page.post("step")
    assert page.scene()["sizes"] == [64, *largest, 10]
    for name, proposed in choices["proposed"].items():
        assert Page(client, data=name, **proposed).scene()["settings"]["data"] == name


@pytest.mark.parametrize("name", ["moons", "circles", "spirals", "xor", "digits"])
def test_what_is_proposed_learns(client: Client, name: str) -> None:
    page = Page(client, data=name, **client.get("choices").json["proposed"][name])
    page.post("run", QUICK)
    end = time.monotonic() + 20
    while page.frame()["accuracy"] < 0.9:
        assert time.monotonic() < end
        time.sleep(0.02)
    page.post("pause")
