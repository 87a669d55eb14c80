"""A Deep Zoom export on a disk or in a bucket: which of its files may be seen."""

from dataclasses import dataclass
from pathlib import Path

from tilecppn.addresses import BucketPath
from tilecppn.errors import ExportError
from tilecppn.storage.bucket import Bucket


@dataclass(frozen=True)
class Export:
    """One Deep Zoom export; `folder` is the real path of what it lies in."""

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

    @classmethod
    def find(cls, path: Path) -> "Export":
        """The export that `path` names: its .dzi, its .html, or a folder with exactly one .dzi.

        Raises ExportError where there is none, or not all of it.
        """
        if isinstance(path, BucketPath):
            return cls._in_bucket(path)
        if path.is_dir():
            found = sorted(entry.stem for entry in path.glob("*.dzi"))
            if len(found) != 1:
                what = "no .dzi" if not found else f"{len(found)} .dzi files"
                raise ExportError(f"{path} holds {what}: give one NAME.dzi or NAME.html")
            folder, name = path, found[0]
        elif path.suffix not in (".dzi", ".html"):
            raise ExportError(f"cannot view {path}: give a NAME.dzi, its NAME.html or their folder")
        elif not path.is_file():
            raise ExportError(f"{path} does not exist: give a NAME.dzi, its NAME.html or a folder")
        else:
            folder, name = path.parent, path.stem
        export = cls(folder.resolve(), name)
        for part in (export.descriptor, export.page):
            if export.locate([part]) is None:
                raise ExportError(f"{folder / part} is missing: export the picture again")
        root = export.folder / export.files
        if not root.is_dir() or root.resolve() != root:
            raise ExportError(f"{folder / export.files} is not a folder: export the picture again")
        return export

    @classmethod
    def _in_bucket(cls, path: BucketPath) -> "Export":
        if path.suffix not in (".dzi", ".html"):
            raise ExportError(f"cannot view {path}: give a store, a NAME.dzi or its NAME.html")
        export = cls(path.parent, path.stem)
        for part in (export.descriptor, export.page):
            if Bucket(path.parent).size(part) is None:
                raise ExportError(f"{path.with_name(part)} is missing: export the picture again")
        return export

    def locate(self, parts: list[str]) -> Path | None:
        """The file that the path `parts` below the export's folder names, or None.

        Only the page, the descriptor and what lies in NAME_files is ever found, and nothing that
        is reached by `..` or by a symbolic link that leads out. In a bucket it need not be there.
        """
        if any(part in ("", ".", "..") or set(part) & {"/", "\\", ":", "\0"} for part in parts[1:]):
            return None
        if len(parts) == 1 and parts[0] in (self.page, self.descriptor):
            within = path = self.folder / parts[0]
        elif len(parts) > 1 and parts[0] == self.files:
            within = self.folder / self.files
            path = within.joinpath(*parts[1:])
        else:
            return None
        if isinstance(path, BucketPath):
            return path
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):  # missing, or links in a circle
            return None
        return real if real.is_relative_to(within) and real.is_file() else None
