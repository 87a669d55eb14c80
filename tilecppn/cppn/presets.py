"""The presets: one table, one row a network, with its own distributions and view."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tilecppn.cppn.seeding import Distribution

STANDARD_NORMAL = Distribution("normal", 0.0, 1.0)
UNIFORM = Distribution("uniform", -1.0, 1.0)
UNIT = Distribution("uniform", 0.0, 1.0)
ZERO = Distribution("uniform", 0.0, 0.0)


@dataclass(frozen=True)
class Preset:
    """What a named network is made of. A scene may override width, depth, z_dim, activations,
    inputs, residual.
    """

    description: str
    activations: tuple[str, ...]  # one name a hidden layer, the first included
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
    palette: tuple[str, ...] | str | None = None  # where the scene names no channels or colours


_TEXT = "Ha, Generating Abstract Patterns (2016): "
_WHOLE = {"aspect": "stretch", "grid": "endpoints"}  # each axis from end to end


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
    """A preset of ours: gentle weights, so that every seed has forms of a size to look at."""
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
}
