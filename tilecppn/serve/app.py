"""The web applications for an export on disk, and for a picture whose tiles are made on demand."""

import asyncio
import contextlib
import functools
import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from tilecppn import machine
from tilecppn.addresses import BucketPath
from tilecppn.errors import InvalidRequestError
from tilecppn.exporters.page import Served, assets, page
from tilecppn.exporters.pyramids.dzi import descriptor
from tilecppn.exporters.pyramids.source_page import grid_facts, summary
from tilecppn.kernels.wgsl import check_fits
from tilecppn.serve.answers import busy, is_unchanged, not_found
from tilecppn.serve.exports import FILES, PICTURE, Export
from tilecppn.serve.pyramids import FORMAT, Picture, Pyramid
from tilecppn.serve.tile_endpoint import Tiles
from tilecppn.serve.tiles import TileQueue
from tilecppn.serve.views import SIDE, has_views
from tilecppn.shaders.config import zoom_of
from tilecppn.shaders.page import live_page, shader_parts
from tilecppn.storage.bucket import Bucket
from tilecppn.storage.content_types import TYPES, content_type

LIVE: Final = "live.html"  # the live page, which draws its picture itself
SHADER: Final = "shader.json"  # the data with which the page of tiles draws missing tiles

# ---- An export -----------------------------------------------------------------------------------


def export_app(export: Export) -> Starlette:
    """Return the application that serves an export's files, found by its `locate`."""

    async def answer(request: Request) -> Response:
        # Split before unquoting, so that an encoded slash is part of a name, where it is refused.
        raw: bytes = request.scope["raw_path"]
        parts = [
            unquote_to_bytes(part).decode("utf-8", "surrogateescape") for part in raw.split(b"/")
        ][1:]
        path = await asyncio.to_thread(export.locate, parts)
        if path is None:
            return not_found()
        if isinstance(path, BucketPath):
            tag = request.headers.get("If-None-Match")
            return await asyncio.to_thread(_from_bucket, path, tag)
        try:
            status = path.stat()
        except OSError:
            return not_found()
        if not stat.S_ISREG(status.st_mode):
            return not_found()
        tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}  # a new export appears at once
        if is_unchanged(request.headers.get("If-None-Match"), tag):
            return Response(status_code=304, headers=headers)
        kind = content_type(path.name)
        return FileResponse(path, headers=headers, media_type=kind, stat_result=status)

    return _app([Route("/{path:path}", answer)])


def with_pyramid(files: ASGIApp, pyramid: ASGIApp) -> ASGIApp:
    """Combine the files of an export with the Deep Zoom pyramid of a picture."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_own = scope["type"] == "lifespan" or scope["path"].startswith(
            (f"/{PICTURE}.dzi", f"/{FILES}/")
        )
        await (pyramid if is_own else files)(scope, receive, send)

    return app


def _from_bucket(path: BucketPath, request_tag: str | None) -> Response:
    try:
        found = Bucket(path.parent).fetch(path.name)
    except FileNotFoundError:
        return not_found()
    except OSError:
        return busy("the bucket does not answer")
    tag = f"{found.version.get('e_tag')}"
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if is_unchanged(request_tag, tag):
        return Response(status_code=304, headers=headers)
    kind = content_type(path.name)
    return Response(found.data, headers=headers, media_type=kind)


# ---- A picture -----------------------------------------------------------------------------------


def picture_app(picture: Picture, workers: int | None = None) -> ASGIApp:
    """Return the application for a picture: its page, descriptor, tiles and progress."""
    threads = workers or machine.cores()
    queue = TileQueue(picture.painter, threads)

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
        return Response(current, media_type=TYPES[".html"], headers={"Cache-Control": "no-cache"})

    async def describe_picture(request: Request) -> Response:
        pyramid = picture.pyramid("/".join(request.path_params.values()))
        if pyramid is None:
            return not_found()
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if is_unchanged(request.headers.get("If-None-Match"), tag):
            return Response(status_code=304, headers=headers)
        return Response(_descriptor(pyramid), media_type=TYPES[".dzi"], headers=headers)

    async def status(request: Request) -> Response:
        progress = await asyncio.to_thread(picture.progress)
        record: dict[str, Any] = {"finished": progress is None or progress.done >= progress.shards}
        if progress is not None:
            record |= progress._asdict()
        return JSONResponse(record, headers={"Cache-Control": "no-store"})

    def made_once(
        is_there: Callable[[Picture], bool], make: Callable[[], str], kind: str
    ) -> Callable[[Request], Awaitable[Response]]:
        made = functools.cache(make)

        async def answer(request: Request) -> Response:
            if not is_there(picture):
                return not_found()
            body = await asyncio.to_thread(made)
            return Response(body, media_type=kind, headers={"Cache-Control": "no-cache"})

        return answer

    def drawing_itself() -> str:
        return live_page(picture.scene, picture.scene.about.title or picture.title)

    def shader() -> str:
        return json.dumps(shader_parts(picture.scene))

    async def asset(request: Request) -> Response:
        path = files.get(request.path_params["name"])
        if path is None:
            return not_found()
        return FileResponse(path, media_type=TYPES[path.suffix])

    routes = [
        Route("/", index),
        Route(f"/{PICTURE}.dzi", describe_picture),
        Route(f"/{{kind}}/{{which}}/{PICTURE}.dzi", describe_picture),
        Route("/status.json", status),
        Route(f"/{LIVE}", made_once(_draws_itself, drawing_itself, TYPES[".html"])),
        Route(f"/{SHADER}", made_once(_has_shader, shader, "application/json")),
        Route(f"/{FILES}/{{name}}", asset),
    ]
    return Tiles(picture, queue, FILES, _app(routes, running))


def _app(routes: list[Route], lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False  # it would redirect to whatever Host was sent
    return app


def _is_live(picture: Picture) -> bool:
    progress = picture.progress()
    return progress is not None and progress.done < progress.shards


def _draws_itself(picture: Picture) -> bool:
    """Return whether the picture is a still that may be shared and is small enough for a
    live page.
    """
    scene = picture.scene
    try:
        check_fits(scene)
        zoom_of(scene)
    except InvalidRequestError:
        return False
    return picture.frames is None and scene.about.share_scene


def _has_shader(picture: Picture) -> bool:
    """Return whether tiles are drawn on demand, in colours that a shader supports."""
    is_drawn = picture.progress() is None and picture.scene.output.profile == "srgb"
    return is_drawn and _draws_itself(picture)


def _page(picture: Picture) -> str:
    scene = picture.scene
    width, height = scene.canvas.width, scene.canvas.height
    return page(
        scene.about.title or picture.title,
        width=width,
        height=height,
        per_inch=scene.canvas.resolution,
        tile=scene.output.tile,
        overlap=0,
        format=FORMAT.suffix,
        files=FILES,
        summary=summary(scene, scene.about),
        scene=picture.source if scene.about.share_scene else "",
        about=scene.about,
        view=grid_facts(scene, width, height) if picture.frames is None else None,
        served=Served(
            query=f"?v={picture.version}",
            status="status.json" if _is_live(picture) else "",
            frames=picture.frames,
            views=SIDE if picture.frames is None and has_views(scene) else 0,
            shader=SHADER if _has_shader(picture) else "",
        ),
        live=LIVE if _draws_itself(picture) else "",
    )


def _descriptor(pyramid: Pyramid) -> str:
    return descriptor(pyramid.width, pyramid.height, pyramid.side, 0, FORMAT.suffix)
