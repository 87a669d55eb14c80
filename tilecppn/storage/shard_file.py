"""Reads and writes the file of a shard, in the format of Zarr's sharding codec.

The tiles, then an index with the offset and length of each, then a CRC-32C of the index
(https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/). A tile is little-endian,
compressed by zstd, and followed by a CRC-32C of the compressed bytes; at the canvas' edge it is
padded with 0. Black tiles are written like all others; tiles beyond the canvas are absent. Shards
are read here, too: zarr-python's settings hold for a whole process, and its overhead is larger than
the time of decoding.
"""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import InvalidRequestError, RenderError
from tilecppn.filesystem import is_out_of_reach
from tilecppn.idle_threads import Share, alone
from tilecppn.plan import Level, Window, ceil_div
from tilecppn.storage.crc32c import crc32c
from tilecppn.storage.objects import ObjectStorage

ZSTD_LEVEL = 1
ABSENT = 2**64 - 1  # offset and length of a tile that is not there
GENERATION = 8  # bytes of the mark that tells a store from an earlier one at its path
OVERHEAD = 1024  # bytes, plus 1/128, by which compression may enlarge a tile of noise


class ShardFileError(ValueError):
    """A shard's file is damaged; the message says how."""


@lru_cache
def empty_shard(level: Level, generation: str) -> bytes:
    """Return the placeholder for a missing shard: a shard without tiles, which reads as black.

    It is marked with its store's generation, and smaller than any shard with a tile, so that
    listings tell them apart.
    """
    side = level.shard // level.tile
    index = np.full((side, side, 2), ABSENT, "<u8").tobytes()
    return bytes.fromhex(generation) + index + crc32c(index)


def encode_shard(pixels: NDArray[Any], level: Level, share: Share = alone) -> bytes:
    """Encode a shard's pixels (channels, height, width), which end at the canvas' edge.

    Frames of a film are encoded alike: their array has one more axis, with one frame per shard.
    """
    _, height, width = pixels.shape
    side = level.shard // level.tile
    index = np.full((side, side, 2), ABSENT, "<u8")
    windows = list(Window(0, 0, height, width).split(level.tile, level.tile))
    encoded = chain(*share(lambda part: _encode_tiles(pixels, level.tile, part), windows))
    parts: list[bytes] = []
    position = 0
    for window, data in zip(windows, encoded, strict=True):
        parts += [data, crc32c(data)]
        index[window.top // level.tile, window.left // level.tile] = position, len(data) + 4
        position += len(data) + 4
    tail = index.tobytes()
    return b"".join([*parts, tail, crc32c(tail)])


def _encode_tiles(pixels: NDArray[Any], side: int, windows: Sequence[Window]) -> list[bytes]:
    """Return the tiles of some windows, each padded with 0 and compressed."""
    from numcodecs.zstd import compress  # not needed for pictures that are not stored

    tile = np.zeros((len(pixels), side, side), pixels.dtype.newbyteorder("<"))
    found = []
    for top, left, bottom, right in windows:
        part = pixels[:, top:bottom, left:right]
        if part.shape != tile.shape:
            tile.fill(0)
        tile[:, : part.shape[1], : part.shape[2]] = part
        found.append(compress(tile, ZSTD_LEVEL))
    return found


class ShardFile(NamedTuple):
    """The file of a shard, for reading. empty: the placeholder for a missing one."""

    storage: ObjectStorage
    name: str
    level: Level
    channels: int
    dtype: np.dtype[Any]
    empty: bytes

    def read(self, window: Window, out: NDArray[Any]) -> None:
        """Read a window, relative to the shard's corner, into out (channels, height, width).

        Raises ShardFileError, or OSError: FileNotFoundError if the shard is missing.
        """
        for part, pixels in self._parts(window):
            out[_within(window, part)] = pixels

    def fault(self, window: Window) -> str | None:
        """Return what is wrong with a shard that holds `window`: "missing", "damaged", or None.

        Raises OSError if it cannot be read for another reason.
        """
        try:
            for _ in self._parts(Window(0, 0, window.height, window.width)):
                pass
        except FileNotFoundError:
            return "missing"
        except (OSError, ShardFileError) as error:
            if is_out_of_reach(error):
                raise
            return "damaged"
        return None

    def _parts(self, window: Window) -> Iterator[tuple[Window, NDArray[Any]]]:
        """Yield the part of a window in each tile, with its pixels, which the next one overwrites.

        The tiles of a row are read in one go.
        """
        side, index = self.level.tile, self._index()
        tile = np.empty((self.channels, side, side), self.dtype)
        left, right = window.left // side, ceil_div(window.right, side)
        for row in range(window.top // side, ceil_div(window.bottom, side)):
            places = index[row, left:right].tolist()
            start, data = self._tiles(places, tile.nbytes)
            for col, (first, length) in enumerate(places, left):
                _decode(data[first - start : first - start + length], tile)
                corner = Window(row * side, col * side, (row + 1) * side, (col + 1) * side)
                part = window.intersection(corner)
                yield part, tile[_within(corner, part)]

    def _tiles(self, places: list[list[int]], size: int) -> tuple[int, bytes]:
        """Read tiles of `size` decoded bytes each; return their file offset and the bytes."""
        # An absent tile reads as black elsewhere; we write every tile within the canvas.
        if any(first == ABSENT for first, _ in places):
            raise ShardFileError("a tile is missing")
        start = min(first for first, _ in places)
        length = max(first + length for first, length in places) - start
        if length > len(places) * (size + size // 128 + OVERHEAD):
            raise ShardFileError("its tiles are larger than they can be")
        return start, self.storage.get_range(self.name, start, length)

    def _index(self) -> NDArray[np.uint64]:
        """Read the index: the offset and length of each tile, (rows, columns, 2)."""
        size = _index_size(self.level)
        tail = self.storage.get_tail(self.name, size + GENERATION)
        if tail in (b"", self.empty):  # a power cut can leave nothing of a file but its name
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.name)
        return _parsed_index(tail[-size:], self.level)


def read_window(
    file: Callable[[int, int], ShardFile],
    level: Level,
    window: Window,
    *,
    partial: bool = False,
) -> NDArray[Any]:
    """Read pixels (channels, height, width) of a window of a level.

    file: gives that of the shard in a row and column. With `partial`, missing ones read as 0.
    Raises RenderError; InvalidRequestError for a window that is not within the level.
    """
    if not (
        0 <= window.top <= window.bottom <= level.height
        and 0 <= window.left <= window.right <= level.width
    ):
        raise InvalidRequestError(
            f"{window}: not within level {level.index} of {level.width} × {level.height} pixels"
        )
    side, first = level.shard, file(window.top // level.shard, window.left // level.shard)
    out = np.zeros((first.channels, window.height, window.width), first.dtype)
    for row in range(window.top // side, ceil_div(window.bottom, side)):
        for col in range(window.left // side, ceil_div(window.right, side)):
            shard = file(row, col)
            top, left = row * side, col * side
            part = window.intersection(Window(top, left, top + side, left + side))
            path = shard.storage.path / shard.name
            try:
                shard.read(part.moved(-top, -left), out[_within(window, part)])
            except FileNotFoundError:
                if not partial:
                    raise RenderError(f"{path}: missing; run tilecppn render again") from None
            except (OSError, ShardFileError) as error:
                remedy = f"run tilecppn verify {shard.storage.path} --repair"
                words = f"damaged ({error}); {remedy}"
                if is_out_of_reach(error):
                    words = f"cannot be read ({getattr(error, 'strerror', error)})"
                raise RenderError(f"{path}: {words}") from error
    return out


def _within(window: Window, part: Window) -> tuple[slice, slice, slice]:
    """Return the slices of a part of a window in its pixels (channels, height, width)."""
    inner = part.moved(-window.top, -window.left)
    return slice(None), slice(inner.top, inner.bottom), slice(inner.left, inner.right)


def _decode(data: bytes, tile: NDArray[Any]) -> None:
    """Decode a tile into an array of its shape. Raises ShardFileError."""
    from numcodecs.zstd import decompress

    frame = data[:-4]
    if crc32c(frame) != data[-4:]:
        raise ShardFileError("a tile's checksum is wrong")
    try:
        if _content_size(frame) != tile.nbytes:
            raise ShardFileError("a tile has another size")
        decompress(frame, tile)
    except (IndexError, RuntimeError) as error:
        raise ShardFileError(f"a tile cannot be decoded: {error}") from error


def _content_size(frame: bytes) -> int:
    """Return the content size that a zstd frame declares; 0 if none (RFC 8878, 3.1.1.1)."""
    flags = frame[4]
    single, size = flags >> 5 & 1, flags >> 6
    begin = 6 - single + (0, 1, 2, 4)[flags & 3]
    width = (single, 2, 4, 8)[size]
    return int.from_bytes(frame[begin : begin + width], "little") + (256 if width == 2 else 0)


def _index_size(level: Level) -> int:
    """Return the size of a shard's index with its checksum, in bytes."""
    return 16 * (level.shard // level.tile) ** 2 + 4


def _parsed_index(data: bytes, level: Level) -> NDArray[np.uint64]:
    """Parse a shard's index (rows, columns, 2) from its bytes. Raises ShardFileError."""
    if len(data) < _index_size(level) or crc32c(data[:-4]) != data[-4:]:
        raise ShardFileError("its index is damaged")
    side = level.shard // level.tile
    return np.frombuffer(data[:-4], "<u8").reshape(side, side, 2)


def has_right_checksums(data: bytes, level: Level) -> bool:
    """Return whether all checksums in a shard's file are right, without decoding it."""
    try:
        index = _parsed_index(data[-_index_size(level) :], level)
    except ShardFileError:
        return False
    tiles = (data[first : first + n] for first, n in index.reshape(-1, 2).tolist() if n != ABSENT)
    return all(crc32c(tile[:-4]) == tile[-4:] for tile in tiles)
