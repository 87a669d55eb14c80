"""SZI: a Deep Zoom pyramid in one file, NAME/NAME.dzi and NAME/NAME_files/… in an uncompressed zip.

Workers encode, one writer appends; entries are stored uncompressed, so that a server can send a
tile from the middle of the file (https://github.com/smartinmedia/SZI-Format).
"""

import zipfile
from pathlib import Path

from tilecppn.exporters import tiles
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.pyramids.dzi import DeepZoom, descriptor
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Region


def export_szi(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the pyramid as one file. Returns its path."""
    name = Path(options.name).stem
    layout = DeepZoom.of(source.sizes, options.side)
    regions = tiles.regions(source, options.side, range(len(source.sizes)))
    made = source.provenance("szi", options)

    def encode(region: Region) -> list[tuple[str, bytes]]:
        parts = tiles.cut(source, region, options.side, options.overlap)
        return [
            (f"{name}_files/{layout.name(region.level, tile)}.{options.suffix}", data)
            for tile, data in layout.encoded(parts, options)
        ]

    with sealed(dest) as temporary, zipfile.ZipFile(temporary, "w") as file:

        def add(entry: str, data: bytes | str) -> None:
            # ZipInfo's default date, of 1980, so that the same picture gives the same bytes.
            file.writestr(zipfile.ZipInfo(f"{name}/{entry}"), data)

        size = source.width, source.height
        xml = descriptor(*size, options.side, options.overlap, options.suffix)
        add(f"{name}.dzi", xml)
        add(f"{name}_files/{provenance.MANIFEST}", made.manifest())
        for _, entries in finished(encode, regions, threads):
            for entry, data in entries:
                add(entry, data)
        file.comment = made.line().encode()  # the archive's comment, which no checksum covers
    return [dest]
