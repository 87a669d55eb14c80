"""The files of an export, on a disk or in a bucket, that may be served."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tilecppn.errors import ExportError
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import is_folder
from tilecppn.exporters.pyramids.source_page import PAGE, live_name
from tilecppn.storage.places import storage_of

PICTURE: Final = "picture"  # the name in addresses, whatever is shown
FILES: Final = f"{PICTURE}_files"
_WHAT: Final = "a store, NAME.dzi, its NAME.html, or the folder of an export"


@dataclass(frozen=True)
class TileFolder:
    """A folder of tiles with its page, made by `export --layout`; `folder` is its real path.

    Paths with `..`, and symbolic links that lead out of the folder, are not found. A found path may
    be a folder, and in a bucket it need not exist.
    """

    folder: Path

    def locate(self, parts: list[str]) -> Path | None:
        """Return the file at the path `parts` below the root, or None; `/` is the page."""
        return _within(self.folder, [PAGE] if parts == [""] else parts)


@dataclass(frozen=True)
class DeepZoom:
    """A Deep Zoom export; `folder` is the real path of the folder that contains it.

    Only its page, its live page, the descriptor and the files in NAME_files are found, with the
    same restrictions as in a `TileFolder`; also as `/`, `/picture.dzi` and `/picture_files/`.
    """

    folder: Path
    descriptor: str

    @property
    def name(self) -> str:
        """The name without a suffix."""
        return Path(self.descriptor).stem

    @property
    def names(self) -> tuple[str, str, str]:
        """The names of the descriptor, the page and the folder of tiles."""
        return self.descriptor, f"{self.name}.html", f"{self.name}_files"

    def locate(self, parts: list[str]) -> Path | None:
        """Return the file at the path `parts` below the server's root, or None."""
        descriptor, page, files = self.names
        aliases = {f"{PICTURE}.dzi": descriptor, "": page, FILES: files}
        first, *rest = [aliases.get(parts[0], parts[0]), *parts[1:]]
        if not rest and first in (page, live_name(self.name), descriptor):
            found = _within(self.folder, [first])
            return found if found == self.folder / first else None  # otherwise a link
        return _within(self.folder / files, rest) if rest and first == files else None


Export = DeepZoom | TileFolder


def find_export(path: Path) -> Export:
    """Return the export at `path`: a .dzi, its .html, or the folder of an export.

    Raises ExportError if there is none, or it is incomplete.
    """
    if storage_of(path).has(PAGE) and provenance.read_manifest(path) is not None:
        return TileFolder(path.resolve())
    folder, descriptor = _deep_zoom(path)
    export = DeepZoom(folder.resolve(), descriptor)
    *single, files = export.names
    for part in single:
        if export.locate([part]) is None or not storage_of(export.folder).has(part):
            raise ExportError(f"{folder / part} is missing: export the picture again")
    root = export.folder / files
    if not is_folder(root) or root.resolve() != root:
        raise ExportError(f"{folder / files} is not a folder: export the picture again")
    return export


def _deep_zoom(path: Path) -> tuple[Path, str]:
    """Return the folder of a Deep Zoom export, and the name of its descriptor."""
    suffix = suffix_of(path)
    if suffix in (".dzi", ".html"):
        if not storage_of(path.parent).has(path.name):
            raise ExportError(f"{path} does not exist: give {_WHAT}")
        return path.parent, path.name if suffix == ".dzi" else f"{path.stem}.dzi"
    found = [name for name in storage_of(path).names() if suffix_of(Path(name)) == ".dzi"]
    if len(found) != 1:
        what = "no .dzi" if not found else f"{len(found)} .dzi files"
        raise ExportError(f"{path} holds {what}: give {_WHAT}")
    return path, found[0]


def _within(folder: Path, parts: list[str]) -> Path | None:
    """Return the path below a folder, or None if a part or a link leads out of it."""
    if any(part in ("", ".", "..") or set(part) & {"/", "\\", ":", "\0"} for part in parts):
        return None
    try:
        real = folder.joinpath(*parts).resolve(strict=True)
    except (OSError, RuntimeError):  # missing, or a cycle of links
        return None
    return real if real.is_relative_to(folder) else None
