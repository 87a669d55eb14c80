"""Many tiles or thumbnails in one response, each sent as soon as it is drawn.

A browser spends more time on a request than the server on drawing a tile, and has few connections.
For each picture the response has three little-endian uint32, its index in the request, a status as
of HTTP and a number of bytes, and then so many bytes of a PNG, none if the status is not 200.
"""

import re
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tilecppn.errors import InvalidRequestError
from tilecppn.serve.pyramids import EncodedTile, Tile
from tilecppn.serve.studio.drawing import COARSEST, MOST_TILES, SIDES, THUMBS, thumb_of, tile_of
from tilecppn.serve.studio.endpoints import FRESH, Endpoint, body_of, failure, read, status_of
from tilecppn.serve.tile_endpoint import draw_all
from tilecppn.serve.tiles import TileQueue

MOST: Final = 64  # pictures of a request
Finder = Callable[[str], Tile | None]
_TILE: Final = re.compile(
    rf"({'|'.join(SIDES)})/([^/]+)/(-?[0-9]{{1,4}})/(-?[0-9]{{1,14}})_(-?[0-9]{{1,14}})"
)
_THUMB: Final = re.compile(r"([0-9]{1,4})/([^/]+)")


def tile_at(address: str) -> Tile | None:
    """Return the tile at KIND/SCENE/LEVEL/COLUMN_ROW; None if there is none."""
    found = _TILE.fullmatch(address)
    if found is None:
        return None
    level, col, row = map(int, found.groups()[2:])
    there = max(abs(col), abs(row)) <= MOST_TILES and level <= COARSEST
    return tile_of(found[1], found[2], level, row, col) if there else None


def thumb_at(address: str) -> Tile | None:
    """Return the thumbnail at SIDE/SCENE; None if there is none."""
    found = _THUMB.fullmatch(address)
    if found is None or int(found[1]) not in THUMBS:
        return None
    return thumb_of(found[2], int(found[1]))


def stream(queue: TileQueue, at: Finder, *, urgent: bool) -> Endpoint:
    """Return the POST endpoint that draws the pictures at some `addresses`."""

    async def endpoint(request: Request) -> Response:
        try:
            tiles = found_tiles(at, read(await body_of(request)).get("addresses"))
        except InvalidRequestError as error:
            return failure(error)
        parts = _parts(draw_all(queue, tiles, request.receive, urgent=urgent))
        return StreamingResponse(parts, headers=FRESH, media_type="application/octet-stream")

    return endpoint


def found_tiles(at: Finder, addresses: Any) -> list[Tile]:
    """Return the pictures at some addresses. Raises InvalidRequestError."""
    if not isinstance(addresses, list) or len(addresses) > MOST:
        raise InvalidRequestError(f'"addresses" must be a list of at most {MOST}')
    tiles = []
    for address in addresses:
        tile = at(address) if isinstance(address, str) else None
        if tile is None:
            raise InvalidRequestError(f"there is no picture {address!s:.80}")
        tiles.append(tile)
    return tiles


async def _parts(
    drawn: AsyncGenerator[tuple[int, EncodedTile | Exception]],
) -> AsyncGenerator[bytes]:
    async with aclosing(drawn):
        async for index, found in drawn:
            if isinstance(found, EncodedTile):
                status, data = 200, found.data
            else:
                status, data = status_of(found), b""
            yield struct.pack("<3I", index, status, len(data)) + data
