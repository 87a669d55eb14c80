"""Names of stores, and of the files in a store."""

import re
from pathlib import Path

from tilecppn.addresses import BucketPath

DESCRIPTION = "zarr.json"  # the metadata of the group, and of each array
FOLDER = "weights"
LOCK = f"{FOLDER}/.lock"
PARTS = ".parts"  # suffix of the store beside an unfinished film
SUFFIX = ".safetensors"
FOLDER_NAME = re.compile(rf"\d+|{FOLDER}|keyframe-\d+|clips")  # folders in a store


def lock_file(folder: Path) -> Path:
    """Return the file whose lock must be held to write into a store."""
    return folder / LOCK


def parts_of(path: Path) -> Path:
    """Return the path of the store that holds a film's frames and clips until it is done."""
    return path.with_name(path.name + PARTS)


def unfinished(path: Path) -> str:
    """Return an error text that names the parts of an unfinished film; "" if there are none."""
    if isinstance(path, BucketPath):  # films are made on a disk
        return ""
    parts = parts_of(path) if path.name else path
    if path.exists() or not parts.is_dir():
        return ""
    return f"the film is not finished, its parts are in {parts}: tilecppn status {parts}"
