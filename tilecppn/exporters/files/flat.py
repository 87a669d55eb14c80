"""One JPEG, WebP or AVIF of a level in 8 bits, for small files; encoded in memory."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tilecppn import machine
from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters.bands import read_image
from tilecppn.exporters.encoding.encoders import ENCODERS, Encoder
from tilecppn.exporters.files.avif_container import CELL, in_cells
from tilecppn.exporters.files.image_file import Image, write_flat
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.formatting import format_bytes, format_duration
from tilecppn.scene.profiles import PROFILES

RGB = 3  # channels
SAMPLE = 32  # fewest rows for measuring an encoder
LONG = 5.0  # seconds; encoders report no progress, so a longer time is announced
WORST = 60  # lowest quality chosen automatically


def export_flat(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the picture, whose size `check_size` has accepted. Returns its path."""
    channels = RGB if options.lab else source.store.plan.channels
    out = np.empty((source.height, source.width, channels), np.uint8)
    read_image(source, out, threads)
    with sealed(dest) as temporary:
        made = source.provenance(provenance.STILL, options)

        def size(quality: int) -> int:
            settings = source.resolution, quality, options.effort
            write_flat(out, temporary, dest, made, *settings, threads)
            return temporary.stat().st_size

        assert options.quality is not None
        quality = options.quality
        seconds = _seconds(out, dest, quality, options.effort)
        if suffix_of(dest) == ".avif" and in_cells((source.width, source.height)):
            seconds /= threads.workers
        if seconds >= LONG:
            threads.note(f"{dest}: encoding takes about {format_duration(seconds)}")
        if options.max_bytes is not None:
            quality = _quality_within(options.max_bytes, quality, size, dest)
        written = size(quality)
    if options.lab or options.max_bytes is not None:
        kind = ENCODERS[suffix_of(dest)[1:]].name
        said = f"8 bits, {PROFILES[made.profile].name}, {kind} of quality {quality}"
        threads.note(f"{dest}: {said}, {format_bytes(written)}")
    return [dest]


def _seconds(image: Image, dest: Path, quality: int, effort: int) -> float:
    """Return the estimated encoding time, from some rows in the middle."""
    first, count = len(image) // 2, max(SAMPLE, len(image) // 64)
    sample = image[first : first + count]
    start = time.perf_counter()
    encoder = ENCODERS[suffix_of(dest)[1:]]
    encoder.by_pillow(sample[..., 0] if sample.shape[2] == 1 else sample, quality, effort)
    return (time.perf_counter() - start) / len(sample) * len(image)


def _quality_within(limit: int, best: int, size: Callable[[int], int], dest: Path) -> int:
    """Return the highest quality, at most `best`, whose file has at most `limit` bytes.

    Raises RenderError if even quality WORST makes a larger file.
    """
    if size(best) <= limit:
        return best
    low, high = min(WORST, best), best
    if (smallest := size(low)) > limit:
        raise RenderError(
            f"{dest}: takes {format_bytes(smallest)} at quality {low}, more than "
            f"{format_bytes(limit)}; use --max-size for fewer pixels"
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size(middle) <= limit else (low, middle)
    return low


def check_size(source: Source, dest: Path, options: ExportOptions) -> None:
    """Raise ExportError if the picture is too large for its format or for the memory."""
    check_fits(ENCODERS[suffix_of(dest)[1:]], source, dest)


def check_fits(encoder: Encoder, source: Source, dest: Path) -> None:
    """Raise ExportError if the picture is too large for a format or for the memory."""
    kind, free = encoder.name, machine.free_memory()

    def needed(level: int) -> int:
        pixels = math.prod(source.sizes[level])
        whole = pixels * source.store.plan.channels * min(2, source.dtype.itemsize)
        if encoder.name == "AVIF" and in_cells(source.sizes[level]):
            pixels = min(pixels, machine.cores() * CELL**2)
        return whole + pixels * encoder.memory

    def reason(level: int) -> str | None:
        if max(source.sizes[level]) > encoder.side:
            return f"{kind} has {encoder.side:,} pixels a side at most"
        if math.prod(source.sizes[level]) > encoder.pixels:
            return f"readers of {kind} take {encoder.pixels:,} pixels at most"
        if free is not None and needed(level) > free:
            wanted = format_bytes(needed(level))
            return f"{kind} is made in memory: it takes {wanted} of {format_bytes(free)} free"
        return None

    why = reason(0)
    if why is not None:
        fits = next((k for k in range(len(source.sizes)) if reason(k) is None), None)
        smaller = "more --panels" if fits is None else f"--level {source.base + fits}"
        raise ExportError(
            f"{dest}: {source.width} × {source.height}: {why}; use {smaller}, or .tif or .png"
        )
