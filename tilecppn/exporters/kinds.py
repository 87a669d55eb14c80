"""The kinds of export, by suffix or layout, and which options each of them supports."""

from pathlib import Path
from typing import NamedTuple

from tilecppn.exporters.encoding.encoders import ENCODERS

SYNONYMS = {"jpeg": "jpg", "tiff": "tif"}  # of formats and suffixes
MAP_TILE = 256  # pixels: the default that map viewers and Zoomify's viewers assume
MAP_FORMATS = ("png", "jpg", "webp", "avif")  # that PMTiles can name, and map programs can read
DEEP = (10, 12)  # bits of an AVIF, besides 8
LOSSY = {*(name for name, row in ENCODERS.items() if row.quality is not None), "jxl"}

# Options that not all kinds support; the texts complete "only … ; leave it out".
LIMITED = {
    "tile": "pyramids, TIFFs and EXRs have tiles",
    "overlap": "Deep Zoom and panels have one",
    "skip_blanks": "pyramids have tiles to leave out",
    "url": "folders and pages have an address",
    "live": "a .dzi has a page for it to stand beside",
    "bits": "exports with pixels have them",
    "max_size": "exports with pixels have one",
    "quality": "JPEG, WebP, AVIF and JPEG XL have one",
    "max_bytes": "a single .jpg, .webp or .avif, or a file for a lab, has them",
    "lab": ".jpg and .tif are accepted by labs",
    "classic": "a .tif can be",
    "compression": "a .tif has the choice",
    "panels": "single images have them, not a PDF",
    "strip": "a .png, .tif, .jpg, .webp or .avif has one",
    "proof": ".tif, in the printer's colours, and .png, the soft proof, have one",
    "marks": "a .pdf has them",
    "transfer": "a single .avif, .jxl or .png can be HDR",
}
CONFLICTS = {  # options that cannot be combined with others
    "strip": ("lab", "panels", "classic", "compression"),
    "proof": ("lab", "panels", "strip", "classic", "compression"),
    "transfer": ("panels", "strip", "proof", "max_bytes"),
}
# Bits per value of formats that do not have the choice of 8 and 16.
BITS = {"exr": (16, 32), "avif": (8, *DEEP), "jpg": (8,), "webp": (8,)}


class Kind(NamedTuple):
    """A kind of export.

    options: those of LIMITED that it supports; `quality` depends on the format instead. formats: of
    its tiles, the default first, or of the file itself. side: default side of a tile if viewers
    assume one, else the store's. multiple: what a tile's side must be a multiple of.
    """

    options: frozenset[str]
    formats: tuple[str, ...]
    side: int | None = None
    multiple: int = 1

    @property
    def is_pyramid(self) -> bool:
        """Whether it consists of tiles that are files, or parts of one file, of their own."""
        return "skip_blanks" in self.options

    def bits(self, format: str) -> tuple[int, ...]:
        """Return the bits per value that a format can have in this kind of export."""
        if self.is_pyramid and format != "png":
            return (8,)  # Pillow writes no deeper AVIF, and imagecodecs tags JPEG XL wrongly
        return BITS.get(format, (8, 16))


def _file(format: str, *options: str, multiple: int = 1) -> Kind:
    return Kind(frozenset({"bits", "max_size", *options}), (format,), multiple=multiple)


def _pyramid(
    *options: str, side: int | None = None, formats: tuple[str, ...] = tuple(ENCODERS)
) -> Kind:
    common = {"bits", "max_size", "tile", "skip_blanks"}
    return Kind(frozenset({*common, *options}), formats, side)


KINDS: dict[str, Kind] = {
    ".dzi": _pyramid("overlap", "url", "live"),
    ".szi": _pyramid("overlap"),
    ".pmtiles": _pyramid(side=MAP_TILE, formats=MAP_FORMATS),
    ".mbtiles": _pyramid(side=MAP_TILE, formats=MAP_FORMATS),
    ".png": _file("png", "panels", "strip", "proof", "transfer"),
    ".tif": _file(
        "tif",
        *("tile", "panels", "strip", "proof", "lab", "classic", "compression"),
        multiple=16,  # TIFF 6.0
    ),
    ".exr": _file("exr", "tile", "panels"),
    ".pdf": _file("pdf", "marks"),
    ".jpg": _file("jpg", "panels", "strip", "lab", "max_bytes"),
    ".webp": _file("webp", "panels", "strip", "max_bytes"),
    ".avif": _file("avif", "panels", "strip", "max_bytes", "transfer"),
    ".jxl": _file("jxl", "panels", "transfer"),
    "iiif": _pyramid("url"),
    "xyz": _pyramid("url", side=MAP_TILE),
    # Zoomify's viewers request .jpg.
    "zoomify": _pyramid("url", side=MAP_TILE, formats=("jpg", "png", "webp", "avif", "jxl")),
    "store": Kind(frozenset({"url"}), ("png",)),
}
FORMATS = {name for kind in KINDS.values() for name in kind.formats}


def suffix_of(path: Path) -> str:
    """Return a path's suffix in lower case, by its usual name: .JPEG is .jpg."""
    suffix = path.suffix.lower()
    return "." + SYNONYMS.get(suffix[1:], suffix[1:]) if suffix else ""
