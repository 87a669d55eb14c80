"""Export a picture in panels, for walls and murals: files that fit to the pixel, and an overview.

Neighbouring panels share `overlap` pixels. A panel has exactly the pixels of the whole picture
there.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tilecppn.errors import ExportError
from tilecppn.exporters.bands import in_uint8
from tilecppn.exporters.files.image_file import write_image
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.pixels.resample import Size
from tilecppn.plan import Window
from tilecppn.scene import paper

Write = Callable[[Source, Path, ExportOptions, Threads], list[Path]]
MOST = 400  # most panels; each file stays locked until all are written
SHEET = 1600  # most pixels along the longer side of the overview
CM = 2.54  # of an inch
LINE, INK = (255, 255, 255), (20, 20, 20)
_GRID = re.compile(r"([1-9]\d?)[x×]([1-9]\d?)")


@dataclass(frozen=True, kw_only=True)
class Panel(Source):
    """A window of the largest level of `whole`, as a picture with one level."""

    whole: Source
    window: Window
    name: str

    def __post_init__(self) -> None:
        """Skip the checks, which the whole picture has passed."""

    @cached_property
    def sizes(self) -> list[Size]:
        return [(self.window.width, self.window.height)]

    @property
    def resolution(self) -> float:
        return self.whole.resolution

    def provenance(self, kind: str, options: ExportOptions) -> Provenance:
        made = self.whole.provenance(kind, options)
        return replace(made, encoding=f"{made.encoding} panel={self.name}")

    def read(self, level: int, window: Window) -> NDArray[Any]:
        return self.whole.read(0, window.moved(self.window.top, self.window.left))


def grid_of(text: str) -> tuple[int, int]:
    """Return columns and rows from a text such as "3x2". Raises ExportError for another text."""
    found = _GRID.fullmatch(text.strip())
    if found is None or text.strip() in ("1x1", "1×1"):
        raise ExportError(f"--panels {text}: must be columns × rows, as 3x2, up to 99x99")
    columns, rows = int(found[1]), int(found[2])
    if columns * rows > MOST:
        raise ExportError(f"--panels {text}: are more than {MOST} files; use fewer panels")
    return columns, rows


def windows(size: Size, grid: tuple[int, int], overlap: int) -> list[list[Window]]:
    """Return the windows of the panels of a picture (width, height), row by row.

    Raises ExportError if the overlap is not smaller than a panel.
    """
    across, down = (_spans(*side, overlap) for side in zip(size, grid, strict=True))
    return [[Window(top, left, bottom, right) for left, right in across] for top, bottom in down]


def _spans(length: int, count: int, overlap: int) -> list[tuple[int, int]]:
    cuts = [length * k // count for k in range(count + 1)]
    shortest = min(end - start for start, end in pairwise(cuts))
    if count > 1 and overlap >= shortest:
        raise ExportError(
            f"--panels: an overlap of {overlap:,} pixels does not fit into panels of "
            f"{shortest:,}: use fewer panels or a smaller --overlap"
        )
    before, after = overlap // 2, overlap - overlap // 2
    return [
        (max(0, start - before), min(length, end + after if k < count - 1 else end))
        for k, (start, end) in enumerate(pairwise(cuts))
    ]


def paths(dest: Path, grid: tuple[int, int]) -> list[list[Path]]:
    """Return the path of each panel, NAME-ROW-COLUMN.SUFFIX counted from 1, row by row."""
    columns, rows = grid
    return [
        [dest.with_name(f"{dest.stem}-{row}-{col}{dest.suffix}") for col in range(1, columns + 1)]
        for row in range(1, rows + 1)
    ]


def sheet_path(dest: Path) -> Path:
    """Return the path of the overview, NAME-sheet.png."""
    return dest.with_name(f"{dest.stem}-sheet.png")


def panels(source: Source, dest: Path, options: ExportOptions) -> list[tuple[Path, Panel]]:
    """Return the path and source of each panel."""
    grid = grid_of(str(options.panels))
    overlap = round(paper.length(options.panel_overlap, source.resolution))

    def panel(path: Path, window: Window) -> Panel:
        name = path.stem.removeprefix(f"{dest.stem}-")
        bits = source.bits
        return Panel(source.store, source.base, bits=bits, whole=source, window=window, name=name)

    rows = windows((source.width, source.height), grid, overlap)
    named = zip(chain(*paths(dest, grid)), chain(*rows), strict=True)
    return [(path, panel(path, window)) for path, window in named]


def export_panels(
    write: Write, source: Source, dest: Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Write each panel with an exporter's `write`, then the overview. Returns all paths."""
    made = panels(source, dest, options)
    total, before, files = sum(p.width * p.height for _, p in made), 0, []
    for path, panel in made:

        def progress(done: int, _: int, before: int = before) -> None:
            threads.progress(before + done, total)

        files += write(panel, path, options, replace(threads, progress=progress))
        before += panel.width * panel.height
    sheet = assembly_sheet(source, [(panel.name, panel.window) for _, panel in made])
    said = source.provenance(provenance.STILL, options)
    write_image(sheet, sheet_path(dest), said)
    return [*files, sheet_path(dest)]


def assembly_sheet(source: Source, named: list[tuple[str, Window]]) -> NDArray[np.uint8]:
    """Draw the overview: the whole picture, small, with each panel's outline, name and size in
    centimetres.
    """
    level = next(k for k, size in enumerate(source.sizes) if max(size) <= SHEET)
    width, height = source.sizes[level]
    pixels = in_uint8(source.read(level, Window(0, 0, height, width)))
    image = Image.fromarray(np.broadcast_to(pixels, (height, width, 3)).copy())
    draw = ImageDraw.Draw(image)
    scale, cm = width / source.width, CM / source.resolution
    for name, window in named:
        top, left, bottom, right = (scale * edge for edge in window)
        for grown, colour in ((0, INK), (1, LINE)):
            box = (left + grown, top + grown, right - 1 - grown, bottom - 1 - grown)
            if box[0] <= box[2] and box[1] <= box[3]:  # a panel of a few pixels has nothing inside
                draw.rectangle(box, outline=colour)
        text = f"{name}\n{window.width * cm:.1f} x {window.height * cm:.1f} cm"  # the font has no ×
        size = max(8.0, min(28.0, (right - left) / 12))
        draw.multiline_text(
            ((left + right) / 2, (top + bottom) / 2),
            text,
            fill=LINE,
            font=ImageFont.load_default(size),
            anchor="mm",
            align="center",
            stroke_width=2,
            stroke_fill=INK,
        )
    return np.asarray(image)
