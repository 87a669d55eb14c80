"""The Zarr side of a store: its arrays, and a shard's bytes.

Zarr v3, one array a level, (c, y, x), sharded; tiles are zstd with a CRC-32C behind it. Black
tiles are written like all others.
"""

import json
import secrets
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zarr
from numcodecs.zstd import compress
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import MemoryStore

from tilecppn.addresses import BucketPath
from tilecppn.errors import RenderError
from tilecppn.plan import Level, Plan, Window, ceil_div
from tilecppn.storage.identity import crc32c
from tilecppn.storage.names import DESCRIPTION
from tilecppn.storage.objects import ObjectStorage

ZSTD_LEVEL = 1
ABSENT = 2**64 - 1  # in a shard's index
LONGEST_DESCRIPTION = 1 << 20  # bytes of a zarr.json
GENERATION = 8  # bytes: of what tells a store from one that takes its place
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


def invalid_metadata(storage: ObjectStorage, arrays: Iterable[ArraySpec]) -> dict[str, bytes]:
    """The zarr.json of arrays that are missing, damaged, or say something else, as they must be."""
    found = {}
    for spec in arrays:
        name, (expected, data) = f"{spec.name}/{DESCRIPTION}", _created(spec)
        if not _says(storage, name, expected, data):
            found[name] = data
    return found


def array_files(arrays: Iterable[ArraySpec]) -> dict[str, bytes]:
    """The zarr.json of each array, by its name."""
    return {f"{spec.name}/{DESCRIPTION}": _created(spec)[1] for spec in arrays}


def _says(storage: ObjectStorage, name: str, expected: Any, data: bytes) -> bool:
    """Whether an array's zarr.json says what it must, and nothing else but attributes.

    A key that zarr does not know would make it take a default.
    """
    try:
        array = zarr.open_array(storage.zarr(), path=name.rpartition("/")[0], mode="r")
        found = json.loads(storage.get(name, LONGEST_DESCRIPTION))
    except Exception:  # damage can raise anything in zarr
        return False
    return _keys(found) <= _keys(json.loads(data)) and bool(_description(array) == expected)


def _keys(value: Any, path: str = "") -> set[str]:
    """The paths of all keys in a JSON value, but those of attributes."""
    if isinstance(value, list):
        return set().union(*(_keys(item, f"{path}/{i}") for i, item in enumerate(value)))
    if not isinstance(value, dict) or path == "/attributes":
        return set()
    own = {f"{path}/{key}" for key in value}
    return own.union(*(_keys(item, f"{path}/{key}") for key, item in value.items()))


def _created(spec: ArraySpec) -> tuple[Any, bytes]:
    """An array's description, and its zarr.json."""
    files: dict[str, Any] = {}
    *frame, channels, _, _ = spec.shape
    frame = [1] * len(frame)
    array = zarr.create_array(
        MemoryStore(files),
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
    return _description(array), files[f"{spec.name}/{DESCRIPTION}"].to_bytes()


def _description(array: Any) -> Any:
    """What an array's zarr.json says, but attributes, which are whoever's."""
    return {**array.metadata.to_dict(), "attributes": None}


def new_generation(path: Path) -> str:
    """What is to tell a new store at a path from another there; "" on a disk, which needs none."""
    return secrets.token_hex(GENERATION) if isinstance(path, BucketPath) else ""


@lru_cache
def empty_shard(level: Level, generation: str) -> bytes:
    """A shard without a tile, which reads as black, with the mark of its store's generation.

    It is smaller than any shard with a tile, so that listings tell them apart.
    """
    side = level.shard // level.tile
    index = np.full((side, side, 2), ABSENT, "<u8").tobytes()
    return bytes.fromhex(generation) + index + crc32c(index)


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


def find_fault(
    storage: ObjectStorage,
    name: str,
    level: Level,
    window: Window,
    read: Callable[[], object],
    empty: bytes | None = None,
) -> str | None:
    """What is wrong with the file of a shard that holds `window`: "missing", "damaged", or None.

    `read` decodes the shard, and raises RenderError where it cannot. empty: what stands for one
    that is missing.
    """
    side = level.shard // level.tile
    size = 16 * side * side + 4  # of the index and its checksum
    try:
        tail = storage.get_tail(name, size + GENERATION)
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "damaged"
    if tail == empty:
        return "missing"
    tail = tail[-size:]
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
