"""CRC-32C of files, and the list of them that a folder has: a damaged byte is found by reading.

tilecppn.crc32c has a line for each file: eight digits, two spaces, and its name in the folder. Its
last line is the record of `provenance.py`, in case that the manifest is lost.
"""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from tilecppn.filesystem import GONE, UnsuitableFileError

LIST = "tilecppn.crc32c"
MANIFEST = "tilecppn.json"
PIECE = 1 << 18  # bytes read at a time


def checksum(path: Path) -> str:
    """The CRC-32C of a regular file. Raises OSError."""
    if not path.is_file():
        path.stat()  # raises where nothing is
        raise UnsuitableFileError(errno.EINVAL, "not a regular file", str(path))
    with path.open("rb") as file:
        return masked_checksum(file, 0, 0)


def fault(path: Path, expected: str) -> str | None:
    """What is wrong with a file of that CRC-32C: "missing", "damaged", or None."""
    try:
        return None if checksum(path) == expected else "damaged"
    except GONE:
        return "missing"
    except OSError:
        return "damaged"


def masked_checksum(file: BinaryIO, first: int, last: int) -> str:
    """The CRC-32C of an open file in which the bytes from `first` to `last` count as zeros."""
    crc = position = 0
    file.seek(0)
    while piece := file.read(PIECE):
        low, high = max(first - position, 0), min(last - position, len(piece))
        if low < high:
            piece = piece[:low] + bytes(high - low) + piece[high:]
        crc = google_crc32c.extend(crc, piece)
        position += len(piece)
    return f"{crc:08x}"


def files_in(folder: Path) -> Iterator[str]:
    """The names of all files below a folder, in one order, without its list and manifest."""
    for root, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            inner = os.path.relpath(os.path.join(root, name), folder)
            if inner not in (LIST, MANIFEST):
                yield inner


def lines(folder: Path, record: str) -> Iterator[str]:
    """The lines of the list that a folder must have, from all that is in it."""
    for name in files_in(folder):
        yield f"{checksum(folder / name)}  {name}\n"
    yield f"{record}\n"


def right_list_checksum(folder: Path, record: str) -> str:
    """The CRC-32C of the list that a folder must have, from all that is in it. Raises OSError."""
    crc = 0
    for line in lines(folder, record):
        crc = google_crc32c.extend(crc, line.encode())
    return f"{crc:08x}"


def write_list(folder: Path, record: str) -> None:
    """Write the list of a folder whose other files are all there."""
    with (folder / LIST).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines(folder, record))


def read_list(folder: Path) -> Iterator[tuple[str, str]]:
    """Each checksum and name in the list of a folder; what is no such line is passed over."""
    if not (folder / LIST).is_file():
        return
    with (folder / LIST).open(encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            crc, gap, name = line.rstrip("\n").partition("  ")
            if gap and name and not os.path.isabs(name) and ".." not in Path(name).parts:
                yield crc, name
