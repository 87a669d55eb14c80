"""A test strip: the whole picture, small, above parts of it at full size, on one page.

It is printed before the large print, on the same printer and paper: the parts show sharpness and
grain, the whole shows colours and shadows.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import ExportError
from tilecppn.exporters.bands import in_uint8
from tilecppn.exporters.files.image_file import check_image_size, write_image
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.pixels.resample import Size
from tilecppn.plan import Window
from tilecppn.scene import paper

PARTS = ((0.5, 0.5), (0.2, 0.2), (0.8, 0.35), (0.35, 0.8))  # centres of the parts, x and y
MARGIN = 5 / 25.4  # inches around and between
WHOLE = 0.5  # share of the page's height for the whole picture
LARGEST = 200_000_000  # most pixels of a page
SMALL = 0.25  # of the page's pixels; each part of a smaller picture shows half of it or more
PAPER = 255


def page_size(source: Source, options: ExportOptions) -> Size:
    """Return width and height of the page in pixels. Raises ExportError if unsuitable."""
    width, height = (round(side * source.resolution) for side in paper.sheet(str(options.strip)))
    margin = round(MARGIN * source.resolution)
    if width * height > LARGEST or min(width, height) < 8 * margin:
        raise ExportError(
            f"--strip {options.strip}: {width:,} × {height:,} pixels at {source.resolution:g} dpi; "
            f"must be from 4 cm a side to {LARGEST:,} pixels"
        )
    return width, height


def check_page(source: Source, dest: Path, options: ExportOptions) -> None:
    """Raise ExportError if the page's size is unsuitable, or too large for the format."""
    check_image_size(dest, page_size(source, options))


def export_strip(
    source: Source, dest: Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Write the page in 8 bits, made in memory. Returns its path."""
    made = source.provenance(provenance.STILL, options)
    size = page_size(source, options)
    if source.width * source.height < SMALL * size[0] * size[1]:
        threads.note(
            f"{dest}: the picture, {source.width} × {source.height}, is small for a page of "
            f"{size[0]} × {size[1]} at {source.resolution:g} dpi: each part shows most of the "
            "picture"
        )
    write_image(strip(source, size), dest, made, source.resolution)
    threads.progress(1, 1)
    return [dest]


def strip(source: Source, size: Size) -> NDArray[np.uint8]:
    """Draw the page (height, width, channels) with a size."""
    width, height = size
    margin = round(MARGIN * source.resolution)
    page = np.full((height, width, source.store.plan.channels), PAPER, np.uint8)
    upper = round(height * WHOLE) - margin
    scale = min((width - 2 * margin) / source.width, (upper - margin) / source.height, 1.0)
    whole = replace(source, longest=max(1, int(max(source.width, source.height) * scale)))
    left = max(margin, (width - whole.width) // 2)
    page[margin : margin + whole.height, left : left + whole.width] = in_uint8(
        whole.read(0, Window(0, 0, whole.height, whole.width))
    )
    across = (width - margin * (len(PARTS) + 1)) // len(PARTS)
    top = upper + margin
    for k, middle in enumerate(PARTS):
        window = part(source, middle, (across, height - top - margin))
        left = margin + k * (across + margin)
        page[top : top + window.height, left : left + window.width] = in_uint8(
            source.read(0, window)
        )
    return page


def part(source: Source, middle: tuple[float, float], size: Size) -> Window:
    """Return a window of a size around a point, moved into the picture; all of a smaller
    picture.
    """
    across, down = min(size[0], source.width), min(size[1], source.height)
    left = min(max(0, round(middle[0] * source.width - across / 2)), source.width - across)
    top = min(max(0, round(middle[1] * source.height - down / 2)), source.height - down)
    return Window(top, left, top + down, left + across)
