"""Write an image in memory as PNG, JPEG, WebP, AVIF or TIFF with its scene or timeline."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters.encoding import credits, tags
from tilecppn.exporters.encoding.deflate import LEAST
from tilecppn.exporters.encoding.encoders import ENCODERS
from tilecppn.exporters.encoding.icc import embedded, icc_profile
from tilecppn.exporters.encoding.png import encode_png, resolution_chunk
from tilecppn.exporters.files import tiff_tags
from tilecppn.exporters.files.avif_container import avif_of
from tilecppn.exporters.files.boxes import exif_data
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.exporters.parallel import Threads
from tilecppn.scene.paper import DPI

LONGEST_TEXT = 50_000  # bytes: Exif has room for 64 kB, which the credits share
ALONE = Threads()
Image = NDArray[np.uint8]  # (height, width, 1 or 3)


def write_image(image: Image, path: Path, made: Provenance, dpi: float | None = None) -> None:
    """Write an image atomically to `path`, claimed by the caller, in the format of its suffix.

    dpi: pixels per printed inch; the default is DPI for JPEG, WebP and AVIF, none for others.
    Raises RenderError if the format cannot hold the image.
    """
    with sealed(path) as temporary:
        WRITERS[suffix_of(path)](image, temporary, path, made, dpi)


def check_image_size(path: Path, size: tuple[int, int]) -> None:
    """Raise ExportError if an image (width, height) is too large for the format of `path`.

    Suffixes outside WRITERS are not checked.
    """
    encoder = ENCODERS.get(suffix_of(path)[1:])
    if encoder is not None and max(size) > encoder.side:
        raise ExportError(
            f"{path}: {size[0]} × {size[1]}: {encoder.name} has {encoder.side:,} pixels a side at "
            "most; use .tif or .png"
        )


def write_flat(
    image: Image,
    temporary: Path,
    dest: Path,
    made: Provenance,
    dpi: float | None = None,
    quality: int | None = None,
    effort: int = LEAST,
    threads: Threads = ALONE,
) -> None:
    """Write an image (height, width, channels) to `temporary`, in the format of `dest`'s suffix.

    Raises RenderError if the format cannot hold it.
    """
    dpi = DPI if dpi is None else dpi
    encoder = ENCODERS[suffix_of(dest)[1:]]
    grey = image.shape[2] == 1
    # A grey WebP or AVIF is stored in colour.
    profile = icc_profile(made.profile, 1 if grey and encoder.name == "JPEG" else 3)

    def encode(image: Image, threads: Threads = threads, **extra: Any) -> bytes:
        pixels, wanted = image[..., 0] if grey else image, quality or encoder.quality or 100
        return encoder.by_pillow(pixels, wanted, effort, icc_profile=profile, **extra)

    try:
        if encoder.name == "AVIF":
            data = avif_of(image, encode, avif_metadata(made, dpi), threads)
        else:
            # JPEG has a field of its own for the resolution, in addition to Exif's.
            said: dict[str, Any] = {"exif": exif(made, dpi), "dpi": (round(dpi), round(dpi))}
            if xmp := credits.xmp(made.about):
                said["xmp"] = xmp
            data = encode(image, **said)
        temporary.write_bytes(data)
    except ValueError as error:  # some parts of a WebP file are limited to 512 kB
        raise RenderError(
            f"{dest}: {encoder.name} cannot hold it ({error}); use a lower quality, a higher "
            "effort, or .jpg, .tif or .png"
        ) from error


def avif_metadata(made: Provenance, dpi: float) -> dict[bytes, bytes]:
    """Return Exif and XMP as items of an AVIF, by their types."""
    xmp = credits.xmp(made.about)
    return {b"Exif": exif_data(exif(made, dpi)), **({b"mime": xmp} if xmp else {})}


def exif(made: Provenance, dpi: float) -> Any:
    """Return the provenance and credits as Pillow's Exif."""
    from PIL.Image import Exif

    said = Exif()
    said[tags.SOFTWARE] = tags.MAKER
    said[tags.X_RESOLUTION] = said[tags.Y_RESOLUTION] = float(dpi)
    said[tags.UNIT] = tags.INCH
    for tag, value in credits.exif(made.about).items():
        said[tag] = value
    text = made.text()
    said[tags.DESCRIPTION] = text if len(text.encode()) <= LONGEST_TEXT else made.line()
    return said


def _write_png(
    image: Image, temporary: Path, dest: Path, made: Provenance, dpi: float | None
) -> None:
    profile = embedded(made.profile, image.shape[2])
    more = credits.png_chunks(made.about)
    if dpi is not None:
        more.append(resolution_chunk(dpi))
    temporary.write_bytes(encode_png(image, made.text(), more=more, profile=profile))


def _write_tiff(
    image: Image, temporary: Path, dest: Path, made: Provenance, dpi: float | None
) -> None:
    import tifffile

    height, width, channels = image.shape
    tifffile.imwrite(
        temporary,
        iter([tiff_tags.packed(image.transpose(2, 0, 1))]),
        shape=tiff_tags.shape(height, width, channels),
        rowsperstrip=height,
        resolution=None if dpi is None else (dpi, dpi),
        resolutionunit=None if dpi is None else tags.INCH,
        **tiff_tags.stored(image.dtype, channels),
        **tiff_tags.described(made, icc_profile(made.profile, channels)),
    )


# By suffix: image, file to write, its final name, provenance, dpi.
WRITERS: dict[str, Callable[[Image, Path, Path, Provenance, float | None], None]] = {
    ".png": _write_png,
    ".jpg": write_flat,
    ".webp": write_flat,
    ".avif": write_flat,
    ".tif": _write_tiff,
}
