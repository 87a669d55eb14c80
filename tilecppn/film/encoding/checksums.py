"""Files with a checksum beside them, FILE.sha256, as `sha256sum` writes and checks it."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from tilecppn import filesystem

CHECKSUM = ".sha256"


def checksum_path(file: Path) -> Path:
    """Where the checksum of a file lies."""
    return file.with_name(file.name + CHECKSUM)


def put(file: Path, write: Callable[[Path], object]) -> None:
    """Make a file with `write`, atomically, and its checksum first, even across a power cut."""

    def sealed(path: Path) -> None:
        write(path)
        filesystem.write_atomic(checksum_path(file), f"{_digest(path)}  {file.name}\n".encode())

    filesystem.write_file_atomic(file, sealed)


def is_sound(file: Path) -> bool:
    """Read all of a file, and return whether it matches its checksum."""
    try:
        wanted = checksum_path(file).read_text("utf-8").partition(" ")[0]
        return wanted == _digest(file)
    except (OSError, UnicodeDecodeError):
        return False


def _digest(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
