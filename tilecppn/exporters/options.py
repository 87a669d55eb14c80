"""The options of an export, as one validated value."""

from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tilecppn.addresses import is_web_address
from tilecppn.errors import ExportError, SceneError
from tilecppn.exporters.encoders import ENCODERS
from tilecppn.names import suggestion
from tilecppn.pixels.hdr import HDR
from tilecppn.scene import palettes, paper
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import FULL, MAX_SIDE, About

MAX_TILE = 8192
SYNONYMS = {"jpeg": "jpg", "tiff": "tif"}  # of formats and suffixes
INTENTS = {"perceptual": 0, "relative": 1, "saturation": 2, "absolute": 3}  # ICC's numbers
PROOFS = (".tif", ".png")
LABS = (".jpg", ".tif")
LAB_PROFILES = ("srgb", "adobe-rgb")
LAB_QUALITY = 95
DEEP = (10, 12)  # bits of an AVIF, beside 8
HDR_FORMATS = ("avif", "jxl", "png")
MAP_TILE = 256  # pixels: the default that map viewers and Zoomify's viewers assume


class Kind(NamedTuple):
    """The options that a kind of export supports, apart from those that all kinds have.

    formats: of its tiles, the default first, or of the file itself. tile: whether it has tiles,
    whose side must be a multiple of `multiple`. side: default side of a tile if viewers assume one,
    else the store's.
    """

    formats: tuple[str, ...] = tuple(ENCODERS)
    tile: bool = True
    side: int | None = None
    multiple: int = 1
    overlap: bool = False
    url: bool = False
    live: bool = False


DEEP_ZOOM = Kind(overlap=True)
KINDS: dict[str, Kind] = {  # by suffix or layout
    ".dzi": DEEP_ZOOM._replace(url=True, live=True),
    ".szi": DEEP_ZOOM,
    ".pmtiles": Kind(side=MAP_TILE),
    ".mbtiles": Kind(side=MAP_TILE),
    ".png": Kind(("png",), tile=False),
    ".pdf": Kind(("pdf",), tile=False),
    ".tif": Kind(("tif",), multiple=16),  # required by TIFF 6.0
    ".exr": Kind(("exr",)),
    ".jpg": Kind(("jpg",), tile=False),
    ".webp": Kind(("webp",), tile=False),
    ".avif": Kind(("avif",), tile=False),
    ".jxl": Kind(("jxl",), tile=False),
    "iiif": Kind(url=True),
    "xyz": Kind(side=MAP_TILE, url=True),
    # Zoomify's viewers request .jpg.
    "zoomify": Kind(("jpg", "png", "webp", "avif"), side=MAP_TILE, url=True),
    "store": Kind(("png",), tile=False, url=True),
}
FORMATS = {name for kind in KINDS.values() for name in kind.formats}


@dataclass(frozen=True)
class ExportOptions:
    """The options of an export, explained at `tilecppn.export`; None stands for a default.

    Picklable, since workers encode with it. Raises ExportError for a value out of range.
    """

    format: str | None = None
    quality: int | None = None
    effort: int = 1
    tile: int | None = None
    overlap: int = 0
    level: int = 0
    layout: str | None = None
    url: str | None = None
    title: str | None = None
    show_scene: bool = True
    partial: bool = False
    overwrite: bool = False
    bits: int | None = None
    max_size: int | None = None
    max_bytes: int | None = None
    lab: bool = False
    panels: str | None = None
    panel_overlap: str = "0px"
    strip: str | None = None
    marks: bool = False
    skip_blanks: str | None = None
    proof: Path | None = None
    intent: str = "relative"
    transfer: str | None = None
    peak: float | None = None
    live: bool = False
    name: str = ""  # of the export; set from its path by `resolved`
    # Credits; set from the scene and these options by `resolved`.
    about: About = field(default_factory=About)
    profile: str = "srgb"  # colour space, one of PROFILES; set from the scene by `resolved`
    hdr: HDR | None = None  # set from transfer, peak and the scene by `resolved`

    def __post_init__(self) -> None:
        if self.format is not None:
            name = self.format.lower()
            object.__setattr__(self, "format", SYNONYMS.get(name, name))
        if self.format not in (None, *FORMATS):
            raise ExportError(
                f'unknown format "{self.format}"; {suggestion(ENCODERS, str(self.format))}'
            )
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise ExportError(f"quality {self.quality}: must be from 1 to 100")
        if not 1 <= self.effort <= 9:
            raise ExportError(f"effort {self.effort}: must be from 1 (fast) to 9 (small files)")
        if self.tile is not None and not 16 <= self.tile <= MAX_TILE:
            raise ExportError(f"tile {self.tile}: must be from 16 to {MAX_TILE} pixels")
        if not isinstance(self.overlap, int):
            raise ExportError(f"overlap {self.overlap}: must be pixels, but for --panels")
        try:
            paper.length(self.panel_overlap, 1.0)
        except ValueError:
            raise ExportError(
                f"overlap {self.panel_overlap}: must be a length such as 20mm, 0.5in or 36px"
            ) from None
        if self.strip is not None:
            try:
                paper.sheet(self.strip)
            except ValueError:
                raise ExportError(
                    f"strip {self.strip}: must be a size on paper such as 30x20cm or A4"
                ) from None
        if self.intent not in INTENTS:
            raise ExportError(f'unknown intent "{self.intent}"; {suggestion(INTENTS, self.intent)}')
        if self.intent != "relative" and self.proof is None:
            raise ExportError(f"intent {self.intent}: only a proof has one; leave it out")
        if self.skip_blanks is not None and not palettes.is_colour(self.skip_blanks):
            raise ExportError(f'skip-blanks {self.skip_blanks}: must be a colour such as "#000000"')
        if self.url is not None and not is_web_address(self.url):
            raise ExportError(
                f"url {self.url}: must be an address such as https://example.com/poster, without "
                "? and #"
            )
        if self.bits not in (None, 8, *DEEP, 16, 32):
            raise ExportError(
                f"bits {self.bits}: must be 8 or 16, of an AVIF also 10 or 12, of an EXR 32"
            )
        if self.max_size is not None and not 1 <= self.max_size <= MAX_SIDE:
            raise ExportError(f"max-size {self.max_size}: must be from 1 to {MAX_SIDE} pixels")
        if self.overlap < 0:
            raise ExportError(f"overlap {self.overlap}: must be from 0 to half a tile")

    def resolved(self, dest: Path, scene: Scene) -> Self:
        """Return these options with every default filled in, for the scene of a store.

        Raises ExportError for an option that this kind of export does not support.
        """
        self._check_lab(dest, scene)
        kind = KINDS[self.layout or suffix_of(dest)]
        format = self.format or kind.formats[0]
        if format not in kind.formats:
            if len(kind.formats) > 1:
                raise ExportError(f'unknown format "{format}"; {suggestion(ENCODERS, format)}')
            raise ExportError(f"format {format}: applies only to pyramids; leave it out")
        if self.tile is not None and not kind.tile:
            raise ExportError(
                f"tile {self.tile}: only pyramids, TIFFs and EXRs have tiles; leave it out"
            )
        if self.overlap and not kind.overlap:
            raise ExportError(f"overlap {self.overlap}: only Deep Zoom has one; leave it out")
        if self.url is not None and not kind.url:
            raise ExportError(
                f"url {self.url}: only folders and pages have an address; leave it out"
            )
        if self.live and not kind.live:
            raise ExportError("live: only a .dzi has a page for it to stand beside; leave it out")
        if self.layout == "store" and (self.bits or self.max_size):
            raise ExportError("bits, max-size: only exports with pixels have them; leave it out")
        stored = FULL.get(scene.output.dtype, 2**32)
        bits = self.bits
        if format == "exr":
            bits = bits or (16 if scene.output.dtype in FULL else 32)
            if bits == 8:
                raise ExportError("bits 8: only other formats have them, an EXR 16 or 32")
        elif bits == 32:
            raise ExportError("bits 32: only a .exr has them; leave it out")
        elif bits is not None and 2**bits > stored + 1:
            raise ExportError(
                f"bits {self.bits}: possible only if the store has as many; leave it out"
            )
        if bits == 16 and format in ENCODERS and ENCODERS[format].name:
            raise ExportError(f"bits 16: only PNG and TIFF have them, not {format}; leave it out")
        pyramid = kind.tile and format not in ("tif", "exr")
        if bits in DEEP and (pyramid or format != "avif"):
            raise ExportError(f"bits {bits}: only one .avif has them; leave it out")
        hdr = self._hdr(format, scene, single=not pyramid)
        if hdr and format == "avif":
            bits = bits or DEEP[0]
        if self.panels is not None and pyramid:
            raise ExportError(f"panels {self.panels}: only single files have them; leave it out")
        if self.skip_blanks is not None and not pyramid:
            raise ExportError("skip-blanks: only pyramids have tiles to leave out; leave it out")
        if self.marks and format != "pdf":
            raise ExportError("marks: only a .pdf has them; leave it out")
        if format == "pdf" and self.panels:
            raise ExportError("panels: only images have them, not a PDF; leave it out")
        if format in ("pdf", "exr", "jxl") and self.strip:
            raise ExportError(f"strip: only images to print have one, not .{format}; leave it out")
        if self.proof is not None and (
            self.layout or suffix_of(dest) not in PROOFS or self.panels or self.lab or self.strip
        ):
            raise ExportError(
                f"{dest}: only .tif, in the printer's colours, and .png, the soft proof, have a "
                "proof, without lab, panels and strip; leave it out"
            )
        if self.strip is not None and (pyramid or self.panels or self.lab):
            raise ExportError(f"strip {self.strip}: only single files have one; leave it out")
        default = ENCODERS[format].quality if format in ENCODERS else None
        if self.max_bytes is not None and (kind.tile or default is None) and not self.lab:
            raise ExportError("max-bytes: only one JPEG, WebP or AVIF has them; leave it out")
        if self.max_bytes is not None and bits in DEEP:
            raise ExportError("max-bytes: only an AVIF of 8 bits has them; use --quality")
        if self.lab and default is not None:
            default = LAB_QUALITY
        if self.quality is not None and default is None and format != "jxl":
            raise ExportError(
                f"quality {self.quality}: only JPEG, WebP, AVIF and JPEG XL have one; leave it "
                "out, or choose another format"
            )
        tile = self.tile or kind.side or scene.output.tile
        if tile % kind.multiple:
            raise ExportError(f"tile {tile}: must be a multiple of {kind.multiple} in a TIFF")
        if self.overlap > tile // 2:
            raise ExportError(f"overlap {self.overlap}: must be from 0 to half a tile")
        return replace(
            self,
            bits=8 if (self.lab or self.proof) and stored > FULL["uint8"] else bits,
            format=format,
            quality=default if self.quality is None else self.quality,
            tile=tile,
            url=self.url if self.layout is None else (self.url or "").rstrip("/") or None,
            name=dest.absolute().name,
            about=self._described(scene.about),
            profile=scene.output.profile,
            hdr=hdr,
        )

    def _hdr(self, format: str, scene: Scene, *, single: bool) -> HDR | None:
        """Return how pixels become HDR. Raises ExportError for what cannot be."""
        hdr = HDR.of(self.transfer, self.peak, scene.output)
        if hdr is None:
            return None
        if not single or format not in HDR_FORMATS or self.panels or self.proof or self.strip:
            raise ExportError(
                f"transfer {self.transfer}: only one .avif, .jxl or .png can be HDR, without "
                "panels, proof and strip; use another suffix"
            )
        if self.bits == 8:
            raise ExportError("bits 8: HDR has 10 or more; leave it out")
        return hdr

    def _check_lab(self, dest: Path, scene: Scene) -> None:
        """Raise ExportError for exports that labs do not accept."""
        if not self.lab:
            return
        if self.layout is not None or suffix_of(dest) not in LABS:
            raise ExportError(f"{dest}: labs take {' and '.join(LABS)}; use another suffix")
        if scene.output.profile not in LAB_PROFILES:
            raise ExportError(
                f'{dest}: labs take no output.profile = "{scene.output.profile}"; render with '
                f"{' or '.join(LAB_PROFILES)}"
            )

    def _described(self, about: About) -> About:
        """Return the credits of the export: the scene's [about], with these options."""
        changes: dict[str, Any] = {} if self.show_scene else {"share_scene": False}
        if self.title is not None:
            changes["title"] = self.title
        try:
            return replace(about, **changes)
        except SceneError as error:
            raise ExportError(f"title: must be {error.allowed}") from None

    # The following need resolved options.

    @property
    def stored_bits(self) -> int | None:
        """The bits to convert stored values to, None for no conversion, as in an EXR."""
        return None if self.format == "exr" else 16 if self.bits in DEEP else self.bits

    @property
    def side(self) -> int:
        """The side of a tile, in pixels."""
        assert self.tile is not None
        return self.tile

    @property
    def suffix(self) -> str:
        """The suffix of a tile's file."""
        return ENCODERS[str(self.format)].suffix

    @property
    def alpha(self) -> bool:
        """Whether tiles can be transparent."""
        return ENCODERS[str(self.format)].alpha

    @property
    def encoding(self) -> str:
        """All options that decide an export's bytes, given its picture and kind."""
        values = {
            "format": self.format,
            "quality": self.quality,
            "effort": self.effort,
            "tile": self.tile,
            "overlap": self.overlap,
            "level": self.level,
            "bits": self.bits,
            "max_size": self.max_size,
            "max_bytes": self.max_bytes,
            "skip_blanks": None if self._blank is None else int(bytes(self._blank).hex(), 16),
        }
        if self.lab:
            values["lab"] = 1
        if self.marks:
            values["marks"] = 1
        if self.live:
            values["live"] = 1
        if self.proof is not None:
            values["proof"] = sha256(self.proof.read_bytes()).hexdigest()[:8]
            values["intent"] = self.intent
        if self.hdr is not None:
            values["transfer"], values["peak"] = self.hdr.transfer, f"{self.hdr.peak:g}"
        if self.strip is not None:
            values["strip"] = self.strip.replace(" ", "")
        if self.panels is not None:
            values["panels"] = f"{self.panels}+{self.panel_overlap}".replace(" ", "")
        if self.partial:
            values["partial"] = True
        if self.about != About():
            values["about"] = sha256(repr(self.about).encode()).hexdigest()[:8]
        return " ".join(f"{name}={value}" for name, value in values.items() if value is not None)

    @property
    def _blank(self) -> tuple[int, ...] | None:
        """The colour of blank tiles: red, green and blue in 8 bits."""
        return None if self.skip_blanks is None else palettes.eight_bits(self.skip_blanks)

    def is_blank(self, pixels: NDArray[Any]) -> bool:
        """Return whether a tile (channels, height, width) is left out, since all of it has the
        blank colour.
        """
        if self._blank is None:
            return False
        full = FULL.get(pixels.dtype.name)
        wanted = [np.float32(c / 255) if full is None else c * full // 255 for c in self._blank]
        if len(pixels) < len(wanted) and len(set(wanted)) > 1:
            return False  # a grey picture has no such colour
        return all(bool((p == c).all()) for p, c in zip(pixels, wanted, strict=False))

    def encode(self, pixels: NDArray[Any]) -> bytes:
        """Encode the stored pixels (channels, height, width) of a tile."""
        encoder, quality = ENCODERS[str(self.format)], self.quality or 100
        return encoder.encode(pixels, quality, self.effort, self.profile)


def suffix_of(path: Path) -> str:
    """Return a path's suffix in lower case and by its usual name: .JPEG becomes .jpg."""
    suffix = path.suffix.lower()
    return "." + SYNONYMS.get(suffix[1:], suffix[1:]) if suffix else ""
