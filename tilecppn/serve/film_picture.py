"""A film, from its timeline or its store; each frame is a pyramid, drawn on demand."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import RenderError
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.kernels import EvaluationContext, require
from tilecppn.scene.scene import Scene
from tilecppn.serve.drawing import DrawingPainter, Drawn, resized
from tilecppn.serve.pyramids import EncodedTile, Pyramid, Tile, version_of

_FRAME = re.compile("frames/(0|[1-9][0-9]{0,6})")


@dataclass(frozen=True)
class FilmPicture:
    """A timeline, or with `store` the store of a film.

    A frame at full size has the pixels that `animate` would store; a smaller level is the frame
    drawn at that size.
    """

    timeline: Timeline
    title: str
    store: Path | None = None
    kernel: str = "auto"

    @cached_property
    def scene(self) -> Scene:
        """The first frame."""
        return self.timeline.scene(0)

    @cached_property
    def source(self) -> str:
        """The timeline as TOML."""
        return self.timeline.to_toml()

    @cached_property
    def version(self) -> str:
        """A version of the film and its kernel. Raises InvalidRequestError if it cannot
        be drawn.
        """
        kernel = require(self.kernel, self._precision(self.timeline.base).output.precision)
        tile = str(self.timeline.base.output.tile)
        return version_of("film", self.timeline.fingerprint, kernel, tile, str(self.store))

    @property
    def frames(self) -> tuple[int, float]:
        """The number of frames, and frames per second."""
        return self.timeline.frames, float(self.timeline.film.fps)

    def pyramid(self, name: str) -> Pyramid | None:
        """Return the pyramid of a frame, `frames/k`, or with an empty name of the first frame."""
        found = _FRAME.fullmatch(name or "frames/0")
        if found is None or int(found[1]) >= self.timeline.frames:
            return None
        return Pyramid.of(self.timeline.base)

    def drawn(self, name: str, level: int, width: int, height: int) -> Drawn:
        """Return what to draw for a level of a frame."""

        def sized(scene: Scene) -> Scene:
            return resized(self._precision(scene), level, width, height)

        number = frame_of(name)
        moments = [sized(moment) for moment in self.timeline.moments(number)]
        blurred = [(moment, EvaluationContext.of(moment)) for moment in moments]
        return Drawn(sized(self.timeline.scene(number)), blurred)

    def _precision(self, scene: Scene) -> Scene:
        """Return a stored film's scene with precision "exact", which every machine supports."""
        return scene if self.store is None else scene.replace(output={"precision": "exact"})

    def painter(self) -> DrawingPainter:
        """Return a painter with its own kernels and its own open store."""
        drawing = DrawingPainter(self.pyramid, self.drawn, self.kernel)
        if self.store is None:
            return drawing
        return FilmStorePainter(self, FilmStore(self.store))

    def progress(self) -> None:
        """Return None, since every frame can be drawn."""
        return


class FilmStorePainter(DrawingPainter):
    """Reads frames that are stored, and draws the others, with the same pixels.

    A film's frames are deleted once their clip is encoded, so most are drawn.
    """

    def __init__(self, film: FilmPicture, store: FilmStore) -> None:
        super().__init__(film.pyramid, film.drawn, film.kernel)
        self.store = store

    def paint(self, tile: Tile, check_cancelled: CheckCancelled) -> EncodedTile:
        """Read or draw a tile. Raises StoreError if another store has replaced this one."""
        self.store.check_in_place()
        if tile.level == 0:
            try:
                pixels = self.store.read(frame_of(tile.pyramid), self.window(tile))
            except RenderError:  # missing or damaged
                pass
            else:
                return EncodedTile.of(pixels, self.store.timeline.base)
        return super().paint(tile, check_cancelled)


def frame_of(name: str) -> int:
    """Return the index of the frame that a pyramid with this name shows."""
    return int(name.rpartition("/")[2] or 0)
