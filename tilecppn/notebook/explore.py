"""`tc.explore`: a scene in a notebook, to be moved, zoomed and changed by sliders."""

from pathlib import Path
from typing import TYPE_CHECKING

from tilecppn.cppn import CPPN
from tilecppn.errors import InvalidRequestError
from tilecppn.scene.scene import Scene, as_scene

if TYPE_CHECKING:
    from tilecppn.notebook.explorer import Explorer


def explore(scene: Scene | CPPN | str | Path) -> "Explorer":
    """Show a scene in a notebook; the result's `scene` is what it was made into.

    scene: a Scene, a network, or a path that `Scene.load` takes. Needs the extra `notebook`. Raises
    InvalidRequestError.
    """
    try:
        from tilecppn.notebook.explorer import Explorer
    except ImportError as error:
        raise InvalidRequestError(
            f'anywidget is not installed ({error}): pip install "tilecppn[notebook]"'
        ) from error
    shown = Scene.of().replace(cppn=scene) if isinstance(scene, CPPN) else as_scene(scene)
    return Explorer(shown)
