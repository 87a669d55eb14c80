"""A file for a print lab's upload form: 8 bits, RGB, one page, a classic TIFF or a JPEG.

A TIFF is uncompressed and in strips, which every program reads; a JPEG has full-resolution colour.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import ExportError
from tilecppn.exporters.bands import read_image
from tilecppn.exporters.encoding import tags
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.files import tiff_tags
from tilecppn.exporters.files.tiff import CLASSIC
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.formatting import format_bytes
from tilecppn.scene.profiles import PROFILES

STRIP = 1 << 20  # bytes
RGB = 3


def export_lab_tiff(
    source: Source, dest: Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Write the picture band by band; `check_lab_size` has accepted its size. Returns its path."""
    made = source.provenance(provenance.STILL, options)
    with sealed(dest) as temporary:
        profile = icc_profile(made.profile, RGB)
        with plain_tiff(temporary, source, made, "rgb", RGB, profile) as out:
            read_image(source, out, threads)
    name = PROFILES[made.profile].name
    threads.note(f"{dest}: 8 bits, {name}, uncompressed TIFF of one page")
    return [dest]


@contextlib.contextmanager
def plain_tiff(
    path: Path, source: Source, made: Provenance, photometric: str, channels: int, profile: bytes
) -> Iterator[NDArray[np.uint8]]:
    """Create an uncompressed classic TIFF of one page, and let the block fill its pixels.

    Yields a memory map (height, width, channels), flushed when the block ends. profile: ICC.
    """
    import tifffile

    out = tifffile.memmap(
        path,
        shape=tiff_tags.shape(source.height, source.width, channels),
        dtype=np.uint8,
        photometric=photometric,
        rowsperstrip=max(1, STRIP // (source.width * channels)),
        software=tags.MAKER,
        **tiff_tags.described(made, profile),
        resolution=(source.resolution, source.resolution),
        resolutionunit=tags.INCH,
        metadata=None,
    )
    yield out.reshape(source.height, source.width, channels)
    out.flush()


def check_lab_size(source: Source, dest: Path, options: ExportOptions) -> None:
    """Raise ExportError if a TIFF would be larger than allowed."""
    size = source.width * source.height * RGB
    limit = min(CLASSIC, options.max_bytes or CLASSIC)
    if suffix_of(dest) == ".tif" and size > limit:
        raise ExportError(
            f"{dest}: {source.width} × {source.height}: takes {format_bytes(size)} of "
            f"{format_bytes(limit)}; use .jpg, or --max-size"
        )
