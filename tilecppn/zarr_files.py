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
_SHARD = "c/0/0/0"  # the key of an array's first shard


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
        _create_array(store, str(level.index), shape, level, np.dtype(scene.output.dtype))
    (folder / EMBEDDED).write_bytes(scene.cppn.to_bytes())


class ShardEncoder:
    """Pixels → the bytes of a shard's file. Belongs to one thread."""

    def __init__(self, channels: int, level: Level, dtype: np.dtype[Any]) -> None:
        # An array of one shard in memory has the codecs of the level: its file is the shard's.
        self._files: dict[str, Any] = {}
        shape = (channels, level.shard, level.shard)
        self._array = _create_array(MemoryStore(self._files), None, shape, level, dtype)

    def encode(self, pixels: NDArray[Any]) -> bytes:
        """The file of (channels, height, width), cut by the canvas or whole."""
        self._files.pop(_SHARD, None)
        self._array[:, : pixels.shape[1], : pixels.shape[2]] = pixels
        return bytes(self._files.pop(_SHARD).to_bytes())


def _create_array(
    store: LocalStore | MemoryStore,
    name: str | None,
    shape: tuple[int, int, int],
    level: Level,
    dtype: np.dtype[Any],
) -> Any:
    channels = shape[0]
    return zarr.create_array(
        store,
        name=name,
        shape=shape,
        chunks=(channels, level.tile, level.tile),
        shards=(channels, level.shard, level.shard),
        dtype=dtype,
        # The checksum last: a flipped bit anywhere in the compressed tile is found.
        compressors=[ZstdCodec(level=1), Crc32cCodec()],
        fill_value=0,
        dimension_names=("c", "y", "x"),
        config={"write_empty_chunks": True},
    )
