"""The sound of a film: a file that is cut to the film's length and encoded into its container."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tilecppn import ffmpeg
from tilecppn.errors import ExportError, RenderError


@dataclass(frozen=True)
class Audio:
    """A sound file. start: the second at which the film begins, above 0 for an excerpt."""

    path: Path
    sha256: str
    start: float = 0.0

    @classmethod
    def of(cls, path: Path, start: float = 0.0) -> "Audio":
        """Open a sound file. Raises ExportError if it has no sound."""
        sound_seconds(path)
        with path.open("rb") as file:
            return cls(path, hashlib.file_digest(file, "sha256").hexdigest(), start)

    def input(self, seconds: float) -> list[str]:
        """Return ffmpeg's options that read this many seconds of it, or as many as there are."""
        cut = [*("-ss", f"{self.start:.6f}"), *("-t", f"{seconds:.6f}")]
        return [*cut, *ffmpeg.local_input(self.path)]


def sound_seconds(path: Path) -> float:
    """Return the duration of a sound file. Raises ExportError if it has no sound or is damaged."""
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise ExportError(f"{path}: {what}; give a sound file")
    try:
        with path.open("rb"):
            pass
        arguments = [*ffmpeg.local_input(path), *ffmpeg.FIRST_SOUND, "-f", "null", "-"]
        return ffmpeg.run(arguments).seconds
    except OSError as error:
        raise ExportError(f"{path}: cannot be read ({error.strerror})") from None
    except RenderError as error:
        if "matches no streams" in str(error):
            raise ExportError(f"{path}: has no sound; give a sound file") from None
        raise ExportError(f"{path}: cannot be read as sound ({error})") from None
