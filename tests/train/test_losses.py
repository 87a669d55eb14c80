"""Losses against NumPy transcriptions; one step of Adam; the schedule against scripted losses."""

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tilecppn.train import losses
from tilecppn.train.schedule import SCHEDULES, Schedule
from tilecppn.train.settings import Settings
from tilecppn.train.trainer import Trainer

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
IMAGES = RNG.random((5, 26, 26, 1)).astype(np.float32)
DRAWN = RNG.random((5, 26, 26, 1)).astype(np.float32)
MEAN = RNG.normal(size=(5, 32)).astype(np.float32)
LOG_VARIANCE = RNG.normal(size=(5, 32)).astype(np.float32)
REAL = RNG.random(5).astype(np.float32)
FAKE = RNG.random(5).astype(np.float32)


def test_vae_loss() -> None:
    x, p = IMAGES.reshape(5, 676).astype(float), DRAWN.reshape(5, 676).astype(float)
    bce = -np.sum(x * np.log(1e-10 + p) + (1 - x) * np.log(1e-10 + 1 - p), axis=1)
    mu, s = MEAN.astype(float), LOG_VARIANCE.astype(float)
    kl = -0.5 * np.sum(1 + s - mu**2 - np.exp(s), axis=1)
    wanted = np.mean(bce + kl) / 676
    got = losses.vae_loss(
        losses.bce_sum(torch.tensor(IMAGES), torch.tensor(DRAWN)),
        losses.divergence(torch.tensor(MEAN), torch.tensor(LOG_VARIANCE)),
        676,
    )
    assert float(got) == pytest.approx(wanted, rel=1e-5)


def test_divergence_is_zero_at_the_prior_and_positive_elsewhere() -> None:
    assert float(losses.divergence(torch.zeros(1, 4), torch.zeros(1, 4))) == 0.0
    assert (losses.divergence(torch.tensor(MEAN), torch.tensor(LOG_VARIANCE)) > 0).all()


def test_losses_are_finite_where_a_network_is_certain() -> None:
    sure = torch.tensor([0.0, 1.0])
    images = torch.tensor([[1.0, 0.0]])
    assert torch.isfinite(losses.bce_sum(images, sure[None])).all()
    assert torch.isfinite(losses.d_loss(torch.zeros(2), torch.ones(2)))
    assert float(losses.g_loss(torch.zeros(2))) == pytest.approx(-np.log(1e-12), rel=1e-5)


def test_d_and_g_loss() -> None:
    real, fake = REAL.astype(float), FAKE.astype(float)
    d_real = np.mean(-np.log(real + 1e-12))
    d_fake = np.mean(-np.log(1 - fake + 1e-12))
    got = losses.d_loss(torch.tensor(REAL), torch.tensor(FAKE))
    assert float(got) == pytest.approx((d_real + d_fake) / 2, rel=1e-5)
    g = losses.g_loss(torch.tensor(FAKE))
    assert float(g) == pytest.approx(np.mean(-np.log(fake + 1e-12)), rel=1e-5)


def test_l2() -> None:
    got = losses.l2_sum(torch.tensor(IMAGES), torch.tensor(DRAWN))
    wanted = np.square(IMAGES.astype(float) - DRAWN).sum((1, 2, 3))
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-5)


def play(schedule: Schedule, script: Iterable[float]) -> list[str]:
    """What the schedule asks for when it is sent these losses, one after the other.

    `d?` measures the discriminator's loss without learning from it.
    """
    asked = []
    steps = schedule.batch()
    answers = iter(script)
    name, learn = next(steps)
    while True:
        asked.append(name if learn else f"{name}?")
        try:
            name, learn = steps.send(next(answers))
        except StopIteration:
            assert next(answers, None) is None, "the script has losses left"
            return asked


VAE4 = [0.3, 0.3, 0.3, 0.3]
SCRIPTS = {
    "the generator never good enough": (
        [*VAE4, 0.9, 0.8, 0.7, 0.65, 0.7, 0.7],
        ["vae"] * 4 + ["g"] * 4 + ["d?", "d"],
    ),
    "good enough at once": ([*VAE4, 0.5, 0.7, 0.7], ["vae"] * 4 + ["g", "d?", "d"]),
    "good enough the third time": (
        [*VAE4, 0.9, 0.7, 0.59, 0.61, 0.61],
        ["vae"] * 4 + ["g"] * 3 + ["d?", "d"],
    ),
    "0.6 itself is not enough": (
        [*VAE4, 0.6, 0.6, 0.6, 0.6, 0.7, 0.7],
        ["vae"] * 4 + ["g"] * 4 + ["d?", "d"],
    ),
    "the generator is behind": (
        [*VAE4, 0.9, 0.9, 0.9, 0.75, 0.9],
        ["vae"] * 4 + ["g"] * 4 + ["d?"],
    ),
    "only the last generator's loss counts": (
        [*VAE4, 0.7, 0.7, 0.7, 0.8, 0.9],
        ["vae"] * 4 + ["g"] * 4 + ["d?"],
    ),
    "the discriminator is good enough": ([*VAE4, 0.5, 0.6], ["vae"] * 4 + ["g", "d?"]),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_schedule(script: str) -> None:
    sent, wanted = SCRIPTS[script]
    assert play(SCHEDULES["gan-vae"], sent) == wanted


def test_schedules_of_the_other_models() -> None:
    assert play(SCHEDULES["vae"], [0.3]) == ["vae"]
    assert play(SCHEDULES["gan"], [0.9] * 8 + [0.5]) == ["g"] * 8 + ["d?"]
    assert play(SCHEDULES["gan"], [0.9, 0.79, 0.46, 0.46]) == ["g", "g", "d?", "d"]
    assert play(SCHEDULES["gan"], [0.79, 0.45]) == ["g", "d?"]


def test_settings_override_the_schedule() -> None:
    assert Settings().schedule == SCHEDULES["gan-vae"]
    own = Settings(vae_updates=1, g_updates=2, g_enough=0.1).schedule
    assert play(own, [0.3, 0.5, 0.5, 0.7, 0.7]) == ["vae", "g", "g", "d?", "d"]
    assert play(Settings(d_updates=0).schedule, [*VAE4, 0.5]) == ["vae"] * 4 + ["g"]


@given(st.lists(st.floats(0, 3), min_size=10, max_size=10))
def test_a_batch_never_gets_more_than_nine_updates(script: list[float]) -> None:
    steps = SCHEDULES["gan-vae"].batch()
    learned = []
    asked = next(steps)
    for loss in script:
        learned += [asked[0]] * asked[1]
        try:
            asked = steps.send(loss)
        except StopIteration:
            break
    assert learned.count("vae") == 4
    assert 1 <= learned.count("g") <= 4
    assert learned.count("d") <= 1


# The trainer: which weights each update changes, and by which loss.

TINY = {"width": 6, "encoder_width": 8, "discriminator_width": 2, "z_dim": 3, "batch": 4}


def trainer(**settings: object) -> Trainer:
    suited = Settings(**{**TINY, **settings}).with_defaults(60_000, 12)  # type: ignore[arg-type]
    return Trainer(suited, 1, CPU, mixed=False)


def batch(seed: int = 0) -> torch.Tensor:
    values = np.random.default_rng(seed).random((4, 10, 10, 1))
    return torch.tensor(values, dtype=torch.float32)


def weights(t: Trainer) -> dict[str, list[torch.Tensor]]:
    g, q, d = t.networks
    modules = {"g": g, "q": q, "d": d}
    return {k: [p.detach().clone() for p in m.parameters()] for k, m in modules.items() if m}


@pytest.mark.parametrize(
    ("name", "changes"), [("vae", {"g", "q"}), ("g", {"g", "q"}), ("d", {"d"})]
)
def test_an_update_changes_its_own_weights(name: str, changes: set[str]) -> None:
    t = trainer()
    before = weights(t)
    t._update(name, batch(), True)  # type: ignore[arg-type]
    after = weights(t)
    for net in before:
        same = all(torch.equal(a, b) for a, b in zip(before[net], after[net], strict=True))
        assert same == (net not in changes)


@pytest.mark.parametrize("name", ["vae", "g", "d"])
def test_measuring_changes_nothing(name: str) -> None:
    t = trainer()
    before = weights(t)
    t._update(name, batch(), False)  # type: ignore[arg-type]
    for net, tensors in weights(t).items():
        assert all(torch.equal(a, b) for a, b in zip(before[net], tensors, strict=True))


@pytest.mark.parametrize(("name", "rate"), [("vae", 0.001), ("g", 0.005), ("d", 0.001)])
def test_the_first_step_is_adams_with_the_originals_rate(name: str, rate: float) -> None:
    """Adam's first step is rate · g / (|g| + ε): as long as the rate, for every weight."""
    t = trainer()
    before = weights(t)
    t._update(name, batch(), True)  # type: ignore[arg-type]
    net = "d" if name == "d" else "g"
    steps = [(a - b).abs() for a, b in zip(before[net], weights(t)[net], strict=True)]
    longest = max(float(s.max()) for s in steps)
    assert longest == pytest.approx(rate, rel=1e-3)


def test_the_second_step_has_beta1() -> None:
    """A gradient g, then 0: the second step is m̂/√v̂ with m = β₁(1-β₁)g, v = β₂(1-β₂)g²."""
    t = trainer()
    optimiser = t.optimisers["vae"]
    (group,) = optimiser.param_groups
    weight = group["params"][0]
    for p in group["params"]:
        p.grad = torch.ones_like(p)
    optimiser.step()
    before = weight.detach().clone()
    for p in group["params"]:
        p.grad = torch.zeros_like(p)
    optimiser.step()
    b1, b2 = 0.65, 0.999
    m = b1 * (1 - b1) / (1 - b1**2)
    v = b2 * (1 - b2) / (1 - b2**2)
    wanted = 0.001 * m / np.sqrt(v)
    np.testing.assert_allclose((before - weight.detach()).numpy(), wanted, rtol=1e-3)


def test_the_generator_descends_both_losses() -> None:
    """Its gradient is the sum of both losses' gradients."""
    t = trainer()
    own, total = t._losses("g", batch(), torch.Generator().manual_seed(1))
    vae, _ = t._losses("vae", batch(), torch.Generator().manual_seed(1))
    assert float(total.detach()) == pytest.approx(float((own + vae).detach()), rel=1e-6)


def test_the_divergence_warms_up() -> None:
    """Its share of the loss grows with the updates, from nothing to all of it."""

    def loss(updates: int, warmup: int) -> float:
        t = trainer(kl_warmup=warmup)
        assert t.networks.q is not None
        with torch.no_grad():
            t.networks.q.mean.bias.fill_(2.0)
        t.updates = updates
        own, _ = t._losses("vae", batch(), torch.Generator().manual_seed(1))
        return float(own.detach())

    whole, none = loss(0, 0), loss(0, 100)
    assert whole - none > 0.01
    assert loss(50, 100) == pytest.approx((whole + none) / 2, rel=1e-5)
    assert loss(100, 100) == loss(700, 100) == whole


def test_the_data_decide_what_is_not_said() -> None:
    large, small = Settings().with_defaults(60_000, 28), Settings().with_defaults(1_797, 28)
    assert (large.size, large.batch) == (26, 500)
    assert (large.learning_rate, large.learning_rate_vae, large.kl_warmup) == (0.005, 0.001, 0)
    assert (large.learning_rate_d, large.beta1, large.epochs) == (0.001, 0.65, 100)
    assert small.batch == 16
    assert Settings(batch=7, size=20).with_defaults(1_797, 28).batch == 7
    assert Settings(batch=7, size=20).with_defaults(60_000, 28).size == 20


def test_real_and_drawn_images_are_normalised_apart() -> None:
    t = trainer()
    d, (g, q, _) = t.networks.d, t.networks
    assert d is not None
    assert q is not None
    with torch.no_grad():
        own, _ = t._losses("d", batch(), torch.Generator().manual_seed(2))
        rng = torch.Generator().manual_seed(2)
        mean, log_variance = q(batch(), rng)
        z = mean + (0.5 * log_variance).exp() * torch.randn(mean.shape, generator=rng)
        fake = g(t.stage.points, z).reshape(4, 10, 10, 1)
        wanted = losses.d_loss(d(batch()), d(fake))
    assert float(own) == pytest.approx(float(wanted), rel=1e-6)


def test_a_gan_draws_from_the_prior_and_a_vae_has_no_discriminator() -> None:
    gan, vae = trainer(model="gan"), trainer(model="vae")
    assert gan.networks.q is None
    assert vae.networks.d is None
    assert set(gan.optimisers) == {"g", "d"}
    assert set(vae.optimisers) == {"vae"}
    learned = gan.learn(batch())
    assert learned.vae is None
    assert learned.g is not None
    learned = vae.learn(batch())
    assert (learned.g, learned.d, learned.vae_updates) == (None, None, 1)


def test_learning_lowers_the_loss() -> None:
    t = trainer(model="vae", learning_rate_vae=0.01)
    dark = 0.2 * batch()
    first = t.learn(dark).vae
    for _ in range(60):
        last = t.learn(dark).vae
    assert first is not None
    assert last is not None
    assert last < first - 0.02
