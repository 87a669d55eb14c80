"""Where an output is written: to a disk, or into a bucket. Nobody else knows which."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path

from tilecppn.errors import RenderError


class Destination(ABC):
    """The path of an output, a file or a folder. Whoever writes there has claimed it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def is_free(self, *, folder: bool) -> bool:
        """Whether nothing is there that could be lost; folder: what a folder is written over.

        Raises ExportError where nothing can be written, or OSError.
        """

    @abstractmethod
    def claimed(self) -> AbstractContextManager[object]:
        """Hold the right to write; what killed processes left there goes first.

        Raises StoreError if another process writes there.
        """

    @abstractmethod
    def replacing(self, *, folder: bool) -> AbstractContextManager[Path]:
        """A new empty file, on a disk, or folder, that becomes this one at the end of the block.

        A folder is filled by its `FileStorage`.
        """

    @abstractmethod
    def workplace(self) -> AbstractContextManager[Path]:
        """An empty folder on a disk for the block, whose files the `FileStorage` can `take`.

        Raises ExportError where a symbolic link leads out of this one.
        """

    @abstractmethod
    def fetched(self) -> AbstractContextManager[Path]:
        """The output's path on a disk, or that of a copy with its name: of a folder its manifest.

        Of what is not there, nothing is.
        """

    @abstractmethod
    def remove(self) -> None:
        """Delete a file, if it is there."""

    def taken(self) -> RenderError:
        """What to raise where something else appeared meanwhile."""
        return RenderError(
            f"{self.path}: something was put there while tilecppn was writing; nothing was "
            "replaced; choose another path"
        )
