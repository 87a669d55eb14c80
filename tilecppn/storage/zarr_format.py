"""Metadata of a store's arrays: Zarr v3, one sharded array (c, y, x) per level.

`shard_file.py` reads and writes the shards themselves.
"""

import atexit
import contextlib
import json
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from tilecppn.filesystem import is_out_of_reach
from tilecppn.plan import Level, Plan
from tilecppn.storage.names import DESCRIPTION
from tilecppn.storage.objects import ObjectStorage
from tilecppn.storage.shard_file import ZSTD_LEVEL

LONGEST_DESCRIPTION = 1 << 20  # bytes of a zarr.json
AXES = ("t", "c", "y", "x")  # of a film's array; a still has the last three


class ArraySpec(NamedTuple):
    """An array with the last axes of AXES, in `level`'s shards and tiles; one frame per shard."""

    name: str
    shape: tuple[int, ...]
    level: Level
    dtype: str


def still_arrays(plan: Plan, dtype: str) -> list[ArraySpec]:
    """Return the arrays of a still's store, one per level."""
    return [
        ArraySpec(str(level.index), (plan.channels, level.height, level.width), level, dtype)
        for level in plan.levels
    ]


def invalid_metadata(storage: ObjectStorage, arrays: Iterable[ArraySpec]) -> dict[str, bytes]:
    """Return the right zarr.json of each array whose own is missing, damaged or different."""
    found = {}
    for spec in arrays:
        name, (expected, data) = f"{spec.name}/{DESCRIPTION}", _created(spec)
        if not _says(storage, name, expected, data):
            found[name] = data
    return found


def array_files(arrays: Iterable[ArraySpec]) -> dict[str, bytes]:
    """Return the zarr.json of each array, by its name."""
    return {f"{spec.name}/{DESCRIPTION}": _created(spec)[1] for spec in arrays}


def _says(storage: ObjectStorage, name: str, expected: Any, data: bytes) -> bool:
    """Return whether an array's zarr.json is as expected, apart from attributes.

    Unknown keys count, since a misspelt one would make zarr use a default.
    """
    try:
        text = storage.get(name, LONGEST_DESCRIPTION)
        if text == data:  # zarr takes milliseconds
            return True
        array = _zarr().open_array(storage.zarr(), path=name.rpartition("/")[0], mode="r")
        found = json.loads(text)
    except Exception as error:  # damage can raise anything in zarr
        if is_out_of_reach(error):
            raise
        return False
    return _keys(found) <= _keys(json.loads(data)) and bool(_description(array) == expected)


def _keys(value: Any, path: str = "") -> set[str]:
    """Return the paths of all keys in a JSON value, except below `attributes`."""
    if isinstance(value, list):
        return set().union(*(_keys(item, f"{path}/{i}") for i, item in enumerate(value)))
    if not isinstance(value, dict) or path == "/attributes":
        return set()
    own = {f"{path}/{key}" for key in value}
    return own.union(*(_keys(item, f"{path}/{key}") for key, item in value.items()))


@lru_cache(64)  # zarr takes milliseconds, and many pictures have one size
def _created(spec: ArraySpec) -> tuple[Any, bytes]:
    """Return an array's description, and its zarr.json."""
    zarr = _zarr()
    from zarr.codecs import Crc32cCodec, ZstdCodec
    from zarr.storage import MemoryStore

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
    """Return an array's metadata without attributes, which any program may add."""
    return {**array.metadata.to_dict(), "attributes": None}


@cache
def _zarr() -> Any:
    """Import zarr, which takes a third of a second; drawing tiles on demand needs none."""
    import zarr

    atexit.register(_end_thread)  # before zarr's own, which was registered by the import
    return zarr


def _end_thread() -> None:
    """Wait for zarr's thread: zarr waits 0.2 s, and fails on a machine that is busier."""
    with contextlib.suppress(Exception):  # no public names; zarr ends it, too
        from zarr.core import sync

        loop, thread = sync.loop[0], sync.iothread[0]
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10.0)
