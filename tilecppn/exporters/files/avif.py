"""Write an AVIF: with 8 bits by Pillow, with 10 or 12, also in HDR, by ffmpeg.

ffmpeg's own container does not support Exif, XMP or ICC profiles, so the container is written here:
boxes of ISO/IEC 23008-12 (HEIF) and of "AV1 Image File Format", 4:4:4.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from tilecppn import ffmpeg
from tilecppn.errors import RenderError
from tilecppn.exporters.encoding import credits
from tilecppn.exporters.encoding.encoders import ENCODERS
from tilecppn.exporters.encoding.icc import embedded
from tilecppn.exporters.files.boxes import box, exif_data
from tilecppn.exporters.files.ffmpeg_image import Arguments, check_ffmpeg, encoded
from tilecppn.exporters.files.flat import check_size, export_flat
from tilecppn.exporters.files.image_file import exif
from tilecppn.exporters.kinds import DEEP
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.pixels.hdr import BT2020, BT2020_MATRIX

LIMITS = ENCODERS["avif"]._replace(memory=80)
SRGB, OF_PROFILE = (1, 13), (2, 2)  # primaries and transfer by their numbers in ITU-T H.273
BT709_MATRIX = 1


def export_avif(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the picture, whose size `check_avif` has accepted. Returns its path."""
    if options.bits not in DEEP:
        return export_flat(source, dest, options, threads)
    made = source.provenance(provenance.STILL, options)
    items = {b"Exif": exif_data(exif(made, source.resolution))}
    if xmp := credits.xmp(made.about):
        items[b"mime"] = xmp
    with sealed(dest) as temporary:
        coded = encoded(source, temporary, _arguments(options), options, threads)
        properties = _properties(source, _av1_configuration(coded), options)
        temporary.write_bytes(container({b"av01": _coded_picture(coded), **items}, properties))
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


def _properties(source: Source, av1: bytes, options: ExportOptions) -> list[bytes]:
    icc = b"" if options.hdr else embedded(options.profile, 3)
    numbers = (*(OF_PROFILE if icc else SRGB), BT709_MATRIX)
    if options.hdr:
        numbers = (BT2020, options.hdr.number, BT2020_MATRIX)
    properties = [
        _full_box(b"ispe", struct.pack(">II", source.width, source.height)),
        _full_box(b"pixi", bytes([3, *3 * [options.bits or 8]])),
        av1,
        box(b"colr", b"nclx" + struct.pack(">HHHB", *numbers, 0x80)),  # full range
    ]
    return [*properties, box(b"colr", b"prof" + icc)] if icc else properties


def container(items: dict[bytes, bytes], properties: list[bytes]) -> bytes:
    """Return an AVIF file of items by type: the first is the picture, the others describe it.

    properties: of the picture, as boxes.
    """
    said = b"".join(
        box(b"cdsc", struct.pack(">HHH", number, 1, 1)) for number in range(2, len(items) + 1)
    )
    # The first bit marks the AV1 configuration as essential for readers.
    links = [0x80 * (p[4:8] == b"av1C") | i for i, p in enumerate(properties, 1)]
    head = box(b"ftyp", b"avif" + bytes(4) + b"avifmif1miaf")

    def meta(start: int) -> bytes:
        """Return the box before the items; its size does not depend on `start`."""
        return _full_box(
            b"meta",
            _full_box(b"hdlr", bytes(4) + b"pict" + bytes(13))
            + _full_box(b"pitm", struct.pack(">H", 1))
            + _full_box(b"iloc", _places(items, start))
            + _full_box(b"iinf", struct.pack(">H", len(items)) + b"".join(_entries(items)))
            + _full_box(b"iref", said)
            + box(
                b"iprp",
                box(b"ipco", b"".join(properties))
                + _full_box(b"ipma", struct.pack(">IHB", 1, 1, len(links)) + bytes(links)),
            ),
        )

    start = len(head) + len(meta(0)) + 8
    return head + meta(start) + box(b"mdat", b"".join(items.values()))


def _places(items: dict[bytes, bytes], start: int) -> bytes:
    parts = [struct.pack(">HH", 0x4400, len(items))]  # 4-byte offsets and lengths
    for number, data in enumerate(items.values(), 1):
        parts.append(struct.pack(">HHHII", number, 0, 1, start, len(data)))
        start += len(data)
    return b"".join(parts)


def _entries(items: dict[bytes, bytes]) -> Iterator[bytes]:
    for number, kind in enumerate(items, 1):
        more = b"application/rdf+xml\0" if kind == b"mime" else b""
        yield _full_box(b"infe", struct.pack(">HH", number, 0) + kind + b"\0" + more, version=2)


def _full_box(name: bytes, data: bytes, version: int = 0) -> bytes:
    return box(name, bytes([version, 0, 0, 0]) + data)


def _coded_picture(avif: bytes) -> bytes:
    """Return the AV1 data of an AVIF that contains one picture and nothing else."""
    place = 0
    while place + 8 <= len(avif):
        size, name = struct.unpack_from(">I4s", avif, place)
        if name == b"mdat":
            return avif[place + 8 : place + size]
        place += max(size, 8)
    raise RenderError("ffmpeg wrote an AVIF without a picture")


def _av1_configuration(avif: bytes) -> bytes:
    """Return the box with the decoder's configuration."""
    place = avif.find(b"av1C") - 4
    if place < 0:
        raise RenderError("ffmpeg wrote an AVIF without its configuration")
    (size,) = struct.unpack_from(">I", avif, place)
    return avif[place : place + size]
