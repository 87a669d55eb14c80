"""Store → file or pyramid: the exporter is chosen by the destination's suffix, or by a layout."""

from collections.abc import Callable
from functools import partial as bound
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from tilecppn import machine
from tilecppn.assemble.dzi import check_dzi, export_dzi
from tilecppn.assemble.flat import FLATS, check_flat, export_flat
from tilecppn.assemble.layouts import KINDS, check_folder, export_folder
from tilecppn.assemble.options import Options, Progress
from tilecppn.assemble.png import check_png
from tilecppn.assemble.single import export_png
from tilecppn.assemble.source import Source
from tilecppn.assemble.szi import check_szi, export_szi
from tilecppn.assemble.tiff import check_tiff, export_tiff
from tilecppn.errors import ExportError, Failed, Stopped
from tilecppn.naming import suggestion
from tilecppn.run.options import check_workers
from tilecppn.run.stopping import stop_on_signals
from tilecppn.store import Store
from tilecppn.zarr_files import use_threads

LOCAL = "http://localhost:8000"  # where `python -m http.server` shows a folder


class Exporter(NamedTuple):
    check: Callable[[Path], None]  # raises ExportError where `write` must not
    write: Callable[[Source, Path, Options], list[Path]]


TIFF = Exporter(check_tiff, export_tiff)
EXPORTERS: dict[str, Exporter] = {
    ".dzi": Exporter(check_dzi, export_dzi),
    ".szi": Exporter(check_szi, export_szi),
    ".png": Exporter(check_png, export_png),
    ".tif": TIFF,
    ".tiff": TIFF,
    ".jpg": Exporter(check_flat, bound(export_flat, FLATS[".jpg"])),
    ".webp": Exporter(check_flat, bound(export_flat, FLATS[".webp"])),
}
LAYOUTS = {name: Exporter(check_folder, bound(export_folder, kind)) for name, kind in KINDS.items()}


def check_destination(dest: Path, layout: str | None = None) -> Exporter:
    """The exporter for a destination: of its suffix, or of a layout for a folder.

    Raises ExportError for a suffix or layout that nobody knows, or somebody else's file there.
    """
    if layout is None and dest.suffix not in EXPORTERS:
        raise ExportError(
            f'{dest}: unknown kind of export "{dest.suffix}"; '
            f"{suggestion([*EXPORTERS], dest.suffix)} (for a folder: --layout {'|'.join(LAYOUTS)})"
        )
    if layout is not None and layout not in LAYOUTS:
        raise ExportError(f'unknown layout "{layout}"; {suggestion(LAYOUTS, layout)}')
    exporter = EXPORTERS[dest.suffix] if layout is None else LAYOUTS[layout]
    exporter.check(dest)
    return exporter


def export(
    path: str | Path,
    dest: str | Path,
    *,
    format: str = "png",
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
) -> list[Path]:
    """Export the store at `path` to `dest`, by its suffix; returns what was written.

    format, tile and overlap (pixels) are those of a pyramid's tiles; quality (1-100) and effort
    (1, fast, to 9, small files) of what has them. level: the store's level to start from. layout:
    "iiif", "xyz" or "zoomify", with a folder as `dest`. url: where an IIIF folder will be served.
    partial: allow an unfinished store, missing shards black.
    Raises Refused before any work, Failed or Stopped later.
    """
    check_workers(workers)
    store, dest = Store(path), Path(dest)
    if dest.resolve().is_relative_to(store.path.resolve()):
        raise ExportError(f"{dest}: lies in the store {store.path}; choose another path")
    exporter = check_destination(dest, layout)
    workers = workers or machine.cores()
    with stop_on_signals() as wish:
        side = store.plan.tile if tile is None else tile
        url = url or f"{LOCAL}/{quote(dest.absolute().name)}"
        options = Options(
            side,
            format,
            quality,
            effort,
            overlap,
            url.rstrip("/"),
            workers,
            progress,
            wish,
        )
        use_threads(workers)
        source = Source(store, level, partial)
        try:
            return exporter.write(source, dest, options)
        except Stopped:
            raise Stopped("stopped; nothing is left of the unfinished export") from None
        except OSError as error:
            raise Failed(f"{dest}: cannot be written: {error.strerror or error}") from error
