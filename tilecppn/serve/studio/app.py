"""The studio's web application, one route per row. Bodies and responses are JSON."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tilecppn import machine
from tilecppn.errors import InvalidRequestError, TilecppnError
from tilecppn.serve.answers import busy, not_found
from tilecppn.serve.pyramids import Tile
from tilecppn.serve.studio.api import Api
from tilecppn.serve.studio.drawing import THUMBS, frame_of, store_of, thumb_of
from tilecppn.serve.studio.endpoints import FOREVER, FRESH, failure, get, post
from tilecppn.serve.studio.films import MOST_FRAMES
from tilecppn.serve.studio.schema import schema
from tilecppn.serve.studio.stream import stream, thumb_at, tile_at
from tilecppn.serve.tile_endpoint import draw
from tilecppn.serve.tiles import TileQueue
from tilecppn.storage.content_types import TYPES

PAGE: Final = Path(__file__).parent / "page"
FILES: Final = {path.name: path.read_bytes() for path in PAGE.iterdir() if path.suffix in TYPES}
BEGUN: Final = b"{}"  # in index.html, the place of the session's data


def studio_app(api: Api) -> Starlette:
    """Return the application for an API; its paths begin after the token."""
    queue = TileQueue(api.painter, machine.cores())

    @contextlib.asynccontextmanager
    async def running(app: Starlette) -> AsyncIterator[None]:
        queue.start()
        first = queue.ask(thumb_of(api.first, 96))  # compiles the scene's code early
        first.future.add_done_callback(lambda future: future.cancelled() or future.exception())
        try:
            yield
        finally:
            queue.close()
            await asyncio.to_thread(api.close)

    async def page(request: Request) -> Response:
        begun = json.dumps(await asyncio.to_thread(api.session)).replace("<", "\\u003c")
        text = FILES["index.html"].replace(BEGUN, begun.encode())
        return Response(text, media_type=TYPES[".html"], headers=FRESH)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in FILES:
            return not_found()
        kind = TYPES[Path(name).suffix]
        return Response(FILES[name], media_type=kind, headers={"Cache-Control": "no-cache"})

    async def keys(request: Request) -> Response:
        return JSONResponse(schema(), headers=FRESH)

    async def thumb(request: Request) -> Response:
        side = request.path_params["side"]
        if side not in THUMBS:
            return not_found()
        return await drawn(thumb_of(request.path_params["name"], side), request)

    async def cover(request: Request) -> Response:
        side, name = request.path_params["side"], request.query_params.get("name", "")
        if side not in THUMBS:
            return not_found()
        try:
            scene = await asyncio.to_thread(api.cover, name)
        except InvalidRequestError as error:
            return failure(error)
        response = await drawn(thumb_of(scene, side), request)
        response.headers["Cache-Control"] = "no-cache"  # the file may hold another scene by then
        return response

    async def frame(request: Request) -> Response:
        side, number = request.path_params["side"], request.path_params["number"]
        if side not in THUMBS or number >= MOST_FRAMES:
            return not_found()
        return await drawn(frame_of(request.path_params["name"], number, side), request)

    async def work(request: Request) -> Response:
        try:
            path = await asyncio.to_thread(api.jobs.store, request.path_params["number"])
        except InvalidRequestError as error:
            return failure(error)
        return await drawn(store_of(path, request.path_params["done"]), request)

    async def drawn(tile: Tile, request: Request) -> Response:
        found = queue.cached(tile)
        if found is None:
            try:
                made = await draw(queue, tile, request.receive, urgent=False)
            except TilecppnError as error:
                return failure(error)
            except MemoryError:
                return busy("there is not enough memory for this picture")
            if isinstance(made, Response):
                return made
            found = made
        headers = FOREVER if found.final else FRESH
        return Response(found.data, media_type=TYPES[".png"], headers=headers)

    routes = [
        Route("/", page),
        Route("/schema.json", keys),
        Route("/tiles", stream(queue, tile_at, urgent=True), methods=["POST"]),
        Route("/thumbs", stream(queue, thumb_at, urgent=False), methods=["POST"]),
        Route("/thumbs/{side:int}/{name}.png", thumb),
        Route("/covers/{side:int}.png", cover),
        Route("/frames/{side:int}/{name}/{number:int}.png", frame),
        Route("/renders/{number:int}/{done:int}.png", work),
        Route(
            "/scenes/{name}.json", get(lambda request: api.record_of(request.path_params["name"]))
        ),
        Route("/session.json", get(lambda request: api.session())),
        Route("/files.json", get(lambda request: api.files())),
        Route("/renders.json", get(lambda request: api.renders())),
        Route("/import", dropping(api), methods=["POST"]),
        *(Route(path, post(handler), methods=["POST"]) for path, handler in api.posts.items()),
        Route("/{name}", file),
    ]
    app = Starlette(routes=routes, lifespan=running)
    app.router.redirect_slashes = False  # it would redirect to whatever Host was sent
    return app


def dropping(api: Api) -> Callable[[Request], Any]:
    """Return the endpoint that receives a file dropped onto the page, one at a time."""
    one = asyncio.Lock()

    async def answer(request: Request) -> Response:
        name = request.query_params.get("name", "")
        async with one:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "dropped")
                with path.open("wb") as file:
                    async for chunk in request.stream():
                        await asyncio.to_thread(file.write, chunk)
                try:
                    found = await asyncio.to_thread(api.dropped, name, path)
                except InvalidRequestError as error:
                    return failure(error)
        return JSONResponse(found, headers=FRESH)

    return answer
