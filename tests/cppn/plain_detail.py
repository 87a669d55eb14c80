"""Networks with detail written down plainly: what `tilecppn.cppn` is compared with.

One seeded network, layer after layer, without folding, sorting or caching.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.presets import PRESETS
from tilecppn.cppn.seeding import LATENT_STREAM, inverse_normal, uniforms
from tilecppn.cppn.structure import Detail

Array = NDArray[np.float64]

ACTIVATIONS: dict[str, Any] = {"sin": np.sin, "tanh": np.tanh, "gaussian": lambda u: np.exp(-u * u)}
SLOPES: dict[str, Any] = {
    "sin": np.cos,
    "tanh": lambda u: 1.0 / np.cosh(u) ** 2,
    "gaussian": lambda u: -2.0 * u * np.exp(-u * u),
}
OUTPUTS: dict[str, Any] = {
    "sigmoid": lambda c: 1.0 / (1.0 + np.exp(-c)),
    "half-sine": lambda c: 0.5 * np.sin(c) + 0.5,
}


def moments(name: str, q: float) -> tuple[float, float, float]:
    """E h, E h² and E h'² of h = activation(u), u from N(0, q)."""
    if name == "sin":
        e = 1.0 / (1.0 + 2.0 * q + 2.0 * q**2 + 4.0 / 3.0 * q**3 + 2.0 / 3.0 * q**4)
        return 0.0, (1.0 - e) / 2.0, (1.0 + e) / 2.0
    if name == "gaussian":
        return (1.0 + 2.0 * q) ** -0.5, (1.0 + 4.0 * q) ** -0.5, 4.0 * q * (1.0 + 4.0 * q) ** -1.5
    square = q / (q + 1.0 + 0.8 * math.sqrt(1.0 + 0.6 * q))
    return 0.0, square, (1.0 + math.pi * q) ** -0.5


class PlainNetwork:
    """The network of a preset and a seed, its latent that of the same seed."""

    def __init__(self, preset: str, seed: int) -> None:
        self.preset, self.seed = PRESETS[preset], seed
        assert self.preset.detail is not None
        self.detail: Detail = self.preset.detail
        self.z = 2.0 * uniforms(seed, LATENT_STREAM, self.preset.z_dim) - 1.0

    def names(self, layer: int) -> list[str]:
        pattern = self.preset.activations
        return pattern[min(layer, len(pattern) - 1)].split("+")

    @cache  # noqa: B019
    def layer(self, i: int) -> tuple[Array, Array, Array]:
        """Weights (width, in), biases (width,), readout (2, width)."""
        d, width = self.detail, self.preset.width
        inputs = 2 + self.preset.z_dim if i == 0 else width
        numbers = inverse_normal(uniforms(self.seed, i, width * (inputs + 1 + 2)))
        weight = numbers[: width * inputs].reshape(width, inputs)
        bias = numbers[width * inputs :][:width] * d.bias
        readout = numbers[-2 * width :].reshape(2, width)
        if i == 0:
            weight = weight * np.array([*d.first] + [d.latent] * self.preset.z_dim)
        elif i < d.free:
            weight = weight * d.gain / math.sqrt(width)
        else:
            q, r = np.linalg.qr(weight.T)  # Gram-Schmidt, but for the signs
            weight = (q * np.sign(np.diag(r))).T * d.gain
        single = [np.float64(1) * part.astype(np.float32) for part in (weight, bias, readout)]
        return single[0], single[1], single[2]

    def expected(self, layers: int) -> list[tuple[float, list[float], float]]:
        """Frequency, means and variance of each layer's values."""
        d = self.detail
        along, down = (first**2 for first in d.first)
        q = d.bias**2 + d.latent**2 * self.preset.z_dim / 3.0 + (along + down) * d.scale**2 / 3.0
        gradient, found = along + down, []
        for i in range(layers):
            each = np.array([moments(name, q) for name in self.names(i)])
            _, square, slope = each.mean(axis=0)
            variance = square - np.mean(each[:, 0] ** 2)
            gradient *= slope
            found.append((math.sqrt(gradient / variance), each[:, 0].tolist(), variance))
            gradient, q = gradient * d.gain**2, d.gain**2 * square + d.bias**2
        return found

    def finer(self, inside: float, center: tuple[float, float]) -> float:
        """Octaves by which layers are finer at the centre than expected."""
        known = self.expected(60)
        h, jacobian = np.array([*center, *self.z]), np.eye(2 + len(self.z))[:, :2]
        total = weights = 0.0
        for i, (frequency, _, variance) in enumerate(known):
            place = (math.log2(frequency / known[0][0]) - inside + 5.0) / 3.0
            if place >= 1.0:
                break
            weight, bias, _ = self.layer(i)
            u, jacobian, names = weight @ h + bias, weight @ jacobian, self.names(i)
            h = np.array([ACTIVATIONS[names[k % len(names)]](v) for k, v in enumerate(u)])
            slopes = [SLOPES[names[k % len(names)]](v) for k, v in enumerate(u)]
            jacobian = jacobian * np.array(slopes)[:, None]
            if place > 0.0:
                share = (place * (1.0 - place)) ** 2
                size = math.sqrt(np.square(jacobian).sum() / (self.preset.width * variance))
                total, weights = total + share * math.log2(size / frequency), weights + share
        ramp = min(inside / 4.0, 1.0)
        return ramp**2 * (3.0 - 2.0 * ramp) * total / weights if weights else 0.0

    @cache  # noqa: B019
    def overall(self) -> float:
        """Octaves by which layer 7 is finer than expected, over 256 places and latents."""
        unit = 2.0 * uniforms(0, 2**63 + 1, 256 * (2 + len(self.z))).reshape(-1, 256) - 1.0
        layers, squares = [self.layer(i) for i in range(8)], []
        for column in unit.T:
            h, jacobian = column * ([1.2, 1.2] + [1.0] * len(self.z)), np.eye(len(column))[:, :2]
            for i in range(8):
                weight, bias, _ = layers[i]
                u, names = weight @ h + bias, self.names(i)
                h = np.array([ACTIVATIONS[names[k % len(names)]](v) for k, v in enumerate(u)])
                slopes = [SLOPES[names[k % len(names)]](v) for k, v in enumerate(u)]
                jacobian = np.array(slopes)[:, None] * (weight @ jacobian)
            squares.append(np.square(jacobian).sum())
        frequency, _, variance = self.expected(8)[7]
        return math.log2(math.sqrt(np.mean(squares) / (self.preset.width * variance)) / frequency)

    def whole(self, scale: float, center: tuple[float, float]) -> float:
        """Octaves by which layers are finer than expected, in the whole view."""
        inside = self.inside(scale)
        ramp = min(inside / 4.0, 1.0)
        return self.finer(inside, center) + (1.0 - ramp**2 * (3.0 - 2.0 * ramp)) * self.overall()

    def inside(self, scale: float) -> float:
        """Octaves by which a view is inside the network's scale."""
        v = math.log2(self.detail.scale / scale)
        return 0.0 if v <= 0.0 else v * v / 2.0 if v <= 1.0 else v - 0.5

    def hidden(self, x: Array, y: Array, i: int) -> Array:
        """The values (width, n) of hidden layer i at points (n,)."""
        h = np.stack([x, y, *(np.full_like(x, value) for value in self.z)])
        for k in range(i + 1):
            weight, bias, _ = self.layer(k)
            names = self.names(k)
            u = weight @ h + bias[:, None]
            h = np.stack([ACTIVATIONS[names[j % len(names)]](row) for j, row in enumerate(u)])
        return h

    def local_fineness(
        self, x: Array, y: Array, step: float, scale: float, center: tuple[float, float]
    ) -> Array:
        """Thirds of octaves by which layers are finer than expected, at points (n,)."""
        known, whole = self.expected(60), self.whole(scale, center)
        octaves = [math.log2(frequency / known[0][0]) for frequency, _, _ in known]
        wanted = math.log2(2.5 * math.pi / (step * known[0][0])) - whole - 7.0
        i = max((k for k in range(60) if octaves[k] <= wanted), default=0)
        share = min(max((wanted - octaves[i]) / (octaves[i + 1] - octaves[i]), 0.0), 1.0)
        share = share**2 * (3.0 - 2.0 * share)
        total = np.zeros_like(x)
        for k, weight in ((i, 1.0 - share), (i + 1, share)):
            frequency, _, variance = known[k]
            right, left, down, up = (
                self.hidden(x + 0.5 * step * across, y + 0.5 * step * along, k)
                for across, along in ((1, 0), (-1, 0), (0, 1), (0, -1))
            )
            slope = (((right - left) ** 2 + (down - up) ** 2) / step**2).mean(axis=0)
            total += weight * np.log2(np.sqrt(slope / variance) / frequency)
        return np.asarray(np.clip(total, whole - 2.0, whole + 3.0) / 3.0)

    def values(
        self,
        x: Array,
        y: Array,
        step: float,
        scale: float,
        center: tuple[float, float],
        fineness: Array,
    ) -> Array:
        """The two outputs at points (n,): (n, 2)."""
        d, width = self.detail, self.preset.width
        known = self.expected(60)
        first, inside = known[0][0], self.inside(scale)
        finer, whole = self.finer(inside, center), self.whole(scale, center)
        sums = np.tile(np.array([self.preset.offset]).T, x.size)
        for i, (frequency, means, _) in enumerate(known):
            octave = math.log2(frequency / first)
            left = math.log2(2.5 * math.pi / (step * first)) - octave
            if left <= whole - 2.0 and i > 0:
                break
            kept = np.clip(left / 3.0 - fineness, 0.0, 1.0)
            _, _, readout = self.layer(i)
            h = self.hidden(x, y, i)
            centred = h - np.array([[means[k % len(means)]] for k in range(width)])
            for o in (0, 1):
                decay = d.decay_of(o)
                powers = (var * decay ** (2.0 * math.log2(f / first)) for f, _, var in known)
                unit = d.contrast_of(o) / math.sqrt(width * sum(powers))
                away = octave + finer - inside
                amplitude = decay**away * 2.0 ** (-0.5 * min(away, 0.0) ** 2)
                fade = kept**2 * (3.0 - 2.0 * kept)
                sums[o] += unit * amplitude * fade * (readout[o] @ centred)
        outputs = self.preset.output.split("+")
        return np.stack([OUTPUTS[outputs[o % len(outputs)]](sums[o]) for o in (0, 1)], -1)
