"""Draw what the page shows: tiles of the plane around a scene, and thumbnails.

The tiles of a scene use its own grid of pixels, extended beyond the canvas in all directions: tile
(row, column) of level 0 has the pixels from (256·row, 256·column) on, and each next level has
pixels twice as large; negative levels zoom in. Glimpses are small tiles of coarse levels, shown
when little of them is visible.
"""

import math
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cachetools import LRUCache
from numpy.typing import NDArray

from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import InvalidRequestError
from tilecppn.kernels import EvaluationContext, Memory, create
from tilecppn.pixels.renderer import Renderer, render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import Canvas
from tilecppn.serve.pyramids import EncodedTile, Tile
from tilecppn.serve.store_picture import StorePicture
from tilecppn.serve.studio.films import Films
from tilecppn.serve.studio.scenes import Scenes
from tilecppn.serve.views import contrast_scale
from tilecppn.storage.store import Store

SIDES: Final = {"tiles": 256, "glimpses": 64}  # pixels
COARSEST: Final = 24  # doublings of the canvas' pixel size
MOST_TILES: Final = 2**40  # rows and columns from the canvas in each direction
THUMBS: Final = range(16, 513)  # longer sides of a thumbnail in pixels
WARM: Final = 16  # kernels kept per thread
SHARE: Final = 0.01  # share of the values that may be off by 1, in pictures that are only looked at


def tile_of(kind: str, scene: str, level: int, row: int, col: int) -> Tile:
    """Return the queue's name of a tile of a scene. kind: a key of SIDES."""
    return Tile(level, row, col, f"{kind}/{scene}")


def thumb_of(scene: str, side: int) -> Tile:
    """Return the queue's name of a scene's thumbnail."""
    return Tile(side, 0, 0, f"thumbs/{scene}")


def frame_of(film: str, number: int, side: int) -> Tile:
    """Return the queue's name of a small frame of a film."""
    return Tile(side, number, 0, f"frames/{film}")


def store_of(path: Path, done: int) -> Tile:
    """Return the queue's name of a small picture of a store with `done` shards."""
    return Tile(done, 0, 0, f"stores/{path}")


def window_of(kind: str, row: int, col: int) -> Window:
    """Return the pixels of a tile, counted from the corner of the whole canvas."""
    side = SIDES[kind]
    return Window(row * side, col * side, (row + 1) * side, (col + 1) * side)


def levels(scene: Scene) -> tuple[int, int]:
    """Return the finest level that float64 resolves, with some margin, and the coarsest."""
    grid = scene.grid
    room = min(grid.step) / (16.0 * math.ulp(grid.reach))
    return -max(0, math.floor(math.log2(room))), COARSEST


def level_context(scene: Scene, level: int) -> EvaluationContext:
    """Return the context of a kernel for the tiles of a level."""
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
    """The scenes and kernel contexts of levels, shared by all threads.

    Computing one takes Python some milliseconds, during which it holds the interpreter lock.
    """

    def __init__(self, scenes: Scenes) -> None:
        self._scenes, self._lock = scenes, threading.Lock()
        self._found: LRUCache[tuple[str, int], tuple[Scene, EvaluationContext]] = LRUCache(WARM)

    def of(self, name: str, level: int) -> tuple[Scene, EvaluationContext]:
        """Return a level's scene and kernel context, by the scene's id. Raises as `Scenes.scene`
        does.
        """
        key = name, level
        with self._lock:
            if key not in self._found:
                found = self._scenes.scene(name)
                if level == 0:
                    scene = for_screen(found, flat=False)
                    context = EvaluationContext.of(scene)
                else:
                    scene = for_screen(found, flat=True, crop=None, bleed=None)
                    context = level_context(scene, level)
                context.single_from  # noqa: B018 - computed once for all kernels
                self._found[key] = scene, context
            return self._found[key]


class StudioPainter:
    """Draws tiles and thumbnails, in one thread. `levels` is shared with all others."""

    def __init__(self, scenes: Scenes, levels: Levels, films: Films) -> None:
        self.scenes, self.levels, self.films = scenes, levels, films
        self.memory = Memory()
        self.warm: LRUCache[tuple[str, int], Renderer] = LRUCache(WARM)

    def paint(self, tile: Tile, check_cancelled: CheckCancelled) -> EncodedTile:
        """Draw and encode a tile, thumbnail, frame or store.

        Raises InvalidRequestError for a scene that cannot be drawn, StoreError or RenderError for a
        store that is missing or damaged.
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
            if tile.level < 0 and tile.level < levels(scene)[0]:
                raise InvalidRequestError("closer than this, float64 cannot tell points apart")
            window = window_of(kind, tile.row, tile.col)
            pixels = self.draw(name, tile.level, window, check_cancelled)
        check_cancelled()
        return EncodedTile.of(pixels, scene)

    def draw(
        self, name: str, level: int, window: Window, check_cancelled: CheckCancelled
    ) -> NDArray[Any]:
        """Return the pixels (channels, height, width) of a window of a level, in 8 bits.

        Level 0 has the pixels that `render` stores; other levels have one sample per pixel.
        """
        renderer = self._warm(name, level)
        # A renderer counts from the first drawn pixel, windows here from the whole canvas' corner.
        down, right = renderer.scene.canvas.origin
        return renderer.render(window.moved(-down, -right), check_cancelled)

    def thumb(self, scene: Scene, side: int, check_cancelled: CheckCancelled) -> NDArray[Any]:
        """Return a thumbnail, see `small_picture`."""
        return small_picture(scene, side, check_cancelled, self.memory)

    def _warm(self, name: str, level: int) -> Renderer:
        key = name, level
        if key not in self.warm:
            scene, context = self.levels.of(name, level)
            self.warm[key] = Renderer(create("auto", context, self.memory), scene)
        return self.warm[key]


def stored(path: Path, check_cancelled: CheckCancelled) -> EncodedTile:
    """Return a small picture of a store being rendered, darkened where shards are missing."""
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
    memory: Memory | None = None,
) -> NDArray[Any]:
    """Return the whole picture (channels, height, width) in 8 bits, `side` pixels along its longer
    side.

    One sample per pixel; up to SHARE of the values are off by 1.
    """
    longest = max(scene.canvas.width, scene.canvas.height)
    sides = (max(1, round(n * side / longest)) for n in (scene.canvas.width, scene.canvas.height))
    small = for_screen(scene, flat=True, print=None, **scene.canvas.resized(*sides))
    context = replace(EvaluationContext.of(small), share=SHARE)
    window = Window(0, 0, small.canvas.height, small.canvas.width)
    return render_window(create("auto", context, memory), small, window, check_cancelled)


def for_screen(scene: Scene, flat: bool, **canvas: Any) -> Scene:
    """Return a scene as shown on a screen, in 8 bits; flat: one evaluated sample per pixel.

    canvas: changed keys of [canvas]. The scene is only for drawing: its own `replace` would begin
    from the given one.
    """
    output: dict[str, Any] = {"dtype": "uint8", "precision": "exact"}
    if flat:
        output |= {"supersample": 1, "tolerance": 0.0}
    sides = Canvas(**{**scene.canvas.values(), **canvas})
    return replace(scene, output=replace(scene.output, **output), canvas=sides)
