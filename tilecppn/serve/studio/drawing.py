"""Draws what the page shows: tiles of the plane around a scene, and thumbnails.

The tiles of a scene lie on its own grid of pixels, which goes on beyond the canvas in all
directions: tile (row, column) of level 0 has the pixels from (256·row, 256·column) on, and each
next level has pixels twice as large; negative levels go into the picture. Glimpses are small tiles
of coarse levels, of which little is in sight.
"""

import math
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cachetools import LRUCache
from numpy.typing import NDArray

from tilecppn.cancellation import CheckCancelled
from tilecppn.kernels import EvaluationContext, Memory, create
from tilecppn.pixels.window import Renderer, render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.serve.pyramids import EncodedTile, Tile
from tilecppn.serve.store_picture import StorePicture
from tilecppn.serve.studio.films import Films
from tilecppn.serve.studio.scenes import Scenes
from tilecppn.serve.views import contrast_scale
from tilecppn.storage.store import Store

SIDES: Final = {"tiles": 256, "glimpses": 64}  # pixels
COARSEST: Final = 24  # level, or so many doublings of the canvas' pixels
MOST_TILES: Final = 2**40  # rows and columns from the canvas on
THUMBS: Final = range(16, 513)  # pixels of a thumbnail's longer side
WARM: Final = 16  # kernels that a thread keeps
SHARE: Final = 0.01  # of the values of what no file ever has that may come out 1 off


def tile_of(kind: str, scene: str, level: int, row: int, col: int) -> Tile:
    """What a tile of a scene is called in the queue. kind: of SIDES."""
    return Tile(level, row, col, f"{kind}/{scene}")


def thumb_of(scene: str, side: int) -> Tile:
    """What a thumbnail of a scene is called in the queue."""
    return Tile(side, 0, 0, f"thumbs/{scene}")


def frame_of(film: str, number: int, side: int) -> Tile:
    """What a small frame of a film is called in the queue."""
    return Tile(side, number, 0, f"frames/{film}")


def store_of(path: Path, done: int) -> Tile:
    """What a small picture of a store is called in the queue, when so many shards are there."""
    return Tile(done, 0, 0, f"stores/{path}")


def window_of(kind: str, row: int, col: int) -> Window:
    """The pixels of a tile, from the corner of the whole canvas on."""
    side = SIDES[kind]
    return Window(row * side, col * side, (row + 1) * side, (col + 1) * side)


def levels(scene: Scene) -> tuple[int, int]:
    """The finest level that float64 tells apart, with some room, and the coarsest."""
    grid = scene.grid
    room = min(grid.step) / (16.0 * math.ulp(grid.reach))
    return -max(0, math.floor(math.log2(room))), COARSEST


def level_context(scene: Scene, level: int) -> EvaluationContext:
    """What a kernel evaluates for the tiles of a level."""
    factor = 2.0**level
    grid = scene.grid
    step = (grid.step[0] * factor, grid.step[1] * factor)
    middle = tuple((m + 0.5) / factor - 0.5 for m in grid.middle)
    return replace(
        EvaluationContext.of(scene),
        grid=replace(grid, step=step, middle=(middle[0], middle[1])),
        scale=contrast_scale(scene, step[0]),
        share=SHARE,
    )


class Levels:
    """What is drawn of scenes at their levels, and what kernels evaluate there. For all threads.

    Python takes some milliseconds for it, which two threads cannot do at once.
    """

    def __init__(self, scenes: Scenes) -> None:
        self._scenes, self._lock = scenes, threading.Lock()
        self._found: LRUCache[tuple[str, int], tuple[Scene, EvaluationContext]] = LRUCache(WARM)

    def of(self, name: str, level: int) -> tuple[Scene, EvaluationContext]:
        """Return both of a scene by its name. Raises as `Scenes.scene` does."""
        key = name, level
        with self._lock:
            if key not in self._found:
                scene = shown(self._scenes.scene(name), flat=level != 0)
                context = EvaluationContext.of(scene) if level == 0 else level_context(scene, level)
                if level != 0:
                    scene = scene.replace(canvas={"crop": None, "bleed": None})
                context.single_from  # noqa: B018 - found once for all kernels
                self._found[key] = scene, context
            return self._found[key]


class StudioPainter:
    """Draws tiles and thumbnails, in one thread. `levels` is shared with all others."""

    def __init__(self, scenes: Scenes, levels: Levels, films: Films, kernel: str = "auto") -> None:
        self.scenes, self.levels, self.films, self.kernel = scenes, levels, films, kernel
        self.memory = Memory()
        self.warm: LRUCache[tuple[str, int], Renderer] = LRUCache(WARM)

    def paint(self, tile: Tile, check_cancelled: CheckCancelled) -> EncodedTile:
        """Draw and encode one.

        Raises InvalidRequestError for a scene that cannot be drawn, StoreError or RenderError for a
        store that is not there or damaged.
        """
        kind, _, name = tile.pyramid.partition("/")
        if kind == "stores":
            return stored(Path(name), check_cancelled)
        if kind == "frames":
            scene = self.films.frame(name, tile.row)
            pixels = self.thumb(scene, tile.level, check_cancelled)
        elif kind == "thumbs":
            scene = self.scenes.scene(name)
            pixels = self.thumb(scene, tile.level, check_cancelled)
        else:
            scene = self.scenes.scene(name)
            window = window_of(kind, tile.row, tile.col)
            pixels = self.draw(name, tile.level, window, check_cancelled)
        check_cancelled()
        return EncodedTile.of(pixels, scene)

    def draw(
        self, name: str, level: int, window: Window, check_cancelled: CheckCancelled
    ) -> NDArray[Any]:
        """Return the pixels (channels, height, width) of a window of a level, in 8 bits.

        Those of level 0 are what `render` stores; other levels have one sample a pixel.
        """
        renderer = self._warm(name, level)
        # A renderer counts from the first pixel that is drawn, windows here from the whole's.
        down, right = renderer.scene.canvas.origin
        return renderer.render(window.moved(-down, -right), check_cancelled)

    def thumb(self, scene: Scene, side: int, check_cancelled: CheckCancelled) -> NDArray[Any]:
        """See `small_picture`."""
        return small_picture(scene, side, check_cancelled, self.kernel, self.memory)

    def _warm(self, name: str, level: int) -> Renderer:
        key = name, level
        if key not in self.warm:
            scene, context = self.levels.of(name, level)
            self.warm[key] = Renderer(create(self.kernel, context, self.memory), scene)
        return self.warm[key]


def stored(path: Path, check_cancelled: CheckCancelled) -> EncodedTile:
    """A small picture of a store in work: darkened where nothing is stored yet."""
    picture = StorePicture(Store(path), "")
    pyramid = picture.pyramid("")
    assert pyramid is not None
    side = min(pyramid.side, THUMBS.stop)
    level = next(k for k, size in enumerate(pyramid.levels) if max(size) <= side)
    return picture.painter().paint(Tile(level, 0, 0), check_cancelled)


def small_picture(
    scene: Scene,
    side: int,
    check_cancelled: CheckCancelled = lambda: None,
    kernel: str = "auto",
    memory: Memory | None = None,
) -> NDArray[Any]:
    """Return the whole picture (channels, height, width) in 8 bits, its longer side `side` pixels.

    One sample a pixel; up to SHARE of the values are 1 off.
    """
    longest = max(scene.canvas.width, scene.canvas.height)
    sides = (max(1, round(n * side / longest)) for n in (scene.canvas.width, scene.canvas.height))
    small = shown(scene, flat=True, canvas=scene.canvas.resized(*sides))
    context = replace(EvaluationContext.of(small), share=SHARE)
    window = Window(0, 0, small.canvas.height, small.canvas.width)
    return render_window(create(kernel, context, memory), small, window, check_cancelled)


def shown(scene: Scene, flat: bool, **changes: Any) -> Scene:
    """A scene as a screen shows it, in 8 bits; flat: one sample for each pixel, evaluated.

    changes: to further sections.
    """
    output: dict[str, Any] = {"dtype": "uint8", "precision": "exact"}
    if flat:
        output |= {"supersample": 1, "tolerance": 0.0}
    return scene.replace(output=output, **changes)
