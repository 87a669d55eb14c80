"""What the tests of stores share: plain Zarr, and another process that holds a lock."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zarr
from hypothesis import settings

LAWS = settings(max_examples=25)


DTYPES = ["uint8", "uint16", "float32"]


def zarr_level(path: Path, level: int) -> Any:
    """A level's array as plain zarr opens it."""
    return zarr.open_group(path, mode="r")[str(level)]


def metadata(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((path / "zarr.json").read_bytes())
    return record


HOLDER = """
import sys
from tilecppn.storage import locks
with locks.locked(__import__("pathlib").Path(sys.argv[1]), "it"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def held(lock: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock; killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def leftovers(path: Path) -> list[Path]:
    """What killed writers of a shard and of metadata leave."""
    found = [
        path / "0" / "c" / "0" / "0" / ".1.0123456789ab.partial",
        path / "1" / "c" / "0" / "0" / ".0.ba9876543210.partial",
    ]
    for file in found:
        file.write_bytes(b"half")
    return found
