"""A page of the playground as tests open it: requests like a browser's, and what they answer."""

from __future__ import annotations

import base64
import http.client
import json
import time
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["Content-Type"] == "application/json"
        return json.loads(self.body)


class Client:
    """A browser's way of asking: a Host, an Origin and JSON, unless a test says otherwise."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.host = f"127.0.0.1:{port}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str | None
    ) -> Answer:
        given = {"Host": self.host} | {k.replace("_", "-"): v for k, v in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in given.items():
                if value is not None:
                    connection.putheader(name, value)
            if body is not None and "Content-Length" not in given:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.ask("GET", f"/api/{path}", **headers)

    def send(self, path: str, body: bytes, **headers: str | None) -> Answer:
        own: dict[str, str | None] = {
            "Content_Type": "application/json",
            "Origin": f"http://{self.host}",
        }
        return self.ask("POST", f"/api/{path}", body, **(own | headers))

    def post(self, path: str, fields: Any = None) -> Any:
        answer = self.send(path, json.dumps({} if fields is None else fields).encode())
        assert answer.status == 200, answer.body
        return answer.json


class Page:
    """A page that is open: its training, and what it sees of it."""

    def __init__(self, client: Client, **changed: Any) -> None:
        self.client = client
        self.settings = client.get("choices").json["settings"] | changed
        self.path = f"trainings/{client.post('trainings', self.settings)['id']}"

    def post(self, name: str, fields: Any = None) -> Any:
        return self.client.post(f"{self.path}/{name}", fields)

    def frame(self) -> dict[str, Any]:
        return dict(self.client.get(f"{self.path}/frame?since=").json)

    def scene(self) -> dict[str, Any]:
        return dict(self.client.get(f"{self.path}/scene").json)

    def await_epoch(self, epoch: int) -> dict[str, Any]:
        end = time.monotonic() + 20
        while (seen := self.frame())["epoch"] < epoch:
            assert time.monotonic() < end
            time.sleep(0.01)
        return seen


def floats(text: str) -> npt.NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), dtype="<f4")
