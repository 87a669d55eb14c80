"""Repair an export from the store that it was made from: only damaged files are made again."""

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tilecppn.addresses import is_web_address
from tilecppn.errors import ExportError
from tilecppn.exporters import tiles
from tilecppn.exporters.export import EXPORTERS
from tilecppn.exporters.kinds import KINDS, suffix_of
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import folder_checksums, provenance
from tilecppn.exporters.output.atomic import (
    claimed,
    destination_of,
    fetched,
    is_folder,
    naming_destination,
    read_provenance,
)
from tilecppn.exporters.output.provenance import MANIFEST, Provenance
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.pyramids import dzi
from tilecppn.exporters.pyramids.layouts import FOLDERS
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Layout, TileFolder
from tilecppn.exporters.verify import FOREIGN, outputs_of
from tilecppn.storage.crc32c import crc32c_of
from tilecppn.storage.places import storage_of
from tilecppn.storage.store import Store

_DAMAGED = "{}: what it was made from is damaged, too; export it again"


def repair_export(path: Path, damage: Mapping[Path, str], store: Path, threads: Threads) -> None:
    """Make the files of `damage` again, as named by `find_export_damage`; others are kept.

    Raises ExportError, before any work, if the export was not made from this store, or its options
    cannot be determined any more; RenderError later, or Interrupted.
    """
    wanted = {file for file, what in damage.items() if what != FOREIGN}
    made = _made(path, damage)
    opened = Store(store)
    if made.fingerprint != opened.scene.fingerprint:
        raise ExportError(f"{path}: was not made from {store}, which holds another picture")
    options = _options(path, made, opened)
    source = Source.of(opened, options)
    outputs = outputs_of(path)
    if any(is_folder(file) or file == dzi.files_of(path) for file in wanted):
        raise ExportError(f"{path}: its tiles are gone, or have no checksums; export it again")
    with naming_destination(path), claimed(*outputs), contextlib.ExitStack() as stack:
        places = {out: stack.enter_context(destination_of(out).workplace()) for out in outputs}
        for output in outputs:
            if inner := {file for file in wanted if output in file.parents}:
                kind = made.kind if made.kind in FOLDERS else dzi.DeepZoom.kind
                names = {file.relative_to(output).as_posix() for file in inner}
                made_of = replace(made, kind=kind)
                _repair_folder(output, names, made_of, source, options, threads, places[output])
        if files := wanted.intersection(outputs):
            _check_credits(path, made, options)
            _repair_files(path, files, source, options, threads, places[outputs[0]])


def _made(path: Path, damage: Collection[Path]) -> Provenance:
    """Return the provenance of the export, from an undamaged file if there is one."""
    readers = {}
    for output in reversed(outputs_of(path)):
        if is_folder(output):
            listed = output / folder_checksums.LIST
            readers[listed] = partial(read_provenance, listed)
            readers[output / MANIFEST] = partial(provenance.read_manifest, output)
        else:
            readers[output] = partial(read_provenance, output)
    for file in sorted(readers, key=lambda file: file in damage):
        found = readers[file]()
        if found is not None and found.encoding:
            return found
    raise ExportError(_DAMAGED.format(path))


def _values(path: Path, made: Provenance) -> dict[str, Any]:
    """Return the options recorded in `ExportOptions.encoding`."""
    try:
        pairs = made.options
        format = pairs.pop("format")
        partial = pairs.pop("partial", "False") == "True"
        pairs.pop("about", None)  # a hash, which does not tell the credits
        compression = pairs.pop("compression", None)
        values = {"format": format, "partial": partial, "compression": compression}
        if "transfer" in pairs:
            values |= {"transfer": pairs.pop("transfer"), "peak": float(pairs.pop("peak"))}
        values |= {name: int(value) for name, value in pairs.items()}
        if "skip_blanks" in values:
            values["skip_blanks"] = f"#{values['skip_blanks']:06x}"
        return values
    except (ValueError, KeyError):
        raise ExportError(
            f"{path}: was not exported from a store; make it again with the same command"
        ) from None


def _options(path: Path, made: Provenance, store: Store) -> ExportOptions:
    values = _values(path, made)
    layout = made.kind if made.kind in FOLDERS else None
    if suffix_of(path) == ".html":
        path = path.with_suffix(".dzi")
    if suffix_of(path) not in EXPORTERS and layout is None:
        raise ExportError(f"{path}: give NAME.dzi, whose folder of tiles it is")
    if "tile" not in KINDS[layout or suffix_of(path)].options:
        values.pop("tile", None)  # the store's, which an untiled picture does not use
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # the url's only record
        info = storage_of(path).get("info.json", provenance.MAX_MANIFEST)
        address = str(json.loads(info)["id"])
        values["url"] = address if is_web_address(address) else None
    try:
        given = ExportOptions(layout=layout, **values)
    except TypeError:  # the name of an option is damaged
        raise ExportError(_DAMAGED.format(path)) from None
    shown, withheld = (
        replace(given, show_scene=show).resolved(path, store.scene) for show in (True, False)
    )
    return withheld if made.encoding == withheld.encoding else shown


def _check_credits(path: Path, made: Provenance, options: ExportOptions) -> None:
    """Raise ExportError if the credits, or whether the scene is withheld, are not known."""
    if options.encoding != made.encoding:
        raise ExportError(
            f"{path}: was made with a --title or [about] that only its own command knows; "
            "export it again"
        )


def _repair_folder(
    folder: Path,
    names: Collection[str],
    made: Provenance,
    source: Source,
    options: ExportOptions,
    threads: Threads,
    workplace: Path,
) -> None:
    files = storage_of(folder)
    if folder_checksums.LIST in names:
        right = folder_checksums.right_list(files, made.line())
        if crc32c_of([right]) == provenance.listed_checksum(folder):
            files.put(folder_checksums.LIST, right)
    inner = set(names) - {folder_checksums.LIST, MANIFEST}
    if inner:
        listed = {name: crc for crc, name in folder_checksums.read_list(files) if name in inner}
        layout = FOLDERS.get(made.kind, dzi.DeepZoom).of(source.sizes, options.side)
        new = TileFolder(str(workplace.absolute()), layout, options)
        tiles.write_tiles(source, new, list(_regions(source, layout, options, inner)), threads)
        layout.describe(source, new)
        for name, crc in listed.items():
            if folder_checksums.fault(storage_of(workplace), name, crc) is None:
                files.take(name, workplace / name)
    if MANIFEST in names:
        _check_credits(folder, made, options)
        text = source.provenance(made.kind, options).source
        provenance.write_manifest(folder, replace(made, source=text))


def _regions(
    source: Source, layout: Layout, options: ExportOptions, names: Collection[str]
) -> Iterator[tiles.Region]:
    """Yield the regions of the named tiles."""
    for region in tiles.regions(source, layout.side, range(len(layout.sizes))):
        for window in region.tiles.split(layout.side, layout.side):
            if f"{layout.name(region.level, window)}.{options.suffix}" in names:
                yield tiles.Region(region.level, window)


def _repair_files(
    path: Path,
    wanted: Collection[Path],
    source: Source,
    options: ExportOptions,
    threads: Threads,
    workplace: Path,
) -> None:
    """Make single files again: a picture, or the descriptor and page of a Deep Zoom export."""
    if suffix_of(path) in (".dzi", ".html"):
        dzi.write_page(source, workplace / path.with_suffix(".dzi").name, options)
    else:
        EXPORTERS[suffix_of(path)].write(source, workplace / path.name, options, threads)
    for file in wanted:
        with fetched(file) as copy:
            stated = provenance.stated_checksum(copy) if copy.is_file() else None
        if stated not in (None, provenance.stated_checksum(workplace / file.name)):
            raise ExportError(
                f"{file}: was made with options or a version that it does not say; export it again"
            )
        storage_of(file.parent).take(file.name, workplace / file.name)
