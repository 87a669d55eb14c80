"""The sections of a scene file: one table of keys, defaults and what is allowed."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.cppn.presets import PRESETS
from tilecppn.cppn.seeding import MAX_SEED
from tilecppn.cppn.structure import INPUTS, MAX_DEPTH, MAX_WIDTH, MAX_Z_DIM
from tilecppn.errors import SceneError
from tilecppn.scene import palettes, paper, validation
from tilecppn.scene.oklch import oklch_table
from tilecppn.scene.profiles import PROFILES
from tilecppn.scene.validation import Section, SeededAmount, key

MAX_SIDE = 2**31 - 1
MAX_SUPERSAMPLE = 16
LARGEST = 1e30  # of coordinates and latents: float32 ends at 3e38, and layers multiply and add
FULL = {"uint8": 255, "uint16": 65535}  # stored for 1.0; float32 stores 1.0 itself


class Space(NamedTuple):
    """The meaning of the network's outputs if no palette is given."""

    channels: tuple[int, ...]  # allowed numbers of outputs
    gain: float  # how many times faster a colour can change than an output
    turns: float  # how often a colour can go from 0 to 1 or back while an output does once


SPACES = {
    "rgb": Space((1, 3), 1.0, 1.0),
    "hsv": Space((3,), 6.0, 4.0),
    "oklch": Space((3,), 10.0, 4.0),  # for 99 in 100 colours; the average is 3
}

# Two channels, place on a palette and lightness, are only for presets with detail.
CHANNELS = validation.check(
    "one of 1, 3 (grey or colour, without alpha)",
    lambda v: type(v) is int and v in (1, 2, 3),
    int,
    enum=[1, 2, 3],
)
SEEDED = validation.seeded_amount(MAX_SEED)
MAX_MUTATIONS = 1000


@dataclass(frozen=True, repr=False)
class CPPN(Section):
    """[cppn]: the origin of the network. None stands for the preset's own value."""

    preset: str = key("hardmaru", validation.choice(*PRESETS))
    seed: int = key(0, validation.integer(0, MAX_SEED))
    channels: int | None = key(None, validation.optional(CHANNELS))
    width: int | None = key(None, validation.optional(validation.integer(1, MAX_WIDTH)))
    depth: int | None = key(None, validation.optional(validation.integer(1, MAX_DEPTH)))
    z_dim: int | None = key(None, validation.optional(validation.integer(0, MAX_Z_DIM)))
    activations: tuple[str, ...] | None = key(
        None, validation.optional(validation.names(*ACTIVATIONS, separator="+"))
    )
    inputs: tuple[str, ...] | None = key(None, validation.optional(validation.names(*INPUTS)))
    residual: bool | None = key(None, validation.optional(validation.boolean()))
    gain: float | None = key(None, validation.optional(validation.between(1.5, 16.0)))
    decay: tuple[float, ...] | None = key(None, validation.optional(validation.per_output()))
    contrast: tuple[float, ...] | None = key(None, validation.optional(validation.per_output()))
    cross: SeededAmount | None = key(None, validation.optional(SEEDED))
    mutations: tuple[SeededAmount, ...] | None = key(
        None, validation.optional(validation.several(SEEDED, MAX_MUTATIONS))
    )
    weights: str | None = key(None, validation.optional(validation.text()))


@dataclass(frozen=True, repr=False)
class Latent(Section):
    """[latent]: a seed, or z: its values, or "FILE#NAME" to take them from a file.

    sum: a formula of latents, as "seed1 + 0.5 * (seed2 - seed3)"; a Scene holds its result as z.
    """

    seed: int = key(0, validation.integer(0, MAX_SEED))
    z: tuple[float, ...] | str | None = key(None, validation.optional(validation.latent()))
    sum: str | None = key(None, validation.optional(validation.text()))


@dataclass(frozen=True, repr=False)
class Canvas(Section):
    """[canvas]: the size, in pixels or on paper, and the part of the picture to draw.

    `width` and `height` are those of the drawn part: of `crop`, with `bleed` on each side. The
    view is laid over `whole`, the size without crop and bleed, so neither changes a pixel.
    """

    width: int = key(1024, validation.integer(1, MAX_SIDE))
    height: int = key(1024, validation.integer(1, MAX_SIDE))
    print: str | None = key(None, validation.optional(validation.sheet()))
    dpi: float | None = key(None, validation.optional(validation.between(1.0, 100_000.0)))
    bleed: str | None = key(None, validation.optional(validation.length()))
    crop: tuple[float, ...] | None = key(None, validation.optional(validation.crop()))

    whole: ClassVar[tuple[int, int]]  # (width, height) without crop and bleed
    origin: ClassVar[tuple[int, int]]  # (row, column) in `whole` of the first pixel that is drawn

    def __post_init__(self) -> None:
        super().__post_init__()
        sides = [self.width, self.height]
        if self.print is not None:
            if sides != [Canvas.width, Canvas.height]:
                raise SceneError(
                    "canvas.print cannot be combined with canvas.width and canvas.height; use "
                    "canvas.dpi for another number of pixels",
                    keys=["canvas.print", "canvas.width", "canvas.height"],
                    value=self.print,
                )
            sides = [round(inches * self.resolution) for inches in paper.sheet(self.print)]
        before, both = self.bleed_pixels
        left, top, width, height = self.crop or (0.0, 0.0, 1.0, 1.0)
        edges = [
            (round(start * side) - before, round((start + part) * side) - before + both)
            for start, part, side in zip((left, top), (width, height), sides, strict=True)
        ]
        drawn = [end - start for start, end in edges]
        if min(drawn) - both < 1 or max(*sides, *drawn) > MAX_SIDE:
            raise SceneError(
                f"[canvas] has {drawn[0]} × {drawn[1]} pixels of {sides[0]} × {sides[1]}: must be "
                f"from 1 to {MAX_SIDE} a side; use another canvas.print, canvas.dpi, canvas.bleed "
                "or canvas.crop",
                keys=["canvas.print", "canvas.dpi", "canvas.bleed", "canvas.crop"],
            )
        derived = {
            "width": drawn[0],
            "height": drawn[1],
            "whole": (sides[0], sides[1]),
            "origin": (edges[1][0], edges[0][0]),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def values(self) -> dict[str, Any]:
        """Return the keys as in a scene file, with the size without crop and bleed."""
        sides = {} if self.print else dict(zip(("width", "height"), self.whole, strict=True))
        rest = {k: v for k, v in super().values().items() if k not in ("width", "height")}
        return {**sides, **rest}

    @property
    def resolution(self) -> float:
        """The pixels per inch on paper."""
        return paper.DPI if self.dpi is None else self.dpi

    @property
    def bleed_pixels(self) -> tuple[int, int]:
        """The pixels that bleed adds at the left and the top, and in total to width and height.

        The total is rounded, so that the sheet is at most half a pixel off: the right and the
        lower edge can have one pixel more or less than the others.
        """
        pixels = 0.0 if self.bleed is None else paper.length(self.bleed, self.resolution)
        return round(pixels), round(2.0 * pixels)

    @property
    def is_whole(self) -> bool:
        """Whether the picture is drawn without crop and bleed."""
        return self.origin == (0, 0) and self.whole == (self.width, self.height)

    def resized(self, width: int, height: int) -> dict[str, Any]:
        """Return the keys of [canvas] that draw the same part in width × height pixels.

        Crop and bleed are then whole pixels at that size.
        """
        sides: dict[str, Any] = {"width": width, "height": height}
        if self.is_whole:
            return sides
        factors = (width / self.width, height / self.height)
        before, both = self.bleed_pixels
        bleed = min(round(0.5 * both * min(factors)), (min(width, height) - 1) // 2)
        starts = []
        for name, factor, whole, first in zip(
            ("width", "height"), factors, self.whole, self.origin[::-1], strict=True
        ):
            inner = sides[name] - 2 * bleed
            start = max(0, round((first + before) * factor))
            sides[name] = max(round(whole * factor), start + inner)
            starts.append((start / sides[name], inner / sides[name]))
        (left, width_part), (top, height_part) = starts
        return {
            **sides,
            "bleed": f"{bleed}px" if bleed else None,
            "crop": (left, top, width_part, height_part),
        }


@dataclass(frozen=True, repr=False)
class View(Section):
    """[view]: the part of the plane to draw; see `tilecppn.scene.view` for the formula."""

    center: tuple[float, float] = key((0.0, 0.0), validation.numbers(2))
    scale: float = key(
        10.0, validation.number("a finite number above 0", lambda v: v > 0, exclusiveMinimum=0)
    )
    rotation: float = key(0.0, validation.number())
    aspect: str = key("preserve", validation.choice("preserve", "stretch"))
    grid: str = key("centers", validation.choice("centers", "endpoints"))
    swap: bool = key(False, validation.boolean())
    mirror: str | None = key(None, validation.optional(validation.choice("x", "y", "xy")))
    radial: int | None = key(None, validation.optional(validation.integer(2, 360)))
    repeat: str | None = key(None, validation.optional(validation.choice("x", "y", "xy")))

    def __post_init__(self) -> None:
        super().__post_init__()
        for other in ("mirror", "repeat"):
            if self.radial is not None and getattr(self, other) is not None:
                raise SceneError(
                    f"view.radial cannot be combined with view.{other}",
                    keys=["view.radial", f"view.{other}"],
                    value=self.radial,
                )


@dataclass(frozen=True, repr=False)
class Output(Section):
    """[output]: how colours are made and stored, and the layout of the store."""

    dtype: str = key("uint8", validation.choice("uint8", "uint16", "float32"))
    tolerance: float = key(0.1, validation.tolerance())
    precision: str = key("exact", validation.choice("exact", "fast"))
    supersample: int = key(1, validation.integer(1, MAX_SUPERSAMPLE))
    dither: str = key("none", validation.choice("none", "noise"))
    color: str = key("rgb", validation.choice(*SPACES))
    profile: str = key("srgb", validation.choice(*PROFILES))
    palette: str | tuple[str, ...] | None = key(None, validation.optional(validation.palette()))
    shadow: str | None = key(None, validation.optional(validation.colour()))
    shade: float | None = key(None, validation.optional(validation.between(0.0, 1.0)))
    glow: float | None = key(None, validation.optional(validation.between(0.0, 10.0)))
    invert: bool = key(False, validation.boolean())
    shrink: str = key("stored", validation.choice("stored", "linear"))
    tile: int = key(512, validation.power_of_two(64, 4096))
    shard: int = key(4096, validation.power_of_two(64, 2**20))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shard < self.tile:
            allowed = f"a power-of-two multiple of output.tile = {self.tile}"
            raise SceneError(
                f"output.shard = {self.shard}: must be {allowed}",
                keys=["output.shard", "output.tile"],
                value=self.shard,
                allowed=allowed,
            )
        if self.shrink == "linear" and self.dtype == "float32":
            raise SceneError(
                'output.shrink = "linear": only integers can be shrunk so; use output.dtype = '
                '"uint16"',
                keys=["output.shrink", "output.dtype"],
                value=self.shrink,
            )
        if self.palette is not None and self.color != "rgb":
            raise SceneError(
                f'output.color = "{self.color}" cannot be combined with output.palette',
                keys=["output.color", "output.palette"],
                value=self.color,
            )

    def colours(self, channels: int) -> NDArray[np.float64] | None:
        """Return the colours that the outputs of a network are looked up in; None for RGB and HSV.

        One channel: the palette's stops (n, 3). Two, place and lightness: a table (places,
        lights, 3). Three, for OKLCH: a table (lightnesses, chromas, hues, 3).
        """
        if self.color == "oklch":
            return oklch_table(self.profile)
        if self.palette is None:
            return None
        if channels == 1:
            return palettes.to_profile(palettes.stops(self.palette), self.profile, self.invert)
        table = palettes.table(self.palette, self.light)
        return palettes.to_profile(table, self.profile, self.invert)

    @property
    def light(self) -> palettes.Light:
        """How the palette goes from dark to bright; there must be a palette."""
        assert self.palette is not None
        own = palettes.light_of(self.palette)
        return palettes.Light(
            own.shadow if self.shadow is None else self.shadow,
            own.shade if self.shade is None else self.shade,
            own.glow if self.glow is None else self.glow,
        )

    def gain(self, channels: int) -> float:
        """Return the largest slope of a colour over the network's output."""
        if self.palette is None:
            return SPACES[self.color].gain
        colours = self.colours(channels)
        assert colours is not None
        return palettes.slope(colours)

    def turns(self, channels: int) -> float:
        """Return the largest total variation of a colour while an output goes from 0 to 1."""
        if self.palette is None:
            return SPACES[self.color].turns
        colours = self.colours(channels)
        assert colours is not None
        return palettes.variation(colours)

    @property
    def loose(self) -> bool:
        """Whether colours may be off by a step of 8 bits or more, for a lossy codec."""
        return self.tolerance * FULL["uint8"] >= FULL.get(self.dtype, FULL["uint16"])

    @property
    def network_channels(self) -> tuple[int, ...]:
        """The numbers of channels that a network may have for these colours."""
        if self.palette is not None:
            return (1, 2)
        return SPACES[self.color].channels

    @property
    def shrink_profile(self) -> str | None:
        """The profile in whose light smaller levels are averaged; None to average stored values."""
        return self.profile if self.shrink == "linear" else None

    @property
    def itemsize(self) -> int:
        """The bytes of one stored value."""
        return np.dtype(self.dtype).itemsize


@dataclass(frozen=True, repr=False)
class About(Section):
    """[about]: title and credits of the picture, for files and pages. It changes no pixel.

    share_scene: whether they carry the scene, with which anybody can draw the picture again.
    """

    title: str = key("", validation.caption(500))
    artist: str = key("", validation.caption(500))
    copyright: str = key("", validation.caption(500))
    licence: str = key("", validation.caption(500))
    description: str = key("", validation.caption(4000))
    share_scene: bool = key(True, validation.boolean())


LAYOUT = ("tile", "shard")  # the keys of [output] that change no pixel
SECTIONS: dict[str, type[Section]] = {
    "cppn": CPPN,
    "latent": Latent,
    "canvas": Canvas,
    "view": View,
    "output": Output,
    "about": About,
}
