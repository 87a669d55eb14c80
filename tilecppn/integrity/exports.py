"""Verifies an export, and repairs it from the store that it was made from."""

from dataclasses import replace
from pathlib import Path

from tilecppn import machine
from tilecppn.addresses import BucketPath
from tilecppn.cancellation import ShouldStop
from tilecppn.errors import ExportError, InvalidRequestError, RenderError
from tilecppn.exporters.export import EXPORTERS
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.output import folder_checksums, provenance
from tilecppn.exporters.output.atomic import is_folder, size_of
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.repair import repair_export
from tilecppn.exporters.verify import check_made_here, find_export_damage, is_there, outputs_of
from tilecppn.film.encoding.codecs import ANIMATIONS, CONTAINERS
from tilecppn.integrity.report import ExportReport, Progress


def verify_export(
    path: Path,
    repair: bool,
    store: Path | None,
    workers: int | None,
    progress: Progress,
    stopping: ShouldStop,
) -> ExportReport:
    """Find what is damaged in an export, and repair it from `store` if `repair`.

    Raises InvalidRequestError if it is damaged and `store` is None, or it is a film, which has no
    store.
    """
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
        film = bool(damage) and _is_film(path)
        return ExportReport(path, damage, _remedy(path, film=film), film=film)

    def drawn(done: int, total: int) -> None:
        progress("repair", done, total, "Mpixel")

    found = find("verify")
    if found.sound or not repair:
        return found
    if store is None or found.film:
        raise InvalidRequestError(found.lines()[-1])
    threads = Threads(workers or machine.cores(), drawn, stopping)
    repair_export(path, found.damage, store, threads)
    left = find("verify again").damage
    if left:
        file, what = next(iter(left.items()))
        more = f", and {len(left) - 1:,} more" if len(left) > 1 else ""
        raise RenderError(f"{file}: is still {what}{more}; export it again")
    return replace(found, repaired=True)


def _remedy(path: Path, *, film: bool) -> str:
    if film:
        what = f"the folder {path}" if is_folder(path) else path
        return f"delete {what}, and run the tilecppn animate that made it"
    return f"tilecppn verify {path} --repair --store STORE, or export it again"


def _is_film(path: Path) -> bool:
    """Return whether a damaged output is a film or a folder of frames."""
    if isinstance(path, BucketPath):  # films are made on a disk
        return False
    records = [path, path / folder_checksums.LIST] if path.is_dir() else [path]
    kinds = {made.kind for file in records if (made := provenance.read(file)) is not None}
    if kinds:
        return not kinds.isdisjoint({provenance.FILM, provenance.FRAMES})
    return suffix_of(path) in {*CONTAINERS, *ANIMATIONS} - EXPORTERS.keys()
