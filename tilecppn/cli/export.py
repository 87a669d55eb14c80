"""`tilecppn export`: export a store."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilecppn.cli.common import (
    BYTES,
    FILE,
    OUTPUT,
    export_options,
    hdr_options,
    json_option,
    overwrite_option,
    result,
    workers_option,
)
from tilecppn.cli.signals import stop_request

if TYPE_CHECKING:
    from tilecppn.cli.progress import Meter
    from tilecppn.exporters.options import ExportOptions


@click.command()
@click.argument("store", type=OUTPUT)
@click.argument("dest", type=OUTPUT)
@export_options
@click.option("--level", type=int, default=0, show_default=True, help="Start from this level.")
@click.option(
    "--layout", metavar="iiif|xyz|zoomify|store", help="A pyramid of this kind in the folder DEST."
)
@click.option("--url", help="Where a folder or a page will be served, https://….")
@click.option(
    "--partial", is_flag=True, help="Allow an unfinished store; what is missing is black."
)
@click.option(
    "--proof",
    type=FILE,
    metavar="PROFILE.icc",
    help="A printer's profile: a .tif is converted to it, a .png shows how it will print.",
)
@click.option(
    "--intent",
    metavar="relative|perceptual|saturation|absolute",
    default="relative",
    show_default=True,
    help="Rendering intent of --proof; black becomes the printer's black.",
)
@hdr_options
@click.option("--marks", is_flag=True, help="Add crop marks and a line of text to a .pdf.")
@click.option(
    "--strip",
    metavar="SIZE",
    help="A test strip of this size on paper (30x20cm, A4): the whole, and parts at full size.",
)
@click.option(
    "--panels",
    metavar="COLUMNSxROWS",
    help="Split into files that join to the pixel and share --overlap (20mm), with a sheet.",
)
@click.option(
    "--lab", is_flag=True, help="Make a .jpg or .tif that print labs accept: 8 bits, RGB, one page."
)
@click.option(
    "--classic",
    is_flag=True,
    help="Make a .tif that any program reads: one image in strips (tiles with --tile), no smaller "
    "levels, up to 4 GB.",
)
@click.option(
    "--compression",
    metavar="deflate|lzw|none",
    help="Compression of a .tif [default: deflate; with --classic and --lab none].",
)
@click.option(
    "--max-bytes",
    type=BYTES,
    metavar="N",
    help="Largest size of a .jpg, .webp or .avif (20MB); quality is lowered to 60 if needed.",
)
@overwrite_option
@workers_option
@json_option
def command(store: Path, dest: Path, workers: int | None, as_json: bool, **options: Any) -> None:
    """Export the store STORE to DEST; the suffix decides the format.

    \b
    .dzi          a Deep Zoom pyramid NAME.dzi and NAME_files/, with NAME.html to open by
                  double-click
    .szi          the same in one file, without the page
    .pmtiles      one file of map tiles, read by range requests from any static server
    .mbtiles      the same as an SQLite file, for tile servers and desktop map programs
    .png          one PNG, 8 or 16 bits, of any size
    .tif, .tiff   one tiled TIFF with its smaller levels, for print: any size, 8 or 16 bits or
                  float, sRGB profile
    .exr          one tiled OpenEXR with its smaller levels, for compositing: any size, halves or
                  floats (--bits 32), in linear light
    .pdf          one page with the picture as it is, its trim and bleed
    .jpg, .webp, .avif
                  one small file, as large as the format and the memory allow; AVIF also of 10 or
                  12 bits
    .jxl          one JPEG XL, likewise: lossless in 8 or 16 bits, or smaller with --quality
                  (single files have the resolution of canvas.dpi, 300)

    \b
    With --layout DEST is a folder:
    iiif      Image API 3, level 0: for viewers elsewhere give --url, its address
    xyz       {z}/{x}/{y}, z from the smallest level up, y down, and tiles.json; tiles of 256,
              transparent (JPEG: black) outside the picture
    zoomify   TileGroups and ImageProperties.xml; tiles of 256, JPEG
    Each has a page, index.html, to open by double-click.

    \b
    With --layout store DEST is a page, NAME.html, that reads the tiles out of the store itself:
    upload both to a server that supports range requests, keeping their relative paths. Nothing
    else is written.

    \b
    tilecppn export poster.zarr poster.dzi
    tilecppn export poster.zarr poster.dzi --format jpg --quality 85
    tilecppn export poster.zarr poster.dzi --live
    tilecppn export poster.zarr poster.tif
    tilecppn export poster.zarr half.png --level 1
    tilecppn export poster.zarr small.jpg --max-size 2048
    tilecppn export poster.zarr print.tif --bits 8
    tilecppn export poster.zarr old.tif --classic --compression lzw
    tilecppn export poster.zarr printer.tif --proof printer.icc
    tilecppn export poster.zarr poster.pdf --marks
    tilecppn export poster.zarr strip.tif --strip A4
    tilecppn export poster.zarr wall.tif --panels 3x2 --overlap 20mm
    tilecppn export poster.zarr hdr.avif --transfer pq
    tilecppn export poster.zarr lab.jpg --lab --max-bytes 40MB
    tilecppn export poster.zarr poster --layout iiif --url https://example.com/poster
    """
    import time

    from tilecppn.exporters.options import ExportOptions
    from tilecppn.exporters.output.atomic import size_of
    from tilecppn.formatting import format_bytes, format_duration

    start = time.perf_counter()
    if options["panels"] is not None:
        overlap = options.pop("overlap")
        options["panel_overlap"] = overlap if isinstance(overlap, str) else f"{overlap}px"
    chosen = ExportOptions(**options)
    files = run_export(store, dest, chosen, workers)
    seconds = time.perf_counter() - start
    size = sum(size_of(path) for path in files)
    summary = f"{format_bytes(size)} in {format_duration(seconds)}"
    record = {"files": [str(p) for p in files], "bytes": size, "seconds": round(seconds, 3)}
    result("\n".join([*map(str, files), summary]), record, as_json)


def run_export(
    store: Path, dest: Path, options: "ExportOptions", workers: int | None
) -> list[Path]:
    """Export a store, with progress on stderr; return the files."""
    from tilecppn import machine
    from tilecppn.cli.progress import Meter
    from tilecppn.exporters.parallel import Threads
    from tilecppn.run.options import check_workers
    from tilecppn.shaders.export import export_with_live

    check_workers(workers)
    with Meter("export") as meter:
        if options.partial:
            _tell_missing(store, options.level, meter)
        threads = Threads(workers or machine.cores(), meter.progress, stop_request(), meter.note)
        return export_with_live(store, dest, options, threads)


def _tell_missing(path: Path, base: int, meter: "Meter") -> None:
    """Print how many shards of each level are missing, and so are black."""
    from tilecppn.storage.store import Store

    store = Store(path)
    for level in store.plan.levels[max(base, 0) :]:
        count, found = level.rows * level.cols, store.count_done(level.index)
        if found < count:
            meter.note(
                f"level {level.index}: {found:,} of {count:,} shards are there; the rest is black"
            )
