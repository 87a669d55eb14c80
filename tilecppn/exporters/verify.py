"""Find damage in an export: missing files, and files that are not as they were written."""

from collections.abc import Callable
from pathlib import Path

from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import ExportError
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.output import folder_checksums, provenance
from tilecppn.exporters.output.atomic import fetched, is_folder
from tilecppn.exporters.output.folder_checksums import DAMAGED, MISSING
from tilecppn.exporters.output.provenance import MANIFEST
from tilecppn.exporters.pyramids import dzi
from tilecppn.storage.crc32c import crc32c_of
from tilecppn.storage.places import storage_of

Counted = Callable[[int], object]  # called with the bytes read
FOREIGN = "not part of the export"


def outputs_of(path: Path) -> list[Path]:
    """Return all files and folders of the export to which `path` belongs."""
    if suffix_of(path) == ".html" and is_folder(dzi.files_of(path)):  # else a store's page
        path = path.with_suffix(".dzi")
    return list(dzi.outputs_of(path)) if suffix_of(path) == ".dzi" else [path]


def is_export(path: Path) -> bool:
    """Return whether a path is a file, a Deep Zoom export, or a folder with a manifest.

    False for a scene file, and for a file that does not exist.
    """
    suffix = suffix_of(path)
    named = suffix in (".dzi", ".html")
    return named or (suffix != ".toml" and (_is_file(path) or _is_marked(path)))


def is_there(path: Path) -> bool:
    """Return whether there is a file, or a folder with files, at a path."""
    return _is_file(path) or is_folder(path)


def check_made_here(path: Path) -> None:
    """Raise ExportError if nothing in an export shows that tilecppn made it."""
    if not any(map(_has_trace, outputs_of(path))):
        raise ExportError(
            f"{path}: nothing in it says that tilecppn made it: it is another program's, or what "
            "said so is lost"
        )


def find_export_damage(
    path: Path, counted: Counted = lambda size: None, stopping: ShouldStop = never
) -> dict[Path, str]:
    """Read all of an export; return the fault of each faulty file, by path.

    Faults are "missing", "damaged" or "not part of the export". Memory grows only with the names in
    a folder; a single file in a bucket is copied to the disk first. Raises Interrupted.
    """
    found: dict[Path, str] = {}
    for output in outputs_of(path):
        if is_folder(output):
            found |= _find_in_folder(output, counted, stopping)
            continue
        with fetched(output) as copy:
            if not copy.is_file():
                found[output] = MISSING
                continue
            if not provenance.is_undamaged(copy):
                found[output] = DAMAGED
            counted(copy.stat().st_size)
    return found


def _is_file(path: Path) -> bool:
    return storage_of(path.parent).has(path.name)


def _is_marked(folder: Path) -> bool:
    return any(map(storage_of(folder).has, (MANIFEST, folder_checksums.LIST)))


def _has_trace(output: Path) -> bool:
    if _is_marked(output):
        return True
    with fetched(output) as copy:
        return copy.is_file() and provenance.has_trace(copy)


def _find_in_folder(folder: Path, counted: Counted, stopping: ShouldStop) -> dict[Path, str]:
    files, made = storage_of(folder), provenance.read_folder(folder)
    expected = provenance.listed_checksum(folder)
    if made is None or expected is None:  # only the list knows the folder's contents
        wrong = _find_listed(folder, counted, stopping)[0]
        return wrong | {folder / MANIFEST: MISSING if files.size(MANIFEST) is None else DAMAGED}
    found: dict[Path, str] = {}
    if (state := folder_checksums.fault(files, folder_checksums.LIST, expected)) is not None:
        found[folder / folder_checksums.LIST] = state
        right = folder_checksums.right_list(files, made.line())
        if crc32c_of([right]) == expected:
            return found
        if folder_checksums.fault(files, folder_checksums.LIST, crc32c_of([right])) is None:
            return {folder / MANIFEST: DAMAGED}  # its checksum of the list
    wrong, listed = _find_listed(folder, counted, stopping)
    found |= wrong
    if not made.intact and not found:
        foreign = [name for name in folder_checksums.names_in(files) if name not in listed]
        return {folder / name: FOREIGN for name in foreign} or {folder / MANIFEST: DAMAGED}
    return found


def _find_listed(
    folder: Path, counted: Counted, stopping: ShouldStop
) -> tuple[dict[Path, str], set[str]]:
    """Return the faults of the files in a folder's list, and their names."""
    files = storage_of(folder)
    sizes = dict(files.sizes())
    counted(sum(sizes.get(name, 0) for name in (folder_checksums.LIST, MANIFEST)))
    found, listed = {}, set()
    for name, state in folder_checksums.faults(files, stopping):
        listed.add(name)
        if state is not None:
            found[folder / name] = state
        counted(sizes.get(name, 0))
    return found, listed
