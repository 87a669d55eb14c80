"""Find damage in an export: what is missing, and what is not as it was written."""

import os
from collections.abc import Callable
from pathlib import Path

from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import ExportError, Interrupted
from tilecppn.exporters import checksums, dzi, provenance
from tilecppn.exporters.options import suffix_of
from tilecppn.exporters.provenance import MANIFEST
from tilecppn.filesystem import disk_usage

Counted = Callable[[int], object]  # is told of bytes that were read
MISSING, DAMAGED, FOREIGN = "missing", "damaged", "not part of the export"


def is_export(path: Path) -> bool:
    """Whether a path is that of a file, of a Deep Zoom export, or of a folder with a manifest."""
    named = suffix_of(path) in (".dzi", ".html")
    return named or path.is_file() or any((path / n).is_file() for n in (MANIFEST, checksums.LIST))


def outputs_of(path: Path) -> list[Path]:
    """The files and folders of the export that `path` is of."""
    if suffix_of(path) == ".html" and dzi.files_of(path).is_dir():  # else a store's page
        path = path.with_suffix(".dzi")
    return list(dzi.outputs_of(path)) if suffix_of(path) == ".dzi" else [path]


def check_made_here(path: Path) -> None:
    """Raise ExportError if nothing that is there of an export says that tilecppn made it."""
    found = [output for output in outputs_of(path) if output.exists()]
    if not any(map(provenance.has_trace, found)):
        raise ExportError(
            f"{path}: nothing in it says that tilecppn made it: it is another program's, or what "
            "said so is lost"
        )


def size_of(path: Path) -> int:
    """The bytes of all that there is of an export."""
    return sum(disk_usage(output) for output in outputs_of(path) if output.exists())


def find_export_damage(
    path: Path, counted: Counted = lambda size: None, stopping: ShouldStop = never
) -> dict[Path, str]:
    """Read all of an export; return what is wrong with its files, by their paths.

    "missing", "damaged" or "not part of the export". An output of a version without checksums is
    judged as far as its digest goes. Memory grows only with the names in a folder. Raises
    Interrupted.
    """
    found: dict[Path, str] = {}
    for output in outputs_of(path):
        if output.is_dir():
            found |= _find_in_folder(output, counted, stopping)
        elif not output.is_file():
            found[output] = MISSING
        else:
            if not provenance.is_undamaged(output):
                found[output] = DAMAGED
            counted(output.stat().st_size)
    return found


def _find_in_folder(folder: Path, counted: Counted, stopping: ShouldStop) -> dict[Path, str]:
    made, manifest, its_list = provenance.read(folder), folder / MANIFEST, folder / checksums.LIST
    if made is None:  # the list is the only other one that knows what was there
        wrong = _find_listed(folder, counted, stopping)[0]
        return wrong | {manifest: DAMAGED if os.path.lexists(manifest) else MISSING}
    expected = provenance.listed_checksum(folder)
    if expected is None:  # names and sizes alone are known
        return {} if made.intact else {folder: DAMAGED}
    found: dict[Path, str] = {}
    if (state := checksums.fault(its_list, expected)) is not None:
        found[its_list] = state
        if checksums.right_list_checksum(folder, made.line()) == expected:
            return found
    wrong, listed = _find_listed(folder, counted, stopping)
    found |= wrong
    if not made.intact and not found:
        foreign = [name for name in checksums.files_in(folder) if name not in listed]
        return {folder / name: FOREIGN for name in foreign} or {manifest: DAMAGED}
    return found


def _find_listed(
    folder: Path, counted: Counted, stopping: ShouldStop
) -> tuple[dict[Path, str], set[str]]:
    """What is wrong with the files in a folder's list, and their names."""
    found, listed = {}, set()
    for crc, name in checksums.read_list(folder):
        if stopping():
            raise Interrupted("stopped")
        listed.add(name)
        file = folder / name
        if (state := checksums.fault(file, crc)) is not None:
            found[file] = state
        counted(file.stat().st_size if file.is_file() else 0)
    return found, listed
