"""What a person may choose of an export, and which option is for which kind."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from tilecppn.errors import ExportError
from tilecppn.exporters.encoders import ENCODERS
from tilecppn.exporters.layouts import KINDS
from tilecppn.exporters.options import Options

LOCAL = "http://localhost:8000"  # where `python -m http.server` shows a folder


class Only(NamedTuple):
    """The kinds of export that have an option, by suffix or layout, and in words."""

    kinds: frozenset[str]
    words: str


DEEP_ZOOM = frozenset({".dzi", ".szi"})
PYRAMIDS = DEEP_ZOOM | frozenset(KINDS)
ONLY = {  # every other option is for every kind; whether there is a quality, the format says
    "format": Only(PYRAMIDS, "only pyramids have a choice of it"),
    "tile": Only(PYRAMIDS | {".tif", ".tiff"}, "only pyramids and TIFFs have tiles"),
    "overlap": Only(DEEP_ZOOM, "only Deep Zoom has one"),
    "url": Only(frozenset({"iiif"}), "only an IIIF picture has one"),
}


@dataclass(frozen=True)
class Choices:
    """None is the kind's own; the rest as in `export`."""

    format: str | None = None
    quality: int | None = None
    effort: int = 1
    tile: int | None = None
    overlap: int = 0
    url: str | None = None

    def options(self, dest: Path, layout: str | None, side: int) -> Options:
        """Of an export to `dest`, by its suffix or a layout, of a store with tiles of `side`.

        Raises ExportError for a value that cannot be, and for an option that this kind has not.
        """
        kind = layout or dest.suffix
        name = kind.removeprefix(".")
        own = name if name in ENCODERS else None  # of a.jpg
        for option, only in ONLY.items():
            value = getattr(self, option)
            same = option == "format" and value == own
            if value and kind not in only.kinds and not same:
                raise ExportError(f"{option} {value}: {only.words}; leave it out")
        return Options(
            side if self.tile is None else self.tile,
            self.format or own or "png",
            self.quality,
            self.effort,
            self.overlap,
            (self.url or f"{LOCAL}/{quote(dest.absolute().name)}").rstrip("/"),
        )
