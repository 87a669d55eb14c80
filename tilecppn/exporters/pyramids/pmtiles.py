"""A pyramid in one PMTiles file, from which static servers and map viewers read tiles."""

from pathlib import Path
from tempfile import TemporaryFile

from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.pyramids.map_tiles import described, map_tiles
from tilecppn.exporters.pyramids.pmtiles_archive import Archive, Bounds
from tilecppn.exporters.pyramids.xyz import XYZ
from tilecppn.exporters.source import Source

KIND = "pmtiles"
IN_METADATA = (
    *("name", "description", "attribution", "type", "format"),
    *("width", "height", "tileSize"),
)


def export_pmtiles(
    source: Source, dest: Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Write the tiles of the XYZ layout in the order of their numbers. Returns the file's path."""
    layout = XYZ.of(source.sizes, options.side)
    made, said = source.provenance(KIND, options), described(layout, options)
    metadata = {name: said[name] for name in IN_METADATA} | {"tilecppn": {"scene": made.source}}
    west, south, east, north = said["bounds"]
    with (
        sealed(dest) as temporary,
        temporary.open("wb") as file,
        TemporaryFile(dir=temporary.parent) as waiting,
    ):
        archive = Archive(file, waiting)
        for tile in map_tiles(source, layout, options, threads):
            archive.add(tile.number, tile.data)
        bounds = Bounds(west, south, east, north, len(layout.sizes))
        archive.finish(metadata, options.suffix, bounds, f"\n{made.line()}\n".encode())
    return [dest]
