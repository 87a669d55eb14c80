"""Names of the files in a store."""

import os
import re
from pathlib import Path

DESCRIPTION = "zarr.json"  # the metadata of the group, and of each array
FOLDER = "weights"
LOCK = f"{FOLDER}/.lock"
OLD_LOCK = ".lock"  # of version 0.1.0
SUFFIX = ".safetensors"
FOLDER_NAME = re.compile(rf"\d+|{FOLDER}|keyframe-\d+|clips")  # folders in a store


def lock_file(folder: Path) -> Path:
    """Return the file whose lock must be held to write into a store."""
    is_old = any(os.path.lexists(folder / name) for name in (OLD_LOCK, f"{FOLDER}{SUFFIX}"))
    return folder / (OLD_LOCK if is_old else LOCK)
