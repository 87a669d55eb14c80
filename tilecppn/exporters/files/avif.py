"""Write an AVIF: with 8 bits by Pillow, with 10 or 12, also in HDR, by ffmpeg, 4:4:4.

ffmpeg's own container does not support Exif, XMP or ICC profiles, so `avif_container` writes it.
"""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tilecppn import ffmpeg
from tilecppn.exporters.encoding.encoders import ENCODERS
from tilecppn.exporters.encoding.icc import embedded
from tilecppn.exporters.files.avif_container import avif_of
from tilecppn.exporters.files.ffmpeg_image import Arguments, check_ffmpeg, encoded, read
from tilecppn.exporters.files.flat import check_size, export_flat
from tilecppn.exporters.files.image_file import avif_metadata
from tilecppn.exporters.kinds import DEEP
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source

LIMITS = ENCODERS["avif"]._replace(memory=80)


def export_avif(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the picture, whose size `check_avif` has accepted. Returns its path."""
    if options.bits not in DEEP:
        return export_flat(source, dest, options, threads)
    arguments = _arguments(options)

    def encode(image: NDArray[Any], threads: Threads) -> bytes:
        return encoded(image, arguments, options, threads)

    icc = b"" if options.hdr else embedded(options.profile, 3)
    made = source.provenance(provenance.STILL, options)
    with sealed(dest) as temporary:
        image = read(source, threads)
        metadata = avif_metadata(made, source.resolution)
        temporary.write_bytes(avif_of(image, encode, metadata, threads, icc))
    return [dest]


def check_avif(source: Source, dest: Path, options: ExportOptions) -> None:
    """Raise ExportError if the picture is too large, or ffmpeg is needed and cannot encode AV1."""
    if options.bits in DEEP:
        check_ffmpeg(source, dest, LIMITS, _arguments(options), options)
    else:
        check_size(source, dest, options)


def _arguments(options: ExportOptions) -> Arguments:
    quality = options.quality or 100
    names = ("bt709", "unknown", "unknown")
    if options.hdr:
        names = options.hdr.in_ffmpeg
    elif options.profile == "srgb":
        names = ("bt709", "bt709", "iec61966-2-1")
    colours = ffmpeg.Colours(*names, full=True)
    filters = colours.filters(f"yuv444p{options.bits}le", dither=False)
    return [
        *("-vf", ",".join(filters), "-c:v", "libaom-av1", "-still-picture", "1"),
        *("-usage", "allintra", "-row-mt", "1", "-cpu-used", str(min(8, 10 - options.effort))),
        *("-crf", str(((100 - quality) * 63 + 50) // 100)),  # as libavif maps it
        *("-f", "avif"),
    ]
