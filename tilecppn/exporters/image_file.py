"""An image in memory as one PNG, JPEG, WebP, AVIF or TIFF that carries its scene or timeline."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters import credits, tags, tiff_tags
from tilecppn.exporters.deflate import LEAST, compressed
from tilecppn.exporters.encoders import ENCODERS
from tilecppn.exporters.icc import embedded, icc_profile
from tilecppn.exporters.options import suffix_of
from tilecppn.exporters.output import sealed
from tilecppn.exporters.png import encode_png, resolution_chunk
from tilecppn.exporters.provenance import Provenance
from tilecppn.scene.paper import DPI

LONGEST_TEXT = 50_000  # bytes: Exif has room for 64 kB, and holds the credits, too
Image = NDArray[np.uint8]  # (height, width, 1 or 3)


def write_image(image: Image, path: Path, made: Provenance, dpi: float | None = None) -> None:
    """Write an image atomically to `path`, which the caller has claimed, as its suffix says.

    dpi: pixels of a printed inch; by default JPEG, WebP and AVIF say DPI, and others nothing.
    Raises RenderError where the format cannot hold it.
    """
    with sealed(path) as temporary:
        WRITERS[suffix_of(path)](image, temporary, path, made, dpi)


def check_image_size(path: Path, size: tuple[int, int]) -> None:
    """Raise ExportError for an image (width, height) with more pixels a side than `path` can have.

    A suffix that is none of WRITERS is not checked.
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
    quality: int | None = None,
    effort: int = LEAST,
    dpi: float = DPI,
) -> None:
    """Write an image (height, width, channels) to `temporary`, as the suffix of `dest` says.

    Raises RenderError where the format cannot hold it.
    """
    encoder = ENCODERS[suffix_of(dest)[1:]]
    grey = image.shape[2] == 1
    # A grey WebP or AVIF is stored in colour.
    profile = icc_profile(made.profile, 1 if grey and encoder.name == "JPEG" else 3)
    try:
        with temporary.open("wb") as file:
            encoder.save(
                image[..., 0] if grey else image,
                file,
                quality or encoder.quality or 100,
                effort,
                exif=exif(made, dpi),
                **({"xmp": xmp} if (xmp := credits.xmp(made.about)) else {}),
                icc_profile=profile,
                dpi=(round(dpi), round(dpi)),  # a JPEG's own, beside Exif's
            )
    except ValueError as error:  # a part of WebP's file has room for 512 kB only
        raise RenderError(
            f"{dest}: {encoder.name} cannot hold it ({error}); use a lower quality, a higher "
            "effort, or .jpg, .tif or .png"
        ) from error


def exif(made: Provenance, dpi: float) -> Any:
    """What an image says of itself, as Pillow's Exif."""
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


def _write_flat(
    image: Image, temporary: Path, dest: Path, made: Provenance, dpi: float | None
) -> None:
    write_flat(image, temporary, dest, made, dpi=DPI if dpi is None else dpi)


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
        iter([compressed(tiff_tags.predicted(image.transpose(2, 0, 1)))]),
        shape=tiff_tags.shape(height, width, channels),
        rowsperstrip=height,
        resolution=None if dpi is None else (dpi, dpi),
        resolutionunit=None if dpi is None else tags.INCH,
        **tiff_tags.stored(image.dtype, channels),
        **tiff_tags.described(made, icc_profile(made.profile, channels)),
    )


# By suffix: image, the file to write, its name in the end, what it says of itself, and its dpi.
WRITERS: dict[str, Callable[[Image, Path, Path, Provenance, float | None], None]] = {
    ".png": _write_png,
    ".jpg": _write_flat,
    ".webp": _write_flat,
    ".avif": _write_flat,
    ".tif": _write_tiff,
}
