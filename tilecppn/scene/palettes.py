"""Palettes: evenly spaced colours that map a grey value from 0 to 1.

A palette is a list of colours or the name of a matplotlib colour map; `_r` reverses a map. Each
colour of a list may have a place, "#0b1d51 30%". Places are whole percents, so that such a list
is converted to at most 101 evenly spaced colours, and no other module knows places.
`colour_maps.json` has the maps' stops (red, green and blue in 16 bits each, as hexadecimal digits),
so that a picture's colours never change and drawing does not need matplotlib. A test compares each
map with matplotlib's.

viridis, plasma, inferno, magma, cividis and twilight are in the public domain (CC0); turbo is by
Anton Mikhailov, Google (Apache-2.0); the ColorBrewer maps include color specifications and designs
developed by Cynthia Brewer (http://colorbrewer.org/); the others are matplotlib's.
"""

import json
import math
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.seeding import MAX_SEED
from tilecppn.scene.oklab import finer, hexadecimal, light_table, oklab
from tilecppn.scene.profiles import PROFILES, SRGB
from tilecppn.scene.seeded_palette import seeded_palette
from tilecppn.suggestions import one_of

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_PLACE = re.compile(r" (0|[1-9][0-9]?|100)%")
_SEED = re.compile(r"seed:(\d{1,19})")
MAX_COLOURS = 4096
INTERVALS = 1024  # of a palette in another space than sRGB, at least


@cache
def _maps() -> dict[str, str]:
    text = files("tilecppn.scene").joinpath("colour_maps.json").read_text(encoding="ascii")
    maps: dict[str, str] = json.loads(text)
    return maps


def names() -> list[str]:
    """List the colour maps, without their reversed forms."""
    return list(_maps())


def seed_of(palette: str) -> int | None:
    """Return the seed of a palette like "seed:12"; None for a name."""
    match = _SEED.fullmatch(palette)
    seed = int(match[1]) if match else None
    return seed if seed is not None and seed <= MAX_SEED else None


class Light(NamedTuple):
    """The range of a palette from dark to bright, for networks with a lightness output."""

    shadow: str  # the colour that is mixed into dark parts
    shade: float  # its share in the darkest, 0 to 1
    glow: float  # how much brighter bright parts are


def light_of(palette: str | tuple[str, ...]) -> Light:
    """Return the default light of a palette, from its own darkest colour."""
    seed = seed_of(palette) if isinstance(palette, str) else None
    if seed is not None:
        return Light(seeded_palette(seed).shadow, 0.55, 0.6)
    darkest = stops(palette)[int(np.argmin(lab_stops(palette)[:, 0]))] * 0.5
    return Light(hexadecimal(darkest), 0.6, 0.8)


@lru_cache(64)  # a film may have one per frame
def table(palette: str | tuple[str, ...], light: Light) -> NDArray[np.float64]:
    """Return a palette from dark to bright: (places, lights, 3), from 0 to 1, read only."""
    shadow = np.array(_rgb(light.shadow))
    colours = light_table(lab_stops(palette), shadow, light.shade, light.glow)
    colours.setflags(write=False)
    return colours


def to_profile(colours: NDArray[np.float64], profile: str, invert: bool) -> NDArray[np.float64]:
    """Convert sRGB stops (n, 3) or a table (places, lights, 3) to another colour space.

    Stops are added so that colours between them look as in sRGB, too. invert: whether pixels are
    inverted afterwards; it is then the inverted colours that look the same.
    """
    space = PROFILES[profile]
    if space is SRGB:
        return colours
    if colours.ndim == 2:
        colours = finer(colours, math.ceil(INTERVALS / (len(colours) - 1)))
    return 1.0 - space.from_srgb(1.0 - colours) if invert else space.from_srgb(colours)


def lab_of(colour: str) -> NDArray[np.float64]:
    """Return the OKLab colour (3,) of `#rgb` or `#rrggbb`."""
    return oklab(np.array(_rgb(colour)))


def is_colour(text: str) -> bool:
    """Return whether a string is `#rgb` or `#rrggbb`."""
    return _HEX.fullmatch(text) is not None


def list_error(values: Sequence[object]) -> tuple[int | None, str] | None:
    """Return the index of the first wrong colour and what it must be; None for a valid list.

    A list has at least 2 colours, of which all or none have a place; places increase from 0% to
    100%. The index is None if the number of colours is wrong.
    """
    if not 2 <= len(values) <= MAX_COLOURS:
        return None, f"must have from 2 to {MAX_COLOURS:,} colours"
    texts = [value if isinstance(value, str) else "" for value in values]
    placed, before = any(" " in text for text in texts), -1
    for index, text in enumerate(texts):
        if not is_colour(text.partition(" ")[0]):
            return index, 'must be #rgb or #rrggbb, as "#0b1d51"'
        place = _place(text)
        if place is None and placed:
            return index, 'must have a place, as others have, from 0% to 100%: "#0b1d51 30%"'
        if place is not None and place <= before:
            return index, f"must have a place after the {before}% before it"
        before = before if place is None else place
    return None


@cache
def stops(palette: str | tuple[str, ...]) -> NDArray[np.float64]:
    """Return the colours (n, 3), from 0 to 1, of a name or a list of at least 2 colours; read only.

    Colours between places are mixed in sRGB. Raises SceneError for an unknown name.
    """
    colours = _even(_colours(palette), palette)
    colours.setflags(write=False)
    return colours


@cache
def lab_stops(palette: str | tuple[str, ...]) -> NDArray[np.float64]:
    """Return the colours (n, 3) of a palette in OKLab, mixed there between places; read only."""
    colours = _even(oklab(_colours(palette)), palette)
    colours.setflags(write=False)
    return colours


def _even(colours: NDArray[np.float64], palette: str | tuple[str, ...]) -> NDArray[np.float64]:
    """Resample colours (n, 3) at the places of a palette to even spacing, keeping each of them.

    Before the first place and after the last the colour is constant.
    """
    places = [_place(colour) for colour in palette] if isinstance(palette, tuple) else []
    known = [place for place in places if place is not None]
    if not known:
        return colours
    even = np.arange(0, 101, math.gcd(100, *known))
    return np.stack([np.interp(even, known, channel) for channel in colours.T], axis=-1)


def _place(colour: str) -> int | None:
    """Return the place of a colour in percent, as 30 for "#0b1d51 30%"; None without one."""
    found = _PLACE.fullmatch(colour[colour.find(" ") :]) if " " in colour else None
    return None if found is None else int(found[1])


def _colours(palette: str | tuple[str, ...]) -> NDArray[np.float64]:
    if isinstance(palette, tuple):
        return np.array([_rgb(colour.partition(" ")[0]) for colour in palette])
    if (seed := seed_of(palette)) is not None:
        return _colours(seeded_palette(seed).stops)
    backwards = palette.endswith("_r")
    maps = _maps()
    name = palette.removesuffix("_r") if backwards else palette
    one_of([*maps, *(f"{known}_r" for known in maps)], palette, "palette")
    colours = np.frombuffer(bytes.fromhex(maps[name]), ">u2").reshape(-1, 3) / 65535.0
    return colours[::-1] if backwards else colours


def slope(colours: NDArray[np.float64]) -> float:
    """Return the steepest slope of a channel over the inputs of the palette, at least 1.

    `colours`: stops (n, 3), or a table (places, lights, 3), whose two slopes are added.
    """
    steps = [np.abs(np.diff(colours, axis=a)).max() * (n - 1) for a, n in _axes(colours)]
    return max(1.0, float(sum(steps)))


def variation(colours: NDArray[np.float64]) -> float:
    """Return the largest total variation of a channel, at least 1; `colours` as for `slope`."""
    totals = [np.abs(np.diff(colours, axis=a)).sum(axis=a).max() for a, _ in _axes(colours)]
    return max(1.0, float(sum(totals)))


def _axes(colours: NDArray[np.float64]) -> list[tuple[int, int]]:
    return list(enumerate(colours.shape[:-1]))


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(value / 255.0 for value in eight_bits(colour))


def eight_bits(colour: str) -> tuple[int, ...]:
    """Parse `#rgb` or `#rrggbb`: red, green and blue from 0 to 255."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return tuple(int(digits[i : i + 2], 16) for i in (0, 2, 4))
