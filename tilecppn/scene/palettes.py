"""Palettes: colours that map a grey value, evenly spaced from 0 to 1.

A palette is a list of colours or the name of a matplotlib colour map; `_r` reverses a map.
`colour_maps.json` has the maps' stops (red, green and blue in 16 bits each, as hexadecimal digits),
so that a picture's colours never change and drawing needs no matplotlib. A test compares each with
matplotlib's.

viridis, plasma, inferno, magma, cividis and twilight are in the public domain (CC0); turbo is by
Anton Mikhailov, Google (Apache-2.0); the ColorBrewer maps include color specifications and designs
developed by Cynthia Brewer (http://colorbrewer.org/); the others are matplotlib's.
"""

import json
import re
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from tilecppn.names import one_of

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
MAX_COLOURS = 4096


@cache
def _maps() -> dict[str, str]:
    text = files("tilecppn.scene").joinpath("colour_maps.json").read_text(encoding="ascii")
    maps: dict[str, str] = json.loads(text)
    return maps


def names() -> list[str]:
    """List the colour maps, without their reversed forms."""
    return list(_maps())


def is_colour(text: str) -> bool:
    """Whether a text is `#rgb` or `#rrggbb`."""
    return _HEX.fullmatch(text) is not None


@cache
def stops(palette: str | tuple[str, ...]) -> NDArray[np.float64]:
    """Return the colours (n, 3), from 0 to 1, of a name or a list of at least 2 colours; read only.

    Raises SceneError for an unknown name.
    """
    colours = _colours(palette)
    colours.setflags(write=False)
    return colours


def _colours(palette: str | tuple[str, ...]) -> NDArray[np.float64]:
    if isinstance(palette, tuple):
        return np.array([_rgb(colour) for colour in palette])
    backwards = palette.endswith("_r")
    maps = _maps()
    name = palette.removesuffix("_r") if backwards else palette
    one_of([*maps, *(f"{known}_r" for known in maps)], palette, "palette")
    colours = np.frombuffer(bytes.fromhex(maps[name]), ">u2").reshape(-1, 3) / 65535.0
    return colours[::-1] if backwards else colours


def slope(palette: str | tuple[str, ...]) -> float:
    """The steepest slope of a channel over the value, at least 1."""
    colours = stops(palette)
    return max(1.0, float(np.abs(np.diff(colours, axis=0)).max()) * (len(colours) - 1))


def variation(palette: str | tuple[str, ...]) -> float:
    """The largest total variation of a channel, up and down, at least 1."""
    return max(1.0, float(np.abs(np.diff(stops(palette), axis=0)).sum(axis=0).max()))


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(value / 255.0 for value in eight_bits(colour))


def eight_bits(colour: str) -> tuple[int, ...]:
    """Parse `#rgb` or `#rrggbb`: red, green and blue from 0 to 255."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return tuple(int(digits[i : i + 2], 16) for i in (0, 2, 4))
