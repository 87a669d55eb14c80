"""Pyramids in a folder for web viewers: IIIF, Zoomify and, in its own module, XYZ.

Levels are the store's, from the largest to the first that fits into one tile. Each has a page.
"""

import json
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, count
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from tilecppn.exporters.encoding import credits
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output.atomic import replacing
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.pyramids.source_page import add_page
from tilecppn.exporters.pyramids.xyz import XYZ
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Layout, Size, TileFolder, fill_folder
from tilecppn.plan import Window, ceil_div
from tilecppn.scene.sections import About
from tilecppn.storage.content_types import content_type

WHOLE = 2048  # most pixels along a side of IIIF's whole picture
GROUP = 256  # tiles per folder in Zoomify
HERE = "."  # the id of an IIIF picture without an address, for pages in its own folder


class Zoomify(Layout):
    """The Zoomify layout: TileGroup{n}/{z}-{x}-{y}, groups of 256 tiles from the smallest
    level on.

    Levels and groups are counted with sides that are halved and rounded down, as OpenSeadragon
    and OpenLayers ("truncated") do. Tiles are cut from levels with sides rounded up, which
    OpenSeadragon requests: the last column or row may be a single pixel wide.
    """

    kind = "zoomify"

    @classmethod
    def levels(cls, sizes: Sequence[Size], side: int) -> int:
        return next(k for k in count() if max(sizes[0]) >> k <= side) + 1

    def name(self, level: int, tile: Window) -> str:
        z, x, y = len(self.sizes) - 1 - level, tile.left // self.side, tile.top // self.side
        number = self.before[z] + y * self.grid[level][0] + x
        return f"TileGroup{number // GROUP}/{z}-{x}-{y}"

    @cached_property
    def grid(self) -> list[tuple[int, int]]:
        """Columns and rows of each level, from the largest down, as they are counted."""
        width, height = self.sizes[0]
        return [
            (ceil_div(width >> k, self.side), ceil_div(height >> k, self.side))
            for k in range(len(self.sizes))
        ]

    @cached_property
    def before(self) -> list[int]:
        """The number of tiles in all levels smaller than z; the last entry counts all."""
        counts = [columns * rows for columns, rows in self.grid]
        return list(accumulate(reversed(counts), initial=0))

    def describe(self, source: Source, folder: TileFolder) -> None:
        """Add ImageProperties.xml and the page."""
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
        viewer = {
            "type": "zoomifytileservice",
            "width": source.width,
            "height": source.height,
            "tileSize": self.side,
            "tilesUrl": "",
            "fileFormat": folder.options.suffix,
        }
        add_page(source, folder, viewer)


class IIIF(Layout):
    """The IIIF layout: {region}/{size}/0/default of the Image API 3.0.

    https://iiif.io/api/image/3.0/#4-image-requests. A region is in pixels of the whole picture; a
    pixel of a level is 2^level of them wide.
    """

    kind = "iiif"

    def name(self, level: int, tile: Window) -> str:
        width, height = self.sizes[0]
        left, top = tile.left << level, tile.top << level
        right, bottom = min(width, tile.right << level), min(height, tile.bottom << level)
        region = f"{left},{top},{right - left},{bottom - top}"
        return f"{region}/{tile.width},{tile.height}/0/default"

    def describe(self, source: Source, folder: TileFolder) -> None:
        """Add info.json, the page, and the whole picture in the sizes that info.json lists.

        With an address also manifest.json, from which Mirador and other readers start.
        """
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
            "id": folder.options.url or HERE,
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
        if folder.options.url:
            described = _manifest(info, folder.options.about, folder.options.name)
            folder.add("manifest.json", json.dumps(described, indent=1).encode())
        add_page(source, folder, info | {"id": HERE})


def _manifest(info: dict[str, Any], about: About, name: str) -> dict[str, Any]:
    """Return a manifest of the IIIF Presentation API 3.0 with one canvas for the picture.

    info: its info.json. https://iiif.io/api/presentation/3.0/
    """
    url, sides = info["id"], ("width", "height")
    canvas = {"id": f"{url}/canvas", "type": "Canvas", **{side: info[side] for side in sides}}
    whole = f"{url}/full/max/0/default.{info['preferredFormats'][0]}"
    picture = {
        "id": whole,
        "type": "Image",
        "format": content_type(whole),
        **{side: info.get(f"max{side.title()}", info[side]) for side in sides},
        "service": [{key: info[key] for key in ("id", "type", "profile")}],
    }
    annotation = {
        "id": f"{url}/annotation",
        "type": "Annotation",
        "motivation": "painting",
        "target": canvas["id"],
        "body": picture,
    }
    page = {"id": f"{url}/page", "type": "AnnotationPage", "items": [annotation]}
    said: dict[str, Any] = {"label": {"none": [about.title or name]}}
    if about.description:
        said["summary"] = {"none": [about.description]}
    if credit := credits.attribution(about):
        said["requiredStatement"] = {"label": {"en": ["Attribution"]}, "value": {"none": [credit]}}
    return {
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": f"{url}/manifest.json",
        "type": "Manifest",
        **said,
        "items": [{**canvas, "items": [page]}],
    }


FOLDERS: dict[str, type[Layout]] = {layout.kind: layout for layout in (IIIF, XYZ, Zoomify)}


def export_folder(
    kind: type[Layout], source: Source, dest: Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Write the pyramid into the folder `dest`. Returns its path."""
    with replacing(dest, folder=True) as temporary:
        layout = kind.of(source.sizes, options.side)
        fill_folder(source, TileFolder(str(temporary.absolute()), layout, options), threads)
    return [dest]
