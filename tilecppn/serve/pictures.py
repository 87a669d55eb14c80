"""A scene of which nothing is stored: tiles are drawn when they are asked for."""

from dataclasses import dataclass
from functools import cached_property

from tilecppn.kernels import require
from tilecppn.scene.scene import Scene
from tilecppn.serve.drawing import DrawingPainter, Drawn, resized
from tilecppn.serve.pyramids import Pyramid, version_of
from tilecppn.serve.views import SIDE, drawn_view, place_of


@dataclass(frozen=True)
class ScenePicture:
    """A scene of which nothing is stored.

    Tiles at full size have the pixels that `render` would store. A smaller level is the scene
    drawn at that level's size, not the mean of larger ones.
    """

    scene: Scene
    title: str
    kernel: str = "auto"

    @cached_property
    def version(self) -> str:
        """Of the scene and of what draws it. Raises InvalidRequestError if it cannot be drawn."""
        kernel = require(self.kernel, self.scene.output.precision)
        return version_of("scene", self.scene.fingerprint, kernel, str(self.scene.output.tile))

    @property
    def source(self) -> str:
        """The scene."""
        return self.scene.to_toml()

    @property
    def frames(self) -> None:
        """Return None: a still."""
        return

    def pyramid(self, name: str) -> Pyramid | None:
        """The scene's own, or that of a view beyond its canvas."""
        own = Pyramid.of(self.scene)
        if name == "":
            return own
        return None if place_of(self.scene, name) is None else own._replace(width=SIDE, height=SIDE)

    def painter(self) -> DrawingPainter:
        """Return a painter with kernels of its own."""
        return DrawingPainter(self.pyramid, self.drawn, self.kernel)

    def drawn(self, name: str, level: int, width: int, height: int) -> Drawn:
        """What is drawn of a level."""
        place = place_of(self.scene, name)
        if place is not None:
            return drawn_view(self.scene, place, width)
        return Drawn.of(resized(self.scene, level, width, height))

    def progress(self) -> None:
        """Return None: nothing is rendered."""
        return
