"""The page of the playground in a real browser: what a person does, and what comes of it."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import rosenblatt as rb
from playground_page import Client
from rosenblatt.playground import samples
from rosenblatt.playground.server import PlaygroundServer
from rosenblatt.playground.settings import Settings

CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not on the PATH; apt-get install chromium chromium-driver"
)

PATIENCE = 30  # seconds, for a machine that does much else
OPTIONS = [
    "--headless=new",
    "--no-sandbox",  # for a container, where nobody but this test opens pages
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # A sanitizer that is loaded into this process is not for the browser.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    service = webdriver.ChromeService(shutil.which("chromedriver"), env=environment)
    with webdriver.Chrome(options=options, service=service) as driver:
        yield driver


class Open:
    """The page as a person has it before them."""

    def __init__(self, browser: webdriver.Chrome, server: PlaygroundServer) -> None:
        self.browser = browser
        self.server = server
        self.resize(1280, 900)
        browser.get(server.url)
        self.until(lambda: int(self.data("frames") or 0) >= 1)

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def until(self, holds: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while not (value := holds()):
            assert time.monotonic() < end, self.text("status") + self.text("banner")
            time.sleep(0.02)
        return value

    def js(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)  # type: ignore[no-untyped-call]

    def data(self, name: str) -> Any:
        return self.js("return document.body.dataset[arguments[0]]", name)

    def epoch(self) -> int:
        return int(self.data("epoch"))

    def text(self, identifier: str) -> str:
        """Return what can be read of an element; nothing where it is hidden."""
        script = """
            const element = document.getElementById(arguments[0]);
            return element.checkVisibility() ? element.innerText : "";
        """
        return str(self.js(script, identifier))

    def find(self, selector: str) -> Any:
        found = self.browser.find_element(By.CSS_SELECTOR, selector)
        self.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", found)
        return found

    def click(self, selector: str) -> None:
        self.find(selector).click()

    def press(self, *keys: str) -> None:
        ActionChains(self.browser).send_keys(*keys).perform()

    def choose_data(self, name: str) -> None:
        before = self.data("version")
        self.click(f'#data input[value="{name}"]')
        self.until(lambda: self.data("version") != before)

    def sizes(self) -> list[int]:
        """Return the units of all layers, as the server has them for this page."""
        path = self.js(
            "return performance.getEntriesByType('resource').map((e) => e.name)"
            ".filter((name) => name.endsWith('/scene')).pop()"
        )
        answer = Client(self.server.port).ask("GET", path.split(str(self.server.port), 1)[1])
        return list(answer.json["sizes"])


@pytest.fixture
def opened(browser: webdriver.Chrome, server: PlaygroundServer) -> Iterator[Open]:
    """A page that was just opened; whatever is done to it, it complains of nothing."""
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    browser.get_log("performance")  # type: ignore[no-untyped-call]
    page = Open(browser, server)
    yield page
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert requested_elsewhere(browser, server.url) == []
    browser.get("about:blank")


def requested_elsewhere(browser: webdriver.Chrome, url: str) -> list[str]:
    log = browser.get_log("performance")  # type: ignore[no-untyped-call]
    messages = [json.loads(entry["message"])["message"] for entry in log]
    requests = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    urls = [request["request"]["url"] for request in requests]
    return [each for each in urls if not each.startswith(url)]


# ---- training ------------------------------------------------------------------------------------


def test_it_loads_and_waits(opened: Open) -> None:
    assert opened.data("state") == "paused"
    assert opened.text("epoch") == "0"
    assert opened.text("run") == "Run"
    assert opened.text("status") == "Ready. Click Run or press Space."
    assert opened.text("cost").startswith("0.7")
    assert opened.browser.title == "rosenblatt playground"
    assert not opened.browser.find_element(By.ID, "banner").is_displayed()


def test_run_and_pause(opened: Open) -> None:
    opened.click("#run")
    opened.until(lambda: opened.epoch() >= 5)
    assert opened.text("run") == "Pause"
    frames = int(opened.data("frames"))
    opened.until(lambda: int(opened.data("frames")) > frames + 3)
    opened.click("#run")
    opened.until(lambda: opened.data("state") == "paused")
    epoch = opened.epoch()
    time.sleep(0.3)
    assert opened.epoch() == epoch
    assert opened.text("epoch") == str(epoch)


def test_one_step_and_reset(opened: Open) -> None:
    for count in ("1", "2", "3"):
        opened.click("#step")
        opened.until(lambda count=count: opened.text("steps") == count)
    opened.click("#reset")
    opened.until(lambda: opened.text("steps") == "0")


def test_one_sample_is_selected(opened: Open) -> None:
    before = opened.text("sample-text")
    opened.click("#sample")
    opened.click("#sample")
    opened.until(lambda: opened.js("return document.getElementById('index').value") == "2")
    assert opened.text("sample-text") != before
    assert opened.text("steps") == "0"  # a batch it was not


def test_another_data_set(opened: Open) -> None:
    surface = picture(opened, "plane")
    opened.choose_data("circles")
    assert opened.sizes() == [2, 4, 1]
    assert picture(opened, "plane") != surface
    opened.click("#run")
    opened.until(lambda: opened.epoch() >= 2)


def test_layers_and_units(opened: Open) -> None:
    opened.click("#add-layer")
    opened.until(lambda: opened.sizes() == [2, 6, 4, 4, 1])
    opened.click('[aria-label="more units in layer 2"]')
    opened.until(lambda: opened.sizes() == [2, 7, 4, 4, 1])
    opened.click('[aria-label="remove layer 3"]')
    opened.until(lambda: opened.sizes() == [2, 7, 4, 1])
    opened.click('[aria-label="remove layer 2"]')
    opened.until(lambda: opened.sizes() == [2, 4, 1])
    opened.click('[aria-label="remove layer 2"]')
    opened.until(lambda: opened.sizes() == [2, 1])
    opened.click("#step")
    opened.until(lambda: opened.text("steps") == "1")


def test_a_rate_that_is_refused_is_said(opened: Open) -> None:
    field = opened.find("#learning_rate")
    field.clear()
    field.send_keys("1000", Keys.TAB)
    opened.until(
        lambda: "learning_rate: got 1000.0, expected at most 100.0" in opened.text("refusal")
    )
    field.clear()
    field.send_keys("0.1", Keys.TAB)
    opened.until(lambda: opened.text("refusal") == "")
    # The browser itself notes an answer that is no: of the empty field, and of the large number.
    noted = opened.browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert noted
    assert all("status of 400" in entry["message"] for entry in noted)


def picture(opened: Open, identifier: str) -> str:
    return str(opened.js("return document.getElementById(arguments[0]).toDataURL()", identifier))


# ---- explanations --------------------------------------------------------------------------------


def begun() -> tuple[rb.Network, Any, Any]:
    """Return the network that a page begins with, and its first sample."""
    net = rb.Network(
        [2, 6, 4, 1], activation="tanh", output="logistic", dtype="float64", random_state=0
    )
    drawn = samples.draw(Settings())
    return net, drawn.X[:1], drawn.y[:1]


def explained(opened: Open) -> float:
    """Return the number of net.gradients that the explanation shows."""
    opened.until(
        lambda: opened.js("return document.getElementById('explained-gradients') !== null")
    )
    return float(opened.text("explained-gradients"))


def place_of_edge(opened: Open, layer: int, to: int, frm: int) -> tuple[int, int]:
    """Return where the middle of an edge is, from the middle of the canvas."""
    script = """
        const { layout } = await import("/network_picture.js");
        const canvas = document.getElementById("network");
        const { columns } = layout([2, 6, 4, 1], canvas.clientWidth, false);
        const [l, j, k] = arguments;
        const [from, to] = [columns[l], columns[l + 1]];
        const x = (from.x + from.size / 2 + to.x - to.size / 2) / 2;
        const y = (from.units[k] + to.units[j]) / 2;
        return [Math.round(x - canvas.clientWidth / 2), Math.round(y - canvas.clientHeight / 2)];
    """
    x, y = opened.js(script, layer, to, frm)
    return x, y


def test_a_click_on_an_edge_explains_its_weight(opened: Open) -> None:
    net, X, y = begun()
    of = net.gradients(X, y, loss="log_loss")
    x, above = place_of_edge(opened, 2, 0, 1)
    canvas = opened.find("#network")
    ActionChains(opened.browser).move_to_element_with_offset(canvas, x, above).click().perform()
    assert explained(opened) == of.dW[2][0, 1]
    text = opened.text("explained")
    assert "identical" in text
    assert "= δ1(4) · a2(3)" in text.replace("\n", "")
    assert opened.text("weight").replace("\n", "").startswith("W12(3) = ")


def test_a_click_on_a_unit_explains_its_bias(opened: Open) -> None:
    net, X, y = begun()
    of = net.gradients(X, y, loss="log_loss")
    canvas = opened.find("#network")
    script = """
        const { layout } = await import("/network_picture.js");
        const canvas = document.getElementById("network");
        const { columns } = layout([2, 6, 4, 1], canvas.clientWidth, false);
        return [columns[1].x - canvas.clientWidth / 2,
                columns[1].units[4] - canvas.clientHeight / 2].map(Math.round);
    """
    x, below = opened.js(script)
    ActionChains(opened.browser).move_to_element_with_offset(canvas, x, below).click().perform()
    assert explained(opened) == of.db[0][4]


def test_an_explanation_follows_the_training(opened: Open) -> None:
    opened.click("#explain button")
    first = explained(opened)
    opened.click("#step")
    opened.until(lambda: float(opened.text("explained-gradients")) != first)


def test_a_click_on_a_point_of_the_plane_selects_it(opened: Open) -> None:
    plane = opened.find("#plane")
    ActionChains(opened.browser).move_to_element_with_offset(plane, 80, 20).click().perform()
    opened.until(lambda: opened.js("return document.getElementById('index').value") != "1")
    assert "class 1" in opened.text("sample-text")


# ---- digits --------------------------------------------------------------------------------------


def test_a_drawn_digit_is_read_at_every_stroke(opened: Open) -> None:
    opened.choose_data("digits")
    opened.find("#speed").send_keys("no limit")
    opened.click("#run")
    opened.until(lambda: opened.epoch() >= 30)
    opened.click("#run")
    pad = opened.find("#pad")
    act = ActionChains(opened.browser, duration=20)
    act.move_to_element_with_offset(pad, -12, -50).click_and_hold()
    act.move_by_offset(12, -10).move_by_offset(0, 60).move_by_offset(0, 60).release().perform()
    opened.until(lambda: opened.text("reading").startswith("Prediction: "))
    opened.until(lambda: "Prediction: 1" in opened.text("reading"))
    act = ActionChains(opened.browser, duration=20)
    act.move_to_element_with_offset(pad, -40, 58).click_and_hold().move_by_offset(80, 0)
    first = opened.js("return document.querySelector('.bars').innerHTML")
    act.release().perform()
    opened.until(lambda: opened.js("return document.querySelector('.bars').innerHTML") != first)
    opened.click("#clear")
    opened.until(lambda: opened.text("reading") == "Nothing drawn yet.")


def test_a_weight_of_the_digits_is_explained(opened: Open) -> None:
    opened.choose_data("digits")
    opened.find("#network").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ENTER)
    explained(opened)
    assert "identical" in opened.text("explained")


# ---- without a mouse, on a phone, without a server -----------------------------------------------


def test_the_keyboard_reaches_everything(opened: Open) -> None:
    opened.press(Keys.SPACE)
    opened.until(lambda: opened.data("state") == "running")
    opened.press(Keys.SPACE)
    opened.until(lambda: opened.data("state") == "paused")
    reached = []
    for _ in range(60):
        opened.press(Keys.TAB)
        where = opened.js("return document.activeElement.id || document.activeElement.name || ''")
        reached.append(where)
        outline = opened.js(
            "const e = document.activeElement; const own = getComputedStyle(e).outlineStyle;"
            "return e.nextElementSibling && own === 'none'"
            " ? getComputedStyle(e.nextElementSibling).outlineStyle : own"
        )
        assert outline != "none" or where == "", f"{where} has no ring"
        if where == "network":
            break
    wanted = ["run", "step", "sample", "reset", "speed", "data", "noise", "add-layer"]
    wanted += [
        "activation",
        "biases",
        "optimizer",
        "learning_rate",
        "batch_size",
        "l2",
        "seed",
        "dropout",
    ]
    assert [name for name in reached if name in wanted] == wanted
    opened.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    opened.until(lambda: opened.text("weight").replace("\n", "").startswith("W21(2) = "))
    ActionChains(opened.browser).key_down(Keys.SHIFT).send_keys(Keys.ARROW_DOWN).key_up(
        Keys.SHIFT
    ).perform()
    opened.press(Keys.ENTER)
    explained(opened)
    assert opened.text("weight").replace("\n", "").startswith("W22(2) = ")
    opened.press("b")
    assert opened.text("weight").replace("\n", "").startswith("b2(2) = ")


def test_space_on_a_button_presses_the_button(opened: Open) -> None:
    opened.js("document.getElementById('step').focus()")
    opened.press(Keys.SPACE)
    opened.until(lambda: opened.text("steps") == "1")
    assert opened.data("state") == "paused"


def test_everything_has_a_name(opened: Open) -> None:
    """What can be reached says what it is to who does not see it."""
    nameless = opened.js("""
        const has = (e) => e.ariaLabel || e.labels?.length || e.textContent.trim();
        return [...document.querySelectorAll("button, input, select, canvas, [tabindex='0']")]
            .filter((e) => !has(e)).map((e) => e.outerHTML);
    """)
    assert nameless == [], nameless
    assert opened.js("return document.getElementById('status').getAttribute('aria-live')")


@pytest.mark.parametrize("data", ["moons", "digits"])
def test_no_width_needs_a_horizontal_scroll(opened: Open, data: str) -> None:
    if data != "moons":
        opened.choose_data(data)
    opened.find("#network").send_keys(Keys.ARROW_RIGHT, Keys.ENTER)
    explained(opened)
    for width in (360, 414, 719, 720, 1120, 1920):
        opened.resize(width, 800)
        opened.until(lambda width=width: opened.js("return innerWidth") == width)
        assert opened.js("return document.documentElement.scrollWidth") <= width
        beyond = opened.js("""
            return [...document.querySelectorAll("body *")].filter((e) => e.checkVisibility()
                && e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML);
        """)
        assert beyond == [], width


def test_the_page_follows_the_dark_mode_of_the_system(opened: Open) -> None:
    def brightness() -> float:
        colour = opened.js("return getComputedStyle(document.documentElement).backgroundColor")
        return float(np.mean([int(c) for c in colour.strip("rgb()").split(",")[:3]]))

    light, plane = brightness(), picture(opened, "plane")
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    opened.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        opened.until(lambda: picture(opened, "plane") != plane)
        assert brightness() < 60
        assert light > 200
    finally:
        opened.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_less_motion_means_fewer_pictures(opened: Open) -> None:
    calm = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    opened.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", calm)
    try:
        opened.click("#run")
        opened.until(lambda: opened.epoch() >= 2)
        frames = int(opened.data("frames"))
        time.sleep(1)
        assert int(opened.data("frames")) - frames <= 3
    finally:
        opened.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_server_that_is_gone_is_said_and_found_again(browser: webdriver.Chrome) -> None:
    def begin(port: int) -> tuple[PlaygroundServer, threading.Thread]:
        made = PlaygroundServer(port)
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        return made, thread

    def end(made: PlaygroundServer, thread: threading.Thread) -> None:
        made.shutdown()
        thread.join(60)
        made.server_close()

    server, thread = begin(0)
    try:
        opened = Open(browser, server)
    finally:
        end(server, thread)
    opened.until(lambda: "The server is gone." in opened.text("banner"))
    server, thread = begin(server.port)
    try:
        opened.until(lambda: "This training run has ended" in opened.text("banner"))
        opened.click("#reset")
        opened.until(lambda: opened.text("banner") == "")
        opened.click("#step")
        opened.until(lambda: opened.text("steps") == "1")
        browser.get("about:blank")
    finally:
        end(server, thread)
