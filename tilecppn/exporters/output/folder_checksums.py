"""CRC-32C of files, and a folder's list of them, with which damage is found by reading.

tilecppn.crc32c has one line per file: eight digits, two spaces, and its name in the folder. The
last line is the record of `provenance.py`, in case the manifest is lost.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from tilecppn.cancellation import ShouldStop, never
from tilecppn.exporters.parallel import in_order
from tilecppn.filesystem import GONE, NOT_A_FILE, is_out_of_reach
from tilecppn.storage.crc32c import crc32c_of
from tilecppn.storage.objects import FileStorage

LIST = "tilecppn.crc32c"
MANIFEST = "tilecppn.json"
PIECE = 1 << 18  # bytes read at a time
MAX_LIST = 1 << 30  # bytes
AT_ONCE = 16  # files read in parallel, since buckets have a high latency
MISSING, DAMAGED = "missing", "damaged"


def fault(files: FileStorage, name: str, expected: str) -> str | None:
    """Return the fault of a file with an expected CRC-32C: "missing", "damaged", or None."""
    try:
        return None if files.crc32c(name) == expected else DAMAGED
    except GONE:
        return MISSING
    except OSError as error:
        if is_out_of_reach(error):
            raise
        return DAMAGED


def faults(files: FileStorage, stopping: ShouldStop = never) -> Iterator[tuple[str, str | None]]:
    """Yield the name of each file in a folder's list and its `fault`. Raises Interrupted."""

    def read(listed: tuple[str, str]) -> tuple[str, str | None]:
        return listed[1], fault(files, listed[1], listed[0])

    with closing(in_order(read, read_list(files), AT_ONCE, stopping)) as found:
        yield from found


def masked_checksum(file: BinaryIO, first: int, last: int) -> str:
    """Return the CRC-32C of an open file, with the bytes from `first` to `last` taken as zeros."""

    def pieces() -> Iterator[bytes]:
        position = 0
        file.seek(0)
        while piece := file.read(PIECE):
            low, high = max(first - position, 0), min(last - position, len(piece))
            position += len(piece)
            yield piece[:low] + bytes(high - low) + piece[high:] if low < high else piece

    return crc32c_of(pieces())


def names_in(files: FileStorage) -> list[str]:
    """Return the names of all files in a folder, in a fixed order, without its list and
    manifest.
    """
    names = (name for name, _ in files.sizes() if name not in (LIST, MANIFEST))
    return sorted(names, key=_place)


def _place(name: str) -> list[tuple[bool, str]]:
    """Return a sort key that puts files before folders, each by name."""
    *folders, last = name.split("/")
    return [*((True, folder) for folder in folders), (False, last)]


def right_list(files: FileStorage, record: str) -> bytes:
    """Return the list that a folder should have, computed from its files. Raises OSError."""
    names = names_in(files)
    lines = [f"{crc}  {name}\n" for crc, name in zip(files.crc32cs(names), names, strict=True)]
    return "".join([*lines, f"{record}\n"]).encode()


def write_list(files: FileStorage, record: str) -> None:
    """Write the list of a folder in which all other files are complete."""
    files.put(LIST, right_list(files, record))


def read_list(files: FileStorage) -> Iterator[tuple[str, str]]:
    """Yield each checksum and name in a folder's list; malformed lines are skipped."""
    try:
        data = files.get(LIST, MAX_LIST)
    except NOT_A_FILE:
        return
    for line in BytesIO(data):  # one at a time: there may be millions
        crc, gap, name = line.rstrip(b"\n").decode(errors="replace").partition("  ")
        if gap and name and not os.path.isabs(name) and ".." not in Path(name).parts:
            yield crc, name
