"""The coarse picture that comes with a changed scene.

Asked for by themselves, its glimpses would be seen a round trip later, and after the tiles that are
drawn meanwhile: browser and server share the machine's cores.
"""

import contextlib
import threading
from base64 import b64encode

from tilecppn.errors import InvalidRequestError
from tilecppn.serve.studio.drawing import StudioPainter
from tilecppn.serve.studio.stream import found_tiles, tile_at


class Glimpses:
    """Draws glimpses in the thread of the request for a change, one request at a time."""

    def __init__(self, painter: StudioPainter) -> None:
        self._painter, self._lock = painter, threading.Lock()

    def of(self, scene: str, places: list[str]) -> dict[str, str]:
        """Return the glimpses of a scene at some places, LEVEL/COLUMN_ROW: PNGs in base64.

        From the first that cannot be drawn on they are left out; the page learns the reason when it
        requests the tiles. Raises InvalidRequestError for places that do not exist.
        """
        tiles = found_tiles(tile_at, [f"glimpses/{scene}/{place}" for place in places])
        drawn = {}
        with self._lock, contextlib.suppress(InvalidRequestError, MemoryError):
            for place, tile in zip(places, tiles, strict=True):
                png = self._painter.paint(tile, check_cancelled=lambda: None).data
                drawn[place] = b64encode(png).decode()
        return drawn
