"""Draws the pictures of README.md: `python examples/render.py`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import tilecppn as tc

HERE = Path(__file__).parent
SIDE = 300  # pixels of a picture's width
SCENES = (
    "grey-tanh", "softplus", "sine", "colour", "residual", "flux", "silk", "kaleidoscope",
)  # fmt: skip
WIDTHS = (4, 8, 16, 32, 64)
DETAIL = ("jupiter", "pyre", "tide", "petal", "agate", "ink", "nebula", "meadow")
ZOOM = (1.2, 0.08, 0.005, 0.0003)  # scales of one place
OWN = {"silk": 14, "ember": 0, "dunes": 4, "porcelain": 2, "lagoon": 5}  # preset: seed


def picture(name: str, width: int, *overrides: str) -> NDArray[np.uint8]:
    """Draw a scene of this folder, (height, width, 3)."""
    scene = tc.Scene.load(HERE / f"{name}.toml", ["output.supersample=2", *overrides])
    image = tc.preview(scene, width)
    return np.broadcast_to(image, (*image.shape[:2], 3))


def beside(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.concatenate(images, axis=1)


def pictures() -> dict[str, NDArray[np.uint8]]:
    """Every picture of README.md by its file's name."""
    drawn = {f"{name}.jpg": picture(name, SIDE) for name in SCENES}
    widths = [picture("guibas", SIDE // 2, f"cppn.width={width}") for width in WIDTHS]
    drawn["guibas-widths.jpg"] = beside(widths)
    square = "canvas.height=4800"
    own = [
        picture("silk", SIDE // 2, square, f"cppn.preset={name}", f"cppn.seed={seed}")
        for name, seed in OWN.items()
    ]
    drawn["presets.jpg"] = beside(own)
    square = "canvas.width=12000"
    rich = [
        picture("jupiter", SIDE // 2, square, f"cppn.preset={name}", "cppn.seed=1")
        for name in DETAIL
    ]
    drawn["detail.jpg"] = np.concatenate([beside(rich[:4]), beside(rich[4:])])
    place = (square, "view.center=[0.31, 0.17]")
    drawn["zoom.jpg"] = beside(
        [picture("jupiter", SIDE // 2, *place, f"view.scale={scale}") for scale in ZOOM]
    )
    for name in ("wallpaper", "marble"):
        drawn[f"{name}.jpg"] = np.tile(picture(name, SIDE // 2), (2, 2, 1))
    return drawn


if __name__ == "__main__":
    for name, image in pictures().items():
        Image.fromarray(image).save(HERE / "images" / name, quality=88)
