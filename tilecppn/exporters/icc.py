"""ICC profiles of sRGB, for files that go to print: in colour, and of its greys.

Version 2, which every printer's program reads: sRGB's primaries adapted to D50 (IEC 61966-2-1,
ICC.1:2001-04), and its transfer curve as a table.
"""

import struct
from functools import cache

# X, Y, Z of D50, and of sRGB's primaries adapted to it (Bradford).
WHITE = (0.9642, 1.0, 0.8249)
PRIMARIES = {
    "r": (0.436066, 0.222488, 0.013916),
    "g": (0.385147, 0.716873, 0.097076),
    "b": (0.143066, 0.060608, 0.714096),
}
CURVE = 1024  # entries
HEAD = 128  # bytes


@cache
def srgb(channels: int) -> bytes:
    """The profile of pictures of 1 (grey) or 3 channels (red, green, blue)."""
    name = "sRGB" if channels == 3 else "sRGB grey"
    tags = {
        "desc": _description(name),
        "cprt": b"text\0\0\0\0No copyright, use freely\0",
        "wtpt": _xyz(WHITE),
    }
    if channels == 1:
        tags["kTRC"] = _curve()
    else:
        tags |= {f"{c}XYZ": _xyz(value) for c, value in PRIMARIES.items()}
        tags |= {f"{c}TRC": _curve() for c in PRIMARIES}
    return _profile(b"RGB " if channels == 3 else b"GRAY", tags)


def linear(value: float) -> float:
    """sRGB's transfer function: what is stored → light."""
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _profile(space: bytes, tags: dict[str, bytes]) -> bytes:
    """Header, table of tags, and their data; equal data is kept once."""
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
        *(2000, 1, 1, 0, 0, 0),  # a date: the same bytes whenever it is made
        b"acsp",
        *(_fixed(v) for v in WHITE),
    )
    return head + table + data


def _fixed(value: float) -> int:
    """s15Fixed16Number."""
    return round(value * 65536)


def _xyz(value: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(_fixed(v) for v in value))


def _curve() -> bytes:
    values = [round(65535 * linear(k / (CURVE - 1))) for k in range(CURVE)]
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
