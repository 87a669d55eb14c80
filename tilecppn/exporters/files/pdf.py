"""A one-page PDF with the unconverted picture, trim and bleed boxes, and crop marks.

The image is the compressed data of a PNG, for which PDF has a filter (ISO 32000-1, 7.4.4), so it is
made and appended band by band, in its own depth, 8 or 16 bits, and its own colours.
"""

import struct
from collections.abc import Iterator, Mapping
from html import escape, unescape
from pathlib import Path
from typing import IO, NamedTuple

from tilecppn.errors import ExportError
from tilecppn.exporters.encoding import credits, png, tags
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.files.png_file import deflated_bands
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.output.provenance import Provenance
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.formatting import format_bytes
from tilecppn.scene.profiles import PROFILES

POINT = 72.0  # of an inch
MM = POINT / 25.4
ROOM, LENGTH, AWAY = 12 * MM, 6 * MM, 3 * MM  # around the picture; of a mark; from the trim
HAIR = 0.25  # points, width of a mark's line
LARGEST = 9_000_000_000  # most bytes of a file
PAGE = 14_400.0 - 2 * ROOM  # longest side of the picture in points, leaving room for marks
SLUG = 7.0  # points, size of the slug line's letters
TEXT_OPEN, TEXT_CLOSE = b"<tilecppn:scene>", b"</tilecppn:scene>"
SEARCHED = 8 << 20  # bytes searched for the scene

Box = tuple[float, float, float, float]  # left, bottom, right, top, in points


class Layout(NamedTuple):
    """The boxes of the page, in points from its lower left corner."""

    media: Box
    bleed: Box  # the whole picture
    trim: Box


def export_pdf(source: Source, dest: Path, options: ExportOptions, threads: Threads) -> list[Path]:
    """Write the page. Returns its path."""
    plan = source.store.plan
    made = source.provenance(provenance.STILL, options)
    page = layout(source, options)
    bits = 8 * min(source.dtype.itemsize, 2)

    with sealed(dest) as temporary, temporary.open("wb") as file:
        out = _Objects(file, made.line())
        out.add(1, "<< /Type /Catalog /Pages 2 0 R /Metadata 3 0 R >>")
        out.add(2, "<< /Type /Pages /Kids [4 0 R] /Count 1 >>")
        out.stream(3, {"Type": "/Metadata", "Subtype": "/XML"}, _metadata(made))
        out.add(4, _page(page))
        out.stream(5, {}, _drawing(source, page, options).encode("latin-1", "replace"))
        channels = {"N": str(plan.channels)}
        out.stream(6, channels, icc_profile(options.profile, plan.channels))
        out.add(7, _info(made))
        out.image(8, source, plan.channels, bits, deflated_bands(source, options, threads))
        out.finish()
    return [dest]


def check_pdf(source: Source, dest: Path, options: ExportOptions) -> None:
    """Raise ExportError if the file would need offsets of more than ten digits, or the page is too
    large.
    """
    pixel = source.store.plan.channels * min(source.dtype.itemsize, 2)
    if source.width * source.height * pixel > LARGEST:
        raise ExportError(f"{dest}: a PDF has {format_bytes(LARGEST)} at most; use --max-size")
    if max(source.width, source.height) * POINT / source.resolution > PAGE:
        raise ExportError(f"{dest}: a PDF's page has 200 inches a side at most; use .tif")


def layout(source: Source, options: ExportOptions) -> Layout:
    """Return the page's boxes; with marks the page has room for them around the picture."""
    points = POINT / source.resolution
    width, height = source.width * points, source.height * points
    canvas = source.store.scene.canvas
    scale = source.width / canvas.width * points
    before, both = (scale * pixels for pixels in canvas.bleed_pixels)
    room = ROOM if options.marks else 0.0
    bleed = (room, room, room + width, room + height)
    after = both - before
    trim = (bleed[0] + before, bleed[1] + after, bleed[2] - after, bleed[3] - before)
    return Layout((0.0, 0.0, width + 2 * room, height + 2 * room), bleed, trim)


def marks(page: Layout) -> list[tuple[float, float, float, float]]:
    """Return the crop marks as lines: two at each corner of the trim box, outside the bleed."""
    left, bottom, right, top = page.trim
    lines = []
    for x, side in ((left, -1), (right, 1)):
        for y, end in ((bottom, -1), (top, 1)):
            across = max(AWAY, abs(x - page.bleed[0 if side < 0 else 2]))
            down = max(AWAY, abs(y - page.bleed[1 if end < 0 else 3]))
            lines.append((x + side * across, y, x + side * (across + LENGTH), y))
            lines.append((x, y + end * down, x, y + end * (down + LENGTH)))
    return lines


def scene_in(path: Path) -> str | None:
    """Return the scene in a PDF made by tilecppn; None if there is none."""
    with path.open("rb") as file:
        data = file.read(SEARCHED)
    start = data.find(TEXT_OPEN)
    end = data.find(TEXT_CLOSE, start)
    if min(start, end) < 0:
        return None
    return unescape(data[start + len(TEXT_OPEN) : end].decode())


def _drawing(source: Source, page: Layout, options: ExportOptions) -> str:
    left, bottom, right, top = page.bleed
    lines = [f"q {right - left:.4f} 0 0 {top - bottom:.4f} {left:.4f} {bottom:.4f} cm /Im Do Q"]
    if options.marks:
        lines.append(f"q {HAIR} w 0 G")
        lines += [f"{a:.4f} {b:.4f} m {c:.4f} {d:.4f} l S" for a, b, c, d in marks(page)]
        text = _string(_slug(source, page, options))
        place = f"{page.trim[0] + AWAY:.4f} {(bottom - SLUG) / 2:.4f}"
        lines.append(f"BT 0 g /F {SLUG} Tf {place} Td {text} Tj ET Q")
    return "\n".join(lines)


def _slug(source: Source, page: Layout, options: ExportOptions) -> str:
    left, bottom, right, top = page.trim
    cm = MM * 10
    parts = (
        options.about.title or options.name,
        options.about.artist,
        f"{(right - left) / cm:.1f} × {(top - bottom) / cm:.1f} cm",
        f"{source.resolution:g} dpi",
        PROFILES[options.profile].name,
    )
    return "   ".join(part for part in parts if part)


def _page(page: Layout) -> str:
    boxes = {"MediaBox": page.media, "BleedBox": page.bleed, "TrimBox": page.trim}
    said = " ".join(
        f"/{name} [{' '.join(f'{edge:.4f}' for edge in box)}]" for name, box in boxes.items()
    )
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    resources = f"<< /XObject << /Im 8 0 R >> /Font << /F {font} >> >>"
    return f"<< /Type /Page /Parent 2 0 R {said} /Contents 5 0 R /Resources {resources} >>"


def _info(made: Provenance) -> str:
    about = made.about
    values = {"Title": about.title, "Author": about.artist, "Subject": about.description}
    said = " ".join(f"/{name} {_unicode(text)}" for name, text in values.items() if text)
    return f"<< {said} /Creator {_string(tags.MAKER)} >>"


def _metadata(made: Provenance) -> bytes:
    """Return XMP with the credits and the scene."""
    space = "https://pypi.org/project/tilecppn"
    scene = f"{TEXT_OPEN.decode()}{escape(made.source)}{TEXT_CLOSE.decode()}"
    own = f'<rdf:Description rdf:about="" xmlns:tilecppn="{space}">{scene}</rdf:Description>'
    packet = credits.xmp(made.about) or credits.packet("")
    return packet.replace(b"</rdf:RDF>", f"{own}</rdf:RDF>".encode())


def _string(text: str) -> str:
    for mark in "\\()":
        text = text.replace(mark, "\\" + mark)
    return f"({text})".replace("\n", " ")


def _unicode(text: str) -> str:
    return f"<{(chr(0xFEFF) + text).encode('utf-16-be').hex()}>"


class _Objects:
    """Writes the numbered objects of a PDF one after another."""

    def __init__(self, file: IO[bytes], record: str) -> None:
        self.file, self.places = file, dict[int, int]()
        file.write(b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n% " + record.encode() + b"\n")

    def add(self, number: int, text: str) -> None:
        self.places[number] = self.file.tell()
        self.file.write(f"{number} 0 obj\n{text}\nendobj\n".encode("latin-1"))

    def stream(self, number: int, values: Mapping[str, str], data: bytes) -> None:
        self._begin(number, {**values, "Length": str(len(data))})
        self.file.write(data + b"\nendstream\nendobj\n")

    def image(
        self, number: int, source: Source, channels: int, bits: int, parts: Iterator[png.Band]
    ) -> None:
        """Write the picture; its length follows as a separate object."""
        parameters = (
            f"<< /Predictor 15 /Colors {channels} /BitsPerComponent {bits} "
            f"/Columns {source.width} >>"
        )
        values = {
            "Type": "/XObject",
            "Subtype": "/Image",
            "Width": str(source.width),
            "Height": str(source.height),
            "ColorSpace": "[/ICCBased 6 0 R]",
            "BitsPerComponent": str(bits),
            "Filter": "/FlateDecode",
            "DecodeParms": parameters,
            "Length": f"{number + 1} 0 R",
        }
        self._begin(number, values)
        start, adler = self.file.tell(), 1
        self.file.write(png.HEAD)
        for part in parts:
            self.file.write(part.deflated)
            adler = png.adler32_combine(adler, part.adler, part.length)
        self.file.write(png.LAST + struct.pack(">I", adler))
        length = self.file.tell() - start
        self.file.write(b"\nendstream\nendobj\n")
        self.add(number + 1, str(length))

    def finish(self) -> None:
        """Write the cross-reference table and the trailer."""
        start, count = self.file.tell(), max(self.places) + 1
        rows = [f"{self.places[number]:010d} 00000 n \n" for number in range(1, count)]
        table = f"xref\n0 {count}\n0000000000 65535 f \n{''.join(rows)}"
        trailer = f"trailer\n<< /Size {count} /Root 1 0 R /Info 7 0 R >>\n"
        self.file.write(f"{table}{trailer}startxref\n{start}\n%%EOF\n".encode())

    def _begin(self, number: int, values: Mapping[str, str]) -> None:
        self.places[number] = self.file.tell()
        said = " ".join(f"/{name} {value}" for name, value in values.items())
        self.file.write(f"{number} 0 obj\n<< {said} >>\nstream\n".encode("latin-1"))
