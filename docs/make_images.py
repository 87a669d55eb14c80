"""Draws the pictures of the documentation that show presets with detail.

python docs/make_images.py
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tilecppn.cppn import PRESETS
from tilecppn.exporters.contact_sheet import Entry, contact_sheet
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.preview import preview
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene

IMAGES = Path(__file__).parent / "images"
POSTER = Path(__file__).parents[1] / "examples" / "poster.toml"
GIGAPIXEL = {"width": 32768, "height": 32768}
DETAILED = [name for name, preset in PRESETS.items() if preset.octaves]


def crop(scene: Scene, row: int, col: int, side: int) -> NDArray[np.uint8]:
    """Draw a square (side, side, 3) of the scene at full size."""
    kernel = create("auto", EvaluationContext.of(scene))
    return interleaved(render_window(kernel, scene, Window(row, col, row + side, col + side)))


def save(image: NDArray[np.uint8], name: str, quality: int = 82) -> None:
    """Write a JPEG into docs/images."""
    Image.fromarray(image).save(IMAGES / name, quality=quality, subsampling=0, optimize=True)


def sheet(name: str) -> NDArray[np.uint8]:
    """Draw 25 seeds of a preset."""
    side = {"width": 160, "height": 160}
    entries = [
        Entry(preview(Scene.of(cppn={"preset": name, "seed": s}, canvas=side), 160), [f"seed {s}"])
        for s in range(25)
    ]
    return contact_sheet(entries, 5, (160, 160))


def scales() -> NDArray[np.uint8]:
    """Draw the poster as a whole, 8 times closer, and 64 times closer, at full size."""
    scene = Scene.load(POSTER, ["canvas.width=32768", "canvas.height=32768"])
    row, col, side = 20500, 13500, 512
    parts = []
    for shift in (6, 3, 0):
        canvas = {"width": 32768 >> shift, "height": 32768 >> shift}
        top, left = (max(0, (v >> shift) - side // 2) for v in (row, col))
        top, left = (min(v, canvas["width"] - side) for v in (top, left))
        parts.append(crop(scene.replace(canvas=canvas), top, left, side))
    return np.concatenate(parts, axis=1)


def main() -> None:
    """Draw all of them."""
    save(preview(Scene.load(POSTER), 1200), "poster.jpg", 85)
    save(scales(), "poster-scales.jpg")
    for name in DETAILED:
        save(sheet(name), f"preset-{name}.jpg", 75)
        scene = Scene.of(cppn={"preset": name, "seed": 4}, canvas=GIGAPIXEL)
        save(crop(scene, 12000, 15000, 600), f"crop-{name}.jpg", 80)


if __name__ == "__main__":
    main()
