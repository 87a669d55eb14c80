"""The originals' defaults in a notebook: canvas, view, channels and inversion."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class SamplerDefaults(NamedTuple):
    """The defaults of one preset's Sampler."""

    c_dim: int | None  # None: the preset's own number of channels
    x_dim: int
    y_dim: int
    invert: bool  # images are shown and saved as 1 - v
    view: Mapping[str, Any]  # defaults of [view], overridden by the network's own


_WHOLE = {"aspect": "stretch", "grid": "endpoints"}
_HARDMARU = SamplerDefaults(1, 1080, 1060, True, _WHOLE)
OTHERS = SamplerDefaults(None, 512, 512, False, {})  # for presets without an original
DEFAULTS = {
    "hardmaru": _HARDMARU,
    "hardmaru-softplus": _HARDMARU,
    "hardmaru-sine": _HARDMARU,
    "hardmaru-sqrt": _HARDMARU,
    "hardmaru-residual": _HARDMARU,
    "hardmaru-gan-vae": SamplerDefaults(1, 512, 512, True, _WHOLE),
    "flux": SamplerDefaults(1, 512, 512, False, _WHOLE),
    "guibas": SamplerDefaults(1, 256, 256, False, _WHOLE),
}
