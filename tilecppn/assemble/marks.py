"""What TIFF, JPEG and WebP say of themselves, in the tags that they share (TIFF 6.0, Exif 2.3)."""

from pathlib import Path

from tilecppn.version import VERSION

DESCRIPTION, SOFTWARE = 270, 305  # the scene; who made it
X_RESOLUTION, Y_RESOLUTION, UNIT = 282, 283, 296
INCH = 2
PIXELS_PER_INCH = 300  # what printers ask for; the picture is as large as its pixels allow
MAKER = f"tilecppn {VERSION}"
LOOKED_AT = 1 << 17  # bytes at a file's start and end


def is_ours(path: Path) -> bool:
    """Whether a file has the tag of its maker, which lies before the pixels or behind them."""
    try:
        with path.open("rb") as file:
            start = file.read(LOOKED_AT)
            size = file.seek(0, 2)
            file.seek(max(0, size - LOOKED_AT))
            return any(b"tilecppn " in part for part in (start, file.read()))
    except OSError:
        return False
