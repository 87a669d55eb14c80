"""Machine code kept from one process to the next: LLVM takes half a second for a render's.

One file for each module and CPU, in the user's folder for caches: a digest of the object file, then
the object file. What cannot be read or written is made again, so the folder may go at any time.
"""

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

from tilecppn import filesystem

KEPT = 512  # files; a network of another shape adds two
DIGEST = hashlib.sha256().digest_size


def cached(source: str, make: Callable[[], bytes]) -> bytes:
    """What `make` returns for `source`, which says all that it depends on."""
    folder = filesystem.cache_directory()
    if folder is None:
        return make()
    file = folder / f"{hashlib.sha256(source.encode()).hexdigest()}.o"
    code = _read(file)
    if code is None:
        code = make()
        with contextlib.suppress(OSError):
            filesystem.write_atomic(file, hashlib.sha256(code).digest() + code, lasting=False)
            _prune(folder)
    return code


def _read(file: Path) -> bytes | None:
    """Return the object file, or None if there is none or it is damaged."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    digest, found = data[:DIGEST], data[DIGEST:]
    return found if hashlib.sha256(found).digest() == digest else None


def _prune(folder: Path) -> None:
    """Remove the oldest files above KEPT; other kinds of caches lie in the folder too."""
    files = sorted(folder.glob("*.o"), key=lambda file: file.stat().st_mtime)
    for file in files[:-KEPT]:
        file.unlink(missing_ok=True)
