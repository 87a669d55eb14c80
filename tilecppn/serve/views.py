"""Views beyond the canvas: a zoom into a network with detail goes on in pyramids of their own.

A view is a square of the plane, called `views/{x}_{y}_{scale}` by its centre and the distance from
there to its edge, in plane units. Two views show a place in the same colours, at the same size of
pixels, if how fine the place is was measured at the same point. A name may go on with
`_{x}_{y}_{step}`: where it is measured for pixels of `step` and larger ones.
"""

import math
import re
from dataclasses import replace
from typing import Final, NamedTuple

from tilecppn.errors import SceneError
from tilecppn.kernels import EvaluationContext
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import Canvas, View
from tilecppn.scene.symmetry import Fold
from tilecppn.scene.view import Grid
from tilecppn.serve.drawing import Drawn

SIDE: Final = 16384  # pixels of a view's pyramid
WINDOW: Final = 768.0  # pixels of a window, in which the contrast is that of a scene of its own
_NUMBER: Final = r"-?(?:0|[1-9][0-9]{0,20})(?:\.[0-9]{1,30})?(?:e[+-]?[0-9]{1,3})?"
_NAME: Final = re.compile(
    f"views/({_NUMBER})_({_NUMBER})_({_NUMBER})(?:_({_NUMBER})_({_NUMBER})_({_NUMBER}))?"
)


class Place(NamedTuple):
    """A [view], and where it is measured how fine the place is."""

    view: View
    measured: tuple[float, float]  # for pixels of `step` and larger ones; else at the view's centre
    step: float


def has_views(scene: Scene) -> bool:
    """Whether a zoom finds anything beyond the canvas, and each part of it is a view of the scene.

    A part of a folded picture is none, nor one of a picture that is stretched.
    """
    detailed = scene.cppn.structure.detail is not None
    return detailed and Fold.of(scene.view) is None and scene.view.aspect == "preserve"


def place_of(scene: Scene, name: str) -> Place | None:
    """What a view's name says, which anybody may have typed; None if it is none.

    Its pixels are no larger than the scene's, and float64 tells them apart.
    """
    found = _NAME.fullmatch(name)
    if found is None or not has_views(scene):
        return None
    x, y, scale, *rest = (float(number) for number in found.groups() if number is not None)
    at_x, at_y, step = rest or (x, y, math.inf)
    far = 2.0 * scene.grid.reach
    if not (0.0 < 2.0 * scale <= SIDE * min(scene.grid.step) and step > 0.0):
        return None
    if max(map(abs, (x, y, at_x, at_y))) > far:
        return None
    view = replace(scene.view, center=(x, y), scale=scale, grid="centers")
    try:
        Grid.of(view, Canvas(width=SIDE, height=SIDE))
    except SceneError:
        return None
    return Place(view, (at_x, at_y), step)


def drawn_view(scene: Scene, place: Place, side: int) -> Drawn:
    """What is drawn of a level of a view, `side` pixels wide and high."""
    # Nearly every pixel of such a network is evaluated in any case.
    square = Canvas(width=side, height=side)
    sized = scene.replace(view=place.view, canvas=square, output={"tolerance": 0.0})
    step = sized.grid.step[0]
    measured = place.measured if step >= place.step else place.view.center
    if step >= min(scene.grid.step):
        measured = scene.view.center
    context = EvaluationContext.of(sized)
    return Drawn(
        sized,
        [(sized, replace(context, scale=contrast_scale(scene, step), measured=measured))],
    )


def contrast_scale(scene: Scene, step: float) -> float:
    """The scale, in plane units, whose contrast a level with pixels of `step` has.

    A network's coarse layers recede as a view goes in. Here that follows the size of the pixels,
    so that views that overlap look alike where one takes the place of the other: down to the
    canvas' own pixels the scene's scale; then, half as fast again, that of a window.
    """
    own = min(scene.grid.step)
    if step >= own:
        return scene.view.scale
    ratio = math.log2(scene.view.scale / (0.5 * WINDOW * own))
    left = math.copysign(max(0.0, abs(ratio) - 0.5 * math.log2(own / step)), ratio)
    return float(0.5 * WINDOW * step * 2.0**left)
