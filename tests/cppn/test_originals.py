"""Each preset against the original, transcribed here from its description in plain NumPy.

The transcriptions share nothing with the package: they read the tensors of a weights file with
the safetensors library and lay their own grids, as the originals do.
"""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from tilecppn.cppn.network import CPPN
from tilecppn.cppn.presets import PRESETS
from tilecppn.kernels import EvaluationContext, create
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

Array = NDArray[np.float64]
Layers = list[tuple[Array, Array]]


def read(path: Path) -> Layers:
    tensors = {name: tensor.astype(np.float64) for name, tensor in load_file(path).items()}
    count = len(tensors) // 2
    return [(tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"]) for i in range(count)]


def sigmoid(x: Array) -> Array:
    return np.asarray(
        np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), 1 - 1 / (1 + np.exp(-np.abs(x))))
    )


def softplus(x: Array) -> Array:
    return np.asarray(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0))


def dense(x: Array, layer: tuple[Array, Array]) -> Array:
    weight, bias = layer
    return np.asarray(x @ weight.T + bias)


def four_way_sum(layers: Layers, z: Array, width: int, height: int, scale: float) -> Array:
    """U = z·Wz + bz + x·Wx + y·Wy + r·Wr over the whole image, each axis from -scale to scale."""
    x_range = scale * (np.arange(width) - (width - 1) / 2.0) / (width - 1) / 0.5
    y_range = scale * (np.arange(height) - (height - 1) / 2.0) / (height - 1) / 0.5
    x = np.matmul(np.ones((height, 1)), x_range.reshape(1, width)).reshape(-1, 1)
    y = np.matmul(y_range.reshape(height, 1), np.ones((1, width))).reshape(-1, 1)
    r = np.sqrt(x * x + y * y)
    weight, bias = layers[0]
    wx, wy, wr, wz = weight.T[0:1], weight.T[1:2], weight.T[2:3], weight.T[3:]
    return np.asarray((z @ wz + bias) + x @ wx + y @ wy + r @ wr)


def hardmaru(layers: Layers, z: Array, width: int, height: int) -> Array:
    h = np.tanh(four_way_sum(layers, z * 10.0, width, height, 10.0))
    for i in range(1, 4):
        h = np.tanh(dense(h, layers[i]))
    return sigmoid(dense(h, layers[4]))


def hardmaru_softplus(layers: Layers, z: Array, width: int, height: int) -> Array:
    h = np.tanh(four_way_sum(layers, z * 10.0, width, height, 10.0))
    h = softplus(dense(h, layers[1]))
    h = np.tanh(dense(h, layers[2]))
    h = softplus(dense(h, layers[3]))
    return sigmoid(dense(h, layers[4]))


def hardmaru_sine(layers: Layers, z: Array, width: int, height: int) -> Array:
    h = np.tanh(four_way_sum(layers, z * 10.0, width, height, 10.0))
    h = softplus(dense(h, layers[1]))
    h = np.tanh(dense(h, layers[2]))
    h = softplus(dense(h, layers[3]))
    return np.asarray(0.5 * np.sin(dense(h, layers[4])) + 0.5)


def hardmaru_sqrt(layers: Layers, z: Array, width: int, height: int) -> Array:
    h = np.tanh(four_way_sum(layers, z * 10.0, width, height, 10.0))
    h = np.tanh(dense(h, layers[1]))
    h = np.tanh(dense(h, layers[2]))
    return np.asarray(np.sqrt(1.0 - np.abs(np.tanh(dense(h, layers[3])))))


def hardmaru_residual(layers: Layers, z: Array, width: int, height: int) -> Array:
    h = np.tanh(four_way_sum(layers, z * 10.0, width, height, 10.0))
    for i in range(1, 4):
        h = h + np.tanh(dense(h, layers[i]))
    return sigmoid(dense(h, layers[4]))


def hardmaru_gan_vae(layers: Layers, z: Array, width: int, height: int) -> Array:
    h = softplus(four_way_sum(layers, z * 8.0, width, height, 8.0))
    for i in range(1, 4):
        h = np.tanh(dense(h, layers[i]))
    return sigmoid(dense(h, layers[4]))


def flux(layers: Layers, z: Array, width: int, height: int) -> Array:
    """[x, y, r, z] point by point, x and y from -0.5 to 0.5."""
    points = []
    for i in range(height):
        for j in range(width):
            x, y = j / (width - 1) - 0.5, i / (height - 1) - 0.5
            points.append([x, y, math.sqrt(x * x + y * y), *z])
    h = np.array(points)
    for layer in layers[:-1]:
        h = np.tanh(dense(h, layer))
    return sigmoid(dense(h, layers[-1]))


def guibas(layers: Layers, z: Array, width: int, height: int) -> Array:
    """[z, x, y, r] of indices times 0.1, x the row; without biases.

    The original has 256 × 256 pixels; on other canvases the indices are spread evenly.
    """
    assert all(not bias.any() for _, bias in layers)
    x, y = np.meshgrid(
        np.linspace(0, 255, height) * 0.1, np.linspace(0, 255, width) * 0.1, indexing="ij"
    )
    r = np.sqrt((x - 12.8) ** 2 + (y - 12.8) ** 2)
    latent = np.broadcast_to(z * 0.1, (height, width, len(z)))
    h = np.concatenate([latent, np.stack([x, y, r], axis=-1)], axis=-1).reshape(-1, len(z) + 3)
    first = layers[0][0]
    weights = [np.concatenate([first[:, 3:], first[:, :3]], axis=1)] + [w for w, _ in layers[1:]]
    for weight in weights[:-1]:
        h = np.tanh(h @ weight.T)
    return sigmoid(np.sin(h @ weights[-1].T))


ORIGINALS: dict[str, Callable[[Layers, Array, int, int], Array]] = {
    "hardmaru": hardmaru,
    "hardmaru-softplus": hardmaru_softplus,
    "hardmaru-sine": hardmaru_sine,
    "hardmaru-sqrt": hardmaru_sqrt,
    "hardmaru-residual": hardmaru_residual,
    "hardmaru-gan-vae": hardmaru_gan_vae,
    "flux": flux,
    "guibas": guibas,
}
# What a scene adds to the preset to get the original's picture: the Sampler sets it by itself.
WHOLE = {"aspect": "stretch", "grid": "endpoints"}
# The last layers magnify float64's own rounding; sqrt(1 - |tanh|) is steep at 0.
CLOSE = {"flux": 1e-9, "hardmaru-sqrt": 1e-7}


def picture(scene: Scene) -> Array:
    """(height, width, channels) in float64."""
    kernel = create("reference", EvaluationContext.of(scene))
    colour = kernel.evaluate(Lattices.one(0, 0, scene.canvas.height, scene.canvas.width))[:, 0]
    return np.moveaxis(np.asarray(colour, np.float64), 0, -1)


SIZES = [(64, 64), (53, 80), (96, 41)]
CASES = [(name, size) for name in ORIGINALS for size in SIZES]
CASES.append(("guibas", (256, 256)))  # the size that its plane comes from


@pytest.mark.parametrize(("name", "size"), CASES, ids=str)
def test_preset_has_the_originals_numbers(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    width, height = size
    path = tmp_path / "net.safetensors"
    cppn = CPPN.from_preset(name, seed=3, channels=3 if name == "hardmaru" else 1)
    cppn.save(path)
    z = cppn.seeded_latent(8)
    expected = ORIGINALS[name](read(path), z, width, height).reshape(height, width, -1)
    scene = Scene.of(
        cppn={"weights": str(path)},
        latent={"z": z.tolist()},
        canvas={"width": width, "height": height},
        view={} if cppn.structure.view else WHOLE,
    )
    assert np.abs(picture(scene) - expected).max() <= CLOSE.get(name, 1e-12)


@pytest.mark.parametrize("name", ORIGINALS)
def test_edited_tensors_are_drawn_as_the_original_draws_them(tmp_path: Path, name: str) -> None:
    """Weights that no seed of ours gives, through the file alone."""
    drawn = CPPN.from_preset(name, channels=1, width=5, z_dim=3)
    rng = np.random.default_rng(2)
    biased = 0.0 if name == "guibas" else 0.5
    layers = [
        (rng.normal(0, 0.7, w.shape), biased * rng.normal(size=b.shape)) for w, b in drawn.layers
    ]
    path = tmp_path / "net.safetensors"
    CPPN(drawn.structure, layers).save(path)
    z = rng.normal(size=3)
    expected = ORIGINALS[name](read(path), z, 30, 20).reshape(20, 30, 1)
    scene = Scene.of(
        cppn={"weights": str(path)},
        latent={"z": z.tolist()},
        canvas={"width": 30, "height": 20},
        view={} if drawn.structure.view else WHOLE,
    )
    assert np.abs(picture(scene) - expected).max() <= 1e-7


def test_guibas_points_are_the_indices_times_a_tenth() -> None:
    context = EvaluationContext.of(
        Scene.of(cppn={"preset": "guibas"}, canvas={"width": 256, "height": 256})
    )
    index = np.arange(256.0)
    x, y, r = context.points(index[:, None], index[None, :])
    assert np.allclose(x, 0.1 * index[:, None], rtol=0, atol=1e-13)
    assert np.allclose(y, 0.1 * index[None, :], rtol=0, atol=1e-13)
    assert int(np.argmin(r)) == 128 * 256 + 128


# What the originals draw their numbers from: (weights, biases, latent).
DISTRIBUTIONS: dict[str, tuple[Any, Any, Any]] = {
    "hardmaru": (("normal", 1.0), ("normal", 1.0), ("uniform", -1.0, 1.0)),
    "hardmaru-softplus": (("normal", 1.0), ("normal", 1.0), ("uniform", -1.0, 1.0)),
    "hardmaru-sine": (("normal", 1.0), ("normal", 1.0), ("uniform", -1.0, 1.0)),
    "hardmaru-sqrt": (("normal", 1.0), ("normal", 1.0), ("uniform", -1.0, 1.0)),
    "hardmaru-residual": (("normal", 1.0), ("normal", 1.0), ("uniform", -1.0, 1.0)),
    "hardmaru-gan-vae": (("normal", 0.1), ("normal", 0.1), ("normal", 1.0)),
    "flux": (("normal", 1.0), ("zero",), ("uniform", 0.0, 1.0)),
    "guibas": (("uniform", -1.0, 1.0), ("zero",), ("uniform", 0.0, 1.0)),
}
KINDS = ["weights", "biases", "latent"]


def drawn(name: str, kind: str) -> Array:
    """Thousands of values of a preset, from several seeds."""
    if kind == "latent":
        cppn = CPPN.from_preset(name, width=1, depth=1)
        return np.concatenate([cppn.seeded_latent(seed) for seed in range(1000)])
    seeds = range(3 if kind == "weights" else 30)
    layers = [layer for seed in seeds for layer in CPPN.from_preset(name, seed=seed).layers]
    return np.concatenate([layer[KINDS.index(kind)].ravel() for layer in layers]).astype(np.float64)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_seeded_numbers_follow_the_originals_distribution(name: str, kind: str) -> None:
    """Mean, deviation and Kolmogorov-Smirnov, each at a level of about one in a thousand."""
    values = np.sort(drawn(name, kind))
    n = len(values)
    shape, *parameters = DISTRIBUTIONS[name][KINDS.index(kind)]
    if shape == "zero":
        assert not values.any()
        return
    if shape == "normal":
        (deviation,) = parameters
        mean, fourth = 0.0, 3.0
        cdf = np.array([NormalDist(0.0, deviation).cdf(v) for v in values.tolist()])
    else:
        low, high = parameters
        mean, deviation, fourth = (low + high) / 2, (high - low) / math.sqrt(12), 9 / 5
        cdf = np.clip((values - low) / (high - low), 0.0, 1.0)
        assert values.min() >= low
        assert values.max() <= high
    assert abs(values.mean() - mean) < 3.3 * deviation / math.sqrt(n)
    assert abs(values.var() / deviation**2 - 1.0) < 3.3 * math.sqrt((fourth - 1.0) / n)
    steps = np.arange(n + 1) / n
    distance = max(np.max(steps[1:] - cdf), np.max(cdf - steps[:-1]))
    assert distance * math.sqrt(n) < 1.95


def test_every_preset_is_held_to_its_original() -> None:
    assert set(ORIGINALS) == set(DISTRIBUTIONS) == set(HASHES)
    assert set(ORIGINALS) <= set(PRESETS)


def digest(cppn: CPPN) -> str:
    """SHA-256 of all tensors: each layer's weight row by row, then its bias."""
    sha = hashlib.sha256()
    for weight, bias in cppn.layers:
        sha.update(weight.astype("<f4").tobytes() + bias.astype("<f4").tobytes())
    return sha.hexdigest()


# Never change: every picture ever made from a seed hangs on them. The first 16 digits of seeds
# 0, 1, 42 and 2^63 - 1.
SEEDS = (0, 1, 42, 2**63 - 1)
HASHES: dict[str, tuple[str, ...]] = {
    "hardmaru": ("2236b8b9f204fd45", "f7c9118ad8539e17", "3ae7060699f1af85", "e126bda5e397bcc1"),
    "hardmaru-softplus": (
        "2236b8b9f204fd45",
        "f7c9118ad8539e17",
        "3ae7060699f1af85",
        "e126bda5e397bcc1",
    ),
    "hardmaru-sine": (
        "2236b8b9f204fd45",
        "f7c9118ad8539e17",
        "3ae7060699f1af85",
        "e126bda5e397bcc1",
    ),
    "hardmaru-sqrt": (
        "5ac3f75e012f01d5",
        "b395444564fd774f",
        "a40f136fa5f6a504",
        "dca82f73a6c091f2",
    ),
    "hardmaru-residual": (
        "2236b8b9f204fd45",
        "f7c9118ad8539e17",
        "3ae7060699f1af85",
        "e126bda5e397bcc1",
    ),
    "hardmaru-gan-vae": (
        "67ea1c33341eace3",
        "6da7eb268b49fd75",
        "ef5f02e14e625ecf",
        "f601ce5a5b06e28e",
    ),
    "flux": ("051cecb277fe7156", "eda6733e1794e756", "a8fbc5177f44ab79", "e298a8028f2bd970"),
    "guibas": ("1b54ca9ac57fd937", "dcd2e5b935faefe6", "52a66bdb1e231a59", "7c80866f43b8131d"),
}


@pytest.mark.parametrize("name", HASHES)
def test_seeded_networks_never_change(name: str) -> None:
    got = tuple(digest(CPPN.from_preset(name, seed=seed))[:16] for seed in SEEDS)
    assert got == HASHES[name]
