"""The settings of a training and of a fit. Those of `Settings` default to the originals'."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.cppn.seeding import MAX_SEED
from tilecppn.cppn.structure import MAX_WIDTH, MAX_Z_DIM
from tilecppn.errors import CheckpointError
from tilecppn.formatting import option_name
from tilecppn.scene import validation
from tilecppn.scene.validation import Section, key
from tilecppn.train.schedule import SCHEDULES, Schedule

MODELS = tuple(SCHEDULES)
# The originals' values, for 60,000 images.
LARGE_SET: dict[str, Any] = {
    "batch": 500,
    "learning_rate": 0.005,
    "learning_rate_vae": 0.001,
    "kl_warmup": 0,
}
# Small batches give a small data set more updates a minute. With the originals' learning rates they
# would drive the tanh layers into saturation, and without a warm-up of the KL term the generator
# first learns to ignore the latent: the longer the warm-up, the more dimensions of the latent are
# used.
SMALL_SET: dict[str, Any] = {
    "batch": 16,
    "learning_rate": 0.0005,
    "learning_rate_vae": 0.002,
    "kl_warmup": 35000,
}
# Leaves twice the time for the reconstruction; samples stay as varied.
SMALL_GAN_VAE: dict[str, Any] = {"g_updates": 1}
SMALL = 10_000  # data sets with fewer images use SMALL_SET
_rate = validation.number("a number above 0", lambda v: v > 0)
_share = validation.number("a number above 0, up to 1", lambda v: 0 < v <= 1)
_momentum = validation.number("a number from 0 to below 1", lambda v: 0 <= v < 1)
_threshold = validation.number("a finite number of 0 or more", lambda v: v >= 0)
_updates = validation.integer(0, 64)


@dataclass(frozen=True)
class Settings(Section):
    """The settings of a training. None means a default for the data (`with_defaults`) or model
    (`schedule`).
    """

    model: str = key("gan-vae", validation.choice(*MODELS))
    seed: int = key(0, validation.integer(0, MAX_SEED))
    size: int | None = key(None, validation.optional(validation.integer(4, 1024)))
    batch: int | None = key(None, validation.optional(validation.integer(2, 65536)))
    epochs: int = key(100, validation.integer(1, 10**6))
    z_dim: int = key(32, validation.integer(1, MAX_Z_DIM))
    width: int = key(128, validation.integer(1, MAX_WIDTH))
    activations: tuple[str, ...] = key(
        ("softplus", "tanh", "tanh", "tanh"), validation.names(*ACTIVATIONS)
    )
    residual: bool = key(False, validation.boolean())  # hidden layers add to their input
    deviation: float = key(0.1, _rate)  # of the generator's first weights and biases
    scale: float = key(8.0, _rate)  # of the plane, and of the latent
    encoder_width: int = key(512, validation.integer(1, MAX_WIDTH))
    discriminator_width: int = key(24, validation.integer(1, MAX_WIDTH))
    keep_prob: float = key(1.0, _share)
    reconstruction: str = key("bce", validation.choice("bce", "l2"))
    kl_warmup: int | None = key(None, validation.optional(validation.integer(0, 10**9)))  # updates
    flip: bool = key(False, validation.boolean())
    learning_rate: float | None = key(None, validation.optional(_rate))
    learning_rate_vae: float | None = key(None, validation.optional(_rate))
    learning_rate_d: float = key(0.001, _rate)
    beta1: float = key(0.65, _momentum)
    vae_updates: int | None = key(None, validation.optional(_updates))
    g_updates: int | None = key(None, validation.optional(_updates))
    d_updates: int | None = key(None, validation.optional(validation.integer(0, 1)))
    g_enough: float | None = key(None, validation.optional(_threshold))
    d_above: float | None = key(None, validation.optional(_threshold))
    g_below: float | None = key(None, validation.optional(_threshold))
    curriculum: bool = key(False, validation.boolean())
    curriculum_epochs: int = key(2, validation.integer(1, 10**6))  # at each size except the last

    @property
    def schedule(self) -> Schedule:
        """The model's schedule, with the overrides of these settings."""
        own = {f.name: getattr(self, f.name) for f in fields(Schedule)}
        return replace(SCHEDULES[self.model], **{k: v for k, v in own.items() if v is not None})

    def with_defaults(self, count: int, side: int) -> "Settings":
        """Return these settings with defaults for `count` images of `side` pixels.

        Crops are 2 pixels smaller than the images, like the originals' 26 of 28.
        """
        own = {**(SMALL_SET if count < SMALL else LARGE_SET), "size": side - 2}
        if count < SMALL and self.model == "gan-vae":
            own |= SMALL_GAN_VAE
        return replace(self, **{k: v for k, v in own.items() if getattr(self, k) is None})

    def record(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return {**asdict(self), "activations": list(self.activations)}


@dataclass(frozen=True)
class FitSettings(Section):
    """The settings of a fit."""

    seed: int = key(0, validation.integer(0, MAX_SEED))
    width: int = key(256, validation.integer(1, MAX_WIDTH))
    activations: tuple[str, ...] = key(("sin",) * 4, validation.names(*ACTIVATIONS))
    frequency: float = key(0.5, _rate)  # highest frequency of the first layer, radians per pixel
    batch: int = key(2048, validation.integer(1, 2**24))
    learning_rate: float = key(0.006, _rate)


# Settings that may change when a training resumes; any other would change its meaning.
CHANGEABLE = ("epochs",)


def continued(kept: Mapping[str, Any], given: Mapping[str, Any], where: str) -> Settings:
    """Return a checkpoint's settings with those `given` now.

    Raises CheckpointError if a setting differs that is not in CHANGEABLE.
    """
    before = Settings(**kept)
    now = replace(before, **given)
    for name in given:
        old, new = getattr(before, name), getattr(now, name)
        if old != new and name not in CHANGEABLE:
            option = option_name(name)
            raise CheckpointError(
                f"{where}: was trained with {option} {old}, not {new}; leave {option} out, or "
                "train anew: --overwrite, or another --save-dir"
            )
    return now
