"""`tc.explore`: explore a scene in a notebook by dragging, zooming and sliders."""

from pathlib import Path
from typing import TYPE_CHECKING

from tilecppn.cppn import CPPN
from tilecppn.errors import InvalidRequestError
from tilecppn.scene.scene import Scene, as_scene

if TYPE_CHECKING:
    from tilecppn.notebook.explorer import Explorer


def explore(scene: Scene | CPPN | str | Path) -> "Explorer":
    """Show a scene in a notebook; the `scene` of the result is the scene as changed there.

    scene: a Scene, a network, or a path that `Scene.load` takes.

    Needs the extra `notebook`. Raises InvalidRequestError.
    """
    try:
        from tilecppn.notebook.explorer import Explorer
    except ImportError as error:
        raise InvalidRequestError(
            f'anywidget is not installed ({error}): pip install "tilecppn[notebook]"'
        ) from error
    shown = Scene.of().replace(cppn=scene) if isinstance(scene, CPPN) else as_scene(scene)
    return Explorer(shown)
