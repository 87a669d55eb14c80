"""A CPPN for one latent and one view, as kernels evaluate it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilecppn.cppn.activations import ACTIVATIONS, DIFFERENCES, components
from tilecppn.cppn.detail import LocalFineness
from tilecppn.cppn.portable_math import smoothstep
from tilecppn.cppn.structure import COORDINATES, Structure

Weights = NDArray[np.floating]
Groups = tuple[tuple[str, int], ...]  # (function, how many units) in the order of the units


class Fade(NamedTuple):
    """How a layer's readout fades from place to place; see `HiddenLayer`."""

    start: float
    offset: Weights  # (channels,), added to the readout


class HiddenLayer(NamedTuple):
    """A hidden layer: h = activation(weight · inputs + bias), read out as readout · h.

    With a `fade` it is read out as smoothstep(start - fineness) · (readout · h + offset), by the
    local fineness.

    If it `differs`, its inputs and values are differences from those at the view's centre, where
    its sums are `bias`: h = activation(bias + weight · inputs) - activation(bias).
    """

    weight: Weights  # (out, in)
    bias: Weights  # (out,)
    groups: Groups
    readout: Weights | None  # (channels, out); None: it adds nothing to the colour
    differs: bool = False
    fade: Fade | None = None


@dataclass(frozen=True, eq=False)
class ResolvedNetwork:
    """A network with all values resolved: colour = output(bias + the sum of all readouts).

    The latent is included in layer 0's bias, and the view's amplitudes in the readouts. Units of a
    layer that mixes activations are sorted by activation. A plain network reads out only its last
    hidden layer.

    In a deep zoom the first layers compute differences, and x, y and r are differences, too. The
    bias of the next layer is its sums at the centre; `bias` includes the first layers' readouts
    there.

    If layers fade, `local` says how the fineness of the places is computed.
    """

    layers: tuple[HiddenLayer, ...]  # layer 0 takes x, y, r
    bias: Weights  # (channels,)
    output: Groups
    residual: bool  # hidden layers after the first add to their input
    structure: Structure
    first_with_latent: tuple[Weights, Weights]  # layer 0 before the latent is in its bias
    latent: NDArray[np.float64]  # (z_dim,), scaled
    local: LocalFineness | None = None

    @property
    def channels(self) -> int:
        """The number of outputs of the network."""
        return len(self.bias)

    @property
    def units(self) -> int:
        """The number of hidden units and channels: the rows of a trace."""
        return sum(len(layer.bias) for layer in self.layers) + self.channels

    @property
    def differences(self) -> int:
        """The number of first layers that compute differences from the view's centre."""
        return sum(layer.differs for layer in self.layers)

    @property
    def width(self) -> int:
        """The width of the widest hidden layer."""
        return max(len(layer.bias) for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds per pixel."""
        readouts = (layer.readout for layer in self.layers if layer.readout is not None)
        return sum(layer.weight.size for layer in self.layers) + sum(r.size for r in readouts)

    def colour(
        self,
        x: ArrayLike,
        y: ArrayLike,
        r: ArrayLike,
        sums: list[NDArray[np.float64]] | None = None,
        fineness: ArrayLike | None = None,
    ) -> NDArray[np.float64]:
        """Return the colour (..., channels) at plane points, in float64; r is their radius.

        In a deep zoom x, y and r are differences from those of the view's centre.

        sums: a list to which each layer's sums before activation, (..., out), are appended, the
        outputs' last. fineness: that of the points, by which layers fade; None for that of the
        whole picture.
        """
        if fineness is None and self.local is not None:
            fineness = self.local.typical
        colour: NDArray[np.float64] | None = None
        for layer, (total, h) in zip(self.layers, self.hidden(x, y, r), strict=True):
            if sums is not None:
                sums.append(total)
            if layer.readout is not None:
                part = product(h, layer.readout)
                if layer.fade is not None:
                    share = smoothstep(layer.fade.start - np.asarray(fineness, np.float64))
                    part = share[..., None] * (part + layer.fade.offset)
                colour = part if colour is None else colour + part
        assert colour is not None
        total = colour + self.bias
        if sums is not None:
            sums.append(total)
        return activated(total, self.output)

    def fading(self, i: int) -> tuple[float, Weights]:
        """Return the factor and the offset of a layer's readout at the whole picture's fineness."""
        fade = self.layers[i].fade
        if fade is None or self.local is None:
            return 1.0, np.zeros(self.channels)
        return smoothstep(fade.start - self.local.typical), fade.offset

    def evenly_faded(self) -> "ResolvedNetwork":
        """Return the network faded like the whole picture everywhere, without invisible layers."""
        layers: list[HiddenLayer] = []
        bias = self.bias
        for i, layer in enumerate(self.layers):
            share, offset = self.fading(i)
            if share == 0.0 and layers:
                break
            readout = None if layer.readout is None else share * layer.readout
            layers.append(layer._replace(readout=readout, fade=None))
            bias = bias + share * offset
        return replace(self, layers=tuple(layers), bias=bias, local=None)

    def hidden(
        self, x: ArrayLike, y: ArrayLike, r: ArrayLike
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Yield the sums and the values (..., units) of each hidden layer; see `colour`."""
        x, y, r = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (x, y, r)))
        latent = [np.broadcast_to(v, x.shape) for v in self.latent]
        columns = {"x": [x], "y": [y], "r": [r], "z": latent, "one": [np.ones(x.shape)]}
        names = COORDINATES if self.differences else self.structure.inputs
        h = np.stack([column for name in names for column in columns[name]], axis=-1)
        for i, layer in enumerate(self.layers):
            weight, bias = self.first_with_latent if i == 0 else layer[:2]
            change = product(h, weight)
            total = change + bias
            if layer.differs:
                values = differences(bias, change, layer.groups)
            else:
                values = activated(total, layer.groups)
            h = h + values if self.residual and i > 0 else values
            yield total, h


def product(h: NDArray[np.float64], weight: Weights) -> NDArray[np.float64]:
    """Return the product (..., out) of h (..., in) and a weight (out, in), bit-reproducibly."""
    # einsum, not BLAS, whose order of summation depends on the number of points.
    return np.asarray(np.einsum("...i,oi->...o", h, weight, dtype=np.float64))


def activated(sums: NDArray[np.float64], groups: Groups) -> NDArray[np.float64]:
    """Apply each unit's activation to a layer's sums; return values (..., units)."""
    if len(groups) == 1:
        return ACTIVATIONS[groups[0][0]].function(sums)
    ends = np.cumsum([count for _, count in groups])[:-1]
    values = np.split(sums, ends, axis=-1)
    return np.concatenate(
        [ACTIVATIONS[name].function(v) for (name, _), v in zip(groups, values, strict=True)], -1
    )


def differences(start: Weights, change: NDArray[np.float64], groups: Groups) -> NDArray[np.float64]:
    """Return the change of values (..., units) if sums change by `change` from `start` (units,)."""
    values, first = np.empty_like(change), 0
    for name, count in groups:
        part = slice(first, first + count)
        values[..., part] = DIFFERENCES[name](np.asarray(start[part]), change[..., part])
        first += count
    return values


def unit_functions(activation: str, units: int) -> list[str]:
    """Return the function of each unit of a layer."""
    names = components(activation)
    return [names[i % len(names)] for i in range(units)]


def grouped(functions: Iterable[str]) -> Groups:
    """Return the runs of equal functions."""
    return tuple((name, len(list(run))) for name, run in groupby(functions))


def sorted_units(activation: str, units: int) -> list[int]:
    """Return the units of a layer sorted by function."""
    period = len(components(activation))
    return [i for k in range(period) for i in range(k, units, period)]


@lru_cache(256)
def arranged(activation: str, units: int, residual: bool) -> tuple[list[int] | slice, Groups]:
    """Return the order of a layer's units, sorted by function, and their groups."""
    functions = unit_functions(activation, units)
    # A residual layer adds unit to unit, so the order must not change.
    if residual or len(components(activation)) == 1:
        return slice(None), grouped(functions)
    order = sorted_units(activation, units)
    return order, grouped(functions[k] for k in order)
