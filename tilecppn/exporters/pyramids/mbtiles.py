"""A pyramid in one SQLite file, MBTiles 1.3, for desktop map programs and tile servers.

https://github.com/mapbox/mbtiles-spec/blob/master/1.3/spec.md. Rows count from the bottom.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.pyramids.map_tiles import described, map_tiles
from tilecppn.exporters.pyramids.xyz import XYZ
from tilecppn.exporters.source import Source

KIND = "mbtiles"
FORMATS = {"avif": "image/avif"}  # others are named like their suffix
LONGEST_VALUE = 16 << 20  # most characters of a metadata value that are read
_APPLICATION = 0x4D504258
_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION};
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE metadata (name text, value text);
CREATE TABLE tiles (
    zoom_level integer, tile_column integer, tile_row integer, tile_data blob
);
"""
_INDEX = "CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row)"


def export_mbtiles(
    source: Source, dest: Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Write the tiles of the XYZ layout as rows of a table. Returns the file's path."""
    layout = XYZ.of(source.sizes, options.side)
    made, said = source.provenance(KIND, options), described(layout, options)
    said["format"] = FORMATS.get(said["format"], said["format"])
    said |= {
        **{name: ",".join(map(str, said[name])) for name in ("bounds", "center")},
        "tilecppn": made.source,
        "tilecppn record": made.line(),  # short, since a long text is not contiguous in the file
    }
    tiles = (
        (tile.zoom, tile.x, (1 << tile.zoom) - 1 - tile.y, tile.data)
        for tile in map_tiles(source, layout, options, threads)
    )
    with sealed(dest) as temporary:
        try:
            with closing(sqlite3.connect(temporary)) as file:
                file.executescript(_SCHEMA)
                rows = [(name, str(value)) for name, value in said.items() if value != ""]
                file.executemany("INSERT INTO metadata VALUES (?, ?)", rows)
                file.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", tiles)
                file.execute(_INDEX)
                file.commit()
        except sqlite3.Error as error:
            raise OSError(str(error)) from error
    return [dest]


def read_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata of a file. Raises sqlite3.Error if it is not an MBTiles file."""
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as file:
        found = file.execute("SELECT name, substr(value, 1, ?) FROM metadata", [LONGEST_VALUE])
        return dict(found.fetchall())
