"""Deep Zoom: NAME.dzi, NAME_files/{level}/{x}_{y}.{format}, and the page NAME.html.

Deep Zoom counts levels from the single pixel up; nobody else here does. Tile (x, y) covers
[max(0, x·T - o), min(w, (x+1)·T + o)) of its level, likewise in y.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from tilecppn.assemble.options import Options, TileFormat
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
    files = files_of(dest)
    refuse_foreign(files, lambda path: (path / MANIFEST).is_file())
    for path in (dest, dest.with_suffix(".html")):
        refuse_foreign(path, lambda path: path.is_file() and (files / MANIFEST).is_file())
    assets()


def files_of(dest: Path) -> Path:
    """The folder of tiles of NAME.dzi."""
    return dest.with_name(f"{dest.stem}_files")


@dataclass(frozen=True)
class Tiles:
    """The files of a pyramid's tiles. Picklable."""

    folder: str  # absolute
    levels: int  # down to a single pixel
    side: int
    format: TileFormat

    @classmethod
    def making(cls, folder: Path, source_levels: int, options: Options) -> "Tiles":
        """In an empty folder, which gets one for each level."""
        tiles = cls(str(folder.absolute()), source_levels, options.tile, options.tile_format)
        for level in range(source_levels):
            tiles.level(level).mkdir()
        return tiles

    def level(self, level: int) -> Path:
        """Deep Zoom counts from the single pixel up; here 0 is the largest."""
        return Path(self.folder, str(self.levels - 1 - level))

    def write(self, level: int, tile: Window, pixels: NDArray[Any]) -> None:
        """Write the tile that covers a window, from its pixels with the overlap around it."""
        place = f"{tile.left // self.side}_{tile.top // self.side}.{self.format.suffix}"
        data = self.format.encode(pixels)
        with open(f"{self.folder}/{self.levels - 1 - level}/{place}", "wb") as file:
            file.write(data)

    def write_all(self, level: int, window: Window, pixels: NDArray[Any]) -> None:
        """Write the tiles of a window of whole tiles, without overlap, from its pixels."""
        for tile in window.split(self.side, self.side):
            top, left = tile.top - window.top, tile.left - window.left
            self.write(level, tile, pixels[:, top : top + tile.height, left : left + tile.width])


def export_dzi(source: Source, dest: Path, options: Options) -> list[Path]:
    """Write the pyramid and its page. Returns the files that a person opens, and the folder."""
    check_dzi(dest)
    with placed(files_of(dest), folder=True) as temporary:
        tiles = Tiles.making(temporary, len(source.sizes), options)
        tile(source, tiles, list(tile_regions(source, options.tile)), options)
        write_manifest(source, temporary)
    return write_page(source, dest, options)


def tile(source: Source, tiles: Tiles, regions: Sequence[Region], options: Options) -> None:
    """Write the tiles of regions of the store."""

    def encode(region: Region) -> int:
        write_tiles(source, region, tiles, options.overlap)
        return region.tiles.pixels

    done, total = 0, sum(region.tiles.pixels for region in regions)
    for pixels in in_order(encode, regions, options.workers, options.stopping):
        done += pixels
        options.progress(done, total)


def write_manifest(source: Source, folder: Path) -> None:
    """What marks the folder as ours, and the viewer."""
    scene = source.store.scene
    for asset in assets():
        shutil.copyfile(asset, folder / asset.name)
    manifest = {
        "tilecppn": VERSION,
        "fingerprint": scene.fingerprint,
        "scene": scene.to_toml(),
        "level": source.base,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def write_page(source: Source, dest: Path, options: Options) -> list[Path]:
    """Write the page and, last, the descriptor. Returns all three names of the export."""
    files, html = files_of(dest), dest.with_suffix(".html")
    scene = source.store.scene
    shape = {"width": source.width, "height": source.height, "tile": options.tile}
    suffix = options.tile_format.suffix
    text = page(
        dest.stem,
        **shape,
        overlap=options.overlap,
        format=suffix,
        files=files.name,
        summary=summary(scene),
        scene=scene.to_toml(),
    )
    with placed(html) as temporary:
        temporary.write_text(text, encoding="utf-8")
    with placed(dest) as temporary:
        descriptor = _DESCRIPTOR.format(**shape, overlap=options.overlap, format=suffix)
        temporary.write_text(descriptor, encoding="utf-8")
    return [dest, html, files]


def tile_regions(source: Source, tile: int) -> Iterator[Region]:
    """Every level's tiles, in pieces of one row of tiles."""
    width = max(1, REGION // tile) * tile
    for level, (w, h) in enumerate(source.sizes):
        for window in Window(0, 0, h, w).split(tile, width):
            yield Region(level, window)


def write_tiles(source: Source, region: Region, tiles: Tiles, overlap: int) -> None:
    """Read a region once, and write each of its tiles with their overlap."""
    width, height = source.sizes[region.level]

    def grown(window: Window) -> Window:
        return Window(
            max(0, window.top - overlap),
            max(0, window.left - overlap),
            min(height, window.bottom + overlap),
            min(width, window.right + overlap),
        )

    outer = grown(region.tiles)
    pixels = source.read(region.level, outer)
    for window in region.tiles.split(tiles.side, tiles.side):
        top, left, bottom, right = grown(window)
        part = pixels[
            :, top - outer.top : bottom - outer.top, left - outer.left : right - outer.left
        ]
        tiles.write(region.level, window, part)


def summary(scene: Scene) -> dict[str, str]:
    """What the page says about the picture."""
    facts = {"Network": scene.cppn.structure.preset}
    if scene.source.weights is None:
        facts["Seed"] = str(scene.source.seed)
    facts["Latent"] = "given" if scene.latent.z is not None else f"seed {scene.latent.seed}"
    return facts
