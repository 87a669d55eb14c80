"""HTTP with limits on the time and size of requests, and on the number of connections.

uvicorn itself waits without limit for the rest of a request, and for clients to read responses.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_SECONDS: Final = 10.0  # from the first byte of a request to its last
READ_SECONDS: Final = 20.0  # within which a client must read part of what is waiting for it
REQUEST_BYTES: Final = 16 << 10
MOST_PIPELINED: Final = 16
BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Length: 0\r\n\r\n"
)


class LimitedProtocol(HttpToolsProtocol):
    """One connection. The server sets `most_connections`, and `most_bytes` per request."""

    most_connections = 1000
    most_bytes = REQUEST_BYTES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._bytes = 0  # of an incomplete request

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection, or answer that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.write(BUSY)
            transport.close()
        self._request_timer = self._later(REQUEST_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection and its timers."""
        for timer in (self._request_timer, self._read_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receive part of a request."""
        if self.transport.is_closing():
            return
        self._bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._bytes > self.most_bytes:
            self.send_400_response("The request is too large.")
        elif len(self.pipeline) > MOST_PIPELINED:
            self.transport.abort()
        elif self._request_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._request_timer = self._later(REQUEST_SECONDS)

    def on_headers_complete(self) -> None:
        """Refuse a target that is not a path."""
        # "GET http://other/path" is meant for proxies: its host would replace the Host header's.
        if not self.url.startswith(b"/"):
            raise ValueError("the target must be a path")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the timer of a complete request."""
        self._bytes = 0
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to read the last response."""
        super().on_response_complete()
        if self.transport.is_closing():  # closing after pending data
            self._wait_for_reader()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection."""
        super().timeout_keep_alive_handler()
        self._wait_for_reader()

    def pause_writing(self) -> None:
        """Start the timer of a client that does not read."""
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        """Stop the timer of a client that reads again."""
        super().resume_writing()
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _wait_for_reader(self) -> None:
        if self._read_timer is None:
            self._read_timer = self._later(READ_SECONDS)

    def _later(self, seconds: float) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, self.transport.abort)
