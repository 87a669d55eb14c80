"""Draw tiles on demand, with kernels that are kept."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from cachetools import LRUCache
from numpy.typing import NDArray

from tilecppn.cancellation import CheckCancelled
from tilecppn.film.frame_renderer import render_moments
from tilecppn.kernels import EvaluationContext, Memory, create
from tilecppn.pixels.renderer import Renderer
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.serve.pyramids import EncodedTile, Pyramid, Tile

KERNELS: Final = 8  # kernels that a thread keeps, enough for the levels of a pyramid in view


class Drawn(NamedTuple):
    """The scene that a level of a pyramid shows, at that level's size.

    moments: the scenes of which it is the mean, each with the context of its kernel; more than one
    for motion blur.
    """

    scene: Scene
    moments: Sequence[tuple[Scene, EvaluationContext]]

    @classmethod
    def of(cls, scene: Scene) -> "Drawn":
        """Return the drawing of a scene without motion blur."""
        return cls(scene, [(scene, EvaluationContext.of(scene))])


class DrawingPainter:
    """Draws tiles, in one thread.

    pyramid: returns the size of a pyramid by its name. level: returns what to draw for a level of a
    pyramid, given its name and the level's number, width and height.
    """

    def __init__(
        self,
        pyramid: Callable[[str], Pyramid | None],
        level: Callable[[str, int, int, int], Drawn],
        kernel: str,
    ) -> None:
        self.pyramid, self.level, self.kernel = pyramid, level, kernel
        self.memory = Memory()
        self.warm: LRUCache[tuple[str, int], tuple[Drawn, list[Renderer]]] = LRUCache(KERNELS)

    def paint(self, tile: Tile, check_cancelled: CheckCancelled) -> EncodedTile:
        """Draw and encode a tile."""
        pixels = self.draw(tile, check_cancelled)
        check_cancelled()
        return EncodedTile.of(pixels, self._warm(tile)[0].scene)

    def draw(self, tile: Tile, check_cancelled: CheckCancelled) -> NDArray[Any]:
        """Return the pixels (channels, height, width) of a tile, as a store would hold them."""
        drawn, moments = self._warm(tile)
        return render_moments(moments, drawn.scene, self.window(tile), check_cancelled)

    def window(self, tile: Tile) -> Window:
        """Return the pixels that a tile covers."""
        pyramid = self.pyramid(tile.pyramid)
        window = None if pyramid is None else pyramid.window(tile)
        assert window is not None  # callers have checked that it exists
        return window

    def _warm(self, tile: Tile) -> tuple[Drawn, list[Renderer]]:
        key = tile.pyramid, tile.level
        if key not in self.warm:
            pyramid = self.pyramid(tile.pyramid)
            assert pyramid is not None
            drawn = self.level(tile.pyramid, tile.level, *pyramid.levels[tile.level])
            self.warm[key] = (
                drawn,
                [
                    Renderer(create(self.kernel, context, self.memory), scene)
                    for scene, context in drawn.moments
                ],
            )
        return self.warm[key]


def resized(scene: Scene, level: int, width: int, height: int) -> Scene:
    """Return a scene at the size of one of its levels."""
    return scene if level == 0 else scene.replace(canvas=scene.canvas.resized(width, height))
