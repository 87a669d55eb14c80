"""Ready-made moves: --morph, --zoom, --orbit. Each has its own tracks, so they can be combined."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tilecppn.errors import SceneError
from tilecppn.film.timeline.keyframes import Film, Keyframe, make_section
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import cosine

ORBIT_RADIUS = 0.5  # relative to the view's scale
ORBIT_KNOTS = 48
LEAST_ZOOM = 1e-300  # small enough; its inverse is still finite

Knots = list[tuple[float, str, dict[str, Any]]]  # fraction of the film's time, section, values


def moving(
    scene: Scene,
    *,
    morph: Sequence[int] = (),
    zoom: float | None = None,
    orbit: bool = False,
    **film: Any,
) -> Timeline:
    """Make a timeline of one scene; `film` are keys of [film].

    morph: seeds of latents, passed on a smooth curve; a loop returns to the first. zoom: the zoom
    factor at the end (below 1 zooms out); a loop goes there and back. orbit: the view's centre
    circles once around its position, at half the view's scale. Raises SceneError.
    """
    wanted = make_section(Film, film)
    loop = wanted.loop
    # Without a loop the last frame is the end itself.
    end = 1.0 if loop else max(1, wanted.frames - 1) / max(1, wanted.frames)
    knots: Knots = []
    interpolation: dict[str, str] = {}
    if morph:
        knots += _morph(morph, end, loop)
        interpolation["latent"] = "spline"
    if zoom is not None:
        knots += _zoom(scene, zoom, end, loop)
    if orbit:
        knots += _orbit(scene, zoom or 1.0, end, loop)
        interpolation["view.center"] = "spline"
    if not knots:
        raise SceneError(
            "nothing moves: give --morph, --zoom or --orbit, or a timeline with [[keyframe]]"
        )
    keyframes = []
    for share, said in sorted(_merged(knots).items()):
        sections: dict[str, Any] = said
        keyframes.append(Keyframe(share * wanted.seconds, **sections))
    return Timeline.of(scene, keyframes, **{**film, "interpolation": interpolation})


def _morph(seeds: Sequence[int], end: float, loop: bool) -> Knots:
    if len(seeds) < 2:
        raise SceneError("--morph: needs two seeds or more, as in --morph 1,2,3")
    steps = len(seeds) if loop else len(seeds) - 1
    return [(end * i / steps, "latent", {"seed": seed}) for i, seed in enumerate(seeds)]


def _zoom(scene: Scene, factor: float, end: float, loop: bool) -> Knots:
    if not LEAST_ZOOM <= factor < math.inf:
        raise SceneError(
            f"--zoom {factor:g}: must be above 0 ({LEAST_ZOOM:g} at least); 1000 is a thousand "
            "times closer"
        )
    far, near = {"scale": scene.view.scale}, {"scale": scene.view.scale / factor}
    return [(0.0, "view", far), (end / 2 if loop else end, "view", near)]


def _orbit(scene: Scene, zoom: float, end: float, loop: bool) -> Knots:
    """Circle around the centre with a radius that shrinks with the view's scale."""
    knots: Knots = []
    for i in range(ORBIT_KNOTS if loop else ORBIT_KNOTS + 1):
        share = i / ORBIT_KNOTS
        depth = 1.0 - abs(2.0 * share - 1.0) if loop else share
        radius = ORBIT_RADIUS * scene.view.scale * zoom**-depth
        angle = 360.0 * share
        x = scene.view.center[0] + radius * cosine(angle)
        y = scene.view.center[1] + radius * cosine(angle - 90.0)
        knots.append((end * share, "view", {"center": [x, y]}))
    return knots


def _merged(knots: Knots) -> Mapping[float, dict[str, dict[str, Any]]]:
    """Merge the values that moves set at the same time into one keyframe."""
    merged: dict[float, dict[str, dict[str, Any]]] = {}
    for share, section, values in knots:
        # Times that differ only by rounding are the same.
        at = next((t for t in merged if math.isclose(t, share, abs_tol=1e-12)), share)
        merged.setdefault(at, {}).setdefault(section, {}).update(values)
    return merged
