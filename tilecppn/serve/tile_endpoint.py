"""Serve tiles over HTTP: from memory, or as soon as they are drawn."""

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tilecppn.serve.answers import busy, is_unchanged, not_found
from tilecppn.serve.pyramids import FORMAT, EncodedTile, Picture, Tile
from tilecppn.serve.tiles import AbandonedError, QueueFullError, TileQueue, TileTask
from tilecppn.storage.content_types import TYPES

_NUMBER: Final = "(0|[1-9][0-9]{0,9})"
_FOREVER: Final = b"public, max-age=31536000, immutable"
_TYPE: Final = TYPES[f".{FORMAT.suffix}"].encode()


class Tiles:
    """Answers `GET …/{files}/{level}/{column}_{row}.png`, and passes other requests to `others`.

    It bypasses the framework, whose routing and responses would take as long as everything else
    when a tile comes from memory.
    """

    def __init__(self, picture: Picture, queue: TileQueue, files: str, others: ASGIApp) -> None:
        self.pyramid, self.queue, self.others = picture.pyramid, queue, others
        self.version = picture.version
        self.query = f"v={picture.version}".encode()
        self.address = re.compile(
            rf"/(?:([a-z]+/[^/]+)/)?{files}/(0|[1-9][0-9]?)/{_NUMBER}_{_NUMBER}\.{FORMAT.suffix}"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self.address.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self.others(scope, receive, send)
            return
        tile = self._tile(*found.groups())
        if tile is None:
            await not_found()(scope, receive, send)
            return
        encoded = self.queue.cached(tile)
        if encoded is None:
            try:
                drawn = await draw(self.queue, tile, receive)
            except Exception:  # of any kind: a damaged shard can raise any exception
                drawn = PlainTextResponse(
                    "this tile cannot be made; run tilecppn verify on a store\n",
                    500,
                    headers={"Cache-Control": "no-store"},
                )
            if isinstance(drawn, Response):
                await drawn(scope, receive, send)
                return
            encoded = drawn
        await self._send(tile, encoded, scope, send)

    async def _send(self, tile: Tile, encoded: EncodedTile, scope: Scope, send: Send) -> None:
        status, body, headers = 200, encoded.data, [(b"content-type", _TYPE)]
        if not encoded.final:
            headers.append((b"cache-control", b"no-store"))
        else:
            # Only an address with the version always shows the same tile: another picture may be
            # served from the same port later.
            forever = scope["query_string"].partition(b"&")[0] == self.query
            tag = f'"{self.version}-{tile.pyramid}-{tile.level}-{tile.row}-{tile.col}"'
            headers.append((b"cache-control", _FOREVER if forever else b"no-cache"))
            headers.append((b"etag", tag.encode()))
            asked = dict(scope["headers"]).get(b"if-none-match")
            if asked is not None and is_unchanged(asked.decode("latin-1"), tag):
                status, body = 304, b""
        if status == 200:
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _tile(self, name: str | None, level: str, column: str, row: str) -> Tile | None:
        pyramid = self.pyramid(name or "")
        if pyramid is None:
            return None
        tile = Tile(len(pyramid.levels) - 1 - int(level), int(row), int(column), name or "")
        return None if pyramid.window(tile) is None else tile


async def draw(
    queue: TileQueue, tile: Tile, receive: Receive, *, urgent: bool = True
) -> EncodedTile | Response:
    """Draw a tile and return it; drop the request if the client disconnects first.

    Raises what drawing it raised.
    """
    async with aclosing(draw_all(queue, [tile], receive, urgent=urgent)) as drawn:
        async for _, found in drawn:
            if isinstance(found, QueueFullError):
                return busy("too many tiles are waiting")
            if isinstance(found, AbandonedError):
                return busy("drawing this tile takes too long")
            if isinstance(found, Exception):
                raise found
            return found
    return Response(status_code=204)  # nobody receives it


async def draw_all(
    queue: TileQueue, tiles: Sequence[Tile], receive: Receive, *, urgent: bool = True
) -> AsyncGenerator[tuple[int, EncodedTile | Exception]]:
    """Yield each tile with its index as soon as it is drawn, or why it cannot be drawn.

    No more are requested at a time than there are threads, so they are drawn in their order, and
    the rest is dropped if the client disconnects.
    """
    waiting = deque(enumerate(tiles))
    tasks: list[tuple[int, TileTask]] = []
    gone = asyncio.create_task(_disconnected(receive))
    try:
        while waiting or tasks:
            while waiting and len(tasks) < queue.threads:
                index, tile = waiting.popleft()
                if (cached := queue.cached(tile)) is not None:
                    yield index, cached
                    continue
                try:
                    tasks.append((index, queue.ask(tile, urgent=urgent)))
                except QueueFullError as error:
                    yield index, error
            if tasks:
                waited: set[asyncio.Future[Any]] = {gone, *(task.future for _, task in tasks)}
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return
            for done in [entry for entry in tasks if entry[1].future.done()]:
                tasks.remove(done)
                index, task = done
                queue.leave(task)
                fault = task.future.exception()
                yield index, fault if isinstance(fault, Exception) else task.future.result()
    finally:
        gone.cancel()
        for _, task in tasks:
            queue.leave(task)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
