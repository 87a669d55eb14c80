"""Metadata of a store's arrays: Zarr v3, one sharded array (c, y, x) per level.

`shard_file.py` reads and writes the shards themselves. zarr-python, whose import takes a third of a
second, is not needed; tests compare with it.
"""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from tilecppn.plan import Level, Plan
from tilecppn.storage.metadata import json_bytes
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
    return {
        name: data for name, data in array_files(arrays).items() if not _says(storage, name, data)
    }


def array_files(arrays: Iterable[ArraySpec]) -> dict[str, bytes]:
    """Return the zarr.json of each array, by its name."""
    return {f"{spec.name}/{DESCRIPTION}": json_bytes(_description(spec)) for spec in arrays}


def _says(storage: ObjectStorage, name: str, data: bytes) -> bool:
    """Return whether a zarr.json says what `data` does, apart from attributes."""
    try:
        found = storage.get(name, LONGEST_DESCRIPTION)
        return found == data or _without_attributes(found) == _without_attributes(data)
    except (OSError, ValueError, RecursionError, TypeError):
        return False


def _without_attributes(data: bytes) -> str:
    """Return a JSON object in one form, which tells 1 from 1.0 and true, without `attributes`."""
    return json.dumps({**json.loads(data), "attributes": None}, sort_keys=True)


def _description(spec: ArraySpec) -> dict[str, Any]:
    """Return an array's metadata (https://zarr-specs.readthedocs.io/en/latest/v3/core/)."""
    frame, channels = (1,) * (len(spec.shape) - 3), spec.shape[-3]
    endian = {"name": "bytes", "configuration": {"endian": "little"}}
    # The checksum last: a flipped bit anywhere in the compressed tile is found.
    crc32c = {"name": "crc32c"}
    zstd = {"name": "zstd", "configuration": {"level": ZSTD_LEVEL, "checksum": False}}
    sharding = {
        "chunk_shape": [*frame, channels, spec.level.tile, spec.level.tile],
        "codecs": [{"name": "bytes"} if spec.dtype == "uint8" else endian, zstd, crc32c],
        "index_codecs": [endian, crc32c],
        "index_location": "end",
    }
    shard = [*frame, channels, spec.level.shard, spec.level.shard]
    return {
        "shape": list(spec.shape),
        "data_type": spec.dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shard}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0.0 if spec.dtype == "float32" else 0,
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "attributes": {},
        "dimension_names": list(AXES[-len(spec.shape) :]),
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }
