"""Scene files below the folder in which the studio was started, and no others."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tilecppn import filesystem
from tilecppn.errors import InvalidRequestError
from tilecppn.scene.parsing import read_text
from tilecppn.scene.scene import Scene
from tilecppn.serve.studio.scenes import from_text

MOST_LISTED: Final = 500
MOST_VISITED: Final = 20_000  # most folder entries that are visited
DEEPEST: Final = 4
OPENED: Final = (
    ".toml", ".png", ".tif", ".tiff", ".jpg", ".jpeg", ".webp", ".avif",
    ".dzi", ".szi", ".zarr", ".html",
)  # fmt: skip
TEXT: Final = ".toml"


class Folder:
    """A folder and everything below it. The page uses relative paths with slashes."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def path(self, name: Any) -> Path:
        """Return the path for a name. Raises InvalidRequestError if it is outside the folder."""
        if not isinstance(name, str) or not 0 < len(name) <= 1000 or "\0" in name:
            raise InvalidRequestError("a file needs a name")
        parts = name.split("/")
        outside = name.startswith(("/", "~")) or "\\" in name or Path(name).is_absolute()
        if outside or any(part in ("", "..") or part.startswith(".") for part in parts):
            raise InvalidRequestError(f"{name[:80]}: give a name below {self.root}")
        try:
            path = self.root.joinpath(*parts).resolve()
        except (OSError, RuntimeError, ValueError):
            raise InvalidRequestError(f"{name[:80]}: cannot be read") from None
        if not path.is_relative_to(self.root):
            raise InvalidRequestError(f"{name[:80]}: leads out of {self.root}")
        return path

    def open(self, name: Any) -> Scene:
        """Read the scene of a file or store. Raises InvalidRequestError."""
        path = self.path(name)
        if not path.exists():
            raise InvalidRequestError(f"{name}: does not exist")
        return Scene.load(path)

    def open_for_thumbnail(self, name: Any) -> Scene:
        """Read the scene of a file for its thumbnail, without following any path in it.

        Raises InvalidRequestError.
        """
        path = self.path(name)
        if path.suffix == TEXT:
            return from_text(read_text(path, "a scene"), path.name)
        return self.open(name)

    def save(self, scene: Scene, name: Any, overwrite: bool) -> str:
        """Write a scene file and return its name. Raises InvalidRequestError.

        An existing file is replaced only with `overwrite`, and only if it is a scene.
        """
        path = self.path(name)
        if path.suffix != TEXT:
            path = self.path(f"{name}{TEXT}")
        if not path.parent.is_dir():
            raise InvalidRequestError(f"{path.parent}: is no folder")
        if path.exists():
            if not overwrite:
                raise FileExistsError(str(path.relative_to(self.root)))
            try:
                Scene.load(path)
            except InvalidRequestError:
                raise InvalidRequestError(
                    f"{name}: is not a scene and is not replaced; choose another name"
                ) from None
        scene.save(path)
        return path.relative_to(self.root).as_posix()

    def write(self, name: str, text: str) -> None:
        """Write a new file; an existing one must have the same text. Raises InvalidRequestError."""
        path = self.path(name)
        if not path.parent.is_dir():
            raise InvalidRequestError(f"{path.parent}: is no folder")
        if path.exists():
            if not path.is_file() or path.read_bytes() != text.encode():
                raise InvalidRequestError(f"{name} is something else; choose another name")
            return
        filesystem.write_atomic(path, text.encode())

    def files(self) -> list[dict[str, Any]]:
        """List the files that may hold a scene, newest first: `name`, and `time` in seconds since
        1970.
        """
        found = sorted(self._walk(self.root, DEEPEST, [MOST_VISITED]), reverse=True)
        return [{"name": name, "time": when} for when, name in found[:MOST_LISTED]]

    def _walk(self, folder: Path, deep: int, left: list[int]) -> Iterator[tuple[float, str]]:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                left[0] -= 1
                if left[0] < 0:
                    return
                if entry.name.startswith("."):
                    continue
                suffix = Path(entry.name).suffix.lower()
                is_folder = entry.is_dir(follow_symlinks=False)
                if suffix in OPENED and (is_folder == (suffix == ".zarr")):
                    name = Path(entry.path).relative_to(self.root).as_posix()
                    yield entry.stat(follow_symlinks=False).st_mtime, name
                elif is_folder and deep and not entry.name.endswith((".zarr", "_files", ".parts")):
                    yield from self._walk(Path(entry.path), deep - 1, left)


def read_dropped(name: str, path: Path) -> Scene | list[str]:
    """Read a file dropped onto the page: its scene, or else a picture's main colours.

    name: its original name, used for its suffix and in errors. path: where it is stored; it is
    renamed to have that suffix. Raises InvalidRequestError.
    """
    import numpy as np

    from tilecppn.exporters.embedded_scene import READERS, provenance_in
    from tilecppn.exporters.kinds import suffix_of
    from tilecppn.pictures import read_picture
    from tilecppn.scene.picture_palette import main_colours

    shown = name[:80]
    suffix = Path(name).suffix.lower()
    if suffix == TEXT:
        return from_text(read_text(path, "a scene").lstrip("\ufeff"), shown)
    if suffix not in OPENED or suffix in (".zarr", ".dzi"):
        raise InvalidRequestError(f"{shown}: drop a scene (.toml), a picture or a page")
    path = path.rename(path.with_suffix(suffix))
    found = provenance_in(path) if suffix_of(path) in READERS else None
    if found is not None:
        return from_text(found.source, shown) if found.source else _nothing(shown)
    if suffix in (".html", ".szi"):
        return _nothing(shown)
    try:
        return list(main_colours(np.asarray(read_picture(path, enough=64))))
    except InvalidRequestError:
        return _nothing(shown)


def _nothing(name: str) -> Scene:
    raise InvalidRequestError(f"{name}: holds no scene, and is no picture")
