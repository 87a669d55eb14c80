"""ICC profiles of the colour spaces of pictures, in colour and in grey.

Version 2, which all printing software reads: the primaries adapted to D50 (ICC.1:2001-04), and the
transfer curve as a gamma or a table.
"""

import struct
from functools import cache

import numpy as np

from tilecppn.scene.profiles import PROFILES, Profile

WHITE = (0.9642, 1.0, 0.8249)  # X, Y, Z of D50
CURVE = 1024  # entries
HEAD = 128  # bytes


@cache
def icc_profile(name: str, channels: int) -> bytes:
    """Return the profile for pictures of 1 (grey) or 3 channels in one of PROFILES."""
    return profile_of(PROFILES[name], channels)


def profile_of(space: Profile, channels: int) -> bytes:
    """Return the profile of any colour space, for 1 (grey) or 3 channels."""
    tags = {
        "desc": _description(space.name if channels == 3 else f"{space.name} grey"),
        "cprt": b"text\0\0\0\0No copyright, use freely\0",
        "wtpt": _xyz(WHITE),
    }
    if channels == 1:
        tags["kTRC"] = _curve(space)
    else:
        colours = "rgb"
        for colour, value in zip(colours, space.colorants, strict=True):
            tags[f"{colour}XYZ"] = _xyz(value)
        tags |= {f"{colour}TRC": _curve(space) for colour in colours}
    return _profile(b"RGB " if channels == 3 else b"GRAY", tags)


def embedded(name: str, channels: int) -> bytes:
    """Return the profile to embed in a tile: none for sRGB, which viewers assume."""
    return b"" if name == "srgb" else icc_profile(name, channels)


def _profile(space: bytes, tags: dict[str, bytes]) -> bytes:
    """Return header, tag table and tag data; equal data is stored once."""
    start = HEAD + 4 + 12 * len(tags)
    data, places = b"", {}
    for value in tags.values():
        if value not in places:
            places[value] = start + len(data)
            data += value + b"\0" * (-len(value) % 4)
    table = struct.pack(">I", len(tags)) + b"".join(
        struct.pack(">4sII", name.encode(), places[value], len(value))
        for name, value in tags.items()
    )
    head = struct.pack(
        ">I4xI4s4s4s6H4s28x3I48x",
        start + len(data),
        0x02100000,  # version 2.1
        b"mntr",
        space,
        b"XYZ ",
        *(2000, 1, 1, 0, 0, 0),  # a fixed date, so that the bytes are always the same
        b"acsp",
        *(_fixed(v) for v in WHITE),
    )
    return head + table + data


def _fixed(value: float) -> int:
    """Convert to an s15Fixed16Number."""
    return round(value * 65536)


def _xyz(value: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(_fixed(v) for v in value))


def _curve(space: Profile) -> bytes:
    if space.gamma is not None:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(space.gamma * 256))
    values = [round(65535 * v) for v in space.linear(np.arange(CURVE) / (CURVE - 1))]
    return b"curv\0\0\0\0" + struct.pack(f">I{CURVE}H", CURVE, *values)


def _description(name: str) -> bytes:
    text = name.encode() + b"\0"
    return (
        b"desc\0\0\0\0"
        + struct.pack(">I", len(text))
        + text
        + struct.pack(">II", 0, 0)  # no Unicode
        + struct.pack(">HB67x", 0, 0)  # no ScriptCode
    )
