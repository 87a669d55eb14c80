"""Names of the files in a store."""

import os
import re
from pathlib import Path

DESCRIPTION = "zarr.json"  # of the group, and of each array
FOLDER = "weights"
LOCK = f"{FOLDER}/.lock"
OLD_LOCK = ".lock"  # of version 0.1.0
SUFFIX = ".safetensors"
FOLDER_NAME = re.compile(rf"\d+|{FOLDER}|keyframe-\d+|clips")  # of what a store writes into


def lock_file(folder: Path) -> Path:
    """The file whose lock is the right to write into a store."""
    is_old = any(os.path.lexists(folder / name) for name in (OLD_LOCK, f"{FOLDER}{SUFFIX}"))
    return folder / (OLD_LOCK if is_old else LOCK)
