"""The structure of a network: everything but its weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.seeding import Distribution

MAX_WIDTH = 4096
MAX_DETAIL_WIDTH = 256  # limited by the time to orthogonalise weights row by row
MAX_DEPTH = 1024
MAX_Z_DIM = 4096
MAX_PARAMETERS = 2**27  # half a gigabyte of weights in every worker
COORDINATES = ("x", "y", "r")
INPUTS = (*COORDINATES, "z", "one")  # in the order of layer 0's columns


class Step(NamedTuple):
    """One mutation or crossover between a parent and a child; see `tilecppn.cppn.breeding`."""

    seed: int
    amount: float
    other: int | None = None  # for a crossover: the seed of the other parent's further layers


@dataclass(frozen=True)
class Detail:
    """The parameters of detail, for which every hidden layer is read out into the colour.

    They say how its weights are drawn, and how strongly it counts. `decay` and `contrast` have one
    value per output, the last one for all further outputs. All deviations are standard deviations
    of normal distributions.
    """

    decay: tuple[float, ...] = (0.75, 0.87)  # amplitude left one octave of detail later
    contrast: tuple[float, ...] = (1.7, 1.7)  # deviation of an output's sum
    gain: float = 2.8  # hidden weights are this times an orthogonal matrix
    free: int = 7  # hidden layers before this one have independent weights instead
    first: tuple[float, float] = (1.4, 1.4)  # deviation of layer 0's weights of x and y; r as x
    latent: float = 0.5  # deviation of layer 0's weights of z
    bias: float = 1.0  # deviation of all biases
    scale: float = 1.2  # view scale at which the amplitudes are decay^octave
    seed: int | None = None  # layers beyond the structure's own are drawn from it; None: none
    lineage: tuple[Step, ...] = ()  # mutations and crossovers of further layers, oldest first

    def decay_of(self, output: int) -> float:
        """Return the decay per octave of one output."""
        return self.decay[min(output, len(self.decay) - 1)]

    def fault(self) -> str | None:
        """Return an error text for the first value that is not allowed; None if all are."""
        rows = (
            ("gain", [self.gain], 1.5, 16.0),
            ("decay", self.decay, 0.1, 0.95),
            ("contrast", self.contrast, 0.0, 100.0),
            ("first", self.first, 1e-6, 1e6),
            ("latent", [self.latent], 0.0, 1e6),
            ("bias", [self.bias], 0.0, 1e3),
            ("scale", [self.scale], 1e-12, 1e12),
        )
        for name, values, low, high in rows:
            if not values or not all(low <= value <= high for value in values):
                shown = list(values) if len(values) > 1 else values[0] if values else "none"
                return f"{name} = {shown}: must be from {low:g} to {high:g}"
        return None

    def contrast_of(self, output: int) -> float:
        """Return the contrast of one output."""
        return self.contrast[min(output, len(self.contrast) - 1)]


@dataclass(frozen=True)
class Structure:
    """Everything of a network but its weights; the metadata of a weights file."""

    preset: str
    activations: tuple[str, ...]  # one per hidden layer; a mixture, "sin+tanh", in turn
    output: str  # likewise; a unit is a channel
    channels: int
    z_dim: int
    latent_scale: float
    latent: Distribution
    view: Mapping[str, Any] = field(default_factory=dict, hash=False)
    residual: bool = False  # hidden layers after the first add to their input: h + act(W h + b)
    inputs: tuple[str, ...] = ("x", "y", "r", "z")  # of INPUTS, in its order
    origin: tuple[float, float] = (0.0, 0.0)  # the plane point that r is measured from
    detail: Detail | None = None

    def activation(self, layer: int) -> str:
        """Return a hidden layer's activation; layers beyond the last have the last one's."""
        return self.activations[min(layer, len(self.activations) - 1)]

    @property
    def columns(self) -> int:
        """The number of layer 0's inputs."""
        return sum(self.z_dim if name == "z" else 1 for name in self.inputs)


Layers = Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]  # weight and bias of each
Readouts = Sequence[NDArray[np.float32]]
Network = tuple[Structure, Layers, Readouts]  # what a CPPN is made of: see its docstring


def shapes(structure: Structure, width: int) -> list[tuple[int, int]]:
    """Return the shape (out, in) of each layer, the output layer last."""
    hidden = [width] * len(structure.activations)
    return list(zip([*hidden, structure.channels], [structure.columns, *hidden], strict=True))
