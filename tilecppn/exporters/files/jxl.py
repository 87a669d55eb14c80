"""One JPEG XL of a level, lossless or lossy, in 8 or 16 bits; encoded in memory by ffmpeg.

Metadata is appended in boxes of the container (ISO/IEC 18181-2).
"""

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from tilecppn.exporters.encoding import credits, tags
from tilecppn.exporters.encoding.encoders import Encoder
from tilecppn.exporters.encoding.jpeg_xl import distance
from tilecppn.exporters.files.boxes import box, exif_data
from tilecppn.exporters.files.ffmpeg_image import Arguments, check_ffmpeg, encoded, read
from tilecppn.exporters.files.image_file import exif
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source

if TYPE_CHECKING:
    from PIL.Image import Exif

# ffmpeg requires (width + 128) · (height + 128) < 2^28.
LIMITS = Encoder("jxl", None, 65_536, 2**28 - 2**24, "JPEG XL", memory=60)
SIGNATURE = struct.pack(">I4sI", 12, b"JXL ", 0x0D0A870A)  # the first box
CODESTREAM = b"\xff\x0a"
EXIF, XML = b"Exif", b"xml "
LONGEST = 2**24  # most bytes of a box that are read


def export_jxl(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the picture, whose size `check_jxl` has accepted. Returns its path."""
    with sealed(dest) as temporary:
        picture = encoded(read(source, threads), _arguments(options), options, threads)
        if picture.startswith(CODESTREAM):  # without a container
            picture = SIGNATURE + box(b"ftyp", b"jxl \0\0\0\0jxl ") + box(b"jxlc", picture)
        made = source.provenance(provenance.STILL, options)
        temporary.write_bytes(picture + _described(source, made))
    return [dest]


def check_jxl(source: Source, dest: Path, options: ExportOptions) -> None:
    """Raise ExportError if the picture is too large, or ffmpeg cannot encode JPEG XL."""
    check_ffmpeg(source, dest, LIMITS, _arguments(options), options)


def _arguments(options: ExportOptions) -> Arguments:
    return [
        *("-c:v", "libjxl", "-distance", f"{distance(options.quality)}"),
        *("-effort", str(options.effort), "-f", "image2pipe"),
    ]


def _described(source: Source, made: Provenance) -> bytes:
    """Return the metadata boxes: Exif, including the size, and XMP."""
    said = exif(made, source.resolution)
    said.get_ifd(tags.EXIF).update({tags.WIDTH: source.width, tags.HEIGHT: source.height})
    boxes = [(EXIF, exif_data(said))]
    if xmp := credits.xmp(made.about):
        boxes.append((XML, xmp))
    return b"".join(box(name, data) for name, data in boxes)


def read_exif(path: Path) -> "Exif":
    """Return the Exif of a file made by tilecppn. Raises ValueError or struct.error for others."""
    from PIL.Image import Exif

    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            raise ValueError(f"{path}: no JPEG XL")
        while True:
            size, name = struct.unpack(">I4s", file.read(8))
            if not size >= 8 or (name == EXIF and size > LONGEST):
                raise ValueError(f"{path}: damaged")
            if name == EXIF:
                found = Exif()
                found.load(file.read(size - 8)[4:])
                return found
            file.seek(size - 8, 1)
