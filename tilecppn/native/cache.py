"""Machine code kept from one process to the next: LLVM takes half a second for a render's.

One file for each module and CPU, in the user's folder for caches: a digest of the object file, then
the object file. What cannot be read or written is made again, so the folder may go at any time.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from tilecppn import disk

KEPT = 512  # files; a network of another shape adds two
DIGEST = hashlib.sha256().digest_size


def kept(source: str, make: Callable[[], bytes]) -> bytes:
    """What `make` returns for `source`, which says all that it depends on."""
    file = _file(source)
    code = _read(file)
    if code is None:
        code = make()
        with contextlib.suppress(OSError):
            disk.put(file, hashlib.sha256(code).digest() + code, lasting=False)
            _prune(file.parent)
    return code


def _file(source: str) -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    folder = Path(home) if home else Path(os.path.expanduser("~"), ".cache")
    return folder / "tilecppn" / f"{hashlib.sha256(source.encode()).hexdigest()}.o"


def _read(file: Path) -> bytes | None:
    """The object file, or None if there is none or it is damaged."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    digest, found = data[:DIGEST], data[DIGEST:]
    return found if hashlib.sha256(found).digest() == digest else None


def _prune(folder: Path) -> None:
    """Remove the oldest files above KEPT."""
    files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime)
    for file in files[:-KEPT]:
        file.unlink(missing_ok=True)
