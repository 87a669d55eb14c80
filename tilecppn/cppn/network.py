"""The CPPN: weights, activations, and its value in float64 (the oracle)."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilecppn.cppn import weights_file
from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.cppn.presets import PRESETS, Preset
from tilecppn.cppn.seeding import LATENT_STREAM, MAX_SEED, uniforms
from tilecppn.cppn.structure import (
    COORDINATES,
    INPUTS,
    MAX_DEPTH,
    MAX_PARAMETERS,
    MAX_WIDTH,
    MAX_Z_DIM,
    Structure,
    shapes,
)
from tilecppn.errors import SceneError
from tilecppn.names import one_of


class CPPN:
    """A picture as a function: (x, y), its radius and a latent → colour.

    `layers[i]` is (weight, bias) of shape (out, in) and (out,), the output layer last; both are
    rounded to float32.
    Inputs of layer 0 are x, y, r = sqrt((x - x0)² + (y - y0)²) with (x0, y0) the structure's
    origin, the latent times `structure.latent_scale`, and the constant 1: those of them that
    `structure.inputs` names.
    """

    def __init__(
        self,
        structure: Structure,
        layers: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]],
    ) -> None:
        self.structure = structure
        self.layers = tuple((_frozen(w), _frozen(b)) for w, b in layers)

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
    ) -> "CPPN":
        """The preset's network with weights drawn from `seed` (0 … 2^63 - 1).

        Without `activations`, another `depth` repeats the preset's own in turn. `inputs` are
        names of INPUTS; without "z" z_dim is 0.
        Raises SceneError for an unknown name or a number out of range.
        """
        preset = PRESETS[one_of(PRESETS, name, "preset")]
        chosen = preset.inputs if inputs is None else _inputs(inputs)
        if "z" not in chosen:
            if z_dim:
                raise SceneError(f'z_dim = {z_dim}: inputs without "z" take no latent')
            z_dim = 0
        structure = Structure(
            preset=name,
            activations=_activations(preset, depth, activations),
            output=preset.output,
            channels=_channels(preset.channels if channels is None else channels),
            z_dim=_within("z_dim", preset.z_dim if z_dim is None else z_dim, 0, MAX_Z_DIM),
            latent_scale=preset.latent_scale,
            latent=preset.latent,
            view=preset.view,
            residual=preset.residual if residual is None else residual,
            inputs=chosen,
            origin=preset.origin,
        )
        _within("seed", seed, 0, MAX_SEED)
        hidden = _within("width", preset.width if width is None else width, 1, MAX_WIDTH)
        parameters = sum(rows * columns for rows, columns in shapes(structure, hidden))
        if parameters > MAX_PARAMETERS:
            raise SceneError(
                f"a network of {parameters:,} weights: must have {MAX_PARAMETERS:,} at most; "
                "use a smaller width or depth"
            )
        layers = []
        for i, (rows, columns) in enumerate(shapes(structure, hidden)):
            # One stream a layer: its weights, row by row, then its biases.
            u = uniforms(seed, i, rows * columns + rows)
            weight = preset.weights.quantile(u[:-rows]).reshape(rows, columns)
            layers.append((weight.astype(np.float32), preset.biases.quantile(u[-rows:])))
        return cls(structure, layers)

    def __call__(self, x: ArrayLike, y: ArrayLike, z: ArrayLike = ()) -> NDArray[np.float64]:
        """The colour at plane points, in float64: the oracle of every kernel.

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
        """As calling the network, with r given: a folded plane has another radius.

        `sums` is given each layer's sums before activation, (..., out).
        """
        s = self.structure
        x, y, r = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (x, y, r)))
        latent = [np.broadcast_to(v, x.shape) for v in self._latent(z) * s.latent_scale]
        columns = {"x": [x], "y": [y], "r": [r], "z": latent, "one": [np.ones(x.shape)]}
        h = np.stack([c for name in s.inputs for c in columns[name]], axis=-1)  # (..., columns)
        last = len(self.layers) - 1
        names = (*s.activations, s.output)
        for i, ((weight, bias), name) in enumerate(zip(self.layers, names, strict=True)):
            # einsum, not BLAS, which sums in another order for another number of points.
            total = np.einsum("...i,oi->...o", h, weight, dtype=np.float64) + bias  # (..., out)
            if sums is not None:
                sums.append(total)
            activated = ACTIVATIONS[name].function(total)
            h = h + activated if s.residual and 0 < i < last else activated
        return h

    def first_layer(self, z: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Layer 0 for one fixed latent, in float64: weight (width, 3) of x, y, r and bias (width,).

        The latent and the constant are the same at every point, so their part of the sum is a
        part of the bias. A coordinate that is no input has weights of zero.
        """
        s = self.structure
        weight, bias = (a.astype(np.float64) for a in self.layers[0])
        chosen = [name for name in COORDINATES if name in s.inputs]
        full = np.zeros((self.width, len(COORDINATES)))
        full[:, [COORDINATES.index(name) for name in chosen]] = weight[:, : len(chosen)]
        constant = np.append(self._latent(z) * s.latent_scale, [1.0] * ("one" in s.inputs))
        # One by one, not by BLAS, whose order of summing depends on the machine.
        for column, value in zip(weight[:, len(chosen) :].T, constant, strict=True):
            bias = bias + column * value
        return full, bias

    def layers_for(self, z: ArrayLike) -> list[tuple[NDArray[np.floating], NDArray[np.floating]]]:
        """(weight, bias) of every layer for one fixed latent; layer 0 as `first_layer`."""
        return [self.first_layer(z), *self.layers[1:]]

    def seeded_latent(self, seed: int) -> NDArray[np.float64]:
        """The latent (z_dim,) of a seed, from the network's own distribution."""
        return self.structure.latent.quantile(uniforms(seed, LATENT_STREAM, self.structure.z_dim))

    @property
    def width(self) -> int:
        """Units of the first hidden layer."""
        return len(self.layers[0][0])

    @property
    def is_preset_shaped(self) -> bool:
        """Whether width and activations are its preset's own, whatever its weights."""
        row = PRESETS.get(self.structure.preset)
        own = (self.width, self.structure.activations, self.structure.output)
        return row is not None and own == (row.width, row.activations, row.output)

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return self.structure.channels

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds a pixel, the part of the latent and the constant taken out."""
        constant = self.structure.z_dim + ("one" in self.structure.inputs)
        return sum(w.size for w, _ in self.layers) - self.width * constant

    def save(self, path: str | Path) -> None:
        """Write the weights file (safetensors)."""
        Path(path).write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> "CPPN":
        """Read a weights file. Raises WeightsError, naming the file and what is wrong with it."""
        return cls(*weights_file.load(Path(path)))

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "weights") -> "CPPN":
        """Read a network from the bytes of a weights file; `name` is for the text of an error.

        Raises WeightsError.
        """
        return cls(*weights_file.decode(data, name))

    def to_bytes(self) -> bytes:
        """The weights file's bytes; the same network gives the same bytes."""
        return self._bytes

    @cached_property
    def _bytes(self) -> bytes:
        return weights_file.encode(self.structure, self.layers)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the weights file's bytes, hexadecimal."""
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


def _inputs(names: Sequence[str]) -> tuple[str, ...]:
    chosen = {one_of(INPUTS, name, "input") for name in names}
    if not chosen or len(chosen) < len(names):
        raise SceneError(f"inputs = {list(names)}: must name some of {', '.join(INPUTS)}, once")
    return tuple(name for name in INPUTS if name in chosen)


def _activations(
    preset: Preset, depth: int | None, activations: Sequence[str] | None
) -> tuple[str, ...]:
    if activations is None:
        pattern = preset.activations
        n = len(pattern) if depth is None else _within("depth", depth, 1, MAX_DEPTH)
        return tuple(pattern[i % len(pattern)] for i in range(n))
    names = tuple(one_of(ACTIVATIONS, name, "activation") for name in activations)
    _within("number of activations", len(names), 1, MAX_DEPTH)
    if depth is not None and depth != len(names):
        raise SceneError(f"depth = {depth}, but activations names {len(names)} layers")
    return names


def _within(name: str, value: int, low: int, high: int) -> int:
    if not isinstance(value, int | np.integer) or not low <= value <= high:
        raise SceneError(f"{name} = {value}: must be an integer from {low} to {high}")
    return value


def _channels(value: int) -> int:
    if not isinstance(value, int | np.integer) or value not in (1, 3):
        raise SceneError(f"channels = {value}: must be 1 or 3")
    return value


def _frozen(array: NDArray[np.floating]) -> NDArray[np.float32]:
    copy = np.array(array, dtype=np.float32, order="C")
    copy.flags.writeable = False
    return copy
