"""Small exports to look at, made without the renderer."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tilecppn.exporters.page import assets, page

TILE = 256
SCENE = '[cppn]\npreset = "hardmaru"\nseed = 7\n# </script> & “quotes” \u2028\n'
Pixels = NDArray[np.uint8]


def gradient(height: int, width: int) -> Pixels:
    """A smooth picture, in which neighbours differ by at most one a channel."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack(
        [40 + x * 160 // width, 60 + y * 150 // height, 200 - (x + y) * 120 // (width + height)],
        axis=-1,
    ).astype(np.uint8)


def noise(height: int, width: int) -> Pixels:
    """A picture in which no pixel can be taken for its neighbour."""
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def halved(image: Pixels) -> Pixels:
    """The next level: means of 2 x 2 pixels, the last row or column counted twice if odd."""
    padded = np.pad(image, ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)), "edge")
    rows, columns = padded.shape[0] // 2, padded.shape[1] // 2
    mean: NDArray[np.float64] = padded.reshape(rows, 2, columns, 2, 3).mean(axis=(1, 3))
    return np.rint(mean).astype(np.uint8)


def write_export(folder: Path, name: str, image: Pixels, *, overlap: int = 0) -> Path:
    """Write NAME.dzi, NAME_files and NAME.html with PNG tiles into `folder`; the page's path."""
    height, width, _ = image.shape
    files = folder / f"{name}_files"
    level = (max(width, height) - 1).bit_length()
    shrunk = image
    for number in range(level, -1, -1):
        (files / str(number)).mkdir(parents=True)
        rows, columns, _ = shrunk.shape
        for y in range(-(-rows // TILE)):
            for x in range(-(-columns // TILE)):
                top, left = max(0, y * TILE - overlap), max(0, x * TILE - overlap)
                part = shrunk[top : (y + 1) * TILE + overlap, left : (x + 1) * TILE + overlap]
                Image.fromarray(part).save(files / str(number) / f"{x}_{y}.png")
        shrunk = halved(shrunk)
    for asset in assets():
        shutil.copy(asset, files / asset.name)
    (folder / f"{name}.dzi").write_text(
        '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="png" '
        f'Overlap="{overlap}" TileSize="{TILE}"><Size Width="{width}" Height="{height}"/></Image>'
    )
    html = folder / f"{name}.html"
    text = page(
        name,
        width=width,
        height=height,
        tile=TILE,
        overlap=overlap,
        format="png",
        files=files.name,
        summary={"Preset": "hardmaru", "Seed": "7"},
        scene=SCENE,
    )
    html.write_text(text, encoding="utf-8")
    return html
