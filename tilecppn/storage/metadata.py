"""A store's metadata and weights files, kept twice with checksums to survive a damaged file.

    zarr.json                    the group: OME-Zarr metadata, and the attribute `tilecppn`
    weights/group.json           its copy
    weights/c/0                  the weights file, as the array `weights` of its bytes
    weights/weights.safetensors  its copy
    weights/.lock                held by the one process that renders

A film may have further networks, each in a folder of its own name. Zarr readers do not list the
folder of an array, so none of these files makes them warn.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tilecppn import filesystem
from tilecppn.addresses import BucketPath
from tilecppn.cppn.weights_file import MAX_BYTES
from tilecppn.errors import StoreError
from tilecppn.storage.crc32c import crc32c
from tilecppn.storage.names import DESCRIPTION, FOLDER, LOCK, SUFFIX
from tilecppn.storage.objects import UNFINISHED, ObjectStorage
from tilecppn.storage.places import storage_of
from tilecppn.version import VERSION

ATTRIBUTE = "tilecppn"
COPY = f"{FOLDER}/group.json"
MAX_METADATA = 64 << 20  # bytes of a group's zarr.json
_NETWORK = re.compile(rf"[\w-]+\{SUFFIX}")
# Regular expressions of the folders and files that a store has besides its arrays.
FOLDERS = rf"({FOLDER}|keyframe-\d+)(/c)?"
FILES = (
    rf"zarr\.json|{re.escape(COPY)}|{re.escape(LOCK)}|"
    rf"({FOLDER}|keyframe-\d+)/([\w-]+\{SUFFIX}|zarr\.json|c/0)"
)
Record = dict[str, Any]


def attributes(path: Path) -> Record | None:
    """Return the `tilecppn` attribute of the group at `path`; None if there is none.

    Raises OSError if it cannot be read.
    """
    record = group(storage_of(path))
    return None if record is None else _own(record)


def check_outside_stores(path: Path) -> None:
    """Raise StoreError for a path on a disk inside a tilecppn store."""
    parents = [] if isinstance(path, BucketPath) else filesystem.resolved(path).parents
    for parent in parents:
        if (parent / DESCRIPTION).is_file() and attributes(parent) is not None:
            raise StoreError(f"{path}: lies in the store {parent}; choose another path")


def group(storage: ObjectStorage) -> Record | None:
    """Return the group's metadata: zarr.json, or its copy if that is damaged; None without either.

    Raises OSError if neither can be read.
    """
    found, error = None, None
    try:
        found = read_json(storage, DESCRIPTION)
    except OSError as unreadable:
        error = unreadable
    if _is_sealed(found) or UNFINISHED in (_own(found) or {}):
        return found
    copy = read_json(storage, COPY)
    if _is_sealed(copy):
        return copy
    if error is not None:
        raise error
    return None


def read_json(storage: ObjectStorage, name: str) -> Record | None:
    """Read a small file with a JSON object; None if it is missing or damaged. Raises OSError."""
    try:
        record = json.loads(storage.get(name, MAX_METADATA))
    except (*filesystem.NOT_A_FILE, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def seal(ome: Mapping[str, Any], own: Mapping[str, Any], networks: Mapping[str, bytes]) -> Record:
    """Return the group's metadata with checksums of the networks and of itself.

    networks: the bytes of each weights file by its name.
    """
    checksums = {name: hashlib.sha256(data).hexdigest() for name, data in networks.items()}
    sealed = {"version": VERSION, **own, "checksums": checksums}
    sealed["sha256"] = _checksum(ome, sealed)
    return {
        "attributes": {"ome": dict(ome), ATTRIBUTE: sealed},
        "zarr_format": 3,
        "node_type": "group",
    }


def files(record: Record, networks: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files beside zarr.json: path → bytes."""
    found = {COPY: _json(_without_foreign(record))}
    for name, data in networks.items():
        folder = name.removesuffix(SUFFIX)
        found[f"{folder}/{name}"] = data
        found[f"{folder}/{DESCRIPTION}"] = bytes_array(len(data))
        found[f"{folder}/c/0"] = data + crc32c(data)
    return found


def all_files(record: Record, networks: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return `files` and zarr.json: path → bytes."""
    return {**files(record, networks), DESCRIPTION: _json(record)}


def networks(storage: ObjectStorage, own: Record) -> dict[str, bytes]:
    """Return the bytes of a store's weights files by name; `own` is its `tilecppn` attribute.

    Raises StoreError if both copies of one are damaged or cannot be read.
    """
    return {name: _network(storage, name, sha256) for name, sha256 in own["checksums"].items()}


def damaged_files(storage: ObjectStorage, expected: Mapping[str, bytes]) -> list[str]:
    """Return the names of expected files that are missing or differ. Raises OSError."""

    def differs(name: str, data: bytes) -> bool:
        try:
            return storage.get(name, len(data)) != data
        except OSError as error:
            if filesystem.is_out_of_reach(error):
                raise
            return True

    return [name for name, data in expected.items() if differs(name, data)]


def repaired_group(storage: ObjectStorage, record: Record) -> bytes | None:
    """Return the repaired zarr.json of the group, with its attributes of other programs; None if it
    is right.
    """
    found = read_json(storage, DESCRIPTION) or {}
    right = _without_foreign(record)
    ours = right["attributes"]
    theirs = found.get("attributes")
    if isinstance(theirs, dict):
        # An attribute whose value is one of ours is ours, too, under a damaged name.
        foreign = {k: v for k, v in theirs.items() if k not in ours and v not in ours.values()}
        right["attributes"] = {**ours, **foreign}
    if "consolidated_metadata" in found:
        right["consolidated_metadata"] = found["consolidated_metadata"]
    return None if found == right else _json(right)


def _is_sealed(record: Record | None) -> bool:
    """Return whether the `tilecppn` attribute is there with the right checksum."""
    own = _own(record)
    if own is None or record is None or "sha256" not in own:
        return False
    return bool(own["sha256"] == _checksum(record["attributes"].get("ome"), own))


def _own(record: Record | None) -> Record | None:
    try:
        found = record["attributes"][ATTRIBUTE]  # type: ignore[index]
    except (KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None


def _without_foreign(record: Record) -> Record:
    both = {name: record["attributes"].get(name) for name in ("ome", ATTRIBUTE)}
    return {"attributes": both, "zarr_format": 3, "node_type": "group"}


def _checksum(ome: object, own: Record) -> str:
    counted = {key: value for key, value in own.items() if key != "sha256"}
    return hashlib.sha256(json.dumps([ome, counted], sort_keys=True).encode()).hexdigest()


def _network(storage: ObjectStorage, name: str, sha256: str) -> bytes:
    if not _NETWORK.fullmatch(name):
        raise StoreError(f"{name!r} is no name of a weights file")
    inner = name.removesuffix(SUFFIX)
    copy = _read(storage, f"{inner}/{name}", MAX_BYTES)
    for data in (copy, (_read(storage, f"{inner}/c/0", MAX_BYTES + 4) or b"")[:-4]):
        if data is not None and hashlib.sha256(data).hexdigest() == sha256:
            return data
    raise StoreError(f"{name} and its copy are both missing or damaged")


def _read(storage: ObjectStorage, name: str, most: int) -> bytes | None:
    try:
        return storage.get(name, most)
    except OSError:
        return None


def _json(record: Record) -> bytes:
    return json.dumps(record, indent=2).encode()


def bytes_array(length: int) -> bytes:
    """Return the zarr.json of a uint8 array of one chunk with a CRC-32C."""
    return _json(
        {
            "shape": [length],
            "data_type": "uint8",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [max(1, length)]}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": 0,
            "codecs": [{"name": "bytes"}, {"name": "crc32c"}],
            "attributes": {},
            "zarr_format": 3,
            "node_type": "array",
        }
    )
