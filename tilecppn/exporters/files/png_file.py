"""One PNG of any size, with memory that does not grow with its height."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters.bands import banded
from tilecppn.exporters.encoding import credits, png
from tilecppn.exporters.encoding.encoders import lossless
from tilecppn.exporters.encoding.icc import embedded
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.plan import Window


def export_png(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write one level as a PNG of 8 or 16 bits, with scene and resolution. Returns its path."""
    plan = source.store.plan
    itemsize = min(source.dtype.itemsize, 2)  # float32 becomes 16 bits
    icc = embedded(options.profile, plan.channels)
    transfer = options.hdr.number if options.hdr else 0
    made = source.provenance(provenance.STILL, options)
    with sealed(dest) as temporary:
        head = [
            *png.header(
                source.width, source.height, plan.channels, itemsize, made.text(), icc, transfer
            ),
            *credits.png_chunks(made.about),
            png.resolution_chunk(source.resolution),
        ]
        with temporary.open("wb") as file:
            png.write_bands(file, head, deflated_bands(source, options, threads))
    return [dest]


def deflated_bands(source: Source, options: ExportOptions, threads: Threads) -> Iterator[png.Band]:
    """Return the picture's rows, compressed for a PNG, in order; raises as `banded`."""

    def band(window: Window, pixels: NDArray[Any]) -> png.Band:
        return png.deflate_band(np.moveaxis(lossless(pixels), 0, -1), options.effort)

    return banded(source, band, threads)
