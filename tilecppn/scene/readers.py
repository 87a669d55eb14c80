"""How `load` reads what is no TOML file: an image, a store or a film made by tilecppn.

The readers are in layers above, which this one does not import; the package registers them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# (path, overrides) → the scene or timeline in it, or None where nothing of ours is.
Reader = Callable[[Path, Sequence[str]], Any]
READERS: dict[str, Reader] = {}  # by what they return: "scene", "timeline"


def read_embedded(what: str, path: Path, overrides: Sequence[str]) -> Any:
    """Read a scene or timeline from what carries it; None for another file, as a TOML file."""
    reader = READERS.get(what)
    return None if reader is None or path.suffix == ".toml" else reader(path, overrides)
