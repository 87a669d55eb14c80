"""Seeded numbers: the same on every machine, version and day, and distributed as they should."""

import hashlib
import math
from collections.abc import Iterator
from itertools import count, islice
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tilecppn.cppn.network import CPPN
from tilecppn.cppn.seeding import LATENT_STREAM, MAX_SEED, Distribution, inverse_normal, uniforms

LAWS = settings(max_examples=50)
NORMAL = NormalDist()
WORD = 2**64
SEEDS = st.integers(0, MAX_SEED)
STREAMS = st.one_of(st.integers(0, 2000), st.just(LATENT_STREAM))


def philox(seed: int, stream: int) -> Iterator[int]:
    """Raw words of Philox 4x64-10 with key (seed, stream), its counter beginning at 1.

    After Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.
    """
    for block in count(1):
        c0, c1, c2, c3 = block % WORD, block // WORD, 0, 0
        k0, k1 = seed, stream
        for _ in range(10):
            high0, low0 = divmod(0xD2E7470EE14C6C93 * c0, WORD)
            high1, low1 = divmod(0xCA5A826395121157 * c2, WORD)
            c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
            k0 = (k0 + 0x9E3779B97F4A7C15) % WORD
            k1 = (k1 + 0xBB67AE8584CAA73B) % WORD
        yield from (c0, c1, c2, c3)


def plain_uniforms(seed: int, stream: int, n: int) -> list[float]:
    return [(word // 2**11 + 0.5) / 2**53 for word in islice(philox(seed, stream), n)]


@LAWS
@given(SEEDS, STREAMS, st.integers(0, 40))
@example(0, 0, 8)
@example(MAX_SEED, LATENT_STREAM, 8)
def test_uniforms_are_the_upper_53_bits_of_philox_words(seed: int, stream: int, n: int) -> None:
    assert uniforms(seed, stream, n).tolist() == plain_uniforms(seed, stream, n)


@LAWS
@given(SEEDS, STREAMS, st.integers(1, 40), st.integers(1, 40))
def test_fewer_uniforms_are_the_beginning_of_more(
    seed: int, stream: int, few: int, more: int
) -> None:
    n = min(few, more)
    assert np.array_equal(uniforms(seed, stream, few)[:n], uniforms(seed, stream, more)[:n])


@LAWS
@given(SEEDS, STREAMS, SEEDS, STREAMS)
def test_other_seeds_and_streams_give_other_uniforms(s1: int, t1: int, s2: int, t2: int) -> None:
    same = (s1, t1) == (s2, t2)
    assert np.array_equal(uniforms(s1, t1, 8), uniforms(s2, t2, 8)) == same


def test_uniforms_lie_in_the_open_interval() -> None:
    u = uniforms(5, 0, 100_000)
    assert 0.0 < u.min() < 1e-4
    assert 1.0 - 1e-4 < u.max() < 1.0


TAILS = [2.0**-k for k in range(1, 55)] + [1.0 - 2.0**-k for k in range(2, 54)]
# Where the algorithm changes its formula: |u - 1/2| = 0.425, and sqrt(-log u) = 5.
SEAMS = [
    math.nextafter(edge, towards)
    for edge in (0.075, 0.925, math.exp(-25.0), 1.0 - math.exp(-25.0))
    for towards in (0.0, edge, 1.0)
]


def test_inverse_normal_agrees_with_the_standard_library() -> None:
    rng = np.random.default_rng(1)
    u = np.concatenate([TAILS, SEAMS, rng.random(20_000), 10.0 ** -rng.uniform(0, 16, 5_000)])
    expected = np.array([NORMAL.inv_cdf(p) for p in u.tolist()])
    assert np.all(np.abs(inverse_normal(u) - expected) <= 1e-14 * np.abs(expected))


def test_inverse_normal_inverts_the_normal_distribution() -> None:
    """By the error function, which shares nothing with the quantile's coefficients."""
    u = np.array([2.0**-k for k in range(2, 55)])
    x = inverse_normal(u)
    back = np.array([0.5 * math.erfc(-v / math.sqrt(2.0)) for v in x.tolist()])
    # An error e of x moves the tail by about x² · e, relatively.
    assert np.all(np.abs(back / u - 1.0) <= 1e-15 * (10.0 + 2.0 * x * x))


def test_inverse_normal_is_odd_and_zero_in_the_middle() -> None:
    u = np.array([k / 1024 for k in range(1, 512)])  # 1 - u is exact
    assert np.array_equal(inverse_normal(1.0 - u), -inverse_normal(u))
    assert inverse_normal(np.array([0.5]))[0] == 0.0


def test_inverse_normal_rises() -> None:
    u = np.unique(np.concatenate([TAILS, np.linspace(0.001, 0.999, 5_000)]))
    assert np.all(np.diff(inverse_normal(u)) > 0)


@pytest.mark.parametrize("seed", [0, 1, 42])
def test_normals_pass_kolmogorov_and_smirnov(seed: int) -> None:
    n = 20_000
    values = np.sort(Distribution("normal", 0.0, 1.0).quantile(uniforms(seed, 0, n)))
    expected = np.array([NORMAL.cdf(v) for v in values.tolist()])
    steps = np.arange(n + 1) / n
    distance = max(np.max(steps[1:] - expected), np.max(expected - steps[:-1]))
    assert distance * math.sqrt(n) < 1.63  # exceeded once in a hundred seeds
    assert abs(values.mean()) < 3.0 / math.sqrt(n)
    assert abs(values.std() - 1.0) < 3.0 / math.sqrt(2 * n)


def test_uniform_values_fill_their_interval() -> None:
    values = Distribution("uniform", -3.0, 5.0).quantile(uniforms(7, 0, 20_000))
    counts, _ = np.histogram(values, bins=16, range=(-3.0, 5.0))
    assert counts.sum() == 20_000
    chi2 = float(np.sum((counts - 1250.0) ** 2 / 1250.0))
    assert chi2 < 30.6  # 15 degrees of freedom, once in a hundred


def test_normal_distribution_has_its_mean_and_deviation() -> None:
    u = uniforms(3, 0, 1_000)
    assert np.array_equal(Distribution("normal", 2.0, 0.5).quantile(u), 2 + 0.5 * inverse_normal(u))


@pytest.mark.parametrize("seed", [0, 42, MAX_SEED])
def test_weights_are_normals_of_their_layers_stream_rounded_once(seed: int) -> None:
    """Written out with the standard library alone: words, uniforms, quantile, float32."""
    cppn = CPPN.from_preset("hardmaru", seed=seed, channels=1, z_dim=2, width=5, depth=2)
    for i, (weight, bias) in enumerate(cppn.layers):
        normals = [NORMAL.inv_cdf(u) for u in plain_uniforms(seed, i, weight.size + bias.size)]
        expected = np.array(normals).astype(np.float32)
        got = np.concatenate([weight.ravel(), bias])
        assert got.dtype == np.float32
        # The two quantiles differ in the last bits of float64, hardly ever in float32.
        assert np.mean(got != expected) < 0.01
        assert np.all(np.abs(got - expected) <= np.spacing(np.abs(expected)))


def test_hidden_layers_do_not_depend_on_the_channels() -> None:
    grey, colour = (CPPN.from_preset("hardmaru", seed=9, channels=c) for c in (1, 3))
    for (w1, b1), (w3, b3) in zip(grey.layers[:-1], colour.layers[:-1], strict=True):
        assert np.array_equal(w1, w3)
        assert np.array_equal(b1, b3)


def test_latent_comes_from_its_own_stream() -> None:
    cppn = CPPN.from_preset("hardmaru")
    u = np.array(plain_uniforms(42, 2**63, 8))
    assert np.array_equal(cppn.seeded_latent(42), -1.0 + 2.0 * u)
    assert cppn.seeded_latent(42).min() > -1.0
    assert cppn.seeded_latent(42).max() < 1.0


def test_latent_does_not_depend_on_the_weights_seed() -> None:
    one, other = (CPPN.from_preset("hardmaru", seed=s) for s in (1, 2))
    assert np.array_equal(one.seeded_latent(5), other.seeded_latent(5))


# SHA-256 of each hardmaru layer: its weight row by row, then its bias, little-endian float32. The
# last two of a seed are the output layers of one and of three channels. These never change: every
# picture ever made from a seed hangs on them.
LAYERS: dict[int, tuple[str, ...]] = {
    0: (
        "46c2744d05aa30b47b455e82c3c8d34a15427cd3cd885031b52ac8f8383f3e5a",
        "c338b0ba630f2a63e1f843a6a3ce9aa9de1da8e14db739b843c6f5ab84e0c168",
        "ca5796778d0d6c812d9eced26ffd0a72bfbe0019e7c8a1d0d9939a21b42cc8e8",
        "fe6e5d18d6fc0f7939128de2c9cc91d7549ffe9db433cffaaf844b120895a697",
        "9231e872d55dc46a6fcff48805044fd47576aa132015928bb7c58e6529bcf07b",
        "f5ffa76a00cb9956b0c75c12973e425da34fe4722bd72bc665b40cb10e7d1fda",
    ),
    1: (
        "334330d42ac41106662b8a29ea84154ecbffac9e266b75e3c827bfa417fce20b",
        "2c950ad513afaeb649048852ed519fd05a697584a77498bb7811d380a83c24f2",
        "cdfc404a83af9ef71a7294d5acc35ba3f9c7a3383d7a733db95eb6caeda775b9",
        "5a71974add5ffb060fc5064b144ae95af108d414cf919e9483bcabf4c190ea14",
        "698b9cb191645a460e5c2f38c9ec9223ff09a066d35c018f6b2d996e6f5bcd59",
        "e34ab05b5ed5925da1a71d1715b82140503048c1c276c0b54a6bad744cc31e15",
    ),
    42: (
        "36ed901e369e235b21b6dc93f45ba2eaaceb3492262c3c70e3ed20bb8e27f213",
        "2e98256280856802bec5053dcd9ee4321c3c90eb8ffbb435ad6c17436d0db62b",
        "da69b91233a4b3a5b86280607d8dc5982ac8bacee6c41e5134f8c364be03471b",
        "c68e5ebf620a9d88ab2095ca0ac73eb1f8ecaf7e0ea1fe8ad4c8e366cbc4748a",
        "92effa5dda04096243e077551d08255a6ae5c47e903b38de014172372dea3c33",
        "0ad03ceeba8310ae5e18534188fd18a2742d57330a3ff5d424721c95829e04ea",
    ),
    MAX_SEED: (
        "84fa1fc625857f56fdf711b578ab5f37879be1c9c41d69b708a7fa425799a98d",
        "812866b6355e4d81bd68c438b4e74ac1f00d697575e1e48ab6c621b006762cca",
        "14cb902034ee839568a8a5d2295232b4fc03a3eca9d45fca01aa3d6494973313",
        "d54c65451b2ffff1caf0e58d1f7d5f8039fe26cefd13d00716a2dfbaa8b6069a",
        "7468904ae9413a21e3b42afccc189601e7cd49e7b57452c787b062af26bea5f5",
        "60044d95f2e813cded3d650271986772f91f6bec92fef4f6cb78ee564fed42a7",
    ),
}
LATENTS = {
    0: [
        0.16989166097946384,
        0.004894919996843328,
        -0.8168702935725652,
        0.9905624983728809,
        0.29785775484255606,
        -0.1648720115746961,
        0.6453068003363347,
        -0.7476130357247889,
    ],
    1: [
        -0.11679535168999056,
        -0.7489169443540419,
        -0.8897882282034063,
        0.34026315616581293,
        -0.004354153166526431,
        0.33536937683772416,
        -0.35121179182726003,
        -0.3263567848857144,
    ],
    42: [
        0.2065166391955242,
        0.20113483447015446,
        0.6339158856176863,
        0.9887663305876742,
        -0.6272572162794178,
        -0.708420595347898,
        -0.3785749138310329,
        0.05678906157620567,
    ],
    MAX_SEED: [
        0.6143939423795644,
        0.4875627699618321,
        -0.8683858056129691,
        -0.36930306018688974,
        -0.5674257266055222,
        -0.35730076675989964,
        0.05286662457178526,
        -0.5656689213776592,
    ],
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("seed", LAYERS)
def test_seeded_weights_never_change(seed: int, channels: int) -> None:
    cppn = CPPN.from_preset("hardmaru", seed=seed, channels=channels)
    got = [
        hashlib.sha256(w.astype("<f4").tobytes() + b.astype("<f4").tobytes()).hexdigest()
        for w, b in cppn.layers
    ]
    *hidden, one, three = LAYERS[seed]
    assert got == [*hidden, one if channels == 1 else three]


@pytest.mark.parametrize("seed", LATENTS)
def test_seeded_latents_never_change(seed: int) -> None:
    assert CPPN.from_preset("hardmaru").seeded_latent(seed).tolist() == LATENTS[seed]
