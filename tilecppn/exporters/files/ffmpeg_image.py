"""Encode an image in memory with ffmpeg, a separate process as for films, from a PNG.

The PNG states depth and colour space, as far as ffmpeg's encoder uses them.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn import ffmpeg
from tilecppn.errors import ExportError, Interrupted, RenderError
from tilecppn.exporters.bands import read_image
from tilecppn.exporters.encoding.encoders import Encoder, lossless
from tilecppn.exporters.encoding.icc import embedded
from tilecppn.exporters.encoding.png import encode_png
from tilecppn.exporters.files.flat import check_fits
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.pixels.interleave import interleaved

Arguments = Sequence[str]  # ffmpeg's arguments between its input and its output


def encoded(
    image: NDArray[Any], arguments: Arguments, options: ExportOptions, threads: Threads
) -> bytes:
    """Encode an image (height, width, channels) with ffmpeg. Raises as `ffmpeg.run`."""
    with tempfile.TemporaryDirectory(prefix="tilecppn-") as folder:
        path = Path(folder) / "image"
        _run(image, path, arguments, options, threads)
        return path.read_bytes()


def read(source: Source, threads: Threads) -> NDArray[Any]:
    """Return the picture (height, width, channels) in 8 or 16 bits."""
    dtype = np.uint8 if source.dtype.itemsize == 1 else np.uint16  # float32 becomes 16 bits
    shape = (source.height, source.width, source.store.plan.channels)
    image: NDArray[Any] = np.empty(shape, dtype)
    read_image(source, image, threads, lambda pixels: interleaved(lossless(pixels)))
    return image


def check_ffmpeg(
    source: Source, dest: Path, limits: Encoder, arguments: Arguments, options: ExportOptions
) -> None:
    """Raise ExportError if the picture is too large, or ffmpeg cannot encode with these
    arguments.
    """
    check_fits(limits, source, dest)
    try:
        _run(np.zeros((8, 8, 3), np.uint8), Path(os.devnull), arguments, options, Threads())
    except RenderError as error:
        raise ExportError(f"{dest}: {error}; use .png or .tif, or another ffmpeg") from None


def _run(
    image: NDArray[Any], path: Path, arguments: Arguments, options: ExportOptions, threads: Threads
) -> None:
    def check_cancelled() -> None:
        if threads.stopping():
            raise Interrupted("stopped")

    icc = b"" if options.hdr else embedded(options.profile, image.shape[2])
    png = encode_png(image, profile=icc, transfer=options.hdr.number if options.hdr else 0)
    command = [
        *("-f", "png_pipe", "-i", "pipe:0", *ffmpeg.EXACT, "-threads", str(threads.workers)),
        *arguments,
        ffmpeg.local(path),
    ]
    ffmpeg.run(command, [np.frombuffer(png, np.uint8)], check_cancelled)
