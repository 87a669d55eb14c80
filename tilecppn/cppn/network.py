"""The CPPN: weights, activations, and its value in float64 (the oracle)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.cppn.presets import PRESETS, Preset
from tilecppn.cppn.seeded import LATENT_STREAM, MAX_SEED, Distribution, uniforms
from tilecppn.errors import SceneError
from tilecppn.naming import one_of

MAX_WIDTH = 4096
MAX_DEPTH = 1024
MAX_Z_DIM = 4096
MAX_PARAMETERS = 2**27  # half a gigabyte of weights in every worker
COORDINATES = ("x", "y", "r")  # the first inputs of every network; then z0, z1, …


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


class CPPN:
    """A picture as a function: (x, y), its radius and a latent → colour.

    `layers[i]` is (weight, bias) of shape (out, in) and (out,), the output layer last; both are
    rounded to float32.
    Inputs of layer 0 are x, y, r = sqrt(x² + y²) and the latent times `structure.latent_scale`.
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
    ) -> "CPPN":
        """The preset's network with weights drawn from `seed` (0 … 2^63 - 1).

        Without `activations`, another `depth` repeats the preset's own in turn.
        Raises SceneError for an unknown preset or activation or a number out of range.
        """
        preset = PRESETS[one_of(PRESETS, name, "preset")]
        structure = Structure(
            preset=name,
            activations=_activations(preset, depth, activations),
            output=preset.output,
            channels=_within("channels", preset.channels if channels is None else channels, 1, 3),
            z_dim=_within("z_dim", preset.z_dim if z_dim is None else z_dim, 0, MAX_Z_DIM),
            latent_scale=preset.latent_scale,
            latent=preset.latent,
            view=preset.view,
        )
        if structure.channels == 2:
            raise SceneError("channels = 2: must be 1 or 3")
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
        x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
        latent = self._latent(z) * self.structure.latent_scale
        points = [x, y, np.sqrt(x * x + y * y)]
        h = np.stack(
            points + [np.broadcast_to(v, x.shape) for v in latent], axis=-1
        )  # (..., 3 + z_dim)
        names = (*self.structure.activations, self.structure.output)
        for (weight, bias), name in zip(self.layers, names, strict=True):
            # einsum, not BLAS, which sums in another order for another number of points.
            total = np.einsum("...i,oi->...o", h, weight, dtype=np.float64)  # (..., out)
            h = ACTIVATIONS[name].function(total + bias)
        return h

    def first_layer(self, z: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Layer 0 for one fixed latent, in float64: weight (width, 3) of x, y, r and bias (width,).

        The latent is the same at every point, so its part of the sum is a part of the bias.
        """
        weight, bias = (a.astype(np.float64) for a in self.layers[0])
        n = len(COORDINATES)
        latent = self._latent(z) * self.structure.latent_scale
        return weight[:, :n], bias + weight[:, n:] @ latent

    def seeded_latent(self, seed: int) -> NDArray[np.float64]:
        """The latent (z_dim,) of a seed, from the network's own distribution."""
        return self.structure.latent.quantile(uniforms(seed, LATENT_STREAM, self.structure.z_dim))

    @property
    def width(self) -> int:
        return len(self.layers[0][0])

    @property
    def channels(self) -> int:
        return self.structure.channels

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds a pixel, the latent's part taken out."""
        return sum(w.size for w, _ in self.layers) - self.width * self.structure.z_dim

    def save(self, path: str | Path) -> None:
        """Write the weights file (safetensors)."""
        Path(path).write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> "CPPN":
        """Read a weights file. Raises WeightsError, naming the file and what is wrong with it."""
        from tilecppn.cppn import weights

        return weights.load(Path(path))

    def to_bytes(self) -> bytes:
        """The weights file's bytes; the same network gives the same bytes."""
        return self._bytes

    @cached_property
    def _bytes(self) -> bytes:
        from tilecppn.cppn import weights

        return weights.encode(self)

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
            f"CPPN({s.preset}: width {self.width}, {'-'.join(s.activations)}-{s.output}, "
            f"z_dim {s.z_dim}, channels {s.channels}, sha256 {self.sha256[:12]})"
        )

    def _latent(self, z: ArrayLike) -> NDArray[np.float64]:
        latent = np.asarray(z, np.float64)
        if latent.shape != (self.structure.z_dim,):
            raise SceneError(
                f"latent of shape {latent.shape}: must have {self.structure.z_dim} values"
            )
        return latent


def shapes(structure: Structure, width: int) -> list[tuple[int, int]]:
    """(out, in) of each layer, the output layer last."""
    inputs = len(COORDINATES) + structure.z_dim
    hidden = [width] * len(structure.activations)
    return list(zip([*hidden, structure.channels], [inputs, *hidden], strict=True))


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


def _frozen(array: NDArray[np.floating]) -> NDArray[np.float32]:
    copy = np.array(array, dtype=np.float32, order="C")
    copy.flags.writeable = False
    return copy
