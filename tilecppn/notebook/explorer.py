"""The widget of `tc.explore`, built with anywidget: the kernel draws, the browser displays.

The browser sends a message with `changes` to the scene, section → key → value, and `side`, the
longer side of the picture it needs. The answer is a record of the scene and a PNG, or a one-line
error. The next message follows only after the answer, so requests never queue up in the kernel.
"""

from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets

from tilecppn.errors import InvalidRequestError
from tilecppn.kernels import Memory
from tilecppn.scene.scene import Scene
from tilecppn.serve.pyramids import EncodedTile
from tilecppn.serve.studio.drawing import THUMBS, small_picture
from tilecppn.serve.studio.record import record
from tilecppn.serve.studio.scenes import checked_changes

_WIDGET: Final = Path(__file__).parent / "widget"
_PAGE: Final = Path(__file__).parents[1] / "serve" / "studio" / "page"
_SHARED: Final = ("plane.js", "element.js", "spread.js")  # they import nothing
LARGEST: Final = 4 * (THUMBS.stop - 1)  # pixels of the longer side


class Explorer(anywidget.AnyWidget):
    """A widget that shows a scene. `scene` is the scene shown; it can be set and observed."""

    _esm = "\n".join(
        path.read_text("utf-8")
        for path in (*(_PAGE / name for name in _SHARED), _WIDGET / "explorer.js")
    )
    _css = (_WIDGET / "explorer.css").read_text("utf-8")
    scene = traitlets.Instance(Scene)
    _asking = ""  # the view whose message is being answered

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene=scene)
        self._memory = Memory()
        self.on_msg(self._answer)

    @traitlets.observe("scene")
    def _tell(self, change: Any) -> None:
        """Tell all views that the scene has changed, and which view changed it."""
        if isinstance(change["old"], Scene):  # not at initialisation
            self.send({"changed_by": self._asking})

    def _answer(self, widget: Any, asked: Any, buffers: Any) -> None:
        """Apply the changes that a view asks for, and send it a picture."""
        view = str(asked["view"])
        try:
            changes = checked_changes(asked["changes"])
            scene = self.scene.replace(**changes) if changes else self.scene
            side = max(16, min(LARGEST, int(asked["side"])))
            pixels = small_picture(scene, side, memory=self._memory)
        except InvalidRequestError as error:
            self.send({"view": view, "error": " ".join(str(error).split())})
            return
        self._asking = view
        try:
            self.scene = scene
        finally:
            self._asking = ""
        shown = record(scene, "", scene.to_toml())
        self.send({"view": view, "scene": shown}, [EncodedTile.of(pixels, scene).data])
