"""The OpenEXR file format: header, tiles and attributes.

One tiled part with all smaller levels and ZIP compression, according to "OpenEXR File Layout"
(https://openexr.com/en/latest/OpenEXRFileLayout.html).
"""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters.encoding import credits, tags
from tilecppn.exporters.encoding.deflate import compressed
from tilecppn.scene.profiles import D65, Profile
from tilecppn.scene.sections import About

MAGIC = struct.pack("<II", 20000630, 2 | 0x200)  # version 2, one tiled part
SCENE = "tilecppn"  # the attribute with the scene
TYPES = {"float16": 1, "float32": 2}  # of channels
ZIP, INCREASING_Y = 3, 0
ONE_LEVEL, MIPMAP_ROUNDED_UP = 0, 1 | 1 << 4
LONGEST = 2**28  # most bytes of an attribute that are read


class Tile(NamedTuple):
    """A chunk: a tile's column, row and level, and its compressed pixels."""

    column: int
    row: int
    level: int
    data: bytes

    def packed(self) -> bytes:
        """Return the chunk's bytes in the file."""
        place = self.column, self.row, self.level, self.level, len(self.data)
        return struct.pack("<5i", *place) + self.data


def header(
    sizes: Sequence[tuple[int, int]],
    channels: int,
    dtype: np.dtype[Any],
    side: int,
    profile: Profile,
    resolution: float,
) -> dict[str, tuple[str, bytes]]:
    """Return the attributes that describe the pixels, each a type and a value.

    sizes: width and height of the only level, or of all levels down to 1×1. channels: 1 (luminance)
    or 3. side: of a tile. resolution: pixels per inch.
    """
    names = "Y" if channels == 1 else "BGR"  # in alphabetical order
    kinds = [
        name.encode() + b"\0" + struct.pack("<IIii", TYPES[dtype.name], 0, 1, 1) for name in names
    ]
    window = struct.pack("<4i", 0, 0, sizes[0][0] - 1, sizes[0][1] - 1)
    levels = MIPMAP_ROUNDED_UP if sizes[-1] == (1, 1) else ONE_LEVEL
    primaries = [coordinate for point in (*profile.primaries, D65) for coordinate in point]
    return {
        "channels": ("chlist", b"".join(kinds) + b"\0"),
        "compression": ("compression", bytes([ZIP])),
        "dataWindow": ("box2i", window),
        "displayWindow": ("box2i", window),
        "lineOrder": ("lineOrder", bytes([INCREASING_Y])),
        "pixelAspectRatio": ("float", struct.pack("<f", 1.0)),
        "screenWindowCenter": ("v2f", struct.pack("<2f", 0.0, 0.0)),
        "screenWindowWidth": ("float", struct.pack("<f", 1.0)),
        "tiles": ("tiledesc", struct.pack("<IIB", side, side, levels)),
        "chromaticities": ("chromaticities", struct.pack("<8f", *primaries)),
        "xDensity": ("float", struct.pack("<f", resolution)),
    }


def described(about: About, scene: str) -> dict[str, tuple[str, bytes]]:
    """Return the attributes with the scene and credits; `owner` and `comments` are
    standard names.
    """
    texts = {
        SCENE: scene,
        "software": tags.MAKER,
        "title": about.title,
        "artist": about.artist,
        "owner": credits.rights(about),
        "comments": about.description,
    }
    return {name: ("string", text.encode()) for name, text in texts.items() if text}


def packed_header(attributes: Mapping[str, tuple[str, bytes]]) -> bytes:
    """Return the bytes before the offset table."""
    parts = [MAGIC]
    for name, (kind, value) in attributes.items():
        parts += [f"{name}\0{kind}\0".encode(), struct.pack("<i", len(value)), value]
    return b"".join([*parts, b"\0"])


def packed_pixels(pixels: NDArray[Any], effort: int) -> bytes:
    """Compress a tile's pixels (channels, height, width), half or float.

    Within each row the channels follow one another. Bytes at even positions come before those at
    odd ones, and each is replaced by its difference from the previous one, plus 128.
    """
    raw = np.ascontiguousarray(pixels[::-1].swapaxes(0, 1)).reshape(-1).view(np.uint8)
    sorted_ = np.concatenate([raw[::2], raw[1::2]])
    sorted_[1:] = np.diff(sorted_) + np.uint8(128)
    packed = compressed(sorted_, effort)
    return packed if len(packed) < raw.size else raw.tobytes()


def read_attributes(path: Path) -> dict[str, bytes]:
    """Return the values of a file's attributes by name. Raises ValueError if it is not an EXR."""
    with path.open("rb") as file:
        if file.read(4) != MAGIC[:4]:
            raise ValueError(f"{path}: no OpenEXR")
        file.seek(4, 1)
        found = {}
        while name := _text(file):
            _text(file)  # the type
            length = int.from_bytes(file.read(4), "little")
            if length > LONGEST:
                raise ValueError(f"{path}: damaged")
            found[name] = file.read(length)
    return found


def _text(file: BinaryIO) -> str:
    text = bytearray()
    while (byte := file.read(1)) != b"\0":
        if not byte:
            raise ValueError("the header ends too soon")
        text += byte
    return text.decode()
