"""One JPEG or WebP of a level, in 8 bits, for where a small file counts: it is made in memory."""

from pathlib import Path

import numpy as np

from tilecppn import machine
from tilecppn.errors import ExportError
from tilecppn.exporters import provenance
from tilecppn.exporters.encoders import ENCODERS
from tilecppn.exporters.image_file import write_flat
from tilecppn.exporters.options import ExportOptions, suffix_of
from tilecppn.exporters.output import replacing
from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.png_file import bands
from tilecppn.exporters.source import Source
from tilecppn.formatting import format_bytes
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.quantise import to_uint8
from tilecppn.plan import Window

PILLOW = 5  # bytes of a pixel in Pillow, and of the file


def export_flat(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the picture, which `check_size` has let pass. Returns its name."""
    plan = source.store.plan
    out = np.empty((source.height, source.width, plan.channels), np.uint8)

    def read(window: Window) -> None:
        out[window.top : window.bottom] = interleaved(to_uint8(source.read(0, window)))

    for _ in finished(read, bands(source), threads):
        pass
    with replacing(dest) as temporary:
        write_flat(
            out,
            temporary,
            dest,
            source.provenance(provenance.STILL, options),
            options.quality,
            options.effort,
            source.resolution,
        )
        provenance.seal(temporary)
    return [dest]


def check_size(source: Source, dest: Path) -> None:
    """Raise ExportError where the picture is too large for its format or the memory."""
    encoder = ENCODERS[suffix_of(dest)[1:]]
    kind, free = encoder.name, machine.free_memory()

    def needed(level: int) -> int:
        width, height = source.sizes[level]
        return width * height * (source.store.plan.channels + PILLOW)

    def reason(level: int) -> str | None:
        if max(source.sizes[level]) > encoder.side:
            return f"{kind} has {encoder.side:,} pixels a side at most"
        if free is not None and needed(level) > free:
            wanted = format_bytes(needed(level))
            return f"{kind} is made in memory: it takes {wanted} of {format_bytes(free)} free"
        return None

    why = reason(0)
    if why is not None:
        fits = next(level for level in range(len(source.sizes)) if reason(level) is None)
        raise ExportError(
            f"{dest}: {source.width} × {source.height}: {why}; use --level {source.base + fits}, "
            "or .tif or .png"
        )
