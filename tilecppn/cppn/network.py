"""The CPPN: its weights, and its evaluation in float64, the reference for all kernels."""

import hashlib
import itertools
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilecppn import filesystem
from tilecppn.addresses import as_path
from tilecppn.cppn import breeding, weights_file
from tilecppn.cppn.center import Center
from tilecppn.cppn.detail import (
    DEEP,
    MEASURED,
    Amplitude,
    DetailModel,
    Expected,
    LocalFineness,
    Sampling,
    detail_model,
)
from tilecppn.cppn.presets import PRESETS
from tilecppn.cppn.resolved import (
    Fade,
    HiddenLayer,
    ResolvedNetwork,
    Weights,
    arranged,
    grouped,
    unit_functions,
)
from tilecppn.cppn.seeded_weights import DrawnLayer, draw_network
from tilecppn.cppn.seeding import LATENT_STREAM, uniforms
from tilecppn.cppn.structure import COORDINATES, Network, Structure
from tilecppn.errors import SceneError

Array = NDArray[np.float64]


class Parts(NamedTuple):
    """The parts of a resolved network."""

    hidden: Sequence[tuple[Weights, Weights]]
    readouts: Sequence[Weights | None]  # of each hidden layer
    fades: Sequence[Fade | None]
    bias: Weights  # of the outputs
    differences: int = 0  # see `ResolvedNetwork`
    local: LocalFineness | None = None


class CPPN:
    """A picture as a function that maps (x, y), its radius and a latent to a colour.

    `layers[i]` is (weight, bias) of shape (out, in) and (out,), the output layer last; both are
    rounded to float32. With detail every hidden layer is read out: `readouts[i]`, (channels,
    width), has the weights for hidden layer i, except the last, which the output layer reads.
    Layer 0 takes those of the following inputs that `structure.inputs` names: x, y,
    r = sqrt((x - x0)² + (y - y0)²) with (x0, y0) the structure's origin, the latent times
    `structure.latent_scale`, and the constant 1.
    """

    def __init__(
        self,
        structure: Structure,
        layers: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]],
        readouts: Sequence[NDArray[np.floating]] = (),
    ) -> None:
        self.structure = structure
        self.layers = tuple((_frozen(w), _frozen(b)) for w, b in layers)
        self.readouts = tuple(_frozen(readout) for readout in readouts)
        self._further: dict[int, DrawnLayer] = {}  # layers beyond the stored ones, drawn on demand

    @classmethod
    def from_preset(
        cls,
        name: str,
        *,
        seed: int = 0,
        channels: int | None = None,
        z_dim: int | None = None,
        width: int | None = None,
        depth: int | None = None,
        activations: Sequence[str] | None = None,
        inputs: Sequence[str] | None = None,
        residual: bool | None = None,
        gain: float | None = None,
        decay: float | Sequence[float] | None = None,
        contrast: float | Sequence[float] | None = None,
    ) -> "CPPN":
        """Create a preset's network with weights drawn from `seed` (0 … 2^63 - 1).

        Without `activations`, another `depth` repeats the preset's own in turn. `inputs` are
        names of INPUTS; without "z", z_dim is 0. `gain`, `decay` and `contrast` are for presets
        with detail: see `Detail`. Such a network draws further layers when a view needs them,
        unless `depth` is given.
        Raises SceneError for an unknown name or a number out of range.
        """
        return cls(
            *draw_network(
                name,
                seed=seed,
                channels=channels,
                z_dim=z_dim,
                width=width,
                depth=depth,
                activations=activations,
                inputs=inputs,
                residual=residual,
                gain=gain,
                decay=decay,
                contrast=contrast,
            )
        )

    def mutated(self, seed: int, amount: float = 0.1) -> "CPPN":
        """Return a child with small changes drawn from `seed`.

        amount: from 0, the network itself, to 1, a network that shares only its standard
        deviations. Raises SceneError for a number out of range.
        """
        return CPPN(*breeding.mutant(self._numbers, seed, amount)) if amount else self

    def crossed(self, other: "CPPN", amount: float = 0.5, seed: int = 0) -> "CPPN":
        """Return a child with some units of `other`, a network of the same shape.

        amount: the fraction of them, from 0 to 1; `seed` decides which. Raises SceneError.
        """
        child = breeding.crossing(self._numbers, other._numbers, amount, seed)
        return CPPN(*child) if amount else self

    @property
    def _numbers(self) -> Network:
        return self.structure, self.layers, self.readouts

    def __call__(self, x: ArrayLike, y: ArrayLike, z: ArrayLike = ()) -> NDArray[np.float64]:
        """Evaluate the network at plane points, in float64: the reference for every kernel.

        x, y: any shapes that broadcast, in plane units. z: (z_dim,), before the network's own
        scale. Returns (..., channels), before inversion and quantisation.
        """
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        dx, dy = x - self.structure.origin[0], y - self.structure.origin[1]
        return self.colour(x, y, np.sqrt(dx * dx + dy * dy), z)

    def colour(
        self,
        x: ArrayLike,
        y: ArrayLike,
        r: ArrayLike,
        z: ArrayLike = (),
        sums: list[NDArray[np.float64]] | None = None,
    ) -> NDArray[np.float64]:
        """Evaluate like `__call__`, with r given, since a folded plane has another radius.

        sums: a list to which each layer's sums before activation, (..., out), are appended.
        """
        return self.resolve(z).colour(x, y, r, sums)

    def resolve(
        self, z: ArrayLike, view: Sampling | None = None, folded_plane: bool = False
    ) -> ResolvedNetwork:
        """Return the network for one latent (z_dim,) and one view.

        Without a view, detail is that of the structure's own scale and does not fade. In a deep
        view the first layers compute differences from the centre, unless the plane is folded.
        """
        s = self.structure
        latent = self._latent(z) * s.latent_scale
        first = self._first_layer(latent)
        if s.detail is None:
            parts = self._plain()
        else:
            deep = view and not folded_plane and self._detail_model.octaves(view) >= DEEP
            parts = self._read_out(view, first, latent if deep else None)
        hidden, readouts, fades, bias, differences, local = parts
        first_with_latent = hidden[0]
        before: list[int] | slice = slice(None)
        layers = []
        for i, (weight, layer_bias) in enumerate(hidden):
            order, groups = arranged(s.activation(i), len(layer_bias), s.residual)
            weight, layer_bias = weight[order], layer_bias[order]
            if i == 0:
                first_with_latent = weight, layer_bias
                if not differences:
                    weight, layer_bias = (a[order] for a in first)
            else:
                weight = np.asfortranarray(weight[:, before])  # NumPy sums in an order by layout
            readout = readouts[i]
            if readout is not None:
                readout = np.asfortranarray(readout[:, order])
            differs = i < differences
            layers.append(HiddenLayer(weight, layer_bias, groups, readout, differs, fades[i]))
            before = order
        return ResolvedNetwork(
            layers=tuple(layers),
            bias=bias,
            output=grouped(unit_functions(s.output, self.channels)),
            residual=s.residual,
            structure=s,
            first_with_latent=first_with_latent,
            latent=latent,
            local=local,
        )

    def _plain(self) -> Parts:
        *hidden, (last, bias) = self.layers
        return Parts(hidden, [*[None] * (len(hidden) - 1), last], [None] * len(hidden), bias)

    def _read_out(
        self, view: Sampling | None, first: tuple[Array, Array], latent: Array | None
    ) -> Parts:
        """Return the parts for a view. latent: scaled, if the first layers compute differences."""
        model, overall = self._detail_model, self.overall_fineness
        fineness, center, coarser, local = 0.0, None, 0, None
        if view is not None:
            if latent is not None:
                center = self._center(view, latent)
            fineness = self._fineness(view, first, latent, center)
            coarser = model.coarser(view, fineness) if center else 0
            local = model.local_fineness(view, fineness, overall)
        amplitudes = model.amplitudes(view, fineness, overall)
        while len(amplitudes) > 1 and not any(amplitudes[-1].factors):
            amplitudes.pop()
        drawn = [self.hidden_layer(i) for i in range(len(amplitudes))]
        hidden: list[tuple[Weights, Weights]] = [(weight, bias) for weight, bias, _ in drawn]
        means = model.means(len(drawn))
        if center is not None:
            for i in range(min(coarser + 1, len(drawn))):
                hidden[i] = first[0] if i == 0 else hidden[i][0], center.sums(i)
            for i in range(min(coarser, len(drawn))):
                means[i] -= center.values(i)
        scaled = model.scaled(np.stack([readout for *_, readout in drawn]), amplitudes)
        # In a fixed order, on which a sum's last digits depend.
        away = scaled * means[:, None]
        offsets = -np.add.accumulate(away, axis=2)[..., -1]
        fades = [
            None if fade is None else Fade(fade, offset)
            for (_, fade), offset in zip(amplitudes, offsets, strict=True)
        ]
        terms = [self.layers[-1][1].astype(np.float64)[:, None]]
        terms += [part for part, fade in zip(away, fades, strict=True) if fade is None]
        bias = np.subtract.accumulate(np.concatenate(terms, axis=1), axis=1)[:, -1]
        counts = [any(factors) for factors, _ in amplitudes[:-1]] + [True]
        readouts = [r if counted else None for r, counted in zip(scaled, counts, strict=True)]
        fading = any(fade is not None for fade in fades)
        return Parts(hidden, readouts, fades, bias, coarser, local if fading else None)

    def _center(self, view: Sampling, latent: Array) -> Center:
        octaves = self._detail_model.octaves(view)
        return Center(
            self.structure, lambda i: self.hidden_layer(i)[:2], view.center, latent, octaves
        )

    def _fineness(
        self,
        view: Sampling,
        first: tuple[Array, Array],
        latent: Array | None,
        center: Center | None,
    ) -> float:
        if view.measured is not None and view.measured != view.center:
            view = view._replace(center=view.measured)
            center = None if latent is None else self._center(view, latent)
        detail, held = self.structure.detail, len(self.layers) - 1
        assert detail is not None
        numbers = range(1, held) if detail.seed is None else itertools.count(1)
        further = (self.hidden_layer(i)[:2] for i in numbers)
        return self._detail_model.fineness(view, itertools.chain([first], further), center)

    def hidden_layer(self, i: int) -> DrawnLayer:
        """Return (weight, bias, readout) of hidden layer i of a network with detail.

        Layers beyond those that the network stores are drawn from the structure's seed.
        """
        held = len(self.layers) - 1
        if i < held:
            return *self.layers[i], (self.readouts[i] if i < held - 1 else self.layers[-1][0])
        if i not in self._further:
            self._further[i] = breeding.further_layer(self.structure, i, self.width)
        return self._further[i]

    def readout_amplitudes(self, view: Sampling) -> list[Amplitude]:
        """Return the amplitude of each layer in a view, for a network with detail."""
        return self._detail_model.amplitudes(view, overall=self.overall_fineness)

    def expected_layer(self, i: int) -> Expected:
        """Return the expected statistics of hidden layer i of a network with detail."""
        return self._detail_model.expected(i)

    @cached_property
    def overall_fineness(self) -> float:
        """The octaves by which layers of a network with detail are finer than expected."""
        return self._detail_model.overall(self.layers[:-1][:MEASURED])

    @property
    def readout_factors(self) -> list[float]:
        """The factor of each output's readouts, in addition to a view's amplitudes."""
        return self._detail_model.factors

    @cached_property
    def _detail_model(self) -> DetailModel:
        return detail_model(self.structure, self.width)

    def first_layer(self, z: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return layer 0 for one latent, in float64: weight (width, 3) of x, y, r; bias (width,).

        The latent and the constant are the same at every point, so their part of the sum is
        included in the bias. A coordinate that is not an input has weights of zero.
        """
        return self._first_layer(self._latent(z) * self.structure.latent_scale)

    def _first_layer(self, latent: Array) -> tuple[Array, Array]:
        s = self.structure
        weight, bias = (a.astype(np.float64) for a in self.layers[0])
        chosen = [name for name in COORDINATES if name in s.inputs]
        full = np.zeros((self.width, len(COORDINATES)))
        full[:, [COORDINATES.index(name) for name in chosen]] = weight[:, : len(chosen)]
        constant = np.append(latent, [1.0] * ("one" in s.inputs))
        # One by one, unlike BLAS, whose order of summation depends on the machine.
        for column, value in zip(weight[:, len(chosen) :].T, constant, strict=True):
            bias = bias + column * value
        return full, bias

    def seeded_latent(self, seed: int) -> NDArray[np.float64]:
        """Return the latent (z_dim,) of a seed, drawn from the network's own distribution."""
        return self.structure.latent.quantile(uniforms(seed, LATENT_STREAM, self.structure.z_dim))

    @property
    def width(self) -> int:
        """The number of units of the first hidden layer."""
        return len(self.layers[0][0])

    @property
    def is_preset_shaped(self) -> bool:
        """Whether width, activations and output are those of its preset."""
        row = PRESETS.get(self.structure.preset)
        own = (self.width, self.structure.activations, self.structure.output)
        return row is not None and own == (row.width, row.activations, row.output)

    @property
    def channels(self) -> int:
        """The number of outputs: 1 for grey or a palette, 2 with lightness, too, 3 for colour."""
        return self.structure.channels

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds per pixel, without those for the latent and the constant."""
        constant = self.structure.z_dim + ("one" in self.structure.inputs)
        weights = [*(w for w, _ in self.layers), *self.readouts]
        return sum(w.size for w in weights) - self.width * constant

    def save(self, path: str | Path) -> None:
        """Write the weights file (safetensors). Raises AddressError for an address."""
        filesystem.write_atomic(as_path(path), self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> "CPPN":
        """Read a weights file. Raises WeightsError, naming the file and what is wrong with it."""
        return cls(*weights_file.load(Path(path)))

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "weights") -> "CPPN":
        """Read a network from the bytes of a weights file; `name` is for error messages.

        Raises WeightsError.
        """
        return cls(*weights_file.decode(data, name))

    def to_bytes(self) -> bytes:
        """Return the weights file's bytes; the same network gives the same bytes."""
        return self._bytes

    @cached_property
    def _bytes(self) -> bytes:
        return weights_file.encode(self.structure, self.layers, readouts=self.readouts)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the weights file's bytes, in hex."""
        return hashlib.sha256(self._bytes).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CPPN) and self._bytes == other._bytes

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __repr__(self) -> str:
        s = self.structure
        return (
            f"CPPN({s.preset}: width {self.width}, {'-'.join(s.activations)}-{s.output}"
            f"{' residual' * s.residual}, inputs {' '.join(s.inputs)}, "
            f"z_dim {s.z_dim}, channels {s.channels}, sha256 {self.sha256[:12]})"
        )

    def _latent(self, z: ArrayLike) -> NDArray[np.float64]:
        latent = np.asarray(z, np.float64)
        if latent.shape != (self.structure.z_dim,):
            raise SceneError(
                f"latent of shape {latent.shape}: must have {self.structure.z_dim} values"
            )
        return latent


def _frozen(array: NDArray[np.floating]) -> NDArray[np.float32]:
    copy = np.array(array, dtype=np.float32, order="C")
    copy.flags.writeable = False
    return copy
