"""The table of presets: networks with their weight distributions, views and palettes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tilecppn.cppn.seeding import Distribution
from tilecppn.cppn.structure import Detail

STANDARD_NORMAL = Distribution("normal", 0.0, 1.0)
UNIFORM = Distribution("uniform", -1.0, 1.0)
UNIT = Distribution("uniform", 0.0, 1.0)
ZERO = Distribution("uniform", 0.0, 0.0)
DEPTH = 16  # hidden layers that a network with detail stores; it draws further ones on demand


@dataclass(frozen=True)
class Preset:
    """A named kind of network. A scene may override width, depth, z_dim, activations, inputs and
    residual.
    """

    description: str
    activations: tuple[str, ...]  # one per hidden layer, the first included
    output: str = "sigmoid"
    width: int = 32
    z_dim: int = 8
    channels: int = 3
    weights: Distribution = STANDARD_NORMAL
    biases: Distribution = STANDARD_NORMAL
    latent: Distribution = UNIFORM
    latent_scale: float = 10.0
    view: Mapping[str, Any] = field(default_factory=dict)  # the preset's own [view] values
    residual: bool = False
    inputs: tuple[str, ...] = ("x", "y", "r", "z")
    origin: tuple[float, float] = (0.0, 0.0)
    palette: tuple[str, ...] | str | None = None  # if the scene gives no channels or colours
    detail: Detail | None = None  # every hidden layer is read out; its last activation is repeated
    offset: tuple[float, float] = (0.0, 0.0)  # with detail: added to each output's sum
    shadow: str | None = None  # the colour that the palette darkens to where lightness is 0, …
    shade: float | None = None  # … and how much of it is mixed in
    glow: float | None = None  # how much brighter the palette is where lightness is 1

    @property
    def octaves(self) -> int:
        """The doublings of the canvas over which it has new detail; 0 for a smooth preset."""
        return 0 if self.detail is None else DEPTH - 4


_TEXT = "Ha, Generating Abstract Patterns (2016): "
_WHOLE = {"aspect": "stretch", "grid": "endpoints"}  # each axis spans ±scale


def _own(
    description: str,
    activations: tuple[str, ...],
    *,
    width: int = 16,
    spread: float = 0.6,
    scale: float = 4.0,
    residual: bool = False,
    palette: tuple[str, ...] | str,
) -> Preset:
    """Return a smooth preset of tilecppn: small weights, so that every seed has large forms."""
    return Preset(
        description,
        activations,
        output="half-sine",
        width=width,
        channels=1,
        weights=Distribution("normal", 0.0, spread),
        biases=Distribution("normal", 0.0, spread),
        latent_scale=2.0,
        view={"scale": scale},
        residual=residual,
        palette=palette,
    )


def _detailed(
    description: str,
    activations: tuple[str, ...],
    palette: tuple[str, ...],
    *,
    shadow: tuple[str, float],
    glow: float,
    output: str = "sigmoid",
    offset: tuple[float, float] = (0.0, 0.0),
    **detail: Any,
) -> Preset:
    """Return a preset with detail at every scale, whose outputs are palette place and lightness."""
    settings = Detail(**detail)
    return Preset(
        description,
        activations,
        output=output,
        width=24,
        channels=2,
        latent_scale=1.0,
        view={"scale": settings.scale},
        inputs=("x", "y", "z"),  # the tip of r would be visible at any zoom
        palette=palette,
        detail=settings,
        offset=offset,
        shadow=shadow[0],
        shade=shadow[1],
        glow=glow,
    )


PRESETS: dict[str, Preset] = {
    "hardmaru": Preset(_TEXT + "four tanh layers", ("tanh",) * 4),
    "hardmaru-softplus": Preset(
        _TEXT + "tanh and softplus in turn", ("tanh", "softplus", "tanh", "softplus")
    ),
    "hardmaru-sine": Preset(
        _TEXT + "tanh, softplus and a sine output",
        ("tanh", "softplus", "tanh", "softplus"),
        output="half-sine",
    ),
    "hardmaru-sqrt": Preset(
        _TEXT + "three tanh layers and sqrt(1 - |tanh|) output", ("tanh",) * 3, output="sqrt-tanh"
    ),
    "hardmaru-residual": Preset(
        _TEXT + "tanh, then three residual tanh layers", ("tanh",) * 4, residual=True
    ),
    "hardmaru-gan-vae": Preset(
        "Ha, Generating Large Images from Latent Vectors (2016): the generator, untrained",
        ("softplus", "tanh", "tanh", "tanh"),
        width=128,
        z_dim=32,
        channels=1,
        weights=Distribution("normal", 0.0, 0.1),
        biases=Distribution("normal", 0.0, 0.1),
        latent=STANDARD_NORMAL,
        latent_scale=8.0,
        view={"scale": 8.0, **_WHOLE},
    ),
    "flux": Preset(
        "the CPPN of the Flux model zoo (Julia): ten narrow tanh layers without biases",
        ("tanh",) * 10,
        width=14,
        z_dim=2,
        channels=1,
        biases=ZERO,
        latent=UNIT,
        latent_scale=1.0,
        view={"scale": 0.5, **_WHOLE},
    ),
    "guibas": Preset(
        "Guibas and Virdi, Generating Patterns from CPPNs (2017): three tanh layers without "
        "biases, sigmoid(sin) output",
        ("tanh",) * 3,
        output="sigmoid-sin",
        channels=1,
        weights=UNIFORM,
        biases=ZERO,
        latent=UNIT,
        latent_scale=0.1,
        # 256 indices times 0.1; the first one counts rows.
        view={"center": [12.75, 12.75], "scale": 12.75, "swap": True, **_WHOLE},
        origin=(12.8, 12.8),
    ),
    "silk": _own(
        "folds of slate and coral",
        ("tanh", "sin", "tanh", "sin"),
        palette=("#10162f", "#23395b", "#406e8e", "#8ea8c3", "#f2e9dc", "#e8a87c", "#c0564b"),
    ),
    "ember": _own(
        "petrol and red, with light between",
        ("sin",) * 4,
        width=10,
        palette=("#0d1b2a", "#1b4965", "#62b6cb", "#fdf0d5", "#f4a261", "#9b2226"),
    ),
    "dunes": _own(
        "cream hills with aubergine shadows, residual",
        ("tanh",) * 4,
        width=24,
        spread=0.5,
        scale=5.0,
        residual=True,
        palette=("#faf3e3", "#e9c8a4", "#d9805f", "#8d3b4a", "#33223b"),
    ),
    "porcelain": _own(
        "white with blue and brown veins",
        ("gaussian", "tanh", "sin"),
        spread=0.7,
        scale=5.0,
        palette="twilight",
    ),
    "lagoon": _own(
        "gold on deep water",
        ("softplus", "sin", "softplus", "sin"),
        width=12,
        scale=5.0,
        palette=("#0b132b", "#1c2541", "#3a506b", "#5bc0be", "#f7fff7", "#ffd166"),
    ),
    "jupiter": _detailed(
        "bands of cloud, blue and rust, storms between",
        ("sin",),
        ("#16234d", "#2b5c9e", "#64a5d2", "#c4dfe8", "#fbeed8", "#f2b880", "#d46a4a", "#8a2f42"),
        shadow=("#0d1030", 0.55),
        glow=0.8,
        decay=(0.74, 0.873),
        contrast=(1.7, 1.7),
        gain=2.8,
        free=8,
        first=(1.0, 1.7),
    ),
    "pyre": _detailed(
        "fire: wine, red and gold",
        ("sin", "sin", "gaussian", "sin", "sin", "gaussian", "sin"),
        ("#241046", "#5c1748", "#a8233f", "#e5523a", "#fa913c", "#fdbf52", "#ffdc90"),
        shadow=("#5e0e10", 0.72),
        glow=1.2,
        offset=(0.3, 0.0),
        decay=(0.7, 0.882),
        contrast=(1.7, 1.7),
        gain=3.0,
        free=7,
        first=(1.4, 1.4),
    ),
    "tide": _detailed(
        "surf and sand, long horizontal swells",
        ("sin+tanh", "sin+tanh", "sin+tanh", "sin+tanh", "sin+tanh", "sin+tanh", "sin+tanh", "sin"),
        ("#0a2540", "#0f5068", "#1c8a8e", "#62c0ae", "#cdeacd", "#fbefcf", "#f5c27d", "#d98550"),
        shadow=("#041f2c", 0.65),
        glow=1.2,
        offset=(0.2, 0.0),
        decay=(0.74, 0.89),
        contrast=(1.7, 1.7),
        gain=3.2,
        free=7,
        first=(0.9, 2.1),
    ),
    "petal": _detailed(
        "soft folds of rose, cream and sky",
        ("tanh", "sin", "tanh", "sin", "tanh", "sin", "sin"),
        ("#54245e", "#a0457c", "#e06c80", "#f8a088", "#ffd2b4", "#fdeadb", "#aee0f0", "#4fb0d8"),
        shadow=("#4c1c82", 0.66),
        glow=1.1,
        decay=(0.7, 0.895),
        contrast=(1.6, 1.8),
        gain=3.0,
        free=7,
        first=(1.4, 1.4),
    ),
    "agate": _detailed(
        "mineral bands, green, ivory and rust",
        ("sin",),
        ("#0b3d3a", "#1f6f62", "#6fae8c", "#dfe3b8", "#fbecc8", "#edb672", "#bd6237", "#6a2a2c"),
        shadow=("#0c1c18", 0.6),
        glow=1.0,
        output="half-sine+sigmoid",
        decay=(0.66, 0.885),
        contrast=(2.2, 1.75),
        gain=2.5,
        free=8,
        first=(0.8, 0.8),
    ),
    "ink": _detailed(
        "washes of indigo on paper, a vermilion seal",
        (
            "sin+gaussian+tanh",
            "sin+gaussian+tanh",
            "sin+gaussian+tanh",
            "sin+gaussian+tanh",
            "sin+gaussian+tanh",
            "sin+gaussian+tanh",
            "sin+gaussian+tanh",
            "sin",
        ),
        ("#161c2e", "#2f3a52", "#65748a", "#b0b9be", "#efe8dc", "#fbf3e4", "#f7e3cf", "#ea4f35"),
        shadow=("#252a48", 0.6),
        glow=1.1,
        decay=(0.74, 0.889),
        contrast=(1.8, 1.8),
        gain=3.4,
        free=7,
        first=(1.6, 1.6),
    ),
    "nebula": _detailed(
        "dark violet with light inside",
        ("sin", "gaussian", "sin", "gaussian", "sin", "gaussian", "sin"),
        ("#150f45", "#3d2496", "#8140c2", "#cb5cbc", "#fb839c", "#ffa58c", "#ffc9a6"),
        shadow=("#14063c", 0.7),
        glow=1.0,
        decay=(0.73, 0.866),
        contrast=(1.7, 1.7),
        gain=3.0,
        free=7,
        first=(1.4, 1.4),
    ),
    "meadow": _detailed(
        "fields, clouds and water",
        ("gaussian+tanh", "sin", "gaussian+tanh", "sin", "gaussian+tanh", "sin", "sin"),
        ("#17301f", "#37602f", "#7c9a3a", "#cbc765", "#f5efc0", "#e4eee6", "#a9d2e4", "#5b97c4"),
        shadow=("#0c3038", 0.62),
        glow=0.8,
        decay=(0.72, 0.903),
        contrast=(1.7, 1.7),
        gain=3.2,
        free=6,
        first=(1.4, 1.4),
    ),
}
