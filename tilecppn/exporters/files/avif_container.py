"""The container of an AVIF: boxes of ISO/IEC 23008-12 (HEIF) and of "AV1 Image File Format".

A picture is one AV1 image, or a grid of equally large ones, cells, which takes much less memory to
encode. Cells at the right and lower edge extend beyond it.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import RenderError
from tilecppn.exporters.files.boxes import box
from tilecppn.exporters.parallel import Threads, in_order
from tilecppn.plan import Window, ceil_div

LARGEST = 35_651_584  # pixels of an image in AVIF's Advanced Profile; larger pictures have cells
CELL = 2048  # pixels along a cell's side
Size = tuple[int, int]  # width, height
Encode = Callable[[NDArray[Any], Threads], bytes]


class Coded(NamedTuple):
    """The AV1 image of an AVIF that contains nothing else.

    configuration: the decoder's, a box. described: the boxes that describe depth and colours.
    """

    data: bytes
    configuration: bytes
    described: tuple[bytes, ...]

    @classmethod
    def of(cls, avif: bytes) -> Self:
        """Read an AVIF. Raises RenderError if it is none."""
        top = dict(_boxes(avif))
        properties = dict(_boxes(dict(_boxes(top.get(b"meta", b"")[4:])).get(b"iprp", b"")))
        found = list(_boxes(properties.get(b"ipco", b"")))
        configurations = [box(name, data) for name, data in found if name == b"av1C"]
        if b"mdat" not in top or not configurations:
            raise RenderError("the encoder wrote an AVIF without a picture")
        described = tuple(box(name, data) for name, data in found if name in (b"pixi", b"colr"))
        return cls(top[b"mdat"], configurations[0], described)


class Item(NamedTuple):
    """A part of the file.

    properties: the numbers of its properties, from 1. refers: a type of reference, and to which
    items, from 1.
    """

    kind: bytes
    data: bytes
    properties: Sequence[int] = ()
    refers: tuple[bytes, Sequence[int]] | None = None
    hidden: bool = False


def avif_of(
    image: NDArray[Any],
    encode: Encode,
    metadata: Mapping[bytes, bytes],
    threads: Threads,
    icc: bytes = b"",
) -> bytes:
    """Encode an image (height, width, channels). Raises Interrupted, and what `encode` raises.

    encode: returns the AVIF of an image. metadata: Exif and XMP, by the type of their items. icc: a
    profile, if it is not in what `encode` returns.
    """
    height, width = image.shape[:2]
    if in_cells((width, height)):
        cells = _encoded_cells(image, encode, threads)
    else:
        cells = [Coded.of(encode(image, threads))]
    profile = [box(b"colr", b"prof" + icc)] if icc else []
    return container((width, height), cells, [*cells[0].described, *profile], metadata)


def in_cells(size: Size) -> bool:
    """Return whether a picture is encoded in cells."""
    return size[0] * size[1] > LARGEST


def _encoded_cells(image: NDArray[Any], encode: Encode, threads: Threads) -> list[Coded]:
    """Encode the cells of an image, row by row."""
    alone = replace(threads, workers=1)

    def cell(window: Window) -> Coded:
        part = image[window.top : window.bottom, window.left : window.right]
        right, bottom = CELL - part.shape[1], CELL - part.shape[0]
        return Coded.of(encode(np.pad(part, ((0, bottom), (0, right), (0, 0)), "edge"), alone))

    windows = list(Window(0, 0, *image.shape[:2]).split(CELL, CELL))
    return list(in_order(cell, windows, threads.workers, threads.stopping))


def container(
    size: Size,
    cells: Sequence[Coded],
    described: Sequence[bytes],
    metadata: Mapping[bytes, bytes],
) -> bytes:
    """Return an AVIF file of a picture of a size in one cell, or in several of CELL.

    described: boxes for depth and colours.
    """
    properties = [_extent(size), *described, cells[0].configuration]
    linked = range(1, len(properties) + 1)
    if len(cells) == 1:
        items = [Item(b"av01", cells[0].data, linked)]
    else:
        grid = Item(b"grid", _grid(size), linked[:-1], (b"dimg", range(2, len(cells) + 2)))
        properties.append(_extent((CELL, CELL)))
        inner = [*linked[1:], len(properties)]
        items = [grid, *(Item(b"av01", cell.data, inner, hidden=True) for cell in cells)]
    items += [Item(kind, data, (), (b"cdsc", [1])) for kind, data in metadata.items()]
    return _file(items, properties)


def _file(items: Sequence[Item], properties: Sequence[bytes]) -> bytes:
    head = box(b"ftyp", b"avif" + bytes(4) + b"avifmif1miaf")

    def meta(start: int) -> bytes:
        """Return the box before the items; its size does not depend on `start`."""
        return _full_box(
            b"meta",
            _full_box(b"hdlr", bytes(4) + b"pict" + bytes(13))
            + _full_box(b"pitm", struct.pack(">H", 1))
            + _full_box(b"iloc", _places(items, start))
            + _full_box(b"iinf", struct.pack(">H", len(items)) + b"".join(_entries(items)))
            + _full_box(b"iref", b"".join(_references(items)))
            + box(
                b"iprp",
                box(b"ipco", b"".join(properties)) + _full_box(b"ipma", _links(items, properties)),
            ),
        )

    start = len(head) + len(meta(0)) + 8
    return head + meta(start) + box(b"mdat", b"".join(item.data for item in items))


def _extent(size: Size) -> bytes:
    return _full_box(b"ispe", struct.pack(">II", *size))


def _grid(size: Size) -> bytes:
    columns, rows = (ceil_div(side, CELL) for side in size)
    return struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size)


def _places(items: Sequence[Item], start: int) -> bytes:
    parts = [struct.pack(">HH", 0x4400, len(items))]  # 4-byte offsets and lengths
    for number, item in enumerate(items, 1):
        parts.append(struct.pack(">HHHII", number, 0, 1, start, len(item.data)))
        start += len(item.data)
    return b"".join(parts)


def _entries(items: Sequence[Item]) -> Iterator[bytes]:
    for number, item in enumerate(items, 1):
        more = b"application/rdf+xml\0" if item.kind == b"mime" else b""
        said = struct.pack(">HH", number, 0) + item.kind + b"\0" + more
        yield _full_box(b"infe", said, version=2, flags=item.hidden)


def _references(items: Sequence[Item]) -> Iterator[bytes]:
    for number, item in enumerate(items, 1):
        if item.refers is not None:
            name, others = item.refers
            yield box(name, struct.pack(f">HH{len(others)}H", number, len(others), *others))


def _links(items: Sequence[Item], properties: Sequence[bytes]) -> bytes:
    linked = [(number, item) for number, item in enumerate(items, 1) if item.properties]
    parts = [struct.pack(">I", len(linked))]
    for number, item in linked:
        # The first bit marks the AV1 configuration as essential for readers.
        marked = [0x80 * (properties[i - 1][4:8] == b"av1C") | i for i in item.properties]
        parts.append(struct.pack(">HB", number, len(marked)) + bytes(marked))
    return b"".join(parts)


def _full_box(name: bytes, data: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(name, bytes([version, 0, 0, flags]) + data)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the names and contents of the boxes in a box."""
    place = 0
    while place + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, place)
        yield name, data[place + 8 : place + size]
        place += max(size, 8)
