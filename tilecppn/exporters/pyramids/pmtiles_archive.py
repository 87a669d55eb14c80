"""PMTiles version 3: write header, directories and tiles in one pass, and read metadata.

https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md. The file is

    header and root directory   16 KiB, so that one request returns both
    tiles                       in the order of their numbers, identical ones once
    leaf directories, metadata

Tiles are numbered level by level along Hilbert's curve, so an aligned square of them is one range
of numbers. Entries are buffered in a temporary file, so that memory does not grow with them.
"""

import gzip
import io
import json
import struct
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

HEAD = 127  # bytes of the header
RESERVED = 1 << 14  # bytes for header, root directory and record
FIRST = 256  # tile entries in a root that has leaves: those that a viewer requests first
LEAVES = 3000  # at most; fewer if the root has no room for them
LEAF = 4096  # entries at least
WAITING = 1 << 16  # entries buffered in memory
REMEMBERED = 1 << 17  # tiles remembered to find identical ones
MAX_METADATA = 16 << 20  # bytes, uncompressed
NONE, GZIP = 1, 2  # compressions
TYPES = {"png": 2, "jpg": 3, "webp": 4, "avif": 5}
ENTRY = np.dtype([("tile", "<u8"), ("offset", "<u8"), ("length", "<u4"), ("run", "<u4")])
_HEAD = struct.Struct("<7sB11Q6B4iB2i")

Entries = NDArray[np.void]


class Bounds(NamedTuple):
    """The bounds of the tiles on the map, in degrees, and the number of zooms."""

    west: float
    south: float
    east: float
    north: float
    zooms: int  # from 0


def tile_number(zoom: int, x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the numbers of tiles: after all smaller zooms, along Hilbert's curve."""
    x, y = x.astype(np.int64), y.astype(np.int64)
    number = np.full(np.broadcast_shapes(x.shape, y.shape), (4**zoom - 1) // 3, np.int64)
    for level in reversed(range(zoom)):
        side = 1 << level
        right, down = (x & side) > 0, (y & side) > 0
        number += ((3 * right) ^ down).astype(np.int64) << (2 * level)
        turned = ~down & right
        x, y = np.where(turned, side - 1 - x, x), np.where(turned, side - 1 - y, y)
        x, y = np.where(down, x, y), np.where(down, y, x)
    return number.astype(np.uint64)


class Archive:
    """An archive being written to an open file, tile by tile in the order of numbers.

    waiting: an empty file, open for reading and writing, that buffers entries.
    """

    def __init__(self, file: IO[bytes], waiting: IO[bytes]) -> None:
        self.file, self.waiting = file, waiting
        self.entries: list[tuple[int, int, int, int]] = []
        self.places: LRUCache[bytes, tuple[int, int]] = LRUCache(REMEMBERED)
        self.size = self.tiles = self.count = self.contents = 0
        file.write(bytes(RESERVED))

    def add(self, number: int, data: bytes) -> None:
        """Append a tile, whose number must be larger than all before."""
        self.tiles += 1
        place = self._place(data)
        if self.entries:
            first, *last, run = self.entries[-1]
            if tuple(last) == place and number == first + run:
                self.entries[-1] = (first, *place, run + 1)
                return
        if len(self.entries) == WAITING:
            self._put_away()
        self.entries.append((number, *place, 1))
        self.count += 1

    def finish(
        self, metadata: Mapping[str, Any], format: str, bounds: Bounds, record: bytes
    ) -> None:
        """Write the directories, the metadata and the header.

        record: bytes between the root directory and the tiles, ignored by readers.
        """
        self._put_away()
        leaves_at = self.file.tell()
        root = self._directories(RESERVED - HEAD - len(record))
        metadata_at = self.file.tell()
        packed = gzip.compress(json.dumps(metadata).encode(), mtime=0)
        self.file.write(packed)
        west, south, east, north = (round(1e7 * degrees) for degrees in bounds[:4])
        head = _HEAD.pack(
            *(b"PMTiles", 3, HEAD, len(root), metadata_at, len(packed)),
            *(leaves_at, metadata_at - leaves_at, RESERVED, self.size),
            *(self.tiles, self.count, self.contents, 1, GZIP, NONE, TYPES[format]),
            *(0, bounds.zooms - 1, west, south, east, north),
            *(0, (west + east) // 2, (south + north) // 2),
        )
        self.file.seek(0)
        self.file.write(head + root + record)

    def _place(self, data: bytes) -> tuple[int, int]:
        key = blake2b(data, digest_size=16).digest()
        if found := self.places.get(key):
            return found
        place = self.size, len(data)
        self.file.write(data)
        self.size += len(data)
        self.contents += 1
        self.places[key] = place
        return place

    def _put_away(self) -> None:
        self.waiting.write(np.array(self.entries, ENTRY).tobytes())
        self.entries = []

    def _directories(self, room: int) -> bytes:
        """Write the leaves, if needed; return the root directory, at most `room` bytes."""
        self.waiting.seek(0)
        start = self._read(LEAF)
        if len(start) == self.count and len(root := packed_directory(start)) <= RESERVED // 2:
            return root
        leaves_at, size = self.file.tell(), max(LEAF, -(-self.count // LEAVES))
        while len(root := self._leaves(start[:FIRST], size)) > room:
            self.file.seek(leaves_at)
            self.file.truncate()
            size *= 2
        return root

    def _leaves(self, first: Entries, size: int) -> bytes:
        """Write leaves of `size` entries each; return a root that holds the first entries
        itself.
        """
        self.waiting.seek(first.nbytes)
        pointers, at = [first], 0
        while len(leaf := self._read(size)):
            packed = packed_directory(leaf)
            self.file.write(packed)
            pointers.append(np.array([(leaf["tile"][0], at, len(packed), 0)], ENTRY))
            at += len(packed)
        return packed_directory(np.concatenate(pointers))

    def _read(self, count: int) -> Entries:
        return np.frombuffer(self.waiting.read(count * ENTRY.itemsize), ENTRY)


def packed_directory(entries: Entries) -> bytes:
    """Return the bytes of a directory: columns of varints, gzipped."""
    tiles, offsets, lengths = (
        entries[name].astype(np.uint64) for name in ("tile", "offset", "length")
    )
    follows = np.zeros(len(entries), np.bool_)
    follows[1:] = offsets[1:] == offsets[:-1] + lengths[:-1]
    columns = [
        np.array([len(entries)], np.uint64),
        np.diff(tiles, prepend=np.uint64(0)),
        entries["run"].astype(np.uint64),
        lengths,
        np.where(follows, np.uint64(0), offsets + np.uint64(1)),
    ]
    return gzip.compress(varints(np.concatenate(columns)), mtime=0)


def varints(values: NDArray[np.uint64]) -> bytes:
    """Encode integers with seven bits per byte, lowest first; the eighth bit marks that more
    follow.
    """
    groups = np.ones(len(values), np.intp)
    for k in range(1, 10):
        groups += values >> np.uint64(7 * k) > 0
    ends = np.cumsum(groups)
    out = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    for k in range(10):
        there = groups > k
        if not there.any():
            break
        part = (values[there] >> np.uint64(7 * k)) & np.uint64(0x7F)
        more = (groups[there] > k + 1).astype(np.uint8) << 7
        out[(ends - groups)[there] + k] = part.astype(np.uint8) | more
    return out.tobytes()


def read_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata of an archive.

    Raises OSError, ValueError or struct.error if it is not a PMTiles archive.
    """
    with path.open("rb") as file:
        head = _HEAD.unpack(file.read(HEAD))
        if head[:2] != (b"PMTiles", 3):
            raise ValueError(f"{path}: no PMTiles archive of version 3")
        file.seek(head[4])
        with gzip.GzipFile(fileobj=io.BytesIO(file.read(min(head[5], MAX_METADATA)))) as packed:
            found: dict[str, Any] = json.loads(packed.read(MAX_METADATA))
    return found
