"""A web server on this machine for one export: its page, its descriptor and its tiles."""

from __future__ import annotations

import os
import socketserver
import sys
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from tilecppn.errors import ExportError

ADDRESS: Final = "127.0.0.1"
# Every other name is refused: a foreign site could have its own name resolve to this machine and
# so read the export through the visitor's browser.
_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".dzi": "application/xml",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CHUNK: Final = 1 << 18


@dataclass(frozen=True)
class Export:
    """One Deep Zoom export on disk; `folder` is the real path of what it lies in."""

    folder: Path
    name: str

    @property
    def page(self) -> str:
        """Name of the page."""
        return f"{self.name}.html"

    @property
    def descriptor(self) -> str:
        """Name of the Deep Zoom descriptor."""
        return f"{self.name}.dzi"

    @property
    def files(self) -> str:
        """Name of the folder of tiles."""
        return f"{self.name}_files"

    @classmethod
    def find(cls, path: Path) -> Export:
        """The export that `path` names: its .dzi, its .html, or a folder with exactly one .dzi.

        Raises ExportError where there is none, or not all of it.
        """
        if path.is_dir():
            found = sorted(entry.stem for entry in path.glob("*.dzi"))
            if len(found) != 1:
                what = "no .dzi" if not found else f"{len(found)} .dzi files"
                raise ExportError(f"{path} holds {what}: give one NAME.dzi or NAME.html")
            folder, name = path, found[0]
        elif path.suffix not in (".dzi", ".html"):
            raise ExportError(f"cannot view {path}: give a NAME.dzi, its NAME.html or their folder")
        elif not path.is_file():
            raise ExportError(f"{path} does not exist: give a NAME.dzi, its NAME.html or a folder")
        else:
            folder, name = path.parent, path.stem
        export = cls(folder.resolve(), name)
        for part in (export.descriptor, export.page):
            if export.locate([part]) is None:
                raise ExportError(f"{folder / part} is missing: export the picture again")
        root = export.folder / export.files
        if not root.is_dir() or root.resolve() != root:
            raise ExportError(f"{folder / export.files} is not a folder: export the picture again")
        return export

    def locate(self, parts: list[str]) -> Path | None:
        """The file that the path `parts` below the export's folder names, or None.

        Only the page, the descriptor and what lies in NAME_files is ever found, and nothing that
        is reached by `..` or by a symbolic link that leads out.
        """
        if any(part in ("", ".", "..") or set(part) & {"/", "\\", ":", "\0"} for part in parts[1:]):
            return None
        if len(parts) == 1 and parts[0] in (self.page, self.descriptor):
            within = path = self.folder / parts[0]
        elif len(parts) > 1 and parts[0] == self.files:
            within = self.folder / self.files
            path = within.joinpath(*parts[1:])
        else:
            return None
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):  # missing, or links in a circle
            return None
        return real if real.is_relative_to(within) and real.is_file() else None


class ExportServer(ThreadingHTTPServer):
    """Serves `export` on `url` until it is shut down."""

    daemon_threads = True  # an open connection does not keep the process from ending

    def __init__(self, export: Export, port: int) -> None:
        self.export = export
        super().__init__((ADDRESS, port), _Handler)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{ADDRESS}:{self.server_port}/{_encoded(self.export.page)}"

    def server_bind(self) -> None:
        """Bind without looking up the machine's full name."""
        # HTTPServer's own asks for the machine's full name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = ADDRESS, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report an error of a request, unless the browser just went away."""
        # A browser that goes away in mid-tile is no error.
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def serve(path: Path, *, port: int = 0) -> ExportServer:
    """A server for the export at `path`, bound to 127.0.0.1; the caller runs `serve_forever`.

    `path` is NAME.dzi, NAME.html or a folder with exactly one export; `port` 0 takes a free one.
    Raises ExportError where `path` is none of these or the port cannot be had.
    """
    export = Export.find(path)
    try:
        return ExportServer(export, port)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it must be 0 … 65535"
        raise ExportError(f"cannot listen on port {port}: {reason}") from None


def _encoded(name: str) -> str:
    return quote(name, safe="", errors="surrogateescape")


class _Handler(BaseHTTPRequestHandler):
    server: ExportServer
    server_version = "tilecppn"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        host = self.headers.get("Host", "").lower()
        if host.rpartition(":")[0] not in _HOSTS and host not in _HOSTS:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return
        export = self.server.export
        target = urlsplit(self.path).path
        if target == "/":
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", "/" + _encoded(export.page))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        # Split first, so that an encoded slash is part of a name, and there refused.
        parts = [unquote(part, errors="surrogateescape") for part in target.split("/")]
        path = export.locate(parts[1:]) if parts[0] == "" else None
        try:
            if path is None:
                raise FileNotFoundError
            with path.open("rb") as stream:
                self._send(stream, path, with_body=with_body)
        except (FileNotFoundError, PermissionError):
            self.send_error(HTTPStatus.NOT_FOUND)

    def _send(self, stream: Any, path: Path, *, with_body: bool) -> None:
        status = os.fstat(stream.fileno())
        tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        fresh = self.headers.get("If-None-Match") == tag
        self.send_response(HTTPStatus.NOT_MODIFIED if fresh else HTTPStatus.OK)
        self.send_header("ETag", tag)
        self.send_header("Cache-Control", "no-cache")  # a new export shows at once
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        if fresh:
            self.end_headers()
            return
        kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(status.st_size))
        self.end_headers()
        left = status.st_size if with_body else 0
        while left and (chunk := stream.read(min(_CHUNK, left))):
            self.wfile.write(chunk)
            left -= len(chunk)
        if left:
            self.close_connection = True  # cut short while it was sent: the length was wrong

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the command line says what there is to say."""
