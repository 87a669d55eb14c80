"""A proxy before a server, which makes faults by seed: errors, lost answers, cut connections."""

import http.client
import threading
import time
from collections import Counter
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

FAULTS = ("500 before", "503 before", "500 after", "cut before", "cut after", "slow")


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that was killed."""


class FaultyProxy:
    """Forwards requests to a port of this machine.

    share: of requests that get a fault. "after" is after the server has done what was asked. host:
    the address that it listens on. Attributes: port; made, faults by kind; ahead, seconds by which
    the server's clock is wrong from now on, as clients see it.
    """

    def __init__(self, port: int, share: float, seed: int, host: str = "127.0.0.1") -> None:
        self.made: Counter[str] = Counter()
        self.ahead = 0.0
        self._ahead: dict[str, float] = {}  # when an object was written
        self.requests = 0
        self._random = Random(seed)
        self._mutex = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fault = proxy._next_fault(share)
                if fault == "cut before":
                    self.close_connection = True
                    return
                if fault.endswith("before"):
                    self._answer(int(fault[:3]), {}, b"")
                    return
                if fault == "slow":
                    time.sleep(0.3)
                server = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                try:
                    server.request(self.command, self.path, body, dict(self.headers.items()))
                    answer = server.getresponse()
                    data = answer.read()
                except (OSError, http.client.HTTPException):  # the server itself is away
                    self.close_connection = True
                    return
                finally:
                    server.close()
                if fault == "cut after":
                    self.close_connection = True
                elif fault.endswith("after"):
                    self._answer(int(fault[:3]), {}, b"")
                else:
                    headers = proxy._shifted(self.command, self.path, dict(answer.getheaders()))
                    self._answer(answer.status, headers, data)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _forward

            def _answer(self, status: int, headers: dict[str, str], data: bytes) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                is_head = self.command == "HEAD"
                length = headers.get("Content-Length", "0") if is_head else str(len(data))
                self.send_header("Content-Length", length)
                self.end_headers()
                if not is_head:
                    self.wfile.write(data)

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self._server = _Server((host, 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _next_fault(self, share: float) -> str:
        with self._mutex:
            self.requests += 1
            if self._random.random() >= share:
                return ""
            fault = self._random.choice(FAULTS)
            self.made[fault] += 1
            return fault

    def _shifted(self, command: str, path: str, headers: dict[str, str]) -> dict[str, str]:
        """The headers of an answer, with the times of a server whose clock is wrong."""
        if command == "PUT":
            self._ahead[path] = self.ahead
        if modified := headers.get("Last-Modified"):
            seconds = parsedate_to_datetime(modified).timestamp() + self._ahead.get(path, 0.0)
            headers["Last-Modified"] = formatdate(seconds, usegmt=True)
        return headers

    def stop(self) -> None:
        """End the proxy."""
        self._server.shutdown()
        self._server.server_close()
