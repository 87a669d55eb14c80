"""Store → file or pyramid: the exporter is chosen by the destination's suffix, or by a layout."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial as bound
from pathlib import Path
from typing import NamedTuple

from tilecppn import machine
from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import ExportError, Interrupted
from tilecppn.exporters.choices import Choices
from tilecppn.exporters.dzi import check_dzi, export_dzi, outputs_of
from tilecppn.exporters.jpeg_webp import FLATS, export_flat
from tilecppn.exporters.layouts import KINDS, export_folder
from tilecppn.exporters.manifest import check_folder
from tilecppn.exporters.options import Options, Progress
from tilecppn.exporters.output import naming_destination
from tilecppn.exporters.png import check_png
from tilecppn.exporters.png_file import export_png
from tilecppn.exporters.source import Source
from tilecppn.exporters.szi import check_szi, export_szi
from tilecppn.exporters.tags import check_still
from tilecppn.exporters.tiff import export_tiff
from tilecppn.names import suggestion
from tilecppn.run.options import check_workers
from tilecppn.storage.store import Store
from tilecppn.storage.zarr_format import use_threads


class Exporter(NamedTuple):
    check: Callable[[Path], None]  # raises ExportError where `write` must not
    write: Callable[[Source, Path, Options], list[Path]]


TIFF = Exporter(check_still, export_tiff)
EXPORTERS: dict[str, Exporter] = {
    ".dzi": Exporter(check_dzi, export_dzi),
    ".szi": Exporter(check_szi, export_szi),
    ".png": Exporter(check_png, export_png),
    ".tif": TIFF,
    ".tiff": TIFF,
    ".jpg": Exporter(check_still, bound(export_flat, FLATS[".jpg"])),
    ".webp": Exporter(check_still, bound(export_flat, FLATS[".webp"])),
}
LAYOUTS = {
    name: Exporter(bound(check_folder, kind=name), bound(export_folder, layout))
    for name, layout in KINDS.items()
}


def check_destination(store: Path, dest: Path, layout: str | None = None) -> Exporter:
    """The exporter of a store for a destination: of its suffix, or of a layout for a folder.

    Raises ExportError for a suffix or layout that nobody knows, somebody else's file there, or a
    destination and a store that lie in one another: one would go.
    """
    if layout is None and dest.suffix not in EXPORTERS:
        raise ExportError(
            f'{dest}: unknown kind of export "{dest.suffix}"; '
            f"{suggestion([*EXPORTERS], dest.suffix)} (for a folder: --layout {'|'.join(LAYOUTS)})"
        )
    if layout is not None and layout not in LAYOUTS:
        raise ExportError(f'unknown layout "{layout}"; {suggestion(LAYOUTS, layout)}')
    if layout is not None and dest.suffix in EXPORTERS:
        raise ExportError(
            f"{dest}: layout {layout} makes a folder; leave out the layout or the {dest.suffix}"
        )
    place = store.resolve()
    for path in outputs_of(dest) if dest.suffix == ".dzi" else [dest]:
        output = path.resolve()
        if place in output.parents:
            raise ExportError(f"{path}: lies in the store {store}; choose another path")
        if place == output or output in place.parents:
            raise ExportError(f"{path}: the export and the store {store} overlap; rename one")
    exporter = EXPORTERS[dest.suffix] if layout is None else LAYOUTS[layout]
    exporter.check(dest)
    return exporter


def export(
    path: str | Path,
    dest: str | Path,
    *,
    format: str | None = None,
    quality: int | None = None,
    effort: int = 1,
    tile: int | None = None,
    overlap: int = 0,
    level: int = 0,
    layout: str | None = None,
    url: str | None = None,
    partial: bool = False,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
    stopping: ShouldStop = never,
) -> list[Path]:
    """Export the store at `path` to `dest`, by its suffix; returns what was written.

    format ("png", the default, "jpg", "webp" or "avif"), tile and overlap (pixels) are those of a
    pyramid's tiles; quality (1-100) of JPEG, WebP and AVIF; effort from 1, fast, to 9, small files.
    level: the store's level to start from. layout: "iiif", "xyz" or "zoomify", with a folder as
    `dest`. url: where an IIIF folder will be served. partial: allow an unfinished store, missing
    shards black.
    Raises InvalidRequestError before any work, for options that this kind of export has not, too;
    RenderError or Interrupted later.
    """
    check_workers(workers)
    store, dest = Store(path), Path(dest)
    exporter = check_destination(store.path, dest, layout)
    choices = Choices(format, quality, effort, tile, overlap, url)
    options = choices.options(dest, layout, store.plan.tile)
    options = replace(
        options, workers=workers or machine.cores(), progress=progress, stopping=stopping
    )
    return write(exporter, Source(store, level, partial), dest, options)


def write(exporter: Exporter, source: Source, dest: Path, options: Options) -> list[Path]:
    """Make an export. Raises RenderError, or Interrupted once options.stopping() is true."""
    use_threads(options.workers)
    try:
        with naming_destination(dest):
            return exporter.write(source, dest, options)
    except KeyboardInterrupt:
        raise Interrupted("stopped; nothing is left of the unfinished export") from None
