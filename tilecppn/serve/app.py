"""The web applications: of an export on disk, and of a picture whose tiles are made on demand."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Lifespan, Receive, Scope, Send

from tilecppn import machine
from tilecppn.addresses import BucketPath
from tilecppn.exporters.dzi import describe, grid_facts, summary
from tilecppn.exporters.page import Served, assets, page
from tilecppn.serve.exports import Export
from tilecppn.serve.pyramids import FORMAT, EncodedTile, Picture, Pyramid, Tile
from tilecppn.serve.tiles import AbandonedError, QueueFullError, TileQueue
from tilecppn.serve.views import SIDE, has_views
from tilecppn.storage.bucket import Bucket
from tilecppn.storage.zarr_format import use_threads

NAME: Final = "picture"
FILES: Final = f"{NAME}_files"
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
_NUMBER: Final = "(0|[1-9][0-9]{0,9})"
_TILE: Final = re.compile(rf"{_NUMBER}_{_NUMBER}\.{FORMAT.suffix}")
_LEVEL: Final = re.compile("0|[1-9][0-9]?")
_FOREVER: Final = "public, max-age=31536000, immutable"


def _not_found() -> Response:
    return PlainTextResponse("there is nothing here\n", 404)


def _unchanged(request_tag: str | None, tag: str) -> bool:
    return request_tag is not None and tag in (part.strip() for part in request_tag.split(","))


def _busy(text: str) -> Response:
    return PlainTextResponse(
        f"{text}\n", 503, headers={"Retry-After": "1", "Cache-Control": "no-store"}
    )


# ---- An export -----------------------------------------------------------------------------------


def export_app(export: Export) -> Starlette:
    """The files of an export, also under the names `/`, `/picture.dzi` and `/picture_files/`."""
    names = {f"{NAME}.dzi": export.descriptor, FILES: export.files, "": export.page}

    async def answer(request: Request) -> Response:
        # Split first, so that an encoded slash is part of a name, and there refused.
        raw: bytes = request.scope["raw_path"]
        parts = [
            unquote_to_bytes(part).decode("utf-8", "surrogateescape") for part in raw.split(b"/")
        ][1:]
        path = await asyncio.to_thread(export.locate, [names.get(parts[0], parts[0]), *parts[1:]])
        if path is None:
            return _not_found()
        if isinstance(path, BucketPath):
            tag = request.headers.get("If-None-Match")
            return await asyncio.to_thread(_from_bucket, path, tag)
        try:
            status = path.stat()
        except OSError:
            return _not_found()
        tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}  # a new export shows at once
        if _unchanged(request.headers.get("If-None-Match"), tag):
            return Response(status_code=304, headers=headers)
        kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
        return FileResponse(path, headers=headers, media_type=kind, stat_result=status)

    return _app([Route("/{path:path}", answer)])


def _from_bucket(path: BucketPath, request_tag: str | None) -> Response:
    try:
        found = Bucket(path.parent).fetch(path.name)
    except FileNotFoundError:
        return _not_found()
    except OSError:
        return _busy("the bucket does not answer")
    tag = f"{found.version.get('e_tag')}"
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if _unchanged(request_tag, tag):
        return Response(status_code=304, headers=headers)
    kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    return Response(found.data, headers=headers, media_type=kind)


# ---- A picture -----------------------------------------------------------------------------------


def picture_app(picture: Picture, workers: int | None = None) -> Starlette:
    """A picture's page, descriptor, tiles and progress."""
    threads = workers or machine.cores()
    queue = TileQueue(picture.painter, threads)
    use_threads(threads)

    @contextlib.asynccontextmanager
    async def running(app: Starlette) -> AsyncIterator[None]:
        queue.start()
        try:
            yield
        finally:
            queue.close()

    text, live = _page(picture), _is_live(picture)
    tag = f'"{picture.version}"'
    files = {path.name: path for path in assets()}

    async def index(request: Request) -> Response:
        current = await asyncio.to_thread(_page, picture) if live else text
        return Response(current, media_type=_TYPES[".html"], headers={"Cache-Control": "no-cache"})

    async def describe_picture(request: Request) -> Response:
        pyramid = picture.pyramid(_pyramid_name(**request.path_params))
        if pyramid is None:
            return _not_found()
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if _unchanged(request.headers.get("If-None-Match"), tag):
            return Response(status_code=304, headers=headers)
        return Response(_descriptor(pyramid), media_type=_TYPES[".dzi"], headers=headers)

    async def status(request: Request) -> Response:
        progress = await asyncio.to_thread(picture.progress)
        record: dict[str, Any] = {"finished": progress is None or progress.done >= progress.shards}
        if progress is not None:
            record |= progress._asdict()
        return JSONResponse(record, headers={"Cache-Control": "no-store"})

    async def asset(request: Request) -> Response:
        path = files.get(request.path_params["name"])
        if path is None:
            return _not_found()
        return FileResponse(path, media_type=_TYPES[path.suffix])

    tiles, of = TileEndpoint(picture, queue), "/{kind}/{which}"
    routes = [
        Route(f"/{FILES}/{{level}}/{{name}}", tiles, methods=["GET"]),
        Route(f"{of}/{FILES}/{{level}}/{{name}}", tiles, methods=["GET"]),
        Route("/", index),
        Route(f"/{NAME}.dzi", describe_picture),
        Route(f"{of}/{NAME}.dzi", describe_picture),
        Route("/status.json", status),
        Route(f"/{FILES}/{{name}}", asset),
    ]
    return _app(routes, running)


def _pyramid_name(kind: str = "", which: str = "") -> str:
    return f"{kind}/{which}" if kind else ""


def _app(routes: list[Route], lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False  # to an address with whatever Host was sent
    return app


def _is_live(picture: Picture) -> bool:
    progress = picture.progress()
    return progress is not None and progress.done < progress.shards


def _page(picture: Picture) -> str:
    scene = picture.scene
    width, height = scene.canvas.width, scene.canvas.height
    return page(
        picture.title,
        width=width,
        height=height,
        tile=scene.output.tile,
        overlap=0,
        format=FORMAT.suffix,
        files=FILES,
        summary=summary(scene),
        scene=picture.source,
        view=grid_facts(scene, width, height) if picture.frames is None else None,
        served=Served(
            query=f"?v={picture.version}",
            status="status.json" if _is_live(picture) else "",
            frames=picture.frames,
            views=SIDE if picture.frames is None and has_views(scene) else 0,
        ),
    )


def _descriptor(pyramid: Pyramid) -> str:
    return describe(pyramid.width, pyramid.height, pyramid.side, 0, FORMAT.suffix)


class TileEndpoint:
    """Answers `GET …/picture_files/{level}/{column}_{row}.png`."""

    def __init__(self, picture: Picture, queue: TileQueue) -> None:
        self.pyramid, self.queue = picture.pyramid, queue
        self.version = picture.version
        self.query = f"v={picture.version}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tile = self._tile(**scope["path_params"])
        if tile is None:
            await _not_found()(scope, receive, send)
            return
        tag = f'"{self.version}-{tile.pyramid}-{tile.level}-{tile.row}-{tile.col}"'
        found = self.queue.cached(tile)
        if found is None:
            response = await self._draw(tile, receive)
            if isinstance(response, Response):
                await response(scope, receive, send)
                return
            found = response
        asked = dict(scope["headers"]).get(b"if-none-match")
        if not found.final:
            await _image(found.data, {"Cache-Control": "no-store"})(scope, receive, send)
            return
        # Only an address with the version never shows anything else: another picture may be
        # served from the same port.
        forever = scope["query_string"].partition(b"&")[0] == self.query
        headers = {"ETag": tag, "Cache-Control": _FOREVER if forever else "no-cache"}
        if asked is not None and _unchanged(asked.decode("latin-1"), tag):
            response = Response(status_code=304, headers=headers)
        else:
            response = _image(found.data, headers)
        await response(scope, receive, send)

    def _tile(self, level: str, name: str, kind: str = "", which: str = "") -> Tile | None:
        place = _TILE.fullmatch(name)
        if place is None or _LEVEL.fullmatch(level) is None:
            return None
        own = _pyramid_name(kind, which)
        pyramid = self.pyramid(own)
        if pyramid is None:
            return None
        tile = Tile(len(pyramid.levels) - 1 - int(level), int(place[2]), int(place[1]), own)
        return None if pyramid.window(tile) is None else tile

    async def _draw(self, tile: Tile, receive: Receive) -> EncodedTile | Response:
        """A tile, when it is drawn; dropped if the client goes away before."""
        try:
            task = self.queue.ask(tile)
        except QueueFullError:
            return _busy("too many tiles are waiting")
        gone = asyncio.create_task(_disconnected(receive))
        try:
            waited: set[asyncio.Future[Any]] = {task.future, gone}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not task.future.done():
                return Response(status_code=204)  # to nobody
            return task.future.result()
        except AbandonedError:
            return _busy("drawing this tile takes too long")
        except Exception:  # of whatever kind: a damaged shard raises anything
            return PlainTextResponse(
                "this tile cannot be made; run tilecppn verify on a store\n",
                500,
                headers={"Cache-Control": "no-store"},
            )
        finally:
            gone.cancel()
            self.queue.leave(task)


def _image(data: bytes, headers: dict[str, str]) -> Response:
    return Response(data, media_type=_TYPES[f".{FORMAT.suffix}"], headers=headers)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
