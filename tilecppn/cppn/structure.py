"""The structure of a network: everything but its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tilecppn.cppn.seeding import Distribution

MAX_WIDTH = 4096
MAX_DEPTH = 1024
MAX_Z_DIM = 4096
MAX_PARAMETERS = 2**27  # half a gigabyte of weights in every worker
COORDINATES = ("x", "y", "r")
INPUTS = (*COORDINATES, "z", "one")  # the order of layer 0's columns, of those that are chosen


@dataclass(frozen=True)
class Structure:
    """All of a network but its numbers; what a weights file keeps as metadata."""

    preset: str
    activations: tuple[str, ...]  # one name a hidden layer
    output: str
    channels: int
    z_dim: int
    latent_scale: float
    latent: Distribution
    view: Mapping[str, Any] = field(default_factory=dict)
    residual: bool = False  # hidden layers after the first add to their input: h + act(W h + b)
    inputs: tuple[str, ...] = ("x", "y", "r", "z")  # of INPUTS, in its order
    origin: tuple[float, float] = (0.0, 0.0)  # the plane point that r is measured from

    @property
    def columns(self) -> int:
        """The number of layer 0's inputs."""
        return sum(self.z_dim if name == "z" else 1 for name in self.inputs)


def shapes(structure: Structure, width: int) -> list[tuple[int, int]]:
    """(out, in) of each layer, the output layer last."""
    hidden = [width] * len(structure.activations)
    return list(zip([*hidden, structure.channels], [structure.columns, *hidden], strict=True))
