"""Display scenes, networks, stores, timelines and pictures as PNG in Jupyter.

Their classes do not import this module; `register` adds it to IPython's formatters.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tilecppn.cppn import CPPN
from tilecppn.exporters.encoding.icc import embedded
from tilecppn.exporters.encoding.png import encode_png
from tilecppn.film.contact_sheet import contact_sheet
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.pixels.picture import Picture
from tilecppn.pixels.preview import preview
from tilecppn.pixels.quantise import to_uint8
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

SIDE = 512  # pixels along the longer side of a drawn picture
STORED = 1024  # the same limit for a level that is read from a store


def scene_png(scene: Scene) -> bytes:
    """Return a small picture of a scene as the bytes of a PNG file."""
    width, height = scene.canvas.width, scene.canvas.height
    small = max(1, SIDE * width // max(width, height))
    profile = embedded(scene.output.profile, scene.channels)
    return encode_png(preview(scene, small), scene.shared_toml(), profile=profile)


def network_png(cppn: CPPN) -> bytes:
    """Return the picture of latent seed 0 in the network's own view as a PNG file's bytes."""
    return scene_png(Scene.of().replace(cppn=cppn))


def store_png(store: Store) -> bytes:
    """Return the largest level of at most STORED pixels as a PNG; missing shards are black."""
    levels = store.plan.levels
    level = next((lv for lv in levels if max(lv.width, lv.height) <= STORED), levels[-1])
    window = Window(0, 0, level.height, level.width)
    pixels = np.moveaxis(to_uint8(store.read(level.index, window, partial=True)), 0, -1)
    profile = embedded(store.scene.output.profile, store.channels)
    return encode_png(pixels, store.scene.shared_toml(), profile=profile)


def timeline_png(timeline: Timeline) -> bytes:
    """Return a contact sheet of a film as the bytes of a PNG file."""
    return encode_png(contact_sheet(timeline))


def picture_png(picture: Picture) -> bytes | None:
    """Return a picture as a PNG file's bytes; None for a slice of it that is not a picture."""
    if picture.ndim != 3 or picture.shape[2] not in (1, 3) or picture.size == 0:
        return None
    return encode_png(np.asarray(picture), profile=embedded(picture.profile, picture.shape[2]))


SHOWN: dict[type, Callable[[Any], bytes | None]] = {
    Picture: picture_png,
    Scene: scene_png,
    CPPN: network_png,
    Store: store_png,
    Timeline: timeline_png,
}


def register() -> None:
    """Register the formatters with the running IPython; without one, do nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        formatter = shell.display_formatter.formatters["image/png"]
        for kind, png in SHOWN.items():
            formatter.for_type(kind, png)
