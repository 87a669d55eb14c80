"""A studio that runs, and what its page would ask of it."""

import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from tests.serve.serving import Listening, running
from tilecppn.serve.studio import studio
from tilecppn.serve.studio.drawing import SHARE


class Started(NamedTuple):
    """A studio that is a process of its own."""

    url: str
    port: int
    process: "subprocess.Popen[str]"


class Client:
    """Asks a server as its own page does."""

    def __init__(self, server: Listening) -> None:
        self.server = server
        self.path = urlsplit(server.url).path
        self.origin = f"http://127.0.0.1:{server.port}"

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        return self.ask("GET", self.path + path, None, headers)

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """The status and the JSON of an answer; `body` is JSON, or bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, answer = self.ask(
            "POST", self.path + path, data, {"Origin": self.origin, **headers}
        )
        return status, json.loads(answer)

    def ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        """Any request; `headers` with _ for -, "" for one that is left out."""
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items() if value}
        try:
            connection.request(method, path, body, headers=named)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def json(self, path: str) -> Any:
        """What a route says, which is there."""
        status, body = self.get(path)
        assert status == 200, body
        return json.loads(body)

    def told(self, path: str, **body: Any) -> Any:
        """What a route that takes JSON says, which went well."""
        status, answer = self.post(path, body)
        assert status == 200, answer
        return answer

    def stream(self, path: str, *addresses: str) -> dict[str, tuple[int, bytes]]:
        """The status and the PNG of each picture, in the order in which they come."""
        body = json.dumps({"addresses": addresses}).encode()
        status, data = self.ask("POST", f"{self.path}{path}", body, {"Origin": self.origin})
        assert status == 200, data
        found = {}
        while data:
            index, status, length = struct.unpack("<3I", data[:12])
            found[addresses[index]] = status, data[12 : 12 + length]
            data = data[12 + length :]
        return found

    @property
    def scene(self) -> Any:
        """All of the scene that is shown."""
        session = self.json("session.json")
        (step,) = (step for step in session["steps"] if step["name"] == session["at"])
        return self.json(f"scenes/{step['id']}.json")


@contextmanager
def opened(folder: Path, scene: Path | None = None, **options: Any) -> Iterator[Client]:
    """A studio in `folder`, as long as the block runs."""
    with running(studio(scene, folder=folder, **options)) as server:
        yield Client(server)


@contextmanager
def started(folder: Path, *words: str) -> Iterator[Started]:
    """`tilecppn studio` with some words, begun in a folder; killed if it still runs at the end."""
    command = [sys.executable, "-m", "tilecppn", "studio", *words, "--no-open"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            yield Started(url, urlsplit(url).port or 0, process)
        finally:
            process.kill()


def assert_seen_alike(found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    """Both are the same picture, as exact as what only a screen shows."""
    off = np.abs(found.astype(int) - expected)
    assert off.max() <= 1
    assert off.mean() <= SHARE
