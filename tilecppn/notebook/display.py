"""How scenes and networks show themselves in Jupyter: as PNG pictures, through IPython's
formatters.

The scene and the network do not know who draws them; `register` tells IPython instead.
"""

import sys

from tilecppn.cppn import CPPN
from tilecppn.exporters.icc import embedded
from tilecppn.exporters.png import encode_png
from tilecppn.pixels.window import preview
from tilecppn.scene.scene import Scene

SIDE = 512  # pixels of the longer side


def register() -> None:
    """Register the formatters of Scene and CPPN with the running IPython; without one, nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        formatter = shell.display_formatter.formatters["image/png"]
        formatter.for_type(Scene, scene_png)
        formatter.for_type(CPPN, network_png)


def scene_png(scene: Scene) -> bytes:
    """A small picture of a scene as the bytes of a PNG file."""
    width, height = scene.canvas.width, scene.canvas.height
    small = max(1, SIDE * width // max(width, height))
    profile = embedded(scene.output.profile, scene.channels)
    return encode_png(preview(scene, small), scene.shared_toml(), profile=profile)


def network_png(cppn: CPPN) -> bytes:
    """The picture of a network for latent seed 0, in its own view, as the bytes of a PNG file."""
    return scene_png(Scene.of().replace(cppn=cppn))
