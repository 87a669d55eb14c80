"""Views beyond the canvas: a zoom into a network with detail goes on in pyramids of their own.

A view is a square of the plane, called `views/{x}_{y}_{scale}` by its centre and the distance from
there to its edge, in plane units.
"""

import math
import re
from dataclasses import replace
from typing import Final

from tilecppn.errors import SceneError
from tilecppn.kernels import EvaluationContext
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import Canvas, View
from tilecppn.scene.symmetry import Fold
from tilecppn.scene.view import Grid
from tilecppn.serve.drawing import Drawn

SIDE: Final = 8192  # pixels of a view's pyramid
WINDOW: Final = 1024.0  # pixels of a window, in which the contrast is that of a scene of its own
_NUMBER: Final = r"-?(?:0|[1-9][0-9]{0,20})(?:\.[0-9]{1,30})?(?:e[+-]?[0-9]{1,3})?"
_NAME: Final = re.compile(f"views/({_NUMBER})_({_NUMBER})_({_NUMBER})")


def has_views(scene: Scene) -> bool:
    """Whether a zoom finds anything beyond the canvas, and each part of it is a view of the scene.

    A part of a folded picture is none, nor one of a picture that is stretched.
    """
    detailed = scene.cppn.structure.detail is not None
    return detailed and Fold.of(scene.view) is None and scene.view.aspect == "preserve"


def view_of(scene: Scene, name: str) -> View | None:
    """The [view] of a view by its name, which anybody may have typed; None if it is none.

    Its scale is no larger than the scene's, and float64 tells its pixels apart.
    """
    found = _NAME.fullmatch(name)
    if found is None or not has_views(scene):
        return None
    x, y, scale = map(float, found.groups())
    far = 2.0 * scene.grid.reach
    if not (0.0 < scale <= scene.view.scale and abs(x) <= far and abs(y) <= far):
        return None
    view = replace(scene.view, center=(x, y), scale=scale, grid="centers")
    try:
        Grid.of(view, Canvas(width=SIDE, height=SIDE))
    except SceneError:
        return None
    return view


def drawn_view(scene: Scene, view: View, side: int) -> Drawn:
    """What is drawn of a level of a view, `side` pixels wide and high."""
    # Nearly every pixel of such a network is evaluated in any case.
    square = Canvas(width=side, height=side)
    sized = scene.replace(view=view, canvas=square, output={"tolerance": 0.0})
    context = replace(EvaluationContext.of(sized), scale=contrast_scale(scene, sized.grid.step[0]))
    return Drawn(sized, [(sized, context)])


def contrast_scale(scene: Scene, step: float) -> float:
    """The scale, in plane units, whose contrast a level with pixels of `step` has.

    A network's coarse layers recede as a view goes in. Here that follows the size of the pixels,
    so that views that overlap look alike where one takes the place of the other: down to the
    canvas' own pixels the scene's scale; then, an octave faster each octave, that of a window.
    """
    own = min(scene.grid.step)
    if step >= own:
        return scene.view.scale
    ratio = math.log2(scene.view.scale / (0.5 * WINDOW * own))
    left = math.copysign(max(0.0, abs(ratio) - math.log2(own / step)), ratio)
    return float(0.5 * WINDOW * step * 2.0**left)
