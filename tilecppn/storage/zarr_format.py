"""The metadata of a store's arrays: Zarr v3, one array a level, (c, y, x), sharded.

`shard_file.py` reads and writes the shards themselves.
"""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import MemoryStore

from tilecppn.plan import Level, Plan
from tilecppn.storage.names import DESCRIPTION
from tilecppn.storage.objects import ObjectStorage
from tilecppn.storage.shard_file import ZSTD_LEVEL

LONGEST_DESCRIPTION = 1 << 20  # bytes of a zarr.json
AXES = ("t", "c", "y", "x")  # of a film; a still has the last three


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
        text = storage.get(name, LONGEST_DESCRIPTION)
        if text == data:  # zarr takes milliseconds
            return True
        array = zarr.open_array(storage.zarr(), path=name.rpartition("/")[0], mode="r")
        found = json.loads(text)
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


@lru_cache(64)  # zarr takes milliseconds, and many pictures have one size
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
