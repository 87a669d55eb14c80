"""Tag numbers that TIFF, JPEG, WebP, AVIF and JPEG XL share (TIFF 6.0, Exif 2.3)."""

from tilecppn.version import VERSION

DESCRIPTION, SOFTWARE = 270, 305  # scene; program
ARTIST, COPYRIGHT, XMP = 315, 33432, 700
EXIF, WIDTH, HEIGHT = 34665, 40962, 40963  # offset of the Exif tags, and two of them
X_RESOLUTION, Y_RESOLUTION, UNIT = 282, 283, 296
INCH = 2
MAKER = f"tilecppn {VERSION}"
