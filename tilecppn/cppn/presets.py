"""The presets: one table, one row a network, with its own distributions and view."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tilecppn.cppn.seeded import Distribution

STANDARD_NORMAL = Distribution("normal", 0.0, 1.0)
UNIFORM = Distribution("uniform", -1.0, 1.0)


@dataclass(frozen=True)
class Preset:
    """What a named network is made of. A scene may override width, depth, z_dim, activations."""

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


_TEXT = "Ha, Generating Abstract Patterns (2016): "

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
}
