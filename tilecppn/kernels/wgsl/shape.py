"""The structure of a shader, which decides its text, and the layout of its data.

Data are rows of four float32. Units are taken in vectors of four, padded with weights of zero.

| rows | contents |
|---|---|
| 2 | the reference point: x, y from the structure's origin and heights; its radius |
| … | with symmetry: `reference.reference_point` |
| 1 | of the reference: sums of the outputs |
| for each layer, for each vector | of the reference: sums or biases, or two rows for differences |
| and with detail one for the layer | the readout's offset; and not in pages the fade's start |
| … | colours of the palette |
| with detail for each layer | only in pages: the factors of its readout, and the fade's start |
| for each layer that is read out, for each channel | the weights of each vector |
| for each layer, for each vector | the weights of each input |
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tilecppn.cppn import CPPN
from tilecppn.cppn.resolved import sorted_units, unit_functions
from tilecppn.errors import InvalidRequestError
from tilecppn.scene import palettes
from tilecppn.scene.scene import Scene
from tilecppn.scene.symmetry import Fold, reflections

WIDEST = 128  # units of a layer, all held by one invocation
DEEPEST = 128  # hidden layers

Functions = tuple[str, ...]  # of each unit


@dataclass(frozen=True)
class Shape:
    """The structure of a shader."""

    layers: tuple[Functions, ...]
    output: Functions
    residual: bool
    detail: bool  # every layer is read out, and the first ones may evaluate differences
    radius: bool  # whether r is an input
    stops: int  # colours of the palette
    fold: Fold | None

    @classmethod
    def of(cls, scene: Scene, layers: int) -> "Shape":
        """Return the shape for a scene, with so many hidden layers."""
        stops = 0 if scene.output.palette is None else len(palettes.stops(scene.output.palette))
        return cls.of_network(scene.cppn, Fold.of(scene.view), layers, stops)

    @classmethod
    def of_network(cls, cppn: CPPN, fold: Fold | None, layers: int, stops: int = 0) -> "Shape":
        """Return the shape for a network with so many hidden layers and palette colours."""
        s, width = cppn.structure, cppn.width
        functions = [unit_functions(s.activation(i), width) for i in range(layers)]
        if not s.residual:
            orders = [sorted_units(s.activation(i), width) for i in range(layers)]
            functions = [[f[k] for k in o] for f, o in zip(functions, orders, strict=True)]
        return cls(
            layers=tuple(map(tuple, functions)),
            output=tuple(unit_functions(s.output, s.channels)),
            residual=s.residual,
            detail=s.detail is not None,
            radius="r" in s.inputs,
            stops=stops,
            fold=fold,
        )

    @property
    def channels(self) -> int:
        """The number of the network's outputs."""
        return len(self.output)

    @cached_property
    def vectors(self) -> int:
        """The number of vectors of four units in a layer."""
        return -(-len(self.layers[0]) // 4)

    def functions(self, layer: int, vector: int) -> Functions:
        """Return the functions of a vector's units; units beyond the last have its function."""
        every = self.layers[layer]
        return tuple(every[min(4 * vector + k, len(every) - 1)] for k in range(4))

    @property
    def reference_rows(self) -> int:
        """The rows of a vector in the reference: one for a constant, two for differences."""
        return 2 if self.detail else 1

    @property
    def fold_rows(self) -> int:
        """The rows for the reference's symmetry: both axes, and the distances to the mirrors."""
        if self.fold is None:
            return 0
        return 2 + -(-len(reflections(self.fold.radial)) // 4)

    @property
    def outputs(self) -> int:
        """The row of the outputs' sums."""
        return 2 + self.fold_rows

    @property
    def layer_rows(self) -> int:
        """The rows of a layer in the reference."""
        return self.vectors * self.reference_rows + self.detail

    def reference(self, layer: int) -> int:
        """Return a layer's first row in the reference; beyond the last, the reference's end."""
        return self.outputs + 1 + layer * self.layer_rows

    def fade(self, layer: int) -> int:
        """Return the row of a layer's fade in the reference."""
        return self.reference(layer + 1) - 1

    @property
    def palette(self) -> int:
        """The first row of the palette; all rows before it are the reference."""
        return self.reference(len(self.layers))

    def factors(self, layer: int) -> int:
        """Return the row of the factors of a layer's readout."""
        return self.palette + self.stops + layer * self.detail

    def inputs(self, layer: int) -> int:
        """Return the number of a layer's inputs, which is that of rows per vector."""
        return 3 if layer == 0 else 4 * self.vectors

    def weights(self, layer: int) -> int:
        """Return the first row of a layer's weights; beyond the last, the number of all rows."""
        first = self.readout(len(self.layers) - 1) + self.channels * self.vectors
        return first + self.vectors * sum(self.inputs(i) for i in range(layer))

    def has_readout(self, layer: int) -> bool:
        """Return whether a layer is read out into the colour."""
        return self.detail or layer == len(self.layers) - 1

    def readout(self, layer: int) -> int:
        """Return the first row of a layer's readout, or that of all, if only the last has one."""
        before = layer if self.detail else 0
        return self.factors(len(self.layers)) + before * self.channels * self.vectors

    @property
    def rows(self) -> int:
        """The number of all rows."""
        return self.weights(len(self.layers))


def check_fits(scene: Scene, widest: int = WIDEST) -> None:
    """Raise InvalidRequestError for a network that is too large for a shader."""
    cppn = scene.cppn
    depth = len(cppn.structure.activations)
    for what, value, most in (("width", cppn.width, widest), ("depth", depth, DEEPEST)):
        if value > most:
            raise InvalidRequestError(
                f"cppn.{what} = {value}: a shader has room for {most}; "
                "`tilecppn export` makes a page of tiles of any network"
            )
    if not np.isfinite(scene.grid.reach * 1e3) or scene.grid.reach > 1e18:
        raise InvalidRequestError(
            f"view.scale = {scene.view.scale:g}: too large for a shader, which has float32 alone"
        )
