"""Store → file or pyramid: the exporter is chosen by the destination's suffix."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tilecppn import machine
from tilecppn.assemble.dzi import check_dzi, export_dzi
from tilecppn.assemble.options import Options, Progress
from tilecppn.assemble.png import check_png
from tilecppn.assemble.single import export_png
from tilecppn.assemble.source import Source
from tilecppn.errors import ExportError, Failed, Stopped
from tilecppn.naming import suggestion
from tilecppn.run.stopping import stop_on_signals
from tilecppn.store import Store
from tilecppn.zarr_files import use_threads


class Exporter(NamedTuple):
    description: str
    check: Callable[[Path], None]  # raises ExportError where `write` must not
    write: Callable[[Source, Path, Options], list[Path]]


EXPORTERS: dict[str, Exporter] = {
    ".dzi": Exporter(
        "Deep Zoom pyramid with a page that opens by double-click", check_dzi, export_dzi
    ),
    ".png": Exporter("one PNG, 8 or 16 bits, of any size", check_png, export_png),
}


def check_destination(dest: Path) -> Exporter:
    """The exporter for a destination.

    Raises ExportError for a suffix that nobody knows, or somebody else's file there.
    """
    if dest.suffix not in EXPORTERS:
        raise ExportError(
            f'{dest}: unknown kind of export "{dest.suffix}"; {suggestion(EXPORTERS, dest.suffix)}'
        )
    exporter = EXPORTERS[dest.suffix]
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
    partial: bool = False,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> list[Path]:
    """Export the store at `path` to `dest`, by its suffix; returns what was written.

    format, quality (1-100), effort (1, fast, to 9, small files), tile and overlap (pixels) are
    those of a pyramid's tiles. level: the
    store's level to start from. partial: allow an unfinished store, missing shards black.
    Raises ExportError or StoreError before any work, Failed or Stopped later.
    """
    store, dest = Store(path), Path(dest)
    exporter = check_destination(dest)
    workers = workers or machine.cores()
    with stop_on_signals() as wish:
        side = store.plan.tile if tile is None else tile
        options = Options(side, format, quality, effort, overlap, workers, progress, wish)
        use_threads(workers)
        source = Source(store, level, partial)
        try:
            return exporter.write(source, dest, options)
        except Stopped:
            raise Stopped("stopped; nothing is left of the unfinished export") from None
        except OSError as error:
            raise Failed(f"{dest}: cannot be written: {error.strerror or error}") from error
