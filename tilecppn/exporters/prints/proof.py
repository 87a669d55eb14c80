"""Convert a picture to a printer's colours by its ICC profile, or simulate them on a screen.

LittleCMS converts in 8 bits, band by band. A PNG is a soft proof: the picture in sRGB as the
printer will reproduce it, grey where a colour is outside the printer's gamut.
"""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn import filesystem, machine
from tilecppn.errors import ExportError
from tilecppn.exporters.bands import in_uint8, read_image
from tilecppn.exporters.encoding import tags
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.files import tiff_tags
from tilecppn.exporters.files.image_file import write_image
from tilecppn.exporters.files.tiff import CLASSIC, write_strips
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.options import INTENTS, ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.formatting import format_bytes

LARGEST = 64 << 20  # bytes of a profile
RGB = 3  # channels
SPACES = {  # ICC's name → Pillow's mode, TIFF's photometric interpretation, channels
    "RGB ": ("RGB", "rgb", 3),
    "CMYK": ("CMYK", "separated", 4),
    "GRAY": ("L", "minisblack", 1),
}


class Printer(NamedTuple):
    """A printer's profile: its bytes, its name, and its colour space in Pillow's and
    TIFF's terms.
    """

    data: bytes
    name: str
    mode: str
    photometric: str
    channels: int

    @classmethod
    def read(cls, path: Path) -> "Printer":
        """Read a profile. Raises ExportError if it is not an ICC profile of RGB, CMYK or grey."""
        from PIL import ImageCms

        try:
            data = filesystem.read_bounded(path, LARGEST)
            profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
            space = profile.profile.xcolor_space.ljust(4)
            name = ImageCms.getProfileDescription(profile).strip()
        except FileNotFoundError:
            raise ExportError(f"{path}: does not exist") from None
        except (OSError, ValueError, ImageCms.PyCMSError) as error:
            raise ExportError(f"{path}: cannot be read as an ICC profile ({error})") from None
        if space not in SPACES:
            raise ExportError(f"{path}: is a profile of {space.strip()}, not of RGB, CMYK or grey")
        return cls(data, name or path.stem, *SPACES[space])


def export_proof(
    source: Source, dest: Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Write a TIFF in the printer's colours, or the soft proof as a PNG. Returns its path."""
    assert options.proof is not None
    printer, soft = Printer.read(options.proof), suffix_of(dest) == ".png"
    made = source.provenance(provenance.STILL, options)
    convert = converter(printer, made.profile, options.intent, soft=soft)

    if soft:
        image = np.empty((source.height, source.width, RGB), np.uint8)
        read_image(source, image, threads, lambda pixels: convert(in_uint8(pixels)))
        write_image(image, dest, replace(made, profile="srgb"), source.resolution)
        threads.note(f"{dest}: how {printer.name} will look, {options.intent} intent")
        return [dest]
    form = {
        **tiff_tags.stored(np.dtype(np.uint8), printer.channels, "none"),
        **tiff_tags.described(made, printer.data),
        "photometric": printer.photometric,
        "resolutionunit": tags.INCH,
    }

    def encode(pixels: NDArray[Any]) -> bytes:
        return convert(in_uint8(pixels)).tobytes()

    with sealed(dest) as temporary:
        row_bytes = source.width * printer.channels
        write_strips(temporary, source, threads, encode, row_bytes, printer.channels, form)
    threads.note(f"{dest}: 8 bits, {printer.mode} of {printer.name}, {options.intent} intent")
    return [dest]


def check_proof(source: Source, dest: Path, options: ExportOptions) -> None:
    """Raise ExportError for an invalid profile, or a file that would be too large."""
    assert options.proof is not None
    printer = Printer.read(options.proof)
    pixels, free = source.width * source.height, machine.free_memory()
    if suffix_of(dest) == ".png" and free is not None and pixels * RGB * 2 > free:
        raise ExportError(
            f"{dest}: the soft proof is made in memory, which has {format_bytes(free)} free; "
            "use --max-size"
        )
    if suffix_of(dest) == ".tif" and pixels * printer.channels > CLASSIC:
        wanted, limit = format_bytes(pixels * printer.channels), format_bytes(CLASSIC)
        raise ExportError(f"{dest}: takes {wanted} of {limit}; use --panels or --max-size")


def converter(
    printer: Printer, profile: str, intent: str, *, soft: bool
) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Return the function that converts pixels (height, width, 1 or 3) of a profile by LittleCMS.

    To the printer's colours, with black point compensation; or with `soft` through them to sRGB.
    """
    from PIL import Image, ImageCms

    def opened(data: bytes) -> ImageCms.ImageCmsProfile:
        return ImageCms.ImageCmsProfile(io.BytesIO(data))

    start, end = opened(icc_profile(profile, RGB)), opened(printer.data)
    black, number = ImageCms.Flags.BLACKPOINTCOMPENSATION, ImageCms.Intent(INTENTS[intent])
    if soft:
        relative = ImageCms.Intent.RELATIVE_COLORIMETRIC  # the paper's white becomes the screen's
        flags = black | ImageCms.Flags.SOFTPROOFING | ImageCms.Flags.GAMUTCHECK
        screen = opened(icc_profile("srgb", RGB))
        transform = ImageCms.buildProofTransform(
            start, screen, end, "RGB", "RGB", number, relative, flags
        )
    else:
        transform = ImageCms.buildTransform(start, end, "RGB", printer.mode, number, black)

    def convert(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        rgb = np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], RGB)))
        image = ImageCms.applyTransform(Image.fromarray(rgb), transform)
        assert image is not None
        return np.asarray(image).reshape(*pixels.shape[:2], -1)

    return convert
