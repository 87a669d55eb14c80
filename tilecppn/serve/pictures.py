"""A scene that is not stored: tiles are drawn on demand."""

from dataclasses import dataclass
from functools import cached_property

from tilecppn.kernels import require
from tilecppn.scene.scene import Scene
from tilecppn.serve.drawing import DrawingPainter, Drawn, resized
from tilecppn.serve.pyramids import Pyramid, version_of
from tilecppn.serve.views import SIDE, drawn_view, place_of


@dataclass(frozen=True)
class ScenePicture:
    """A scene that is not stored.

    Tiles at full size have the pixels that `render` would store. A smaller level is the scene drawn
    at that level's size, not downsampled.
    """

    scene: Scene
    title: str
    kernel: str = "auto"

    @cached_property
    def version(self) -> str:
        """A version of the scene and its kernel. Raises InvalidRequestError if it cannot
        be drawn.
        """
        kernel = require(self.kernel, self.scene.output.precision)
        return version_of("scene", self.scene.fingerprint, kernel, str(self.scene.output.tile))

    @property
    def source(self) -> str:
        """The scene as TOML."""
        return self.scene.to_toml()

    @property
    def frames(self) -> None:
        """None, since it is a still."""
        return

    def pyramid(self, name: str) -> Pyramid | None:
        """Return the pyramid of the scene, or of a view beyond its canvas."""
        own = Pyramid.of(self.scene)
        if name == "":
            return own
        return None if place_of(self.scene, name) is None else own._replace(width=SIDE, height=SIDE)

    def painter(self) -> DrawingPainter:
        """Return a painter with its own kernels."""
        return DrawingPainter(self.pyramid, self.drawn, self.kernel)

    def drawn(self, name: str, level: int, width: int, height: int) -> Drawn:
        """Return what to draw for a level."""
        place = place_of(self.scene, name)
        if place is not None:
            return drawn_view(self.scene, place, width)
        return Drawn.of(resized(self.scene, level, width, height))

    def progress(self) -> None:
        """Return None, since nothing is being rendered."""
        return
