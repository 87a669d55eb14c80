"""Export a store to a file or a pyramid, chosen by the destination's suffix or by a layout."""

from collections.abc import Callable
from functools import partial as bound
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from tilecppn import filesystem
from tilecppn.addresses import AnyPath, as_path
from tilecppn.errors import ExportError, Interrupted
from tilecppn.exporters.files.avif import check_avif, export_avif
from tilecppn.exporters.files.exr import export_exr
from tilecppn.exporters.files.flat import check_size, export_flat
from tilecppn.exporters.files.jxl import check_jxl, export_jxl
from tilecppn.exporters.files.pdf import check_pdf, export_pdf
from tilecppn.exporters.files.png_file import export_png
from tilecppn.exporters.files.tiff import check_tiff, export_tiff
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output.atomic import check_output, claimed, naming_destination
from tilecppn.exporters.output.provenance import STILL
from tilecppn.exporters.page.page import assets
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.prints import panels as panelling
from tilecppn.exporters.prints.proof import check_proof, export_proof
from tilecppn.exporters.prints.strip import check_page, export_strip
from tilecppn.exporters.pyramids import mbtiles, pmtiles, store_page
from tilecppn.exporters.pyramids.dzi import export_dzi, outputs_of
from tilecppn.exporters.pyramids.layouts import FOLDERS, export_folder
from tilecppn.exporters.pyramids.mbtiles import export_mbtiles
from tilecppn.exporters.pyramids.pmtiles import export_pmtiles
from tilecppn.exporters.pyramids.store_page import export_store_page
from tilecppn.exporters.pyramids.szi import export_szi
from tilecppn.exporters.source import Source
from tilecppn.exporters.tile_estimate import tile_estimate
from tilecppn.storage.store import Store
from tilecppn.suggestions import suggestion

Writer = Callable[[Source, Path, ExportOptions, Threads], list[Path]]


class Exporter(NamedTuple):
    """A kind of export.

    write: makes the outputs, whose paths the caller has claimed. outputs: their paths and kinds
    (see `atomic.CONTENTS`). fits: raises ExportError if the picture is too large, or the options
    cannot be fulfilled. estimate: what is said before the work, if anything; raises ExportError.
    """

    write: Writer
    outputs: Callable[[Path], dict[Path, str]] = lambda dest: {dest: STILL}
    fits: Callable[[Source, Path, ExportOptions], None] = lambda source, dest, options: None
    estimate: Callable[[Source, Path, ExportOptions], str | None] = lambda *_: None

    def check(self, dest: Path, *, overwrite: bool) -> None:
        """Raise ExportError if an output would replace something that must stay."""
        for path, kind in self.outputs(dest).items():
            check_output(path, kind, overwrite=overwrite)


_IN_FOLDER = bound(tile_estimate, in_folder=True)
EXPORTERS: dict[str, Exporter] = {
    ".dzi": Exporter(export_dzi, outputs_of, estimate=_IN_FOLDER),
    ".szi": Exporter(export_szi, lambda dest: {dest: "szi"}, estimate=tile_estimate),
    ".pmtiles": Exporter(export_pmtiles, lambda dest: {dest: pmtiles.KIND}, estimate=tile_estimate),
    ".mbtiles": Exporter(export_mbtiles, lambda dest: {dest: mbtiles.KIND}, estimate=tile_estimate),
    ".png": Exporter(export_png),
    ".tif": Exporter(export_tiff, fits=check_tiff),
    ".exr": Exporter(export_exr),
    ".pdf": Exporter(export_pdf, fits=check_pdf),
    ".jpg": Exporter(export_flat, fits=check_size),
    ".webp": Exporter(export_flat, fits=check_size),
    ".avif": Exporter(export_avif, fits=check_avif),
    ".jxl": Exporter(export_jxl, fits=check_jxl),
}


def _folder(name: str) -> Exporter:
    export = bound(export_folder, FOLDERS[name])
    return Exporter(export, lambda dest: {dest: name}, estimate=_IN_FOLDER)


LAYOUTS = {
    **{name: _folder(name) for name in FOLDERS},
    "store": Exporter(export_store_page, store_page.outputs_of),
}


def choose_exporter(store: Path, dest: Path, layout: str | None = None) -> Exporter:
    """Return the exporter for a destination, by its suffix or by a layout.

    Raises ExportError for an unknown suffix or layout, or if destination and store overlap, since
    replacing one would delete the other.
    """
    suffix = suffix_of(dest)
    if layout is None and suffix not in EXPORTERS:
        what = f'unknown kind of export "{dest.suffix}"' if dest.suffix else "has no suffix"
        raise ExportError(
            f"{dest}: {what}; "
            f"{suggestion([*EXPORTERS], dest.suffix)} (or --layout {'|'.join(LAYOUTS)})"
        )
    if layout is not None and layout not in LAYOUTS:
        raise ExportError(f'unknown layout "{layout}"; {suggestion(LAYOUTS, layout)}')
    if layout in FOLDERS and suffix in EXPORTERS:
        raise ExportError(
            f"{dest}: layout {layout} makes a folder; leave out the layout or the {dest.suffix}"
        )
    exporter = EXPORTERS[suffix] if layout is None else LAYOUTS[layout]
    place = filesystem.resolved(store)
    for path in exporter.outputs(dest):
        output = filesystem.resolved(path)
        if place in output.parents:
            raise ExportError(f"{path}: lies in the store {store}; choose another path")
        if place == output or output in place.parents:
            raise ExportError(f"{path}: the export and the store {store} overlap; rename one")
    if suffix == ".dzi":
        assets()  # raises if the viewer is not installed
    return exporter


def export_store(
    path: AnyPath, dest: str | Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Do what `tilecppn.export` does, without the page of `live`."""
    store, dest = Store(path), as_path(dest)
    exporter = choose_exporter(store.path, dest, options.layout)
    if options.panels is None:
        exporter.check(dest, overwrite=options.overwrite)
    options = options.resolved(dest, store.scene)
    if options.proof is not None:
        exporter = Exporter(export_proof, fits=check_proof)
    if options.strip is not None:
        exporter = Exporter(export_strip, fits=check_page)
    if options.panels is not None:
        exporter = _panelled(exporter, options)
    return write(exporter, Source.of(store, options), dest, options, threads)


def _panelled(exporter: Exporter, options: ExportOptions) -> Exporter:
    """Return an exporter that writes panels, each with another exporter."""

    def outputs(dest: Path) -> dict[Path, str]:
        rows = panelling.paths(dest, panelling.grid_of(str(options.panels)))
        return dict.fromkeys([*chain.from_iterable(rows), panelling.sheet_path(dest)], STILL)

    def fits(source: Source, dest: Path, options: ExportOptions) -> None:
        for path, panel in panelling.panels(source, dest, options):
            exporter.fits(panel, path, options)

    return Exporter(bound(panelling.export_panels, exporter.write), outputs, fits)


def write(
    exporter: Exporter, source: Source, dest: Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Write an export.

    Raises ExportError if something that must stay exists there, another process writes there, or
    the picture is too large; RenderError later, or Interrupted once threads.stopping() is true.
    """
    exporter.fits(source, dest, options)
    if options.max_size is not None and options.max_size > max(source.width, source.height):
        threads.note(
            f"{dest}: stays {source.width} × {source.height}, as large as the picture: exports are "
            "not enlarged; render it larger for that"
        )
    try:
        with naming_destination(dest), claimed(*exporter.outputs(dest)):
            exporter.check(dest, overwrite=options.overwrite)
            if (said := exporter.estimate(source, dest, options)) is not None:
                threads.note(f"{dest}: {said}")
            written = exporter.write(source, dest, options, threads)
            source.store.check_read()
            return written
    except KeyboardInterrupt:
        raise Interrupted("stopped; nothing is left of the unfinished export") from None
