"""Compares large single files with libvips and PMTiles: `python -m benchmarks.prints STORE`.

Each export runs in its own process: seconds, seconds of CPU time and peak memory.
libvips gets the pixels as its own file, which it maps into memory: three times the size of the
picture has to be free beside STORE. For a large print:

    tilecppn render examples/silk.toml -o print.zarr --set canvas.width=65536 \
        --set canvas.height=43690 --set output.dtype=uint16
    python -m benchmarks.prints print.zarr
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyvips

from benchmarks.measuring import peak_bytes
from tilecppn import export
from tilecppn.storage.store import Store

TILE = 512


def _vips_tiff(image: pyvips.Image, dest: Path) -> None:
    image.tiffsave(
        str(dest),
        tile=True,
        tile_width=TILE,
        tile_height=TILE,
        pyramid=True,
        subifd=True,
        compression="deflate",
        predictor="horizontal",
        level=1,
        bigtiff=True,
    )


def _vips_png(image: pyvips.Image, dest: Path) -> None:
    image.pngsave(str(dest), compression=1, filter=pyvips.enums.ForeignPngFilter.UP)


def _vips_pmtiles(image: pyvips.Image, dest: Path) -> None:
    """Make tiles in a folder by libvips, and the archive by the library of PMTiles' authors."""
    from pmtiles.tile import Compression, TileType, zxy_to_tileid
    from pmtiles.writer import write

    folder = dest.with_suffix("")
    image.dzsave(str(folder), layout="google", suffix=".png[compression=1]", tile_size=256)
    numbered = {
        zxy_to_tileid(int(z), int(x), int(y)): path
        for path in folder.glob("*/*/*.png")
        for z, y, x in [(*path.parts[-3:-1], path.stem)]
    }
    with write(str(dest)) as archive:
        for number, path in sorted(numbered.items()):
            archive.write_tile(number, path.read_bytes())
        archive.finalize({"tile_type": TileType.PNG, "tile_compression": Compression.NONE}, {})


RIVALS: dict[str, Callable[[pyvips.Image, Path], None]] = {
    "tif": _vips_tiff,
    "png": _vips_png,
    "pmtiles": _vips_pmtiles,
}
FORMATS = ("tif", "png", "exr", "pmtiles")


def make(way: str, source: Path, dest: Path) -> None:
    """Make one file in this process, and print its time and memory."""
    start = time.perf_counter()
    if way == "vips":
        RIVALS[dest.suffix[1:]](pyvips.Image.new_from_file(str(source)), dest)
    else:
        export(source, dest)
    taken = {"s": time.perf_counter() - start, "CPU s": time.process_time()}
    print(json.dumps({**taken, "peak MB": peak_bytes() / 1e6}))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prints", description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--formats", nargs="*", choices=FORMATS, default=FORMATS)
    parser.add_argument("--make", nargs=2, metavar=("WAY", "DEST"), help="one file, from STORE")
    options = parser.parse_args()
    if options.make is not None:
        make(options.make[0], options.store, Path(options.make[1]))
        return
    canvas = Store(options.store).scene.canvas
    folder = options.store.with_suffix(".bench")
    folder.mkdir()
    try:
        export(options.store, folder / "all.tif")
        image = pyvips.Image.new_from_file(str(folder / "all.tif"), access="sequential")
        image.write_to_file(str(folder / "all.v"))
        print(f"{canvas.width} × {canvas.height}   Mpixel/s       s   CPU s  peak MB  file MB")
        for suffix in options.formats:
            for way, source in (("tilecppn", options.store), ("vips", folder / "all.v")):
                if way == "vips" and suffix not in RIVALS:
                    continue  # it writes none
                dest = folder / f"{way}.{suffix}"
                command = [sys.executable, "-m", "benchmarks.prints", source, "--make", way, dest]
                took = json.loads(subprocess.check_output(command).splitlines()[-1])
                rate = canvas.width * canvas.height / 1e6 / took["s"]
                figures = " ".join(f"{value:8.1f}" for value in (rate, *took.values()))
                print(f"{suffix:8} {way:10} {figures} {dest.stat().st_size / 1e6:8.1f}", flush=True)
                dest.unlink()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
