"""Deep Zoom: NAME.dzi, NAME_files/{level}/{x}_{y}.{format}, and the page NAME.html.

Deep Zoom counts levels from the single pixel up; nobody else here does. Tile (x, y) covers
[max(0, x·T - o), min(w, (x+1)·T + o)) of its level, likewise in y.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tilecppn.exporters import provenance, tiles
from tilecppn.exporters.encoders import ENCODERS
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import remove, replacing
from tilecppn.exporters.page.page import Card, assets, page
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Layout, Size, TileFolder
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import About
from tilecppn.scene.symmetry import Fold

CARD: Final = "card.jpg"  # what a link to the page is shown with
_DESCRIPTOR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" '
    'Format="{format}" Overlap="{overlap}" TileSize="{tile}">\n'
    '  <Size Width="{width}" Height="{height}"/>\n'
    "</Image>\n"
)


def outputs_of(dest: Path) -> dict[Path, str]:
    """NAME.dzi, its page and its folder of tiles, each with its kind."""
    return {dest: "descriptor", dest.with_suffix(".html"): "page", files_of(dest): DeepZoom.kind}


def files_of(dest: Path) -> Path:
    """The folder of tiles of NAME.dzi."""
    return dest.with_name(f"{dest.stem}_files")


class DeepZoom(Layout):
    """All levels down to a single pixel."""

    kind = "dzi"

    def name(self, level: int, tile: Window) -> str:
        """Deep Zoom counts from the single pixel up; here 0 is the largest."""
        number, x, y = len(self.sizes) - 1 - level, tile.left // self.side, tile.top // self.side
        return f"{number}/{x}_{y}"

    def describe(self, source: Source, folder: TileFolder) -> None:
        """Write the viewer, and the picture for links to the page."""
        for asset in assets():
            folder.add(asset.name, asset.read_bytes())
        folder.add(CARD, card(source))


def export_dzi(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the pyramid and its page. Returns the files that a person opens, and the folder."""
    with tile_folder(source.sizes, dest, options) as folder:
        everything = tiles.regions(source, options.side, range(len(source.sizes)))
        tiles.fill(source, folder, everything, threads)
        folder.complete(source)
    return write_page(source, dest, options)


@contextlib.contextmanager
def tile_folder(sizes: Sequence[Size], dest: Path, options: ExportOptions) -> Iterator[TileFolder]:
    """The folder of tiles of NAME.dzi, to be filled; it takes its place at the end.

    A descriptor and a page of an older export go just before: they would show the new tiles.
    """
    with replacing(files_of(dest), folder=True) as temporary:
        layout = DeepZoom(tuple(sizes), options.side)
        yield TileFolder(str(temporary.absolute()), layout, options)
        for path in (dest, dest.with_suffix(".html")):
            remove(path)


def card(source: Source) -> bytes:
    """The first level that a tile of the store holds, as a JPEG."""
    scene = source.store.scene
    level = tiles.levels_to_one_tile(source.sizes, scene.output.tile) - 1
    width, height = source.sizes[level]
    pixels, profile = source.read(level, Window(0, 0, height, width)), scene.output.profile
    return ENCODERS["jpg"].encode(pixels, 85, 1, profile)


def descriptor(source: Source, options: ExportOptions) -> str:
    """The text of NAME.dzi."""
    suffix = options.suffix
    return describe(source.width, source.height, options.side, options.overlap, suffix)


def describe(width: int, height: int, tile: int, overlap: int, format: str) -> str:
    """The descriptor of a pyramid; sizes in pixels, `format` the suffix of its tiles."""
    return _DESCRIPTOR.format(width=width, height=height, tile=tile, overlap=overlap, format=format)


def write_page(source: Source, dest: Path, options: ExportOptions) -> list[Path]:
    """Write the page and, last, the descriptor. Returns all three names of the export."""
    outputs = dest, html, files = outputs_of(dest)
    scene = source.store.scene
    text = page(
        options.about.title or dest.stem,
        width=source.width,
        height=source.height,
        per_inch=source.resolution,
        tile=options.side,
        overlap=options.overlap,
        format=options.suffix,
        files=files.name,
        summary=summary(scene, options.about),
        scene=scene.to_toml() if options.about.share_scene else "",
        about=options.about,
        view=grid_facts(scene, source.width, source.height),
        card=Card(f"{quote(files.name, errors='surrogateescape')}/{CARD}", options.url or ""),
    )
    for path, kind, content in (
        (html, "page", text),
        (dest, "descriptor", descriptor(source, options)),
    ):
        line = source.provenance(kind, options).line()
        with replacing(path) as temporary:
            temporary.write_text(f"{content}<!-- {line} -->\n", encoding="utf-8")
            provenance.seal(temporary)
    return list(outputs)


def summary(scene: Scene, about: About) -> dict[str, str]:
    """What the page says of the network, which is nothing where the scene is not shared."""
    if not about.share_scene:
        return {}
    facts = {"Network": scene.cppn.structure.preset}
    if scene.source.weights is None:
        facts["Seed"] = str(scene.source.seed)
    facts["Latent"] = "given" if scene.latent.z is not None else f"seed {scene.latent.seed}"
    return facts


def grid_facts(scene: Scene, width: int, height: int) -> dict[str, Any] | None:
    """What the page needs to say where on the plane its view lies, on a level of this size.

    None for a picture that is folded around its centre: a part of it is no view of the scene.
    """
    if Fold.of(scene.view) is not None:
        return None
    sized = scene.replace(canvas=scene.canvas.resized(width, height))
    grid, (top, left) = sized.grid, sized.canvas.origin
    kept = {"aspect": "preserve", "grid": "centers", "swap": False}
    return {
        **asdict(grid),
        "middle": (grid.middle[0] - left, grid.middle[1] - top),
        "scale": scene.view.scale,
        "rotation": scene.view.rotation,
        "keep": {
            key: value
            for key, usual in kept.items()
            if (value := getattr(scene.view, key)) != usual
        },
    }
