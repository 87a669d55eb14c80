"""The Zarr side of a store: its empty group, its attributes, and a shard's bytes.

Zarr v3, one array a level, (c, y, x), sharded; tiles are zstd with a CRC-32C behind it. Black
tiles are written like all others.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import LocalStore, MemoryStore

from tilecppn.kernels import Arithmetic
from tilecppn.ome import multiscales
from tilecppn.plan import Level, Plan
from tilecppn.scene import EMBEDDED, Scene
from tilecppn.version import VERSION

ATTRIBUTE = "tilecppn"
AXES = ("t", "c", "y", "x")  # of a film; a still has the last three


def use_threads(count: int) -> None:
    """Let zarr encode and decode with at most `count` threads in this process."""
    zarr.config.set({"threading.max_workers": count, "async.concurrency": count})


def attributes(path: Path) -> dict[str, Any] | None:
    """Our attribute of the group at `path`; None if there is none."""
    try:
        record = json.loads((path / "zarr.json").read_bytes())
        found = record["attributes"][ATTRIBUTE]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write_empty(folder: Path, path: Path, scene: Scene, arithmetic: Arithmetic) -> None:
    """Fill an empty folder with a store without shards, to be named `path`."""
    plan = Plan.of(scene.canvas, scene.output, scene.channels)
    record = {
        "ome": multiscales(plan, scene.output.dtype, path.name.removesuffix(".zarr")),
        ATTRIBUTE: {
            "scene": scene.to_toml(),
            "fingerprint": scene.fingerprint,
            "arithmetic": arithmetic._asdict(),
            "version": VERSION,
        },
    }
    store = LocalStore(folder)
    zarr.create_group(store, zarr_format=3, attributes=record)
    for level in plan.levels:
        shape = (plan.channels, level.height, level.width)
        create_array(store, str(level.index), shape, level, np.dtype(scene.output.dtype))
    (folder / EMBEDDED).write_bytes(scene.cppn.to_bytes())


class ShardEncoder:
    """Pixels → the bytes of a shard's file, with `axes` as its array has. Belongs to one thread."""

    def __init__(self, channels: int, level: Level, dtype: np.dtype[Any], axes: int = 3) -> None:
        # An array of one shard in memory has the codecs of the level: its file is the shard's.
        self._files: dict[str, Any] = {}
        self._key = "/".join(["c", *["0"] * axes])  # of the array's first shard
        shape = (*[1] * (axes - 3), channels, level.shard, level.shard)
        self._array = create_array(MemoryStore(self._files), None, shape, level, dtype)

    def encode(self, pixels: NDArray[Any]) -> bytes:
        """The file of (channels, height, width), cut by the canvas or whole."""
        self._files.pop(self._key, None)
        whole = pixels.reshape((*[1] * (self._array.ndim - 3), *pixels.shape))
        self._array[..., : pixels.shape[1], : pixels.shape[2]] = whole
        return bytes(self._files.pop(self._key).to_bytes())


def create_array(
    store: LocalStore | MemoryStore,
    name: str | None,
    shape: tuple[int, ...],
    level: Level,
    dtype: np.dtype[Any],
) -> Any:
    """An array of the last axes of AXES, in the shards and tiles of `level`; one frame a shard."""
    channels, frame = shape[-3], [1] * (len(shape) - 3)
    return zarr.create_array(
        store,
        name=name,
        shape=shape,
        chunks=(*frame, channels, level.tile, level.tile),
        shards=(*frame, channels, level.shard, level.shard),
        dtype=dtype,
        # The checksum last: a flipped bit anywhere in the compressed tile is found.
        compressors=[ZstdCodec(level=1), Crc32cCodec()],
        fill_value=0,
        dimension_names=AXES[-len(shape) :],
        config={"write_empty_chunks": True},
    )
