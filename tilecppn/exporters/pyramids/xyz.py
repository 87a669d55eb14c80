"""XYZ: tiles named {z}/{x}/{y}, as map viewers request them, and tiles.json."""

import html
import json
import math
from typing import Any

from tilecppn.exporters.encoding import credits
from tilecppn.exporters.pyramids.source_page import add_page
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Layout, Pixels, TileFolder, padded_with_zeros
from tilecppn.plan import Window
from tilecppn.scene.sections import About


class XYZ(Layout):
    """The XYZ layout: {z}/{x}/{y}, z from the level that fits into one tile, x to the right, y
    down.

    All tiles are padded to full size, since map viewers would stretch others; outside the picture
    they are transparent if the format can be, else black.
    """

    kind = "xyz"

    def name(self, level: int, tile: Window) -> str:
        z = len(self.sizes) - 1 - level
        return f"{z}/{tile.left // self.side}/{tile.top // self.side}"

    def fitted(self, pixels: Pixels, alpha: bool) -> Pixels:
        return padded_with_zeros(pixels, self.side, alpha)

    def describe(self, source: Source, folder: TileFolder) -> None:
        """Write tiles.json and the page."""
        template = f"{{z}}/{{x}}/{{y}}.{folder.options.suffix}"
        options = folder.options
        said = tile_json(self, template, options.url, options.name, options.about)
        described = {name: value for name, value in said.items() if value != ""}
        folder.add("tiles.json", json.dumps(described, indent=1).encode())
        viewer = {
            "width": source.width,
            "height": source.height,
            "tileSize": self.side,
            "minLevel": 0,
            "maxLevel": len(self.sizes) - 1,
            "template": template,
        }
        add_page(source, folder, viewer)


def tile_json(
    layout: XYZ, template: str, url: str | None, name: str, about: About
) -> dict[str, Any]:
    """Return a TileJSON 3.0.0 description of the tiles.

    https://github.com/mapbox/tilejson-spec/tree/master/3.0.0. name: used if `about` has no title.
    Unknown values are empty texts.

    Without the address `url`, tiles are relative to the file. On a map the tile of zoom 0 is the
    whole world in the Web Mercator projection (EPSG:3857), and the picture begins at its upper left
    corner. `width`, `height` and `tileSize`, in pixels, are not part of TileJSON.
    """
    zoom = len(layout.sizes) - 1
    width, height = layout.sizes[0]
    world = layout.side << zoom  # pixels along the equator
    west, north = _degrees(0, 0)
    east, south = _degrees(width / world, height / world)
    return {
        "tilejson": "3.0.0",
        "name": about.title or name,
        "scheme": "xyz",
        "tiles": [f"{url}/{template}" if url else template],
        "minzoom": 0,
        "maxzoom": zoom,
        "bounds": [west, south, east, north],
        "center": [*_degrees(width / world / 2, height / world / 2), 0],
        "width": width,
        "height": height,
        "tileSize": layout.side,
        "description": about.description,
        "attribution": html.escape(credits.attribution(about)),
    }


def _degrees(x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude of a point, given as shares of the world from the
    upper left.
    """
    return 360 * x - 180, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y))))
