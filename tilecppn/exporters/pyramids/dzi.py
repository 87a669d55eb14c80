"""Deep Zoom: NAME.dzi, NAME_files/{level}/{x}_{y}.{format}, and the page NAME.html.

Deep Zoom numbers levels from the single pixel up, unlike all other modules. Tile (x, y) covers
[max(0, x·T - o), min(w, (x+1)·T + o)) of its level, likewise in y.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output.atomic import destination_of, replacing, sealed
from tilecppn.exporters.page import Card
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.pyramids.source_page import CARD, add_viewer, page_of
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Layout, Size, TileFolder, fill_folder
from tilecppn.plan import Window

_DESCRIPTOR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" '
    'Format="{format}" Overlap="{overlap}" TileSize="{tile}">\n'
    '  <Size Width="{width}" Height="{height}"/>\n'
    "</Image>\n"
)


def outputs_of(dest: Path) -> dict[Path, str]:
    """Return NAME.dzi, its page and its folder of tiles, each with its kind."""
    return {dest: "descriptor", dest.with_suffix(".html"): "page", files_of(dest): DeepZoom.kind}


def files_of(dest: Path) -> Path:
    """Return the folder of tiles of NAME.dzi."""
    return dest.with_name(f"{dest.stem}_files")


class DeepZoom(Layout):
    """The Deep Zoom layout: all levels down to a single pixel."""

    kind = "dzi"

    @classmethod
    def levels(cls, sizes: Sequence[Size], side: int) -> int:
        return len(sizes)

    def name(self, level: int, tile: Window) -> str:
        """Return the tile's name; `level` 0 is the largest, which Deep Zoom numbers highest."""
        number, x, y = len(self.sizes) - 1 - level, tile.left // self.side, tile.top // self.side
        return f"{number}/{x}_{y}"

    def describe(self, source: Source, folder: TileFolder) -> None:
        """Add the viewer, and the preview picture for links to the page."""
        add_viewer(source, folder)


def export_dzi(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the pyramid and its page. Returns the files to open, and the folder."""
    with tile_folder(source.sizes, dest, options) as folder:
        fill_folder(source, folder, threads)
    return write_page(source, dest, options)


@contextlib.contextmanager
def tile_folder(sizes: Sequence[Size], dest: Path, options: ExportOptions) -> Iterator[TileFolder]:
    """Create the folder of tiles of NAME.dzi for the block; it takes its place at the end.

    The descriptor and page of an older export are removed first, since they would show the new
    tiles.
    """
    with replacing(files_of(dest), folder=True) as temporary:
        layout = DeepZoom.of(sizes, options.side)
        yield TileFolder(str(temporary.absolute()), layout, options)
        for path in (dest, dest.with_suffix(".html")):
            destination_of(path).remove()


def descriptor(width: int, height: int, tile: int, overlap: int, format: str) -> str:
    """Return the text of NAME.dzi; sizes in pixels, `format` the suffix of its tiles."""
    return _DESCRIPTOR.format(width=width, height=height, tile=tile, overlap=overlap, format=format)


def write_page(source: Source, dest: Path, options: ExportOptions) -> list[Path]:
    """Write the page and, last, the descriptor. Returns all three paths of the export."""
    outputs = dest, html, files = outputs_of(dest)
    text = page_of(
        source,
        options,
        dest.stem,
        files=files.name,
        card=Card(f"{quote(files.name, errors='surrogateescape')}/{CARD}", options.url or ""),
    )
    size = source.width, source.height
    xml = descriptor(*size, options.side, options.overlap, options.suffix)
    for path, kind, content in ((html, "page", text), (dest, "descriptor", xml)):
        line = source.provenance(kind, options).line()
        with sealed(path) as temporary:
            temporary.write_text(f"{content}<!-- {line} -->\n", encoding="utf-8")
    return list(outputs)
