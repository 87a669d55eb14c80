"""The Zarr side of a store: its arrays, and a shard's bytes.

Zarr v3, one array a level, (c, y, x), sharded; tiles are zstd with a CRC-32C behind it. Black
tiles are written like all others.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zarr
from numcodecs.zstd import compress
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import LocalStore, MemoryStore

from tilecppn import filesystem
from tilecppn.errors import RenderError
from tilecppn.plan import Level, Plan, Window, ceil_div
from tilecppn.storage.identity import DESCRIPTION, crc32c

ZSTD_LEVEL = 1
ABSENT = 2**64 - 1  # in a shard's index
AXES = ("t", "c", "y", "x")  # of a film; a still has the last three


def use_threads(count: int) -> None:
    """Let zarr encode and decode with at most `count` threads in this process."""
    zarr.config.set({"threading.max_workers": count, "async.concurrency": count})


class ArraySpec(NamedTuple):
    """An array of the last axes of AXES, in the shards and tiles of `level`; one frame a shard."""

    name: str
    shape: tuple[int, ...]
    level: Level
    dtype: str


def still_arrays(plan: Plan, dtype: str) -> list[ArraySpec]:
    """The arrays of a still's store, one a level."""
    return [
        ArraySpec(str(level.index), (plan.channels, level.height, level.width), level, dtype)
        for level in plan.levels
    ]


def invalid_metadata(folder: Path, arrays: Iterable[ArraySpec]) -> list[ArraySpec]:
    """Those whose zarr.json is missing, damaged, or says something else."""
    return [spec for spec in arrays if _found(folder, spec.name) != _create(MemoryStore(), spec)]


def write_array_metadata(folder: Path, arrays: Iterable[ArraySpec]) -> None:
    """Write each array's zarr.json; one that is right stays."""
    for spec in invalid_metadata(folder, arrays):
        file = folder / spec.name / DESCRIPTION
        if file.parent.is_dir():
            filesystem.remove(file)
        else:
            filesystem.remove(file.parent)
        _create(LocalStore(folder), spec)


def _found(folder: Path, name: str) -> Any:
    """The description of an array; None where it cannot be read."""
    try:
        array = zarr.open_array(LocalStore(folder, read_only=True), path=name, mode="r")
        return _description(array)
    except Exception:  # damage can raise anything in zarr
        return None


def _create(store: LocalStore | MemoryStore, spec: ArraySpec) -> Any:
    """Create an array; returns its description."""
    *frame, channels, _, _ = spec.shape
    frame = [1] * len(frame)
    array = zarr.create_array(
        store,
        name=spec.name,
        shape=spec.shape,
        chunks=(*frame, channels, spec.level.tile, spec.level.tile),
        shards=(*frame, channels, spec.level.shard, spec.level.shard),
        dtype=np.dtype(spec.dtype),
        # The checksum last: a flipped bit anywhere in the compressed tile is found.
        compressors=[ZstdCodec(level=ZSTD_LEVEL), Crc32cCodec()],
        fill_value=0,
        dimension_names=AXES[-len(spec.shape) :],
        config={"write_empty_chunks": True},
    )
    return _description(array)


def _description(array: Any) -> Any:
    """What an array's zarr.json says, but attributes, which are whoever's."""
    return {**array.metadata.to_dict(), "attributes": None}


def encode_shard(pixels: NDArray[Any], level: Level) -> bytes:
    """The file of a shard's pixels (channels, height, width), cut by the canvas or whole.

    A frame of a film is the same: its array has one more axis, with one frame a shard.

    Zarr's sharding codec: the tiles, then where each begins and how long it is, then a CRC-32C of
    that (https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/). A tile is
    little-endian, zstd, and a CRC-32C of the compressed bytes; at the canvas' edge it is filled
    up with 0. Tiles beyond the canvas are absent.
    """
    channels, height, width = pixels.shape
    side = level.shard // level.tile
    index = np.full((side, side, 2), ABSENT, "<u8")
    parts: list[bytes] = []
    position = 0
    tile = np.zeros((channels, level.tile, level.tile), pixels.dtype.newbyteorder("<"))
    for row in range(ceil_div(height, level.tile)):
        for col in range(ceil_div(width, level.tile)):
            top, left = row * level.tile, col * level.tile
            part = pixels[:, top : top + level.tile, left : left + level.tile]
            if part.shape != tile.shape:
                tile.fill(0)
            tile[:, : part.shape[1], : part.shape[2]] = part
            data = compress(tile, ZSTD_LEVEL)
            parts += [data, crc32c(data)]
            index[row, col] = position, len(data) + 4
            position += len(data) + 4
    tail = index.tobytes()
    return b"".join([*parts, tail, crc32c(tail)])


def find_fault(file: Path, level: Level, window: Window, read: Callable[[], object]) -> str | None:
    """What is wrong with the file of a shard that holds `window`: "missing", "damaged", or None.

    `read` decodes the shard, and raises RenderError where it cannot.
    """
    side = level.shard // level.tile
    size = 16 * side * side + 4  # of the index and its checksum
    try:
        tail = _tail(file, size)
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "damaged"
    if len(tail) < size:
        return "damaged"
    index = np.frombuffer(tail[:-4], "<u8").reshape(side, side, 2)
    rows, cols = ceil_div(window.height, level.tile), ceil_div(window.width, level.tile)
    # An absent tile reads as black without an error, and every tile is always written.
    if (index[:rows, :cols] == np.uint64(ABSENT)).any():
        return "damaged"
    try:
        read()
    except RenderError:
        return "damaged"
    return None


def has_right_checksums(data: bytes, level: Level) -> bool:
    """Whether the bytes of a shard's file have the checksums that they say, without decoding it."""
    side = level.shard // level.tile
    size = 16 * side * side + 4
    tail = data[-size:]
    if len(tail) < size or crc32c(tail[:-4]) != tail[-4:]:
        return False
    index = np.frombuffer(tail[:-4], "<u8").reshape(-1, 2)
    tiles = (data[first : first + length] for first, length in index.tolist() if first != ABSENT)
    return all(crc32c(tile[:-4]) == tile[-4:] for tile in tiles)


def _tail(file: Path, size: int) -> bytes:
    """The last bytes of a file; all where it has fewer."""
    with file.open("rb") as data:
        data.seek(-min(size, data.seek(0, os.SEEK_END)), os.SEEK_END)
        return data.read(size)
