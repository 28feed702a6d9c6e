"""The server of the playground serves its page; hostile requests get a 4xx and change nothing."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from playground_page import Client, Page
from rosenblatt.playground.server import LARGEST_BODY, PlaygroundServer

QUICK = {"epochs_per_second": None}


def test_it_listens_on_this_machine_only(server: PlaygroundServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.port}/"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/main.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ],
)
def test_the_page_is_served_with_a_policy_that_lets_nothing_in(
    client: Client, path: str, kind: str
) -> None:
    answer = client.ask("GET", path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == kind
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Python" not in answer.headers["Server"]
    assert b"http://" not in answer.body.replace(b"http://www.w3.org/2000/svg", b"")
    assert b"https://" not in answer.body


def test_every_module_that_the_page_names_is_served(server: PlaygroundServer) -> None:
    for path, (_, body) in server.page.items():
        for line in body.decode().splitlines():
            if line.startswith("import "):
                module = line.split('"')[-2]
                assert module.replace("./", "/") in server.page, f"{path} imports {module}"


@pytest.fixture
def unchanged(page: Page, server: PlaygroundServer) -> Iterator[Page]:
    """A page of whose training nothing changes during the test, nor the number of trainings."""
    page.post("step")
    before, count = (page.frame(), page.scene()), server.trainings.count()
    yield page
    assert (page.frame(), page.scene()) == before
    assert server.trainings.count() == count


HUGE = 10**400

BAD_SETTINGS = [
    ({"layers": [8] * 7}, "layers: got 7 hidden layers, expected at most 6"),
    ({"layers": [65]}, "layers[0]: got 65, expected an integer 1 … 64"),
    ({"layers": [4, 10**9]}, "layers[1]: got 1000000000, expected an integer 1 … 64"),
    ({"layers": [0]}, "layers[0]: got 0"),
    ({"layers": [-1]}, "layers[0]: got -1"),
    ({"layers": [2.0]}, "layers[0]: got 2.0"),
    ({"layers": [True]}, "layers[0]: got True"),
    ({"layers": 5}, "layers: got 5, expected a list"),
    ({"layers": {"0": 4}}, "layers: got {'0': 4}, expected a list"),
    ({"layers": None}, "layers: got None"),
    ({"learning_rate": 0}, "learning_rate: got 0"),
    ({"learning_rate": -0.1}, "learning_rate: got -0.1"),
    ({"learning_rate": 1e9}, "learning_rate: got 1000000000.0, expected at most 100.0"),
    ({"learning_rate": HUGE}, "learning_rate: got 1"),
    ({"learning_rate": None}, "learning_rate: got None"),
    ({"learning_rate": "0.1"}, "learning_rate: got '0.1'"),
    ({"learning_rate": True}, "learning_rate: got True"),
    ({"noise": 2}, "noise: got 2.0, expected at most 1.0"),
    ({"noise": -1}, "noise: got -1"),
    ({"l2": 11}, "l2: got 11.0, expected at most 10.0"),
    ({"dropout": 0.95}, "dropout: got 0.95, expected at most 0.9"),
    ({"dropout": 0.5, "layers": []}, "dropout: got 0.5 without hidden layers, expected 0"),
    ({"batch_size": 0}, "batch_size: got 0, expected an integer 1 … 300"),
    ({"batch_size": 301}, "batch_size: got 301"),
    ({"batch_size": 1.5}, "batch_size: got 1.5"),
    ({"seed": -1}, "seed: got -1"),
    ({"seed": 2**32}, "seed: got 4294967296"),
    ({"data": "faces"}, "data: got 'faces', expected one of 'moons'"),
    ({"data": ["moons"]}, "data: got ['moons']"),
    ({"activation": "step"}, "activation: got 'step'"),
    ({"activation": ["tanh", "tanh"]}, "activation: got"),
    ({"biases": "ones"}, "biases: got 'ones', expected one of 'auto', 'zeros', 'uniform'"),
    ({"biases": [0.0]}, "biases: got [0.0]"),
    ({"optimizer": "LBFGS"}, "optimizer: got 'LBFGS'"),
    ({"optimizer": "__class__"}, "optimizer: got '__class__'"),
    ({"epochs": 3}, "got an unknown field 'epochs'"),
    ({"__proto__": 3}, "got an unknown field '__proto__'"),
]


@pytest.mark.parametrize(("changed", "words"), BAD_SETTINGS, ids=lambda value: str(value)[:60])
def test_settings_beyond_their_bounds(unchanged: Page, changed: Any, words: str) -> None:
    body = json.dumps(unchanged.settings | changed).encode()
    for path in ("trainings", f"{unchanged.path}/settings"):
        answer = unchanged.client.send(path, body)
        assert answer.status == 400
        assert words in answer.json["error"]
        assert len(answer.json["error"]) < 400


def test_a_missing_setting(unchanged: Page) -> None:
    for name in unchanged.settings:
        fewer = {key: value for key, value in unchanged.settings.items() if key != name}
        answer = unchanged.client.send(f"{unchanged.path}/settings", json.dumps(fewer).encode())
        assert answer.status == 400
        assert f"{name}: is missing" in answer.json["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"run"',
        b'{"epochs_per_second": NaN}',
        b'{"epochs_per_second": Infinity}',
        b'{"epochs_per_second": -Infinity}',
        b'{"epochs_per_second": 1e999}',
        b'{"epochs_per_second": 0}',
        b'{"epochs_per_second": 1e-300}',
        b'{"epochs_per_second": true}',
        b'{"epochs_per_second": "30"}',
        b'{"epochs_per_second": ' + b"9" * 5000 + b"}",
        b'{"epochs_per_second": 1, "epochs_per_second": 2}',
        b'{"epochs_per_second": 1, "more": 2}',
        b"{'epochs_per_second': 1}",
        b"epochs_per_second=1",
        b"\xff\xfe{}",
        b"\x00" * 100,
        b"[" * 60_000,
        b'{"a":' * 10_000,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_body_that_is_no_object_of_finite_numbers(unchanged: Page, body: bytes) -> None:
    answer = unchanged.client.send(f"{unchanged.path}/run", body)
    assert answer.status == 400
    assert answer.json["error"]


@pytest.mark.parametrize("name", ["pause", "step", "sample", "reset"])
def test_unexpected_fields_are_refused(unchanged: Page, name: str) -> None:
    answer = unchanged.client.send(f"{unchanged.path}/{name}", b'{"twice": true}')
    assert answer.status == 400
    assert "got an unknown field 'twice', expected none" in answer.json["error"]


@pytest.mark.parametrize("index", [-1, 300, 10**30, 1.5, None, "1", True])
def test_a_sample_that_is_not_there(unchanged: Page, index: Any) -> None:
    body = json.dumps({"index": index}).encode()
    answer = unchanged.client.send(f"{unchanged.path}/select", body)
    assert answer.status == 400
    assert "index: got" in answer.json["error"]


@pytest.mark.parametrize(
    "host",
    [None, "evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1", "[::1]:{port}"],
)
def test_another_name_of_this_machine(unchanged: Page, host: str | None) -> None:
    """DNS rebinding: a name of somebody else's that points here."""
    client = unchanged.client
    given = host and host.format(port=client.port)
    origin = f"http://{given}"
    for path in ("/", f"/api/{unchanged.path}/frame?since="):
        assert client.ask("GET", path, Host=given).status == 421
    answer = client.send(f"{unchanged.path}/step", b"{}", Host=given, Origin=origin)
    assert answer.status == 421
    assert "Host: got" in answer.json["error"]


def test_localhost_is_the_same(client: Client) -> None:
    host = f"localhost:{client.port}"
    assert client.ask("GET", "/", Host=host).status == 200
    body = json.dumps(client.get("choices").json["settings"]).encode()
    assert client.send("trainings", body, Host=host, Origin=f"http://{host}").status == 200


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:1",
        "http://localhost:{port}",  # of another host than the request's
        "http://127.0.0.1:{port}.evil.example",
    ],
)
def test_another_origin(unchanged: Page, origin: str | None) -> None:
    given = origin and origin.format(port=unchanged.client.port)
    answer = unchanged.client.send(f"{unchanged.path}/step", b"{}", Origin=given)
    assert answer.status == 403
    assert "Origin: " in answer.json["error"]
    if given is not None:
        path = f"{unchanged.path}/frame?since="
        assert unchanged.client.get(path, Origin=given).status == 403


def raw(port: int, *lines: str) -> bytes:
    """Send a request of these lines and an empty JSON object, and return the whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", "{}"]).encode())
        return received(connection)


def received(connection: socket.socket) -> bytes:
    """Return all that arrives until the other side closes."""
    answer = b""
    while some := connection.recv(65536):
        answer += some
    return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ")[1])


@pytest.mark.parametrize("second", ["{host}", "evil.example"])
@pytest.mark.parametrize("order", [1, -1])
def test_two_hosts(unchanged: Page, second: str, order: int) -> None:
    """A proxy before the playground could have looked at the other one."""
    client = unchanged.client
    hosts = [f"Host: {client.host}", f"Host: {second.format(host=client.host)}"][::order]
    step = [f"POST /api/{unchanged.path}/step HTTP/1.1", f"Origin: http://{client.host}"]
    step += ["Content-Type: application/json", "Content-Length: 2"]
    for request in (["GET / HTTP/1.1"], ["GET /api/choices HTTP/1.1"], step):
        answer = raw(client.port, *request, *hosts)
        assert status_of(answer) == 421
        assert b"Host: got" in answer


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("Origin", "http://{host}", "http://{host}"),
        ("Origin", "http://{host}", "http://evil.example"),
        ("Sec-Fetch-Site", "same-origin", "same-origin"),
        ("Sec-Fetch-Site", "same-origin", "cross-site"),
    ],
)
def test_two_origins(unchanged: Page, name: str, first: str, second: str, order: int) -> None:
    client = unchanged.client
    two = [f"{name}: {value.format(host=client.host)}" for value in (first, second)][::order]
    answer = raw(client.port, "GET /api/choices HTTP/1.1", f"Host: {client.host}", *two)
    assert status_of(answer) == 403
    assert f"{name}: got 2 headers, expected one".encode() in answer


def test_two_content_types(unchanged: Page) -> None:
    client = unchanged.client
    answer = raw(
        client.port,
        f"POST /api/{unchanged.path}/step HTTP/1.1",
        f"Host: {client.host}",
        f"Origin: http://{client.host}",
        "Content-Type: application/json",
        "Content-Type: text/plain",
        "Content-Length: 2",
    )
    assert status_of(answer) == 415


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_that_another_site_made(unchanged: Page, site: str) -> None:
    client = unchanged.client
    answer = client.send(f"{unchanged.path}/step", b"{}", Sec_Fetch_Site=site)
    assert answer.status == 403
    assert client.get("choices", Sec_Fetch_Site=site).status == 403
    assert client.ask("GET", "/", Sec_Fetch_Site=site).status == 200  # a link to the page is none


@pytest.mark.parametrize(
    "kind",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"],
)
def test_a_form_of_another_page(unchanged: Page, kind: str | None) -> None:
    """What a form can send without asking first is no JSON."""
    answer = unchanged.client.send(f"{unchanged.path}/step", b"{}", Content_Type=kind)
    assert answer.status == 415
    assert "expected application/json" in answer.json["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/..",
        "/../settings.py",
        "/../../../../etc/passwd",
        "/%2e%2e/settings.py",
        "/..%2fsettings.py",
        "/page/main.js",
        "/index.html/",
        "//etc/passwd",
        "/main.js?x",
        "/main.js%00",
        "/api",
        "/api/",
        "/api/trainings/../choices",
        "/api/nothing",
        "/api/trainings",
        "/settings.py",
        "/__init__.py",
        "/" + "a" * 5000,
    ],
)
def test_paths_outside(unchanged: Page, path: str) -> None:
    answer = unchanged.client.ask("GET", path)
    assert answer.status in (404, 405)
    assert answer.json["error"]


def test_a_path_too_long(unchanged: Page) -> None:
    answer = unchanged.client.ask("GET", "/" + "a" * 70_000)
    assert answer.status == 414
    assert answer.json["error"]


@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "CONNECT", "BREW"]
)
def test_other_methods(unchanged: Page, method: str) -> None:
    path = f"/api/{unchanged.path}/step"
    origin = f"http://{unchanged.client.host}"
    answer = unchanged.client.ask(method, path, Origin=origin, Content_Type="application/json")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, POST"
    if method != "HEAD":
        assert "error" in answer.json


def test_the_other_one_of_get_and_post(unchanged: Page) -> None:
    client = unchanged.client
    for name in ("run", "pause", "step", "sample", "reset", "settings", "select", "explain"):
        answer = client.get(f"{unchanged.path}/{name}")
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    for name in ("frame", "scene"):
        answer = client.send(f"{unchanged.path}/{name}", b"{}")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET")
    assert client.ask("POST", "/main.js", b"").status == 405


@pytest.mark.parametrize("query", ["", "?", "?since=1&since=2", "?since=1&more=2", "?until=3"])
def test_a_query_that_is_not_understood(unchanged: Page, query: str) -> None:
    answer = unchanged.client.get(f"{unchanged.path}/frame{query}")
    assert answer.status == 400
    assert answer.json["error"]


@pytest.mark.parametrize("page_id", ["", "x", "0" * 32, "%00", "..", "a" * 1000])
def test_an_unknown_job(unchanged: Page, page_id: str) -> None:
    answer = unchanged.client.send(f"trainings/{page_id}/step", b"{}")
    assert answer.status == 404
    assert "this training run does not exist" in answer.json["error"]


def test_a_huge_body_is_not_read_into_memory(unchanged: Page) -> None:
    path = f"{unchanged.path}/run"
    answer = unchanged.client.send(path, b" " * (LARGEST_BODY + 1))
    assert answer.status == 413
    assert answer.json["error"] == "the body: got 65537 bytes, expected at most 65536"
    assert answer.headers["Connection"] == "close"
    assert unchanged.client.send(path, b" " * 5_000_000).status == 413
    announced = unchanged.client.send(path, b"", Content_Length=str(10**15))
    assert announced.status == 413


@pytest.mark.parametrize("length", [None, "-1", "x", "1e3", "0x10", "٣"])
def test_a_body_without_a_length(unchanged: Page, length: str | None) -> None:
    given = length and length.encode().decode("latin-1")
    client, path = unchanged.client, f"/api/{unchanged.path}/step"
    origin = f"http://{client.host}"
    answer = client.ask(
        "POST", path, Origin=origin, Content_Type="application/json", Content_Length=given
    )
    assert answer.status == 411
    assert answer.json["error"]


def test_a_chunked_body(unchanged: Page) -> None:
    answer = unchanged.client.send(
        f"{unchanged.path}/step",
        b"2\r\n{}\r\n0\r\n\r\n",
        Transfer_Encoding="chunked",
        Content_Length=None,
    )
    assert answer.status == 411


@pytest.mark.parametrize(
    "request_line",
    [b"\x16\x03\x01\x02\x00", b"GET", b"GET / HTTP/9.9", b"GET  /", b"G\x00T / HTTP/1.1"],
)
def test_what_is_not_even_http(unchanged: Page, request_line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", unchanged.client.port), timeout=20) as connection:
        connection.sendall(request_line + b"\r\n\r\n")
        head, _, body = received(connection).partition(b"\r\n\r\n")
    assert head.split(b" ")[1].startswith((b"4", b"5"))
    assert json.loads(body)["error"]


def test_one_connection_serves_many_requests(client: Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=20)
    for _ in range(3):
        connection.request("GET", "/api/choices", headers={"Host": client.host})
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
        assert connection.sock is not None
    connection.close()


# ---- slow and many connections -------------------------------------------------------------------


@contextmanager
def impatient_server(**limits: Any) -> Iterator[PlaygroundServer]:
    """A server with lower limits, served during the test."""
    connections = limits.pop("most_connections", 64)
    with PlaygroundServer(0, most_connections=connections) as made:
        for name, seconds in limits.items():
            setattr(made, name, seconds)
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join(60)


def answer_to_slow(port: int, at_once: str) -> bytes:
    """Send some at once, then a byte at a time until the server closes; return what it answered."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(at_once.encode())
        connection.settimeout(0.02)
        for _ in range(3000):  # a minute: the limits of the tests are below a second
            with suppress(TimeoutError):
                try:
                    connection.sendall(b"a")
                    some = connection.recv(65536)
                except ConnectionError:
                    return answer
                if not some:
                    return answer
                answer += some
    raise AssertionError("the server reads a slow request without an end")


@pytest.mark.parametrize(
    "at_once", ["", "GET ", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: {host}\r\nX: "]
)
def test_a_request_line_and_headers_have_a_time_limit(at_once: str) -> None:
    """From the first byte on: a byte now and then does not keep a connection."""
    with impatient_server(slowest=0.2) as server:
        host = f"127.0.0.1:{server.port}"
        assert answer_to_slow(server.port, at_once.format(host=host)) == b""


def test_a_body_has_a_time_limit() -> None:
    with impatient_server(slowest=0.2) as server:
        page = Page(Client(server.port))
        host = f"127.0.0.1:{server.port}"
        headers = (
            f"POST /api/{page.path}/step HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
            "Content-Type: application/json\r\nContent-Length: 3000\r\n\r\n"
        )
        assert status_of(answer_to_slow(server.port, headers)) == 408
        assert page.frame()["step"] == 0


def test_the_rest_of_a_refused_request_has_a_time_limit() -> None:
    with impatient_server(linger=0.2) as server:
        host = f"127.0.0.1:{server.port}"
        headers = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9999999\r\n\r\n"
        assert status_of(answer_to_slow(server.port, headers)) == 405


def test_one_connection_too_many_is_told_so() -> None:
    with impatient_server(most_connections=2, slowest=60.0) as server:
        slow = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(2)]
        for connection in slow:
            connection.sendall(b"G")
        answer = Client(server.port).ask("GET", "/")
        assert answer.status == 503
        assert answer.json["error"] == "all connections are in use: try again in a moment"
        assert answer.headers["Connection"] == "close"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        for connection in slow:
            connection.close()
        assert status_when_free(server.port) == 200


def test_slow_connections_do_not_keep_the_playground_shut() -> None:
    with impatient_server(most_connections=2, slowest=0.2) as server:
        slow = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(2)]
        for connection in slow:
            connection.sendall(b"G")
        assert status_when_free(server.port) == 200
        for connection in slow:
            assert received(connection) == b""
            connection.close()


def status_when_free(port: int) -> int:
    """Ask as long as all connections are in use, 20 s at most, and return the other status."""
    end = time.monotonic() + 20
    while (status := Client(port).ask("GET", "/").status) == 503:
        assert time.monotonic() < end
    return status
