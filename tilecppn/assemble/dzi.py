"""Deep Zoom: NAME.dzi, NAME_files/{level}/{x}_{y}.{format}, and the page NAME.html.

Deep Zoom counts levels from the single pixel up; nobody else here does. Tile (x, y) covers
[max(0, x·T - o), min(w, (x+1)·T + o)) of its level, likewise in y.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tilecppn.assemble.options import Options
from tilecppn.assemble.parallel import in_order
from tilecppn.assemble.placing import placed, refuse_foreign
from tilecppn.assemble.source import Source
from tilecppn.plan import Window
from tilecppn.scene import Scene
from tilecppn.version import VERSION
from tilecppn.viewer.page import assets, page

MANIFEST = "tilecppn.json"  # in NAME_files/: marks the export as ours
REGION = 4096  # pixels of a row of tiles encoded in one go

_DESCRIPTOR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" '
    'Format="{format}" Overlap="{overlap}" TileSize="{tile}">\n'
    '  <Size Width="{width}" Height="{height}"/>\n'
    "</Image>\n"
)


class Region(NamedTuple):
    """Tiles side by side: `tiles` is their part of level `level` without overlap."""

    level: int  # of the source: 0 is the largest
    tiles: Window


def check_dzi(dest: Path) -> None:
    """Raise ExportError unless all three names are free or ours, and the viewer is installed."""
    files, html = _beside(dest)
    refuse_foreign(files, lambda path: (path / MANIFEST).is_file())
    for path in (dest, html):
        refuse_foreign(path, lambda path: path.is_file() and (files / MANIFEST).is_file())
    assets()


def _beside(dest: Path) -> tuple[Path, Path]:
    """The folder of tiles and the page of NAME.dzi."""
    return dest.with_name(f"{dest.stem}_files"), dest.with_suffix(".html")


def export_dzi(source: Source, dest: Path, options: Options) -> list[Path]:
    """Write the pyramid and its page. Returns the files that a person opens, and the folder."""
    check_dzi(dest)
    files, html = _beside(dest)
    tile = options.tile
    scene = source.store.scene
    total = sum(w * h for w, h in source.sizes)

    with placed(files, folder=True) as temporary:
        for level in range(len(source.sizes)):
            (temporary / deep_zoom_level(source, level)).mkdir()

        def encode(region: Region) -> int:
            write_tiles(source, region, tile, options, temporary)
            return region.tiles.pixels

        done = 0
        regions = tile_regions(source, tile)
        for pixels in in_order(encode, regions, options.workers, options.stopping):
            done += pixels
            options.progress(done, total)
        for asset in assets():
            shutil.copyfile(asset, temporary / asset.name)
        manifest = {
            "tilecppn": VERSION,
            "fingerprint": scene.fingerprint,
            "scene": scene.to_toml(),
            "level": source.base,
        }
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")

    shape = {"width": source.width, "height": source.height, "tile": tile}
    text = page(
        dest.stem,
        **shape,
        overlap=options.overlap,
        format=options.encoder.suffix,
        files=files.name,
        summary=summary(scene),
        scene=scene.to_toml(),
    )
    with placed(html) as temporary:
        temporary.write_text(text, encoding="utf-8")
    with placed(dest) as temporary:
        descriptor = _DESCRIPTOR.format(
            **shape, overlap=options.overlap, format=options.encoder.suffix
        )
        temporary.write_text(descriptor, encoding="utf-8")
    return [dest, html, files]


def tile_regions(source: Source, tile: int) -> Iterator[Region]:
    """Every level's tiles, in pieces of one row of tiles."""
    width = max(1, REGION // tile) * tile
    for level, (w, h) in enumerate(source.sizes):
        for window in Window(0, 0, h, w).split(tile, width):
            yield Region(level, window)


def write_tiles(source: Source, region: Region, tile: int, options: Options, folder: Path) -> None:
    """Read a region once, and write each of its tiles with their overlap."""
    width, height = source.sizes[region.level]
    level = folder / deep_zoom_level(source, region.level)

    def grown(window: Window) -> Window:
        o = options.overlap
        return Window(
            max(0, window.top - o),
            max(0, window.left - o),
            min(height, window.bottom + o),
            min(width, window.right + o),
        )

    outer = grown(region.tiles)
    pixels = source.read(region.level, outer)
    quality = options.encoder.quality if options.quality is None else options.quality
    for window in region.tiles.split(tile, tile):
        top, left, bottom, right = grown(window)
        part = pixels[
            :, top - outer.top : bottom - outer.top, left - outer.left : right - outer.left
        ]
        name = f"{window.left // tile}_{window.top // tile}.{options.encoder.suffix}"
        (level / name).write_bytes(options.encoder.encode(part, quality))


def deep_zoom_level(source: Source, level: int) -> str:
    """The name of a level's folder: the largest is ceil(log2(longer side)), the smallest 0."""
    return str(len(source.sizes) - 1 - level)


def summary(scene: Scene) -> dict[str, str]:
    """What the page says about the picture."""
    facts = {"Network": scene.cppn.structure.preset}
    if scene.source.weights is None:
        facts["Seed"] = str(scene.source.seed)
    facts["Latent"] = "given" if scene.latent.z is not None else f"seed {scene.latent.seed}"
    return facts
