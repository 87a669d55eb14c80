"""Files with a checksum beside them, FILE.sha256, in the format of `sha256sum`."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from tilecppn import filesystem

CHECKSUM = ".sha256"


def checksum_path(file: Path) -> Path:
    """Return the path of a file's checksum."""
    return file.with_name(file.name + CHECKSUM)


def put(file: Path, write: Callable[[Path], object]) -> None:
    """Write a file with `write`, atomically and durably; its checksum is written first."""

    def sealed(path: Path) -> None:
        write(path)
        filesystem.write_atomic(checksum_path(file), f"{_digest(path)}  {file.name}\n".encode())

    filesystem.write_atomic(file, sealed)


def is_sound(file: Path) -> bool:
    """Return whether a file matches its checksum; reads all of it."""
    try:
        wanted = checksum_path(file).read_text("utf-8").partition(" ")[0]
        return wanted == _digest(file)
    except (OSError, UnicodeDecodeError) as error:
        if filesystem.is_out_of_reach(error):
            raise
        return False


def _digest(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
