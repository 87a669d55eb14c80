"""A registry of readers for scenes and timelines embedded in images, stores and films.

The readers are in higher layers, which this one must not import; `tilecppn/__init__.py` registers
them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# (path, overrides) → the scene or timeline in the file, or None if tilecppn did not make it.
Reader = Callable[[Path, Sequence[str]], Any]
READERS: dict[str, Reader] = {}  # by the kind of result: "scene", "timeline"


def read_embedded(what: str, path: Path, overrides: Sequence[str]) -> Any:
    """Read the scene or timeline embedded in a file; None for any other file, as for TOML."""
    reader = READERS.get(what)
    return None if reader is None or path.suffix == ".toml" else reader(path, overrides)
