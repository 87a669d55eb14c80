"""A server that runs in a thread, and what it answers."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any, Protocol, TypeVar

from tilecppn.serve.server import Server

T = TypeVar("T")


class Listening(Protocol):
    """A server that runs, here or in another process."""

    @property
    def url(self) -> str:
        """The page's address."""
        ...

    @property
    def port(self) -> int:
        """Where it listens."""
        ...


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run `server` until the end of the block."""
    with server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown_soon()
            thread.join()


def ask(
    server: Server, path: str, method: str = "GET", **headers: str
) -> tuple[HTTPResponse, bytes]:
    """The answer to one request, and its body."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, headers=named)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def status(server: Server) -> Any:
    """What /status.json says."""
    return json.loads(ask(server, "/status.json")[1])


def raw(server: Listening, request: bytes) -> bytes:
    """All that comes back to some bytes until the server closes the connection."""
    parts = []
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        # A server that refuses a request before it has read all of it resets the connection.
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(1 << 16):
                parts.append(part)
    return b"".join(parts)


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: Playwright's loop runs in the main one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main).result()


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for what must come; fails after two minutes."""
    end = time.monotonic() + 120.0
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
