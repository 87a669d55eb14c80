"""What single files say of themselves; TIFF, JPEG and WebP in tags that they share.

TIFF 6.0, Exif 2.3.
"""

from pathlib import Path

from tilecppn.exporters.output import check_same_kind
from tilecppn.version import VERSION

DESCRIPTION, SOFTWARE = 270, 305  # the scene; who made it
X_RESOLUTION, Y_RESOLUTION, UNIT = 282, 283, 296
INCH = 2
PIXELS_PER_INCH = 300  # what printers ask for; the picture is as large as its pixels allow
MAKER = f"tilecppn {VERSION}"
FILM = b'{"fingerprint": "'  # how the mark of a film begins, in an animated WebP
LOOKED_AT = 1 << 17  # bytes at a file's start and end


def detect_content(path: Path) -> str | None:
    """What a file of ours holds: "still", by the tag of its maker, or "film"; None for any other.

    Both lie before the pixels or behind them.
    """
    try:
        with path.open("rb") as file:
            start = file.read(LOOKED_AT)
            size = file.seek(0, 2)
            file.seek(max(0, size - LOOKED_AT))
            parts = (start, file.read())
    except OSError:
        return None
    if any(FILM in part for part in parts):
        return "film"
    return "still" if any(b"tilecppn " in part for part in parts) else None


def check_still(dest: Path) -> None:
    """Raise ExportError unless `dest` is free or a still of ours."""
    check_same_kind(dest, "still", detect_content)
