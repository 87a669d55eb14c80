"""An export on a disk or in a bucket: which of its files may be seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tilecppn.errors import ExportError
from tilecppn.exporters import provenance
from tilecppn.exporters.output import is_folder
from tilecppn.exporters.source_page import PAGE, live_name
from tilecppn.storage.places import storage_of

PICTURE: Final = "picture"  # the name in addresses of whatever is shown
FILES: Final = f"{PICTURE}_files"
_WHAT: Final = "a store, NAME.dzi, its NAME.html, or the folder of an export"


@dataclass(frozen=True)
class TileFolder:
    """A folder of tiles with its page, as `export --layout` makes it; `folder` is its real path.

    Nothing is found that is reached by `..` or by a symbolic link that leads out. What is found may
    be a folder, and in a bucket it need not be there.
    """

    folder: Path

    def locate(self, parts: list[str]) -> Path | None:
        """The file that the path `parts` below the root names, or None; `/` is the page."""
        return _within(self.folder, [PAGE] if parts == [""] else parts)


@dataclass(frozen=True)
class DeepZoom:
    """A Deep Zoom export, found as a `TileFolder` is; `folder` is the real path of what it lies in.

    Only its page, the one that draws itself, the descriptor and what lies in NAME_files is ever
    found, also by the names `/`, `/picture.dzi` and `/picture_files/`.
    """

    folder: Path
    name: str

    @property
    def page(self) -> str:
        """Name of the page."""
        return f"{self.name}.html"

    @property
    def descriptor(self) -> str:
        """Name of the Deep Zoom descriptor."""
        return f"{self.name}.dzi"

    @property
    def files(self) -> str:
        """Name of the folder of tiles."""
        return f"{self.name}_files"

    @property
    def names(self) -> Mapping[str, str]:
        """Other names of its files."""
        return {f"{PICTURE}.dzi": self.descriptor, FILES: self.files, "": self.page}

    def locate(self, parts: list[str]) -> Path | None:
        """The file that the path `parts` below the server's root names, or None."""
        first, *rest = [self.names.get(parts[0], parts[0]), *parts[1:]]
        if not rest and first in (self.page, live_name(self.name), self.descriptor):
            found = _within(self.folder, [first])
            return found if found == self.folder / first else None  # else a link
        return _within(self.folder / self.files, rest) if rest and first == self.files else None


Export = DeepZoom | TileFolder


def find_export(path: Path) -> Export:
    """The export that `path` names: a .dzi, its .html, or the folder of an export.

    Raises ExportError where there is none, or not all of it.
    """
    if storage_of(path).has(PAGE) and provenance.read_manifest(path) is not None:
        return TileFolder(path.resolve())
    folder, name = _deep_zoom(path)
    export = DeepZoom(folder.resolve(), name)
    for part in (export.descriptor, export.page):
        if export.locate([part]) is None or not storage_of(export.folder).has(part):
            raise ExportError(f"{folder / part} is missing: export the picture again")
    root = export.folder / export.files
    if not is_folder(root) or root.resolve() != root:
        raise ExportError(f"{folder / export.files} is not a folder: export the picture again")
    return export


def _deep_zoom(path: Path) -> tuple[Path, str]:
    """The folder of a Deep Zoom export, and its name without a suffix."""
    if path.suffix in (".dzi", ".html"):
        if not storage_of(path.parent).has(path.name):
            raise ExportError(f"{path} does not exist: give {_WHAT}")
        return path.parent, path.stem
    found = [Path(name).stem for name in storage_of(path).names() if name.endswith(".dzi")]
    if len(found) != 1:
        what = "no .dzi" if not found else f"{len(found)} .dzi files"
        raise ExportError(f"{path} holds {what}: give {_WHAT}")
    return path, found[0]


def _within(folder: Path, parts: list[str]) -> Path | None:
    """What lies below a folder, which no part and no link leads out of."""
    if any(part in ("", ".", "..") or set(part) & {"/", "\\", ":", "\0"} for part in parts):
        return None
    try:
        real = folder.joinpath(*parts).resolve(strict=True)
    except (OSError, RuntimeError):  # missing, or links in a circle
        return None
    return real if real.is_relative_to(folder) else None
