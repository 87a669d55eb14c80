"""The destination of an output, on a disk or in a bucket, behind one interface."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path

from tilecppn.errors import RenderError


class Destination(ABC):
    """The path of an output, a file or a folder. A writer must hold `claimed`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def is_free(self, *, folder: bool) -> bool:
        """Return whether nothing is there that could be lost. folder: the output is a folder.

        Raises ExportError if nothing can be written there, or OSError.
        """

    @abstractmethod
    def claimed(self) -> AbstractContextManager[object]:
        """Lock the path for writing; first remove what killed processes left there.

        Raises StoreError if another process is writing there.
        """

    @abstractmethod
    def replacing(self, *, folder: bool) -> AbstractContextManager[Path]:
        """Create a new empty file on a disk, or a folder, that replaces this path when the block
        ends.

        A folder is filled through its `FileStorage`.
        """

    @abstractmethod
    def workplace(self) -> AbstractContextManager[Path]:
        """Create an empty folder on a disk for the block; `FileStorage.take` accepts its files.

        Raises ExportError if a symbolic link leads out of this folder.
        """

    @abstractmethod
    def fetched(self) -> AbstractContextManager[Path]:
        """Return the output's path on a disk, or that of a copy with the same name.

        The copy of a folder has only its manifest. If the output does not exist, neither does the
        path.
        """

    @abstractmethod
    def remove(self) -> None:
        """Delete a file, if it exists."""

    def taken(self) -> RenderError:
        """Return the error to raise if something else appeared at the path meanwhile."""
        return RenderError(
            f"{self.path}: something was put there while tilecppn was writing; nothing was "
            "replaced; choose another path"
        )
