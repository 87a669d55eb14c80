"""One JPEG or WebP of a level, in 8 bits, for where a small file counts: it is made in memory."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tilecppn import machine
from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters import provenance, tags
from tilecppn.exporters.encoders import ENCODERS
from tilecppn.exporters.icc import srgb
from tilecppn.exporters.options import ExportOptions, suffix_of
from tilecppn.exporters.output import replacing
from tilecppn.exporters.parallel import Threads, finished
from tilecppn.exporters.png_file import bands
from tilecppn.exporters.provenance import Provenance
from tilecppn.exporters.source import Source
from tilecppn.formatting import format_bytes
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.quantise import to_uint8
from tilecppn.plan import Window

LONGEST_TEXT = 60_000  # bytes: Exif has room for 64 kB
PILLOW = 5  # bytes of a pixel in Pillow, and of the file


def export_flat(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the picture, which `check_size` has let pass. Returns its name."""
    encoder = ENCODERS[options.suffix]
    plan = source.store.plan
    out = np.empty((source.height, source.width, plan.channels), np.uint8)

    def read(window: Window) -> None:
        out[window.top : window.bottom] = interleaved(to_uint8(source.read(0, window)))

    for _ in finished(read, bands(source), threads):
        pass
    # A grey WebP is stored in colour.
    profile = srgb(1 if plan.channels == 1 and encoder.name == "JPEG" else 3)
    with replacing(dest) as temporary:
        try:
            with temporary.open("wb") as file:
                encoder.save(
                    out[..., 0] if plan.channels == 1 else out,
                    file,
                    options.quality or 100,
                    options.effort,
                    exif=_exif(source.provenance(provenance.STILL, options)),
                    icc_profile=profile,
                    dpi=(tags.PIXELS_PER_INCH, tags.PIXELS_PER_INCH),  # a JPEG's own, beside Exif's
                )
        except ValueError as error:  # a part of WebP's file has room for 512 kB only
            raise RenderError(
                f"{dest}: {encoder.name} cannot hold so much at quality {options.quality} "
                f"({error}); use --quality 80 or --effort 9, or .jpg, .tif or .png"
            ) from error
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


def _exif(made: Provenance) -> Any:
    exif = Image.Exif()
    exif[tags.SOFTWARE] = tags.MAKER
    exif[tags.X_RESOLUTION] = exif[tags.Y_RESOLUTION] = float(tags.PIXELS_PER_INCH)
    exif[tags.UNIT] = tags.INCH
    text = made.text()
    exif[tags.DESCRIPTION] = text if len(text.encode()) <= LONGEST_TEXT else made.line()
    return exif
