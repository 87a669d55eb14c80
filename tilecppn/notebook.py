"""How objects show themselves in Jupyter."""

from tilecppn.assemble.png import encode_png
from tilecppn.cppn import CPPN
from tilecppn.pixels.window import preview
from tilecppn.scene import Scene

SIDE = 512  # pixels of the longer side


def png(scene: Scene) -> bytes:
    """A small picture of a scene as a PNG file's bytes."""
    width, height = scene.canvas.width, scene.canvas.height
    small = max(1, SIDE * width // max(width, height))
    return encode_png(preview(scene, small), scene.to_toml())


def png_of_network(cppn: CPPN) -> bytes:
    """The network's picture for latent seed 0, in its own view."""
    return png(
        Scene.of(cppn={"channels": cppn.channels}, view=dict(cppn.structure.view)).replace(
            cppn=cppn
        )
    )
