"""The options of an export, as one validated value."""

from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tilecppn.addresses import is_web_address
from tilecppn.errors import ExportError, SceneError
from tilecppn.exporters.encoding.compressions import COMPRESSIONS
from tilecppn.exporters.encoding.encoders import ENCODERS
from tilecppn.exporters.encoding.optional import check_installed
from tilecppn.exporters.kinds import (
    CONFLICTS,
    DEEP,
    FORMATS,
    KINDS,
    LIMITED,
    LOSSY,
    SYNONYMS,
    Kind,
    suffix_of,
)
from tilecppn.formatting import option_name, readable
from tilecppn.pixels.hdr import HDR
from tilecppn.scene import palettes, validation
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import FULL, MAX_SIDE, About

MAX_TILE = 8192
INTENTS = {"perceptual": 0, "relative": 1, "saturation": 2, "absolute": 3}  # ICC's numbers
LAB_PROFILES = ("srgb", "adobe-rgb")
LAB_QUALITY = 95
_WHOLE = validation.check("a whole number", lambda v: type(v) is int, int)
CHECKS = {  # None is also allowed where it is the default
    "format": validation.choice(*sorted(FORMATS)),
    "quality": validation.integer(1, 100),
    "effort": validation.integer(1, 9),
    "tile": validation.integer(16, MAX_TILE),
    "level": _WHOLE,
    "overlap": validation.check(
        "a number of pixels from 0 to half a tile; lengths are for --panels (in Python "
        "panel_overlap)",
        lambda v: type(v) is int and v >= 0,
        int,
    ),
    "panel_overlap": validation.length(),
    "bits": validation.choice(8, *DEEP, 16, 32, note="10 and 12 of an AVIF, 32 of an EXR"),
    "max_size": validation.integer(1, MAX_SIDE),
    "max_bytes": _WHOLE,
    "compression": validation.choice(*COMPRESSIONS),
    "strip": validation.sheet(),
    "skip_blanks": validation.check('a colour such as "#000000"', palettes.is_colour, str),
    "url": validation.check(
        "an address such as https://example.com/poster, without ? and #", is_web_address, str
    ),
    "intent": validation.choice(*INTENTS),
}


# Options that are part of `encoding` as they are.
_ENCODED = ("format", "quality", "effort", "tile", "overlap", "level", "bits", "max_size",
            "max_bytes")  # fmt: skip


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
    classic: bool = False
    compression: str | None = None
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
        if isinstance(self.format, str):
            name = self.format.lower()
            object.__setattr__(self, "format", SYNONYMS.get(name, name))
        for name, check in CHECKS.items():
            value = getattr(self, name)
            if value is None and _DEFAULTS[name] is None:
                continue
            try:
                check.parse(int(value) if isinstance(value, Integral) else value)
            except (ValueError, TypeError):
                option = option_name("overlap" if name == "panel_overlap" else name)
                raise ExportError(f"{option} {value!r}: must be {check.allowed}") from None
        if self.intent != "relative" and self.proof is None:
            raise ExportError(
                f"--intent {self.intent}: only a proof has one; leave it out, or add --proof"
            )

    def resolved(self, dest: Path, scene: Scene) -> Self:
        """Return these options with every default filled in, for the scene of a store.

        Raises ExportError for an option that this kind of export does not support.
        """
        kind = KINDS[self.layout or suffix_of(dest)]
        format = self._format(kind)
        self._check_supported(kind, format)
        self._check_lab(scene)
        if kind.is_pyramid and format == "jxl":
            _check_jxl_tiles(scene)
        if self.compression == "lzw":
            check_installed("--compression lzw", "deflate or none")
        classic = self.classic or (self.lab and format == "tif")
        hdr = HDR.of(self.transfer, self.peak, scene.output)
        encoder = ENCODERS.get(format)
        quality = LAB_QUALITY if self.lab else encoder.quality if encoder else None
        return replace(
            self,
            bits=self._bits(kind, format, scene, hdr),
            format=format,
            quality=(self.quality or quality) if format in LOSSY else None,
            tile=self._tile(kind, scene, classic),
            classic=classic,
            url=self.url if self.layout is None else (self.url or "").rstrip("/") or None,
            name=readable(dest.absolute().name),
            about=self._described(scene.about),
            profile=scene.output.profile,
            hdr=hdr,
        )

    def _format(self, kind: Kind) -> str:
        format = self.format or kind.formats[0]
        if format not in kind.formats:
            if kind.is_pyramid:
                raise ExportError(
                    f"--format {format}: not for these tiles; use {' or '.join(kind.formats)}"
                )
            raise ExportError(f"--format {format}: applies only to pyramids; leave it out")
        return format

    def _check_supported(self, kind: Kind, format: str) -> None:
        """Raise ExportError for an option that the kind and format do not support."""
        supported = kind.options | ({"quality"} if format in LOSSY else set())
        if self.lab:
            supported |= {"max_bytes"}
        chosen = [name for name in LIMITED if getattr(self, name) != _DEFAULTS[name]]
        for name in chosen:
            if name not in supported:
                raise ExportError(f"{self._named(name)}: only {LIMITED[name]}; leave it out")
            if other := next((o for o in CONFLICTS.get(name, ()) if o in chosen), None):
                raise ExportError(
                    f"{self._named(name)}: cannot be combined with {option_name(other)}; leave one "
                    "out"
                )

    def _named(self, name: str) -> str:
        """Return an option with its value, as messages begin."""
        value = getattr(self, name)
        return option_name(name) if value is True else f"{option_name(name)} {value}"

    def _bits(self, kind: Kind, format: str, scene: Scene, hdr: HDR | None) -> int | None:
        """Return the bits per value, or None for those of the store."""
        largest = FULL.get(scene.output.dtype, 2**32)  # stored value
        bits, possible = self.bits, kind.bits(format)
        what = f"tiles of .{format}" if kind.is_pyramid else f".{format}"
        if self.lab or self.proof:
            possible, what = (8,), "labs and proofs"
        elif hdr:
            possible, what = tuple(b for b in possible if b > 8), "HDR"
        if bits is None:
            if format == "exr":
                return 16 if scene.output.dtype in FULL else 32
            if hdr and format == "avif":
                return DEEP[0]
            return 8 if (self.lab or self.proof) and largest > FULL["uint8"] else None
        if bits not in possible:
            instead = ", or use --format png" if kind.is_pyramid and bits == 16 else ""
            raise ExportError(
                f"--bits {bits}: {what} can have only {' or '.join(map(str, possible))}; leave it "
                f"out{instead}"
            )
        if format != "exr" and 2**bits > largest + 1:
            raise ExportError(
                f"--bits {bits}: only a store with as many has them; leave it out, or render with "
                "--set output.dtype=uint16"
            )
        if self.max_bytes is not None and bits in DEEP:
            raise ExportError("--max-bytes: only an AVIF of 8 bits has them; use --quality")
        return bits

    def _tile(self, kind: Kind, scene: Scene, classic: bool) -> int | None:
        """Return the side of a tile in pixels; None for strips."""
        if classic and self.tile is None:
            return None
        tile = self.tile or kind.side or scene.output.tile
        if tile % kind.multiple:
            raise ExportError(f"--tile {tile}: must be a multiple of {kind.multiple} in a TIFF")
        if self.overlap > tile // 2:
            raise ExportError(f"--overlap {self.overlap}: must be from 0 to half a tile")
        return tile

    def _check_lab(self, scene: Scene) -> None:
        """Raise ExportError for a colour space that labs do not accept."""
        if self.lab and scene.output.profile not in LAB_PROFILES:
            raise ExportError(
                f'--lab: none accepts output.profile = "{scene.output.profile}"; render with '
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
            raise ExportError(f"--title: must be {error.allowed}") from None

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
    def compression_name(self) -> str:
        """The compression of a TIFF."""
        return self.compression or ("none" if self.classic else "deflate")

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
        proof = self.proof and sha256(self.proof.read_bytes()).hexdigest()[:8]
        about = None if self.about == About() else repr(self.about).encode()
        panels = self.panels and f"{self.panels}+{self.panel_overlap}".replace(" ", "")
        values = {
            **{name: getattr(self, name) for name in _ENCODED},
            "skip_blanks": None if self._blank is None else int(bytes(self._blank).hex(), 16),
            "lab": int(self.lab) or None,
            "classic": int(self.classic and not self.lab) or None,
            "compression": self.compression,
            "marks": int(self.marks) or None,
            "live": int(self.live) or None,
            "proof": proof,
            "intent": proof and self.intent,
            "transfer": self.hdr and self.hdr.transfer,
            "peak": self.hdr and f"{self.hdr.peak:g}",
            "strip": self.strip and self.strip.replace(" ", ""),
            "panels": panels,
            "partial": self.partial or None,
            "about": about and sha256(about).hexdigest()[:8],
        }
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


def _check_jxl_tiles(scene: Scene) -> None:
    """Raise ExportError if tiles cannot be JPEG XL: the optional package writes only sRGB."""
    if scene.output.profile != "srgb":
        raise ExportError(
            f'--format jxl: tiles can be only sRGB, not output.profile = "{scene.output.profile}"; '
            "use --format png or avif, or export one .jxl"
        )
    check_installed("--format jxl", "--format webp or avif")


_DEFAULTS = {field.name: field.default for field in fields(ExportOptions)}
