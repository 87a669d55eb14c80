"""One tiled TIFF of any size with its smaller levels, for print and for image editors.

BigTIFF; the smaller levels are SubIFDs of the one page. Workers compress, one writer appends.
"""

from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import ExportError
from tilecppn.exporters import tags
from tilecppn.exporters.deflate import compressed
from tilecppn.exporters.icc import srgb
from tilecppn.exporters.options import Options
from tilecppn.exporters.output import atomic_output
from tilecppn.exporters.parallel import finished
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Region, cut, filled, regions
from tilecppn.pixels.interleave import interleaved

MULTIPLE = 16  # of a tile's side, says TIFF 6.0
SMALLEST = 256  # pixels of the longer side of the smallest level
NONE, HORIZONTAL = 1, 2  # predictors


def export_tiff(source: Source, dest: Path, options: Options) -> list[Path]:
    """Write the picture in its own depth, 8 or 16 bits or float32. Returns its name."""
    tags.check_still(dest)
    if options.tile % MULTIPLE:
        raise ExportError(f"tile {options.tile}: must be a multiple of {MULTIPLE} in a TIFF")
    import tifffile

    plan, scene = source.store.plan, source.store.scene
    dtype = np.dtype(scene.output.dtype)
    sizes = [size for k, size in enumerate(source.sizes) if k == 0 or max(size) >= SMALLEST]
    common: dict[str, Any] = {
        "dtype": dtype,
        "tile": (options.tile, options.tile),
        "photometric": "rgb" if plan.channels == 3 else "minisblack",
        "compression": "adobe_deflate",
        "predictor": NONE if dtype.kind == "f" else HORIZONTAL,
        "iccprofile": srgb(plan.channels),
        "metadata": None,
    }
    first: dict[str, Any] = {
        "subifds": len(sizes) - 1,
        "software": tags.MAKER,
        "description": scene.to_toml().encode(),
        "resolution": (tags.PIXELS_PER_INCH, tags.PIXELS_PER_INCH),
        "resolutionunit": tags.INCH,
    }

    def encode(region: Region) -> list[bytes]:
        return [
            compressed(predicted(interleaved(filled(pixels, options.tile))), options.effort)
            for _, pixels in cut(source, region, options.tile)
        ]

    encoded = finished(encode, regions(source, options.tile, range(len(sizes))), options)
    levels = groupby(encoded, lambda result: result[0].level)
    with atomic_output(dest) as temporary, tifffile.TiffWriter(temporary, bigtiff=True) as file:
        for level, results in levels:
            width, height = sizes[level]
            file.write(
                (tile for _, tiles in results for tile in tiles),
                shape=(height, width, plan.channels)[: 3 if plan.channels > 1 else 2],
                **common,
                **(first if level == 0 else {"subfiletype": 1}),
            )
    return [dest]


def predicted(pixels: NDArray[Any]) -> NDArray[Any]:
    """(height, width, channels) as differences from the pixel on the left, which deflate well.

    TIFF 6.0, section 14. float32 stays as it is: few programs read its predictor.
    """
    if pixels.dtype.kind == "f":
        return pixels
    out = pixels.copy()
    np.subtract(pixels[:, 1:], pixels[:, :-1], out=out[:, 1:])
    return out
