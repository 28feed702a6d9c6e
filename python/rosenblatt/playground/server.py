"""The HTTP server of the playground, for this machine only."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from traceback import print_exception
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl, urlsplit

from .._checks.shown import LONGEST_MESSAGE, brief, shown
from .actions import Actions, is_get, is_post
from .refused import RefusedError
from .trainings import Trainings

ADDRESS: Final = "127.0.0.1"  # not reachable from other machines
NAMES: Final = (ADDRESS, "localhost")
LARGEST_BODY: Final = 65_536  # bytes; a thousand points of a pen take about 40,000
DRAINED: Final = 16 * 2**20  # bytes read of a larger body, so that its sender gets the refusal
MOST_CONNECTIONS: Final = 64  # at the same time; a page uses 6
MOST_REFUSALS: Final = 16  # further connections that get a refusal at the same time
IDLE: Final = 30.0  # seconds after which a silent connection is closed
SLOWEST: Final = 20.0  # seconds from the first byte of a request to its last
LINGER: Final = 1.0  # seconds for the sender of a refused request to read the answer
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class PlaygroundServer(ThreadingHTTPServer):
    """A server of the page and of the training runs of all open pages.

    Parameters
    ----------
    port
        The port on 127.0.0.1; 0 for any free port.
    most_connections
        The maximum number of simultaneous connections; further ones get the status 503.

    Attributes
    ----------
    idle, slowest, linger : float
        Time limits in seconds: for a silent connection, for a whole request after its first byte,
        and for the rest of a refused request.

    Raises
    ------
    OSError
        The port is in use, or the user may not use it.
    """

    daemon_threads = True

    idle = IDLE
    slowest = SLOWEST
    linger = LINGER

    def __init__(self, port: int, *, most_connections: int = MOST_CONNECTIONS) -> None:
        self.is_closed = False
        self.trainings = Trainings()
        super().__init__((ADDRESS, port), _Handler)
        self.actions = Actions(self.trainings)
        self.page = _page()
        self.hosts = tuple(f"{name}:{self.port}" for name in NAMES)
        if self.port == 80:
            self.hosts += NAMES  # browsers omit the default port of HTTP
        self._free = threading.BoundedSemaphore(most_connections)
        self._free_to_refuse = threading.BoundedSemaphore(MOST_REFUSALS)

    @property
    def port(self) -> int:
        """The port of the server."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{ADDRESS}:{self.port}/"

    def server_close(self) -> None:
        """Stop listening and end all training runs."""
        self.is_closed = True
        super().server_close()
        self.trainings.close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a new thread, or refuse if there are too many connections."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        elif self._free_to_refuse.acquire(blocking=False):
            threading.Thread(target=self._refuse, args=(request,), daemon=True).start()
        else:
            self.shutdown_request(request)

    def _refuse(self, request: Any) -> None:
        """Answer that all connections are in use, without reading the request."""
        try:
            reader = _TimedReader(request, self.linger)
            reader.begin(self.linger)
            request.sendall(_all_in_use())
            request.shutdown(socket.SHUT_WR)
            # Read everything, because closing with unread bytes would reset the connection.
            while reader.readinto(bytearray(LARGEST_BODY)):
                pass
        except OSError:
            pass  # the sender has disconnected, or takes too long
        finally:
            self.shutdown_request(request)
            self._free_to_refuse.release()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer the requests of one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors, which here mean that the browser has disconnected."""


class _TimedReader(socket.SocketIO):
    """The input of a connection, with a time limit for a whole request.

    Parameters
    ----------
    connection
        The socket.
    idle
        Seconds to wait for the first byte of a request.
    """

    def __init__(self, connection: socket.socket, idle: float) -> None:
        super().__init__(connection, "r")
        self._connection = connection
        self._idle = idle
        self._slowest = idle
        self._deadline: float | None = None

    def await_request(self, slowest: float) -> None:
        """Wait for a request.

        It must arrive within `slowest` seconds after its first byte.
        """
        self._slowest, self._deadline = slowest, None

    def begin(self, seconds: float) -> None:
        """Start the time limit of all further reads."""
        self._deadline = time.monotonic() + seconds

    def readinto(self, memory: Any) -> int | None:
        """Read some bytes.

        Raises
        ------
        TimeoutError
            The bytes did not arrive in time.
        """
        left = self._idle if self._deadline is None else self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request did not arrive in time")
        self._connection.settimeout(left)
        n_read = super().readinto(memory)
        if self._deadline is None:
            self.begin(self._slowest)
        return n_read


def _page() -> dict[str, tuple[str, bytes]]:
    """Return content type and bytes of all files of the page, by path."""
    by_path = {}
    for file in files(__package__).joinpath("page").iterdir():
        suffix = file.name[file.name.rfind(".") :]
        if suffix in TYPES:
            by_path[f"/{file.name}"] = (TYPES[suffix], file.read_bytes())
    by_path["/"] = by_path.pop("/index.html")
    return by_path


class _Handler(BaseHTTPRequestHandler):
    """One connection; every request is checked here before it has any effect."""

    server: PlaygroundServer
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # so that a request without version gets headers too
    server_version = "rosenblatt"
    sys_version = ""
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Replace the input by a reader with time limits."""
        super().setup()
        self._reader = _TimedReader(self.connection, self.server.idle)
        self.rfile.close()
        self.rfile = io.BufferedReader(self._reader)

    def handle_one_request(self) -> None:
        """Answer one request; a request that is too slow ends the connection."""
        self._reader.await_request(self.server.slowest)
        super().handle_one_request()

    def do_GET(self) -> None:
        """Answer with a file of the page or with data of a training run."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Perform an action for a page."""
        self._answer(self._post)

    def _get(self) -> None:
        self._check_host()
        url = urlsplit(self.path)
        if url.path in self.server.page and not url.query:
            self._send(200, *self.server.page[url.path])
            return
        path = self._api_path(url.path)
        if is_post(path):
            self._refuse(405, "this path needs POST", allow="POST")
        self._check_same_origin()
        pairs = parse_qsl(url.query, keep_blank_values=True, max_num_fields=8)
        if len(dict(pairs)) < len(pairs):
            raise RefusedError(400, "the query: got a field twice, expected each field once")
        self._send_json(200, self.server.actions.get(path, dict(pairs)))

    def _post(self) -> None:
        self._check_host()
        url = urlsplit(self.path)
        if url.path in self.server.page:
            self._refuse(405, "this path needs GET", allow="GET")
        path = self._api_path(url.path)
        if is_get(path):
            self._refuse(405, "this path needs GET", allow="GET")
        self._check_same_origin()
        if self.headers.get("Origin") is None:
            raise RefusedError(403, "Origin: is missing, expected that of this page")
        if url.query:
            raise RefusedError(400, "the query: got fields, expected none")
        fields = self._body()
        self._send_json(200, self.server.actions.post(path, fields))

    def _other_method(self) -> None:
        self._answer(lambda: self._refuse(405, "expected GET or POST", allow="GET, POST"))

    do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _other_method

    # ---- checks ----------------------------------------------------------------------------------

    def _check_host(self) -> None:
        """Refuse other host names.

        A foreign page could let its own name resolve to this machine.
        """
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0].lower() not in self.server.hosts:
            expected = " or ".join(self.server.hosts)
            raise RefusedError(421, f"Host: got {shown(', '.join(hosts))}, expected {expected}")

    def _check_same_origin(self) -> None:
        """Refuse requests from pages of other origins."""
        this_page = f"http://{self.headers['Host'].lower()}"
        for origin in self._at_most_one("Origin"):
            if origin != this_page:
                raise RefusedError(403, f"Origin: got {shown(origin)}, expected that of this page")
        for site in self._at_most_one("Sec-Fetch-Site"):
            if site not in ("same-origin", "none"):
                raise RefusedError(403, f"Sec-Fetch-Site: got {shown(site)}, expected same-origin")

    def _at_most_one(self, name: str) -> list[str]:
        """Return the value of a header, if any.

        Two values are refused, because a proxy might use the other one.
        """
        values: list[str] = self.headers.get_all(name) or []
        if len(values) > 1:
            raise RefusedError(403, f"{name}: got {len(values)} headers, expected one")
        return values

    def _api_path(self, path: str) -> list[str]:
        first, *rest = path.removeprefix("/").split("/")
        if first != "api":
            raise RefusedError(404, "there is nothing at this path")
        return rest

    def _body(self) -> Mapping[str, Any]:
        """Return the fields of the body.

        Raises
        ------
        RefusedError
            The body is too large, has no length, or is not a JSON object with finite numbers.
        """
        kind = ", ".join(self.headers.get_all("Content-Type") or []).lower().replace(" ", "")
        if kind not in ("application/json", "application/json;charset=utf-8"):
            raise RefusedError(415, f"Content-Type: got {shown(kind)}, expected application/json")
        length = self._content_length()
        if length > LARGEST_BODY:
            raise RefusedError(
                413, f"the body: got {length} bytes, expected at most {LARGEST_BODY}"
            )
        try:
            text = self.rfile.read(length)
        except TimeoutError:
            raise RefusedError(
                408, f"the body: did not arrive within {self.server.slowest:g} s"
            ) from None
        self._unread = 0
        return _fields(text)

    def _content_length(self) -> int:
        if "Transfer-Encoding" in self.headers:
            raise RefusedError(411, "Transfer-Encoding: got a header, expected a Content-Length")
        lengths = self.headers.get_all("Content-Length") or []
        if len(lengths) != 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            raise RefusedError(411, "Content-Length: expected one number of bytes")
        return int(lengths[0][:18])  # 18 digits are far above the limit

    # ---- answers ---------------------------------------------------------------------------------

    def _answer(self, work: Any) -> None:
        """Do the work, and turn exceptions into answers."""
        if self.server.is_closed:  # a connection may still be open
            self.close_connection = True
            return
        try:
            self._unread = self._announced_length()
            work()
        except RefusedError as refused:
            self._send_refusal(refused.status, refused.reason)
        except (TypeError, ValueError) as error:
            self._send_refusal(400, str(error))
        except TimeoutError as error:
            self._send_refusal(503, str(error))
        except ImportError as error:
            self._send_refusal(501, str(error))
        except ConnectionError:
            self.close_connection = True
        except Exception as error:
            print_exception(error)  # a bug, shown to the user in the terminal
            self._send_refusal(500, f"an error in the playground: {type(error).__name__}")

    def _announced_length(self) -> int:
        lengths = self.headers.get_all("Content-Length") or ["0"]
        return int(lengths[0][:18]) if lengths[0].isascii() and lengths[0].isdigit() else DRAINED

    def _refuse(self, status: int, reason: str, *, allow: str) -> NoReturn:
        self._allow = allow
        raise RefusedError(status, reason)

    def _send_refusal(self, status: int, reason: str) -> None:
        """Send a refusal; if the body is unread, discard it and end the connection."""
        has_body = self._unread > 0 or "Transfer-Encoding" in self.headers
        self._send_json(status, {"error": brief(reason, LONGEST_MESSAGE)}, ends=has_body)
        if has_body:
            self.close_connection = True
            with suppress(OSError):
                self._drain()

    def _drain(self) -> None:
        self._reader.begin(self.server.linger)
        left = min(self._unread or DRAINED, DRAINED)
        while left > 0 and (chunk := self.rfile.read1(min(left, LARGEST_BODY))):
            left -= len(chunk)

    def _send_json(self, status: int, answer: Mapping[str, Any], *, ends: bool = False) -> None:
        text = json.dumps(answer, allow_nan=False, separators=(",", ":")).encode()
        self._send(status, "application/json", text, ends=ends)

    def _send(self, status: int, kind: str, body: bytes, *, ends: bool = False) -> None:
        self.connection.settimeout(self.server.idle)
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", self._allow)
        if ends:
            self.send_header("Connection", "close")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        try:
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
        except TimeoutError:
            raise ConnectionAbortedError("the answer was not read in time") from None

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that the base class refuses because it is not valid HTTP."""
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        self._allow = "GET, POST"
        status = 405 if code == HTTPStatus.NOT_IMPLEMENTED else code
        self._send_json(status, {"error": message or HTTPStatus(code).phrase}, ends=True)

    def log_message(self, *args: Any) -> None:
        """Log nothing, because the terminal belongs to the user."""


def _all_in_use() -> bytes:
    """Return the complete answer to a connection beyond the limit."""
    body = json.dumps({"error": "all connections are in use: try again in a moment"}).encode()
    lines = [
        "HTTP/1.1 503 Service Unavailable",
        *(f"{name}: {value}" for name, value in HEADERS.items()),
        "Connection: close",
        "Retry-After: 1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _fields(text: bytes) -> Mapping[str, Any]:
    """Return the fields of a JSON object.

    Raises
    ------
    RefusedError
        The text is not a JSON object, has a field twice or a number that is not finite.
    """
    try:
        fields = json.loads(
            text.decode("utf-8"), object_pairs_hook=_object, parse_constant=_not_a_number
        )
    except RecursionError:
        raise RefusedError(400, "the body: got JSON nested too deep") from None
    except ValueError as error:  # includes UnicodeDecodeError and JSONDecodeError
        raise RefusedError(400, f"the body: expected a JSON object ({error})") from None
    if not isinstance(fields, dict):
        raise RefusedError(400, f"the body: got {type(fields).__name__}, expected a JSON object")
    return fields


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field occurs twice")
    return fields


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
