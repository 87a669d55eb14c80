"""SZI: a Deep Zoom pyramid in one file, NAME/NAME.dzi and NAME/NAME_files/… in a zip, as they are.

Workers encode, one writer appends; entries are not compressed, so that a server can send a tile
out of the middle of the file (https://github.com/smartinmedia/SZI-Format).
"""

import zipfile
from pathlib import Path

from tilecppn.exporters import tiles
from tilecppn.exporters.dzi import DeepZoom, descriptor
from tilecppn.exporters.manifest import MANIFEST, manifest
from tilecppn.exporters.options import Options
from tilecppn.exporters.output import atomic_output, check_safe_to_overwrite
from tilecppn.exporters.parallel import finished
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Region


def check_szi(dest: Path) -> None:
    """Raise ExportError unless `dest` is free or an SZI of ours."""
    check_safe_to_overwrite(dest, _ours)


def _ours(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as file:
            return any(name.rpartition("/")[2] == MANIFEST for name in file.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def export_szi(source: Source, dest: Path, options: Options) -> list[Path]:
    """Write the pyramid as one file. Returns its name."""
    check_szi(dest)
    name = dest.stem
    layout = DeepZoom(tuple(source.sizes), options.tile)
    form = options.tile_format
    regions = tiles.regions(source, options.tile, range(len(source.sizes)))

    def encode(region: Region) -> list[tuple[str, bytes]]:
        return [
            (f"{name}_files/{layout.name(region.level, tile)}.{form.suffix}", form.encode(pixels))
            for tile, pixels in tiles.cut(source, region, options.tile, options.overlap)
        ]

    with atomic_output(dest) as temporary, zipfile.ZipFile(temporary, "w") as file:

        def add(entry: str, data: bytes | str) -> None:
            # ZipInfo's own date, of 1980: the same picture gives the same bytes.
            file.writestr(zipfile.ZipInfo(f"{name}/{entry}"), data)

        add(f"{name}.dzi", descriptor(source, options))
        add(f"{name}_files/{MANIFEST}", manifest(source, layout.kind))
        for _, entries in finished(encode, regions, options):
            for entry, data in entries:
                add(entry, data)
    return [dest]
