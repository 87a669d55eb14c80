"""A web server for one picture: an export, a store, a scene or a film."""

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from tilecppn.addresses import BucketPath, as_path
from tilecppn.errors import ExportError, Interrupted
from tilecppn.exporters.embedded_scene import is_live_page, may_embed_scene
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.output.provenance import read_manifest
from tilecppn.exporters.pyramids.store_page import store_of
from tilecppn.film.embedded_timeline import embedded_timeline, is_film, is_film_store
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.parsing import is_timeline, read_text
from tilecppn.scene.scene import Scene
from tilecppn.serve.app import export_app, picture_app, with_pyramid
from tilecppn.serve.exports import Export, TileFolder, find_export
from tilecppn.serve.film_picture import FilmPicture
from tilecppn.serve.guard import LOOPBACK, Guard
from tilecppn.serve.pictures import ScenePicture
from tilecppn.serve.protocol import REQUEST_BYTES, LimitedProtocol
from tilecppn.serve.pyramids import Picture
from tilecppn.serve.store_picture import StorePicture
from tilecppn.storage.metadata import attributes
from tilecppn.storage.names import unfinished
from tilecppn.storage.store import Store

BACKLOG: Final = 2048
MOST_CONNECTIONS: Final = 2048
OWN_FILES: Final = 256  # files that this process needs in addition to connections


class Server(uvicorn.Server):
    """Listens once created; answers while `serve_forever` runs."""

    def __init__(
        self,
        app: ASGIApp,
        host: str = LOOPBACK,
        port: int = 0,
        *,
        cors: bool = False,
        most_body: int = 0,
    ) -> None:
        """Listen on a host and port.

        most_body: bytes that the body of a POST may have; 0 for a read-only server. Raises
        ExportError if the host and port are not available.
        """
        self.socket = listen(host, port)
        self.port: int = self.socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.port}/"
        LimitedProtocol.most_connections = _most_connections()
        self._stopping: Callable[[], bool] = lambda: False
        limits = {"most_bytes": REQUEST_BYTES + most_body}
        config = uvicorn.Config(
            Guard(app, host, cors=cors, most_body=most_body),
            http=type("Protocol", (LimitedProtocol,), limits),
            ws="none",
            loop="asyncio",
            log_config=None,
            log_level="critical",  # the command line reports errors
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)

    def serve_forever(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """Answer requests until `shutdown_soon` is called.

        Raises Interrupted once `stopping`, which is polled, returns true.
        """
        self._stopping = stopping
        self.run(sockets=[self.socket])
        if stopping():
            raise Interrupted("stopped")

    def shutdown_soon(self) -> None:
        """End `serve_forever`; may be called from any thread."""
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Check ten times a second whether to stop."""
        return self._stopping() or await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the command line."""
        yield

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()


def serve(
    path: str | Path,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    overrides: Sequence[str] = (),
    cors: bool = False,
) -> Server:
    """Return a server for the file or folder at `path`; the caller runs `serve_forever`.

    `path` is a scene, a timeline, a store, a film, an image that holds its scene, or an export:
    NAME.dzi, NAME.html or the folder of an export. With `overrides` of scene values the scene is
    drawn even if a store holds it. `port` 0 takes a free one. `cors` allows pages of any origin to
    read what is served. Raises InvalidRequestError if there is nothing to show, or the host or port
    is not available.
    """
    return Server(application(path, overrides), host, port, cors=cors)


def application(
    path: str | Path, overrides: Sequence[str] = (), threads: int | None = None
) -> ASGIApp:
    """Return the web application for the file or folder at `path`, with the arguments of `serve`.

    threads: number of threads that make tiles; one per core by default. Raises InvalidRequestError
    if there is nothing to show.
    """
    found = find(as_path(path), overrides)
    if not isinstance(found, Export):
        return picture_app(found, threads)
    files, picture = export_app(found), _picture_of(found)
    return files if picture is None else with_pyramid(files, picture_app(picture, threads))


def _picture_of(export: Export) -> ScenePicture | None:
    """Return the scene of a folder of tiles, so that it can also be shown as Deep Zoom."""
    made = read_manifest(export.folder) if isinstance(export, TileFolder) else None
    if made is None or not made.source:
        return None
    return ScenePicture(Scene.parse(made.source), export.folder.name)


def find(path: Path, overrides: Sequence[str] = ()) -> Export | Picture:
    """Return what `path` holds. Raises InvalidRequestError."""
    found = _stored(path) if not overrides else None
    if found is not None:
        return found
    picture = _film(path, overrides) or _scene(path, overrides)
    picture.version  # noqa: B018 - raises if this machine cannot draw it
    return picture


def _stored(path: Path) -> Export | Picture | None:
    """Return a store, or an export that is not a film; None for anything else."""
    title = path.name.removesuffix(".zarr")
    if is_film_store(path):
        return FilmPicture(FilmStore(path).timeline, title, path)
    if attributes(path) is not None:
        return StorePicture(Store(path), title)
    if isinstance(path, BucketPath):
        return find_export(path)
    if is_live_page(path):
        return None  # its scene is drawn
    if (shown := store_of(path)) is not None:
        if attributes(shown) is None:
            raise ExportError(f"{path}: shows the store {shown}, which is not there")
        return StorePicture(Store(shown), path.stem)
    if (path.is_dir() and not is_film(path)) or suffix_of(path) in (".dzi", ".html"):
        return find_export(path)
    return None


def _film(path: Path, overrides: Sequence[str]) -> FilmPicture | None:
    """Return a timeline, or a film that holds its timeline; None for anything else."""
    timeline = embedded_timeline(path, overrides)
    if timeline is None and suffix_of(path) == ".toml" and is_timeline(read_text(path, "a scene")):
        timeline = Timeline.load(path, overrides)
    return None if timeline is None else FilmPicture(timeline, path.stem)


def _scene(path: Path, overrides: Sequence[str]) -> ScenePicture:
    if suffix_of(path) != ".toml" and not may_embed_scene(path):
        if begun := unfinished(path):
            raise ExportError(f"cannot view {path}: {begun}")
        why = "" if path.exists() else "it does not exist; "
        raise ExportError(
            f"cannot view {path}: {why}give a scene, a timeline, a store, a film, or an export: "
            "NAME.dzi, NAME.html or their folder"
        )
    return ScenePicture(Scene.load(path, overrides), path.stem)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises ExportError if host and port are not available."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if not 0 <= port <= 65535:
        raise ExportError(f"cannot listen on port {port}: it must be 0 … 65535")
    if not host:  # it would mean all addresses
        raise ExportError("cannot listen on an empty host; give an address, as 0.0.0.0 for all")
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        where = f"port {port}" if host == LOOPBACK else f"{host}, port {port}"
        raise ExportError(f"cannot listen on {where}: {error.strerror or error}") from None
    listening.setblocking(False)
    return listening


def _most_connections() -> int:
    """Raise the limit of open files as far as needed and allowed; return the connections it
    permits.
    """
    try:
        import resource
    except ImportError:  # Windows
        return MOST_CONNECTIONS // 4
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(16, min(MOST_CONNECTIONS, soft - OWN_FILES))
