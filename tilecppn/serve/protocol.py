"""HTTP with limits: on the time and bytes that a request takes, and on connections.

uvicorn itself waits without end for the rest of a request, and for a client to read its answer.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_SECONDS: Final = 10.0  # from the first byte of a request to its last
READ_SECONDS: Final = 20.0  # in which a client must read some of what waits for it
REQUEST_BYTES: Final = 16 << 10
MOST_PIPELINED: Final = 16
BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Length: 0\r\n\r\n"
)


class LimitedProtocol(HttpToolsProtocol):
    """One connection. `most_connections` and `most_bytes`, of a request, are set by the server."""

    most_connections = 1000
    most_bytes = REQUEST_BYTES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._bytes = 0  # of a request that is not complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection, or say that there are too many."""
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
        """Take some bytes of a request."""
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
        """Refuse a target that is no path."""
        # "GET http://other/path" is for proxies: its host would count, not the header's.
        if not self.url.startswith(b"/"):
            raise ValueError("the target must be a path")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the clock of a complete request."""
        self._bytes = 0
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to read the last answer."""
        super().on_response_complete()
        if self.transport.is_closing():  # after what is still to be read
            self._wait_for_reader()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that nobody uses."""
        super().timeout_keep_alive_handler()
        self._wait_for_reader()

    def pause_writing(self) -> None:
        """Start the clock of a client that does not read."""
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        """Stop the clock of a client that reads again."""
        super().resume_writing()
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _wait_for_reader(self) -> None:
        if self._read_timer is None:
            self._read_timer = self._later(READ_SECONDS)

    def _later(self, seconds: float) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, self.transport.abort)
