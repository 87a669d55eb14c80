"""Convert a timeline to the motion that a page of `shaders` plays: latents and views."""

from typing import Final

import numpy as np

from tilecppn.errors import SceneError
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import Scene
from tilecppn.scene.symmetry import Fold
from tilecppn.shaders.config import zoom_of
from tilecppn.shaders.motion import Motion

MOMENTS: Final = 1200  # most moments; the page interpolates linearly between them


def motion_of(timeline: Timeline) -> tuple[Scene, Motion]:
    """Return the first frame's scene, and its motion.

    Raises SceneError if something moves that a page cannot play.
    """
    tracks, first = timeline.tracks, timeline.scene(0)
    played = _played(first)
    if others := [name for name in tracks if name not in played]:
        raise SceneError(
            f"{', '.join(others)}: cannot move on a page, which plays {', '.join(played)} of this "
            "scene; `tilecppn animate` makes a film of it"
        )
    # The last moment of a loop equals the first.
    last = timeline.frames if timeline.film.loop else timeline.frames - 1
    frames = np.linspace(0, last, min(max(last + 1, 2), MOMENTS))
    rows = []
    for time in map(timeline.time, frames):
        view = {name: track.at(time) for name, track in tracks.items()}
        center = view.get("view.center", first.view.center)
        scale = view.get("view.scale", first.view.scale)
        turned = view.get("view.rotation", first.view.rotation) - first.view.rotation
        z = view.get("latent", first.z)
        rows.append([*_offset(first, center), np.log2(first.view.scale / scale), turned, *z])
    moments = np.array(rows)
    closest, most = float(2.0 ** moments[:, 2].max()), zoom_of(first)
    if closest > most * (1.0 + 1e-9):
        raise SceneError(
            f"view.scale: goes in {closest:,.4g} : 1, and a page {most:,.0f} : 1 at most; "
            "`tilecppn animate` makes a film of it"
        )
    return first, Motion(last / float(timeline.film.fps), timeline.film.loop, moments)


def _played(scene: Scene) -> list[str]:
    """Return the tracks that a page can play; with symmetry, the folded plane must not move."""
    fold = Fold.of(scene.view)
    played = ["latent"]
    if fold is None or not fold.repeat:
        played.append("view.scale")
    if fold is None:
        played.append("view.center")
        if scene.view.aspect != "stretch":
            played.append("view.rotation")
    return played


def _offset(scene: Scene, center: tuple[float, float]) -> tuple[float, float]:
    grid = scene.grid
    x, y = center[0] - grid.center[0], center[1] - grid.center[1]
    if grid.swap:
        x, y = y, x
    return x * grid.cosine + y * grid.sine, y * grid.cosine - x * grid.sine
