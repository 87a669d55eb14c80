"""Converts OKLCH (lightness, chroma, hue) to a colour space by a table with soft gamut mapping.

OKLCH is the polar form of OKLab: see `tilecppn.scene.oklab`.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tilecppn.scene.oklab import linear_rgb, whole_steps
from tilecppn.scene.profiles import PROFILES, SRGB, Profile

Array = NDArray[np.float64]

INTERVALS = (64, 24, 96)  # of the table, along lightness, chroma and hue
FULL = 0.32  # the chroma of an output of 1; the largest in sRGB is 0.323
KNEE = 0.6  # share of the largest chroma up to which colours are unchanged
HALVINGS = 40  # of the bisection for the largest chroma


def rgb_of_oklch(lightness: Array, chroma: Array, turns: Array, profile: Profile = SRGB) -> Array:
    """Convert OKLCH to red, green, blue (..., 3) from 0 to 1 in a space; the hue is in turns.

    Up to KNEE of the largest chroma that the space has at this lightness and hue, the colour is
    exact. Larger chromas approach the edge of the gamut and never reach it, so that different
    chromas give different colours and nothing is clipped.
    """
    hue = 2.0 * np.pi * turns
    along, up = np.cos(hue), np.sin(hue)
    most = most_chroma(lightness, along, up, profile)
    excess = np.maximum(chroma / np.maximum(most, 1e-9) - KNEE, 0.0) / (1.0 - KNEE)
    soft = most * (KNEE + (1.0 - KNEE) * excess / (1.0 + excess))
    chroma = np.where(excess > 0.0, soft, chroma)
    lab = np.stack(np.broadcast_arrays(lightness, chroma * along, chroma * up), -1)
    return profile.encoded(profile.from_linear_srgb(linear_rgb(lab)))


def most_chroma(lightness: Array, along: Array, up: Array, profile: Profile = SRGB) -> Array:
    """Return the largest chroma in a space's gamut at a lightness and hue (its cosine and sine)."""
    low = np.zeros(np.broadcast_shapes(lightness.shape, along.shape))
    high = np.full_like(low, 0.5)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        lab = np.stack([lightness + 0.0 * low, middle * along, middle * up], -1)
        linear = profile.from_linear_srgb(linear_rgb(lab))
        inside = ((linear >= 0.0) & (linear <= 1.0)).all(-1)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return low


@cache
def oklch_table(profile: str = "srgb") -> Array:
    """Return a read-only table (lightnesses, chromas, hues, 3) of colours from 0 to 1.

    profile: the space of the colours, a key of PROFILES.

    Each axis goes from 0 to 1: chroma 1 stands for FULL, and hue 1 is the same as hue 0.
    """
    axes = [np.arange(n + 1) / n for n in INTERVALS]
    light, chroma, turns = np.meshgrid(*axes, indexing="ij", sparse=True)
    table = whole_steps(rgb_of_oklch(light, FULL * chroma, turns, PROFILES[profile]))
    table[:, :, -1] = table[:, :, 0]
    table.setflags(write=False)
    return table
