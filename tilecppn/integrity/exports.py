"""Verifies an export, and repairs it from the store that it was made from."""

from dataclasses import replace
from pathlib import Path

from tilecppn import machine
from tilecppn.addresses import is_address
from tilecppn.cancellation import ShouldStop
from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import size_of
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.repair import repair_export
from tilecppn.exporters.verify import check_made_here, find_export_damage, is_there, outputs_of
from tilecppn.integrity.report import ExportReport, Progress


def verify_export(
    path: Path, store: Path | None, workers: int | None, progress: Progress, stopping: ShouldStop
) -> ExportReport:
    """Find what is damaged in an export, and repair it from `store`, if given."""
    if not any(map(is_there, outputs_of(path))):
        raise ExportError(f"{path}: does not exist")
    if store is None:  # else the user says what it was made from
        check_made_here(path)

    def find(what: str) -> ExportReport:
        done, total = 0, sum(map(size_of, outputs_of(path)))

        def counted(size: int) -> None:
            nonlocal done
            done += size
            progress(what, done, total, "MB")

        counted(0)
        damage = find_export_damage(path, counted, stopping)
        return ExportReport(path, damage, film=bool(damage) and _is_film(path))

    def drawn(done: int, total: int) -> None:
        progress("repair", done, total, "Mpixel")

    found = find("verify")
    if found.sound or store is None:
        return found
    threads = Threads(workers or machine.cores(), drawn, stopping)
    repair_export(path, found.damage, store, threads)
    left = find("verify again").damage
    if left:
        file, what = next(iter(left.items()))
        more = f", and {len(left) - 1:,} more" if len(left) > 1 else ""
        raise RenderError(f"{file}: is still {what}{more}; export it again")
    return replace(found, repaired=True)


def _is_film(path: Path) -> bool:
    made = None if is_address(path) else provenance.read(path)
    return made is not None and made.kind in (provenance.FILM, provenance.FRAMES)
