"""Pyramids in a folder, for viewers of the web: IIIF, XYZ and Zoomify.

Levels are the store's, from the largest to the first that one tile holds.
"""

import json
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Layout, Pixels, Size, TileFolder, filled, write_pyramid
from tilecppn.plan import Window, ceil_div

WHOLE = 2048  # pixels: IIIF gives the whole picture up to this side
GROUP = 256  # tiles in a folder of Zoomify's


class XYZ(Layout):
    """{z}/{x}/{y}, z from the level that one tile holds up, x to the right and y down.

    All tiles are whole, as map viewers stretch others.
    """

    kind = "xyz"

    def name(self, level: int, tile: Window) -> str:
        z = len(self.sizes) - 1 - level
        return f"{z}/{tile.left // self.side}/{tile.top // self.side}"

    def fitted(self, pixels: Pixels) -> Pixels:
        return filled(pixels, self.side)


class Zoomify(Layout):
    """TileGroup{n}/{z}-{x}-{y}, groups of 256 tiles counted from the smallest level's first on.

    A level's sides are half of the one before, rounded up, as libvips has them; viewers that round
    down find other groups where that changes the number of tiles.
    """

    kind = "zoomify"

    def name(self, level: int, tile: Window) -> str:
        z, x, y = len(self.sizes) - 1 - level, tile.left // self.side, tile.top // self.side
        number = self.before[z] + y * ceil_div(self.sizes[level][0], self.side) + x
        return f"TileGroup{number // GROUP}/{z}-{x}-{y}"

    @cached_property
    def before(self) -> list[int]:
        """Tiles of all levels smaller than z, and for the last z + 1 of all."""
        counts = [ceil_div(w, self.side) * ceil_div(h, self.side) for w, h in self.sizes]
        return list(accumulate(reversed(counts), initial=0))

    def describe(self, source: Source, folder: TileFolder) -> None:
        """Write ImageProperties.xml."""
        values = {
            "WIDTH": source.width,
            "HEIGHT": source.height,
            "NUMTILES": self.before[-1],
            "NUMIMAGES": 1,
            "VERSION": "1.8",
            "TILESIZE": self.side,
        }
        text = " ".join(f"{name}={quoteattr(str(value))}" for name, value in values.items())
        folder.add("ImageProperties.xml", f"<IMAGE_PROPERTIES {text} />\n".encode())


class IIIF(Layout):
    """{region}/{size}/0/default of the Image API 3.0, https://iiif.io/api/image/3.0/#4-image-requests.

    A region is in pixels of the whole picture, where a level's pixel is 2^level wide.
    """

    kind = "iiif"

    def name(self, level: int, tile: Window) -> str:
        width, height = self.sizes[0]
        left, top = tile.left << level, tile.top << level
        right, bottom = min(width, tile.right << level), min(height, tile.bottom << level)
        region = f"{left},{top},{right - left},{bottom - top}"
        return f"{region}/{tile.width},{tile.height}/0/default"

    def describe(self, source: Source, folder: TileFolder) -> None:
        """Write info.json, and the whole picture in the sizes that it lists."""
        largest = max(WHOLE, self.side)
        whole = [level for level, size in enumerate(self.sizes) if max(size) <= largest]
        for level in whole:
            width, height = self.sizes[level]
            data = folder.options.encode(source.read(level, Window(0, 0, height, width)))
            names = [f"{width},{height}", *(["max"] if level == whole[0] else [])]
            for name in names:
                folder.add(f"full/{name}/0/default.{folder.options.suffix}", data)
        suffix = folder.options.suffix
        info: dict[str, Any] = {
            "@context": "http://iiif.io/api/image/3/context.json",
            "id": folder.options.url,
            "type": "ImageService3",
            "protocol": "http://iiif.io/api/image",
            "profile": "level0",
            "width": source.width,
            "height": source.height,
        }
        if whole[0] > 0:  # full/max is smaller than the picture
            info |= dict(zip(("maxWidth", "maxHeight"), self.sizes[whole[0]], strict=True))
        info |= {
            "sizes": [
                {"width": w, "height": h} for w, h in (self.sizes[k] for k in reversed(whole))
            ],
            "tiles": [
                {
                    "width": self.side,
                    "height": self.side,
                    "scaleFactors": [1 << level for level in range(len(self.sizes))],
                }
            ],
            "preferredFormats": [suffix],
            "extraFormats": [suffix],
        }
        folder.add("info.json", json.dumps(info, indent=1).encode())


FOLDERS: dict[str, type[Layout]] = {layout.kind: layout for layout in (IIIF, XYZ, Zoomify)}


def layout_of(kind: type[Layout], source: Source, options: ExportOptions) -> Layout:
    """The layout of a picture's tiles; but for Deep Zoom it ends where one tile holds all."""
    levels = len(source.sizes) if kind.kind not in FOLDERS else _levels(source.sizes, options.side)
    return kind(tuple(source.sizes[:levels]), options.side)


def export_folder(
    kind: type[Layout], source: Source, dest: Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Write the pyramid into the folder `dest`. Returns its name."""
    write_pyramid(source, layout_of(kind, source, options), dest, options, threads)
    return [dest]


def _levels(sizes: list[Size], side: int) -> int:
    """How many there are from the largest to the first that one tile holds."""
    return next(k for k, size in enumerate(sizes) if max(size) <= side) + 1
