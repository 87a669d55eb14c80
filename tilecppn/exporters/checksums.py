"""CRC-32C of files, and the list of them that a folder has: a damaged byte is found by reading.

tilecppn.crc32c has a line for each file: eight digits, two spaces, and its name in the folder. Its
last line is the record of `provenance.py`, in case that the manifest is lost.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from tilecppn.cancellation import ShouldStop, never
from tilecppn.exporters.parallel import in_order
from tilecppn.filesystem import GONE, NOT_A_FILE
from tilecppn.storage.crc32c import crc32c_of
from tilecppn.storage.objects import FileStorage

LIST = "tilecppn.crc32c"
MANIFEST = "tilecppn.json"
PIECE = 1 << 18  # bytes read at a time
MAX_LIST = 1 << 30  # bytes
AT_ONCE = 16  # files that are read together: a bucket answers late
MISSING, DAMAGED = "missing", "damaged"


def fault(files: FileStorage, name: str, expected: str) -> str | None:
    """What is wrong with a file of that CRC-32C: "missing", "damaged", or None."""
    try:
        return None if files.crc32c(name) == expected else DAMAGED
    except GONE:
        return MISSING
    except OSError:
        return DAMAGED


def faults(files: FileStorage, stopping: ShouldStop = never) -> Iterator[tuple[str, str | None]]:
    """The name of each file in a folder's list, and its `fault`. Raises Interrupted."""

    def read(listed: tuple[str, str]) -> tuple[str, str | None]:
        return listed[1], fault(files, listed[1], listed[0])

    with closing(in_order(read, read_list(files), AT_ONCE, stopping)) as found:
        yield from found


def masked_checksum(file: BinaryIO, first: int, last: int) -> str:
    """The CRC-32C of an open file in which the bytes from `first` to `last` count as zeros."""

    def pieces() -> Iterator[bytes]:
        position = 0
        file.seek(0)
        while piece := file.read(PIECE):
            low, high = max(first - position, 0), min(last - position, len(piece))
            position += len(piece)
            yield piece[:low] + bytes(high - low) + piece[high:] if low < high else piece

    return crc32c_of(pieces())


def names_in(files: FileStorage) -> list[str]:
    """The names of all files of a folder, in one order, without its list and manifest."""
    names = (name for name, _ in files.sizes() if name not in (LIST, MANIFEST))
    return sorted(names, key=_place)


def _place(name: str) -> list[tuple[bool, str]]:
    """A folder's files come before its folders, and both by name."""
    *folders, last = name.split("/")
    return [*((True, folder) for folder in folders), (False, last)]


def right_list(files: FileStorage, record: str) -> bytes:
    """The list that a folder must have, from all that is in it. Raises OSError."""
    names = names_in(files)
    lines = [f"{crc}  {name}\n" for crc, name in zip(files.crc32cs(names), names, strict=True)]
    return "".join([*lines, f"{record}\n"]).encode()


def write_list(files: FileStorage, record: str) -> None:
    """Write the list of a folder whose other files are all there."""
    files.put(LIST, right_list(files, record))


def read_list(files: FileStorage) -> Iterator[tuple[str, str]]:
    """Each checksum and name in the list of a folder; what is no such line is passed over."""
    try:
        data = files.get(LIST, MAX_LIST)
    except NOT_A_FILE:
        return
    for line in BytesIO(data):  # one at a time: there may be millions
        crc, gap, name = line.rstrip(b"\n").decode(errors="replace").partition("  ")
        if gap and name and not os.path.isabs(name) and ".." not in Path(name).parts:
            yield crc, name
