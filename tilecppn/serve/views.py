"""Views beyond the canvas: a zoom into a network with detail continues in pyramids of their own.

A view is a square of the plane, named `views/{x}_{y}_{scale}` by its centre and the distance from
there to its edge, in plane units. Two views show a place in the same colours, at the same pixel
size, if the local fineness was measured at the same point. A name may continue with
`_{x}_{y}_{step}`: the point where it is measured for pixels of size `step` and larger.
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

SIDE: Final = 16384  # side of a view's pyramid in pixels
WINDOW: Final = 768.0  # pixels of a window whose contrast equals that of a scene of its own
_NUMBER: Final = r"-?(?:0|[1-9][0-9]{0,20})(?:\.[0-9]{1,30})?(?:e[+-]?[0-9]{1,3})?"
_NAME: Final = re.compile(
    f"views/({_NUMBER})_({_NUMBER})_({_NUMBER})(?:_({_NUMBER})_({_NUMBER})_({_NUMBER}))?"
)


class Place(NamedTuple):
    """A [view], and the point where the local fineness is measured."""

    view: View
    measured: tuple[float, float]  # for pixels of `step` and larger; else at the view's centre
    step: float


def has_views(scene: Scene) -> bool:
    """Return whether a zoom finds detail beyond the canvas, and a view of the scene shows each
    part.

    No view of the scene shows a part of a folded or stretched picture.
    """
    detailed = scene.cppn.structure.detail is not None
    return detailed and Fold.of(scene.view) is None and scene.view.aspect == "preserve"


def place_of(scene: Scene, name: str) -> Place | None:
    """Return the place that a view's name describes; None if it is not valid. The name may be any
    text.

    Its pixels are no larger than the scene's, and float64 resolves them.
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
    """Return what to draw for a level of a view, `side` pixels wide and high."""
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
    """Return the scale, in plane units, that determines the contrast of a level with pixels of
    `step`.

    A network's coarse layers recede as a view zooms in. Here that follows the pixel size, so that
    overlapping views look alike where one replaces the other: for pixels as large as the canvas'
    own it is the scene's scale; for smaller ones it approaches that of a window, by half an octave
    per octave.
    """
    own = min(scene.grid.step)
    if step >= own:
        return scene.view.scale
    ratio = math.log2(scene.view.scale / (0.5 * WINDOW * own))
    left = math.copysign(max(0.0, abs(ratio) - 0.5 * math.log2(own / step)), ratio)
    return float(0.5 * WINDOW * step * 2.0**left)
