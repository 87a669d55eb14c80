"""Caches machine code between processes, since LLVM takes half a second for a render's.

One file for each module and CPU, in the user's cache folder: a digest of the object file, then the
object file. A file that cannot be read or written is generated again, so the folder may be deleted
at any time.
"""

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

from tilecppn import filesystem

KEPT = 512  # files; each shape of network adds two
DIGEST = hashlib.sha256().digest_size


def cached(source: str, make: Callable[[], bytes]) -> bytes:
    """Return the result of `make`, cached under `source`, which names all that it depends on."""
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
    """Read an object file; None if it is missing or damaged."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    digest, found = data[:DIGEST], data[DIGEST:]
    return found if hashlib.sha256(found).digest() == digest else None


def _prune(folder: Path) -> None:
    """Remove the oldest files above KEPT, but not those of other caches in the folder."""
    files = sorted(folder.glob("*.o"), key=lambda file: file.stat().st_mtime)
    for file in files[:-KEPT]:
        file.unlink(missing_ok=True)
