"""Arrange small pictures with labels below them in one image."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

GAP = 10  # pixels between cells and around the sheet
TEXT = 13  # pixels of a label's letters; smaller for a line longer than its cell
SMALLEST_TEXT = 8
NARROWEST = 96  # least width of a cell in pixels, for its label
PAPER, INK = (250, 250, 248), (40, 40, 40)


class Entry(NamedTuple):
    """A picture, uint8 (height, width, 1 or 3), and the lines of its label."""

    picture: NDArray[np.uint8]
    label: Sequence[str]


def sheet_size(count: int, columns: int, cell: tuple[int, int], lines: int) -> tuple[int, int]:
    """Return (width, height) in pixels of a sheet of `count` labelled cells (width, height)."""
    rows = -(-count // columns)
    width, height = cell
    return (
        GAP + min(columns, count) * (max(width, NARROWEST) + GAP),
        GAP + rows * (height + _label_height(lines) + GAP),
    )


def contact_sheet(
    entries: Sequence[Entry], columns: int, cell: tuple[int, int]
) -> NDArray[np.uint8]:
    """Draw at least one entry row by row on a sheet, uint8 (height, width, 3)."""
    lines = max(len(entry.label) for entry in entries)
    width = max(cell[0], NARROWEST)
    sheet = Image.new("RGB", sheet_size(len(entries), columns, cell, lines), PAPER)
    pen = ImageDraw.Draw(sheet)
    for i, entry in enumerate(entries):
        row, column = divmod(i, columns)
        left = GAP + column * (width + GAP)
        top = GAP + row * (cell[1] + _label_height(lines) + GAP)
        picture = Image.fromarray(np.repeat(entry.picture, 3 // entry.picture.shape[2], axis=2))
        sheet.paste(picture, (left, top))
        for number, line in enumerate(entry.label):
            below = top + cell[1] + 4 + number * (TEXT + 4)
            text, font = _fitted(line, width)
            pen.text((left, below), text, INK, font)
    return np.asarray(sheet)


def _label_height(lines: int) -> int:
    return 4 + lines * (TEXT + 4)


def _fitted(line: str, width: int) -> tuple[str, ImageFont.FreeTypeFont | ImageFont.ImageFont]:
    """Return a line with the largest font, at most TEXT, in which it fits; shortened if
    necessary.
    """
    for size in range(TEXT, SMALLEST_TEXT - 1, -1):
        font = ImageFont.load_default(size)
        if font.getlength(line) <= width:
            return line, font
    while len(line) > 1 and font.getlength(line) > width:
        line = "…" + line.lstrip("…")[1:]
    return line, font
