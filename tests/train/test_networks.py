"""The three networks against NumPy transcriptions: shapes, initial numbers, values."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tilecppn.cppn import ACTIVATIONS, CPPN
from tilecppn.scene.sections import Canvas, View
from tilecppn.scene.view import Grid
from tilecppn.train import networks
from tilecppn.train.model import Networks, fresh_generator
from tilecppn.train.networks import Discriminator, Encoder, Generator, count, points_of
from tilecppn.train.settings import Settings

Array = NDArray[np.float64]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def three() -> Networks:
    return Networks.fresh(Settings(), 26, 1)


def numpy_of(tensor: torch.Tensor) -> Array:
    return tensor.detach().double().numpy()


def test_they_have_as_many_parameters_as_the_originals(three: Networks) -> None:
    assert three.q is not None
    assert three.d is not None
    assert count(three.g) == 54_273
    assert count(three.q) == 642_112
    assert count(three.d) == 146_593


# What each is made of: name → shape, deviation, and how far from 0 a value may be.


def test_initial_distributions(three: Networks) -> None:
    g, q, d = three
    width = 24
    assert q is not None
    assert d is not None
    expected = [
        (g.weights[0], (128, 35), 0.0, 0.1),
        (g.weights[2], (128, 128), 0.0, 0.1),
        (g.weights[4], (1, 128), 0.0, 0.1),
        (g.biases[1], (128,), 0.0, 0.1),
        (q.hidden[0].weight, (512, 676), 0.0, 0.02),
        (q.hidden[1].weight, (512, 512), 0.0, 0.02),
        (q.mean.weight, (32, 512), 0.0, 0.02),
        (q.log_variance.weight, (32, 512), 0.0, 0.02),
        # Cut off at two deviations, what is left deviates 0.88 times as much.
        (d.conv[0].weight, (width, 1, 5, 5), 0.0, 0.0176),
        (d.conv[1].weight, (2 * width, width, 5, 5), 0.0, 0.0176),
        (d.conv[2].weight, (4 * width, 2 * width, 5, 5), 0.0, 0.0176),
        (d.norm[0].weight, (2 * width,), 1.0, 0.02),
        (d.norm[1].weight, (4 * width,), 1.0, 0.02),
        (d.linear.weight, (1, 1536), 0.0, 0.02),
    ]
    for tensor, shape, mean, deviation in expected:
        assert isinstance(tensor, torch.Tensor)
        values = numpy_of(tensor)
        assert values.shape == shape
        near = 5 / np.sqrt(values.size)  # five standard errors
        assert abs(values.mean() - mean) < near * deviation
        assert abs(values.std() / deviation - 1) < near
    for layer in d.conv:
        assert isinstance(layer.weight, torch.Tensor)
        assert abs(numpy_of(layer.weight)).max() <= 0.04
    zero = [*(m.bias for m in (*q.hidden, q.mean, q.log_variance, *d.conv, *d.norm, d.linear))]
    for bias in zero:
        assert isinstance(bias, torch.Tensor)
        assert not bias.any()


def test_the_seed_decides_all_initial_weights() -> None:
    def weights(seed: int) -> list[torch.Tensor]:
        three = Networks.fresh(Settings(seed=seed), 26, 1)
        modules = [three.g, *three.companions().values()]
        return [p for m in modules for p in m.parameters()]

    same = zip(weights(3), weights(3), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    pairs = list(zip(weights(3), weights(4), strict=True))
    assert not any(torch.equal(a, b) for a, b in pairs if a.any())


def generator_in_numpy(g: Generator, x: Array, y: Array, z: Array, scale: float) -> Array:
    """The originals' sum of four layers, one image."""
    w = [numpy_of(p) for p in g.weights]
    b = [numpy_of(p) for p in g.biases]
    r = np.sqrt(x * x + y * y)
    latent = np.tile(z * scale, (len(x), 1))
    u = latent @ w[0][:, 3:].T + b[0]
    u += x[:, None] * w[0][:, 0] + y[:, None] * w[0][:, 1] + r[:, None] * w[0][:, 2]
    h = np.log1p(np.exp(-abs(u))) + np.maximum(u, 0)
    for i in (1, 2, 3):
        h = np.tanh(h @ w[i].T + b[i])
    return np.asarray(1 / (1 + np.exp(-(h @ w[4].T + b[4]))))


def test_generator(three: Networks) -> None:
    rng = np.random.default_rng(0)
    k = 8.0 * (2 * np.arange(26) / 25 - 1)
    x, y = (v.ravel() for v in np.meshgrid(k, k))
    z = rng.normal(size=(3, 32)).astype(np.float32)
    drawn = three.g(points_of(x, y, CPU), torch.tensor(z))
    assert drawn.shape == (3, 676, 1)
    for i in range(3):
        wanted = generator_in_numpy(three.g, x, y, z[i].astype(float), 8.0)
        np.testing.assert_allclose(numpy_of(drawn[i]), wanted, atol=2e-5)


def test_a_generator_is_its_cppn_and_goes_back_to_it() -> None:
    cppn = CPPN.from_preset("hardmaru-residual", seed=5, channels=3, z_dim=4, width=16)
    g = Generator(cppn)
    assert g.cppn() == cppn
    x, y = np.random.default_rng(1).normal(size=(2, 50))
    z = np.linspace(-1, 1, 4)
    drawn = g(points_of(x, y, CPU), torch.tensor(z[None], dtype=torch.float32))[0]
    np.testing.assert_allclose(numpy_of(drawn), cppn(x, y, z), atol=5e-4)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_and_its_slope(name: str) -> None:
    x = torch.linspace(-3.05, 3.0, 100, dtype=torch.float64, requires_grad=True)
    function = ACTIVATIONS[name].function
    y = networks.ACTIVATIONS[name](x)
    at = numpy_of(x)
    np.testing.assert_allclose(numpy_of(y), function(at), atol=1e-8)
    (slope,) = torch.autograd.grad(y.sum(), x)
    step = 1e-6
    wanted = (function(at + step) - function(at - step)) / (2 * step)
    np.testing.assert_allclose(numpy_of(slope), wanted, atol=1e-5)


def test_encoder(three: Networks) -> None:
    q = three.q
    assert q is not None
    images = np.random.default_rng(2).random((4, 26, 26, 1)).astype(np.float32)
    mean, log_variance = q(torch.tensor(images), torch.Generator())
    h = images.reshape(4, 676).astype(float)
    for layer in q.hidden:
        assert isinstance(layer, torch.nn.Linear)
        h = np.log1p(np.exp(h @ numpy_of(layer.weight).T + numpy_of(layer.bias)))
    for head, got in ((q.mean, mean), (q.log_variance, log_variance)):
        wanted = h @ numpy_of(head.weight).T + numpy_of(head.bias)
        assert got.shape == (4, 32)
        np.testing.assert_allclose(numpy_of(got), wanted, atol=2e-5)


def test_dropout_keeps_the_mean_and_its_share() -> None:
    q = Encoder(64, 400, 8, keep=0.5, seed=0)
    with torch.no_grad():
        q.hidden[1].weight.zero_()  # type: ignore[operator]
        q.mean.weight.fill_(1.0)
    images = torch.ones(200, 8, 8, 1)
    mean, _ = q(images, torch.Generator().manual_seed(1))
    wanted = 400 * np.log(2.0)  # each hidden value is softplus(0), half of them dropped, doubled
    assert abs(float(mean.detach().mean()) / wanted - 1) < 0.01
    assert float(mean.detach().std()) > 0.03 * wanted
    again, _ = q(images, torch.Generator().manual_seed(1))
    assert torch.equal(mean, again)


def convolution_in_numpy(image: Array, weight: Array, bias: Array) -> Array:
    """TensorFlow's SAME with stride 2: (h, w, in) → (ceil(h/2), ceil(w/2), out), by its rule."""
    n = image.shape[0]
    out = -(-n // 2)
    total = (out - 1) * 2 + 5 - n
    before = total // 2
    padded = np.zeros((n + total, n + total, image.shape[2]))
    padded[before : before + n, before : before + n] = image
    result = np.empty((out, out, len(weight)))
    for i in range(out):
        for j in range(out):
            patch = padded[2 * i : 2 * i + 5, 2 * j : 2 * j + 5]
            result[i, j] = np.einsum("hwc,ochw->o", patch, weight) + bias
    return result


def discriminator_in_numpy(d: Discriminator, images: Array) -> Array:
    h = images
    for i, conv in enumerate(d.conv):
        assert isinstance(conv, torch.nn.Conv2d)
        assert conv.bias is not None
        w, b = numpy_of(conv.weight), numpy_of(conv.bias)
        h = np.stack([convolution_in_numpy(image, w, b) for image in h])
        if i > 0:
            norm = d.norm[i - 1]
            mean, variance = h.mean((0, 1, 2)), h.var((0, 1, 2))
            assert isinstance(norm.weight, torch.Tensor)
            assert isinstance(norm.bias, torch.Tensor)
            h = (h - mean) / np.sqrt(variance + 1e-5) * numpy_of(norm.weight)
            h = h + numpy_of(norm.bias)
        h = np.where(h > 0, h, 0.2 * h)
    logit = h.reshape(len(h), -1) @ numpy_of(d.linear.weight).T + numpy_of(d.linear.bias)
    return np.asarray(1 / (1 + np.exp(-logit[:, 0])))


@pytest.mark.parametrize(("size", "channels"), [(26, 1), (17, 3)])
def test_discriminator(size: int, channels: int) -> None:
    d = Discriminator(size, channels, 6, seed=4)
    images = np.random.default_rng(3).random((3, size, size, channels))
    got = d(torch.tensor(images, dtype=torch.float32))
    np.testing.assert_allclose(numpy_of(got), discriminator_in_numpy(d, images), atol=1e-5)


def test_spatial_sizes_of_the_discriminator(three: Networks) -> None:
    assert three.d is not None
    h = torch.zeros(2, 1, 26, 26)
    sides = []
    for conv in three.d.conv:
        h = conv(networks.same_padding(h))
        sides.append(h.shape[2:])
    assert sides == [(13, 13), (7, 7), (4, 4)]


def test_batch_norm_uses_the_batch_after_training_too(three: Networks) -> None:
    assert three.d is not None
    images = torch.rand(4, 26, 26, 1)
    together = three.d(images)
    apart = torch.cat([three.d(images[:2]), three.d(images[2:])])
    assert not torch.allclose(together, apart, atol=1e-6)
    three.d.eval()
    assert torch.equal(three.d(images), together)
    three.d.train()


def test_the_generators_grid_is_the_originals() -> None:
    view = View(**fresh_generator(Settings(), 1).structure.view)
    grid = Grid.of(view, Canvas(26, 26))
    x, y = grid.points(np.arange(26.0)[:, None], np.arange(26.0)[None])
    np.testing.assert_allclose(x.ravel(), 8.0 * (2 * np.arange(26) / 25 - 1), atol=1e-12)
    np.testing.assert_allclose(y.ravel(), x.ravel())


def test_settings_reach_the_generator() -> None:
    s = Settings(width=12, z_dim=3, activations=("relu", "sin"), scale=2.0, deviation=0.5)
    cppn = fresh_generator(s, 3)
    assert [w.shape for w, _ in cppn.layers] == [(12, 6), (12, 12), (3, 12)]
    assert cppn.structure.activations == ("relu", "sin")
    assert cppn.structure.latent_scale == 2.0
    assert cppn.structure.view["scale"] == 2.0
    plain = fresh_generator(Settings(width=12, z_dim=3, activations=("relu", "sin")), 3)
    np.testing.assert_allclose(cppn.layers[1][0], 5 * plain.layers[1][0], rtol=1e-6)


def test_uniforms_become_truncated_normals() -> None:
    u = np.linspace(0.0005, 0.9995, 1000)
    values = networks.truncated_normal(u)
    assert abs(values).max() < 0.04
    assert values[499] == pytest.approx(0.0, abs=1e-4)
    assert np.all(np.diff(values) > 0)


def test_mixed_precision_keeps_points_apart() -> None:
    """Two neighbouring points of 2,048 a side: the first layer's sums stay float32."""
    rng = np.random.default_rng(0)
    cppn = CPPN.from_preset("hardmaru", seed=1, channels=1, width=8, depth=1, activations=("sin",))
    (weight, bias), output = cppn.layers
    fine = Generator(CPPN(cppn.structure, [(100 * weight, bias), output]))
    x = rng.uniform(-1, 1, 200)
    z = torch.zeros(1, 8)
    with torch.autocast("cpu", torch.bfloat16):
        here, there = (numpy_of(fine(points_of(v, v, CPU), z)) for v in (x, x + 2 / 2048))
    exact_here, exact_there = (numpy_of(fine(points_of(v, v, CPU), z)) for v in (x, x + 2 / 2048))
    np.testing.assert_allclose(there - here, exact_there - exact_here, atol=0.02)
    assert abs(there - here).max() > 0.05
