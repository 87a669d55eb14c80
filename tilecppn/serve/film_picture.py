"""A film, from its timeline or its store: each frame is a pyramid, drawn when it is looked at."""

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
    """A timeline of which nothing is stored, or, with `store`, the film's store.

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
        """The timeline."""
        return self.timeline.to_toml()

    @cached_property
    def version(self) -> str:
        """Of the film and of what draws it. Raises InvalidRequestError if it cannot be drawn."""
        kernel = require(self.kernel, self._precision(self.timeline.base).output.precision)
        tile = str(self.timeline.base.output.tile)
        return version_of("film", self.timeline.fingerprint, kernel, tile, str(self.store))

    @property
    def frames(self) -> tuple[int, float]:
        """How many, and how many a second."""
        return self.timeline.frames, float(self.timeline.film.fps)

    def pyramid(self, name: str) -> Pyramid | None:
        """Frame k is called `frames/k`; the picture itself is the first."""
        found = _FRAME.fullmatch(name or "frames/0")
        if found is None or int(found[1]) >= self.timeline.frames:
            return None
        return Pyramid.of(self.timeline.base)

    def drawn(self, name: str, level: int, width: int, height: int) -> Drawn:
        """What is drawn of a level of a frame."""

        def sized(scene: Scene) -> Scene:
            return resized(self._precision(scene), level, width, height)

        number = frame_of(name)
        moments = [sized(moment) for moment in self.timeline.moments(number)]
        blurred = [(moment, EvaluationContext.of(moment)) for moment in moments]
        return Drawn(sized(self.timeline.scene(number)), blurred)

    def _precision(self, scene: Scene) -> Scene:
        """A store's frames are looked at on any machine, and "exact" is what all have."""
        return scene if self.store is None else scene.replace(output={"precision": "exact"})

    def painter(self) -> DrawingPainter:
        """Return a painter with kernels of its own, that has opened the store for itself."""
        drawing = DrawingPainter(self.pyramid, self.drawn, self.kernel)
        if self.store is None:
            return drawing
        return FilmStorePainter(self, FilmStore(self.store))

    def progress(self) -> None:
        """Return None: every frame can be drawn."""
        return


class FilmStorePainter(DrawingPainter):
    """Reads frames that are stored, and draws the others, which have the same pixels.

    A film's frames are deleted when their clip is encoded, so most are drawn.
    """

    def __init__(self, film: FilmPicture, store: FilmStore) -> None:
        super().__init__(film.pyramid, film.drawn, film.kernel)
        self.store = store

    def paint(self, tile: Tile, check_cancelled: CheckCancelled) -> EncodedTile:
        """Read or draw a tile. Raises StoreError if another store took this one's place."""
        self.store.check_in_place()
        if tile.level == 0:
            try:
                pixels = self.store.read(frame_of(tile.pyramid), self.window(tile))
            except RenderError:  # not there, or damaged
                pass
            else:
                return EncodedTile.of(pixels, self.store.timeline.base)
        return super().paint(tile, check_cancelled)


def frame_of(name: str) -> int:
    """The number of the frame that a pyramid of this name shows."""
    return int(name.rpartition("/")[2] or 0)
