"""One JPEG or WebP of a level, in 8 bits, for where a small file counts: it is made in memory."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from tilecppn import machine
from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters import tags
from tilecppn.exporters.encoders import JPEG, WEBP, Lossy
from tilecppn.exporters.icc import srgb
from tilecppn.exporters.options import Options
from tilecppn.exporters.output import atomic_output
from tilecppn.exporters.parallel import finished
from tilecppn.exporters.png_file import bands
from tilecppn.exporters.source import Source
from tilecppn.formatting import format_bytes
from tilecppn.pixels.interleave import interleaved
from tilecppn.pixels.quantise import to_uint8
from tilecppn.plan import Window

LONGEST_SCENE = 60_000  # bytes: Exif has room for 64 kB
PILLOW = 5  # bytes of a pixel in Pillow, and of the file


class Flat(NamedTuple):
    """A format, and the longest side it can have."""

    format: Lossy
    side: int


FLATS = {".jpg": Flat(JPEG, 65535), ".webp": Flat(WEBP, 16383)}


def export_flat(flat: Flat, source: Source, dest: Path, options: Options) -> list[Path]:
    """Write the picture. Raises ExportError where it is too large for the format or the memory."""
    tags.check_still(dest)
    _check_size(flat, source, dest)
    plan = source.store.plan
    out = np.empty((source.height, source.width, plan.channels), np.uint8)

    def read(window: Window) -> None:
        out[window.top : window.bottom] = interleaved(to_uint8(source.read(0, window)))

    for _ in finished(read, bands(source), options):
        pass
    image = Image.fromarray(out[..., 0] if plan.channels == 1 else out)
    quality = options.tile_format.quality
    # A grey WebP is stored in colour.
    profile = srgb(1 if image.mode == "L" and flat.format is JPEG else 3)
    with atomic_output(dest) as temporary:
        try:
            image.save(
                temporary,
                flat.format.kind,
                exif=_exif(source),
                icc_profile=profile,
                dpi=(tags.PIXELS_PER_INCH, tags.PIXELS_PER_INCH),  # a JPEG's own, beside Exif's
                **flat.format.options(quality, options.effort),
            )
        except ValueError as error:  # a part of WebP's file has room for 512 kB only
            raise RenderError(
                f"{dest}: {flat.format.kind} cannot hold so much at quality {quality} ({error}); "
                "use --quality 80 or --effort 9, or .jpg, .tif or .png"
            ) from error
    return [dest]


def _check_size(flat: Flat, source: Source, dest: Path) -> None:
    kind, free = flat.format.kind, machine.free_memory()

    def needed(level: int) -> int:
        width, height = source.sizes[level]
        return width * height * (source.store.plan.channels + PILLOW)

    def reason(level: int) -> str | None:
        if max(source.sizes[level]) > flat.side:
            return f"{kind} has {flat.side:,} pixels a side at most"
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


def _exif(source: Source) -> Any:
    exif = Image.Exif()
    exif[tags.SOFTWARE] = tags.MAKER
    exif[tags.X_RESOLUTION] = exif[tags.Y_RESOLUTION] = float(tags.PIXELS_PER_INCH)
    exif[tags.UNIT] = tags.INCH
    scene = source.store.scene.to_toml()
    if len(scene.encode()) <= LONGEST_SCENE:
        exif[tags.DESCRIPTION] = scene
    return exif
