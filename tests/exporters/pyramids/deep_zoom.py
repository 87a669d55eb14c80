"""Deep Zoom exports as their files say."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from tests.decoding import by_pillow, by_vips
from tests.stores import level_pixels
from tilecppn.storage.store import Store

NAMESPACE = "{http://schemas.microsoft.com/deepzoom/2008}"


Pixels = NDArray[Any]


class Pyramid(NamedTuple):
    """An export as its files say: attributes of the descriptor, tiles by level and (x, y)."""

    format: str
    overlap: int
    tile: int
    width: int
    height: int
    tiles: dict[int, dict[tuple[int, int], Path]]

    @property
    def top(self) -> int:
        return max(self.tiles)

    def size(self, level: int) -> tuple[int, int]:
        """(width, height) of a Deep Zoom level, by the format's own formula."""
        shrink = 2 ** (math.ceil(math.log2(max(self.width, self.height))) - level)
        return math.ceil(self.width / shrink), math.ceil(self.height / shrink)


def read_pyramid(descriptor: Path) -> Pyramid:
    image = ElementTree.parse(descriptor).getroot()
    assert image.tag == f"{NAMESPACE}Image"
    (size,) = image
    assert size.tag == f"{NAMESPACE}Size"
    assert set(image.attrib) == {"Format", "Overlap", "TileSize"}
    assert set(size.attrib) == {"Width", "Height"}
    tiles: dict[int, dict[tuple[int, int], Path]] = {}
    for folder in descriptor.with_name(f"{descriptor.stem}_files").iterdir():
        if folder.is_dir():
            level = tiles.setdefault(int(folder.name), {})
            for path in folder.iterdir():
                x, y = path.stem.split("_")
                assert path.name == f"{int(x)}_{int(y)}.{image.attrib['Format']}"
                level[int(x), int(y)] = path
    return Pyramid(
        image.attrib["Format"],
        int(image.attrib["Overlap"]),
        int(image.attrib["TileSize"]),
        int(size.attrib["Width"]),
        int(size.attrib["Height"]),
        tiles,
    )


def read_image(path: Path) -> Pixels:
    """(height, width, channels), by Pillow, or by libvips for 16-bit RGB, which Pillow lacks."""
    data = path.read_bytes()
    deep_colour = data[:4] == b"\x89PNG" and data[24:26] == b"\x10\x02"
    return by_vips(data) if deep_colour else by_pillow(data)


def assembled(pyramid: Pyramid, level: int) -> Pixels:
    """A level from its tiles; where tiles overlap, they must agree."""
    w, h = pyramid.size(level)
    t, o = pyramid.tile, pyramid.overlap
    wanted = {(x, y) for y in range(math.ceil(h / t)) for x in range(math.ceil(w / t))}
    assert set(pyramid.tiles[level]) == wanted
    canvas: Pixels | None = None
    covered = np.zeros((h, w), bool)
    for (x, y), path in pyramid.tiles[level].items():
        tile = read_image(path)
        left, right = max(0, x * t - o), min(w, (x + 1) * t + o)
        top, bottom = max(0, y * t - o), min(h, (y + 1) * t + o)
        assert tile.shape[:2] == (bottom - top, right - left)
        if canvas is None:
            canvas = np.zeros((h, w, tile.shape[2]), tile.dtype)
        there = covered[top:bottom, left:right]
        np.testing.assert_array_equal(canvas[top:bottom, left:right][there], tile[there])
        canvas[top:bottom, left:right] = tile
        there[:] = True
    assert canvas is not None
    assert covered.all()
    return canvas


def halved(pixels: Pixels) -> Pixels:
    """The mean of 2×2 pixels, an odd edge counted twice, half to even: in fractions."""
    h, w, channels = pixels.shape
    out = np.empty((math.ceil(h / 2), math.ceil(w / 2), channels), pixels.dtype)
    for i, j, c in np.ndindex(*out.shape):
        four = [
            int(pixels[min(2 * i + di, h - 1), min(2 * j + dj, w - 1), c])
            for di in (0, 1)
            for dj in (0, 1)
        ]
        out[i, j, c] = round(Fraction(sum(four), 4))  # Python's round is half to even
    return out


def assert_equals_store(descriptor: Path, store: Store, base: int = 0) -> Pyramid:
    """Each level is the store's, bit for bit; the smaller ones follow from the one before."""
    pyramid = read_pyramid(descriptor)
    level = store.plan.levels[base]
    assert (pyramid.width, pyramid.height) == (level.width, level.height)
    longer = max(level.width, level.height)
    assert sorted(pyramid.tiles) == list(range(math.ceil(math.log2(longer)) + 1))
    before: Pixels | None = None
    for number in range(pyramid.top, -1, -1):
        pixels = assembled(pyramid, number)
        index = base + pyramid.top - number
        if index < len(store.plan.levels):
            expected = level_pixels(store, index)
        else:
            assert before is not None
            expected = halved(before)
        assert pixels.dtype == expected.dtype
        np.testing.assert_array_equal(pixels, expected)
        before = pixels
    assert before is not None
    assert before.shape[:2] == (1, 1)
    return pyramid
