"""Train the three networks on one batch of images at a time."""

import copy
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import TrainingDivergedError
from tilecppn.scene.sections import View
from tilecppn.train import losses, noise
from tilecppn.train.curriculum import Stage
from tilecppn.train.curves import Losses
from tilecppn.train.device import autocast
from tilecppn.train.model import Networks
from tilecppn.train.networks import parameters
from tilecppn.train.noise import Stream
from tilecppn.train.schedule import Update
from tilecppn.train.settings import Settings

EXPLODED = 1e6  # a loss above this counts as diverged, like NaN
ADAM_BETA2, ADAM_EPSILON = 0.999, 1e-8
Snapshot = tuple[int, list[dict[str, Any]]]  # updates, states of networks and optimisers


def _tensors(tree: object) -> Iterator[Tensor]:
    """Yield the tensors in nested dicts and lists, in order."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, dict | list):
        for each in tree.values() if isinstance(tree, dict) else tree:
            yield from _tensors(each)


class Trainer:
    """The networks and their optimisers; `updates` counts the draws of noise."""

    def __init__(
        self, settings: Settings, channels: int, device: torch.device, mixed: bool
    ) -> None:
        """Create networks and optimisers; `settings` are complete (`with_defaults`)."""
        s = settings
        assert s.size is not None
        assert s.learning_rate is not None
        assert s.learning_rate_vae is not None
        self.settings = settings
        self.size = s.size
        self.device = device
        self.mixed = mixed
        self.updates = 0
        self._kept: list[dict[str, Any]] = []  # the last snapshot's states
        self.networks = Networks.fresh(s, s.size, channels).to(device)
        g, q, d = self.networks
        makers = parameters(g) if q is None else parameters(q, g)
        # Two optimisers over the same weights, each with its own moments, as in the originals.
        learned: dict[Update, tuple[list[torch.nn.Parameter], float]] = {
            "vae": (makers if q else [], s.learning_rate_vae),
            "g": (makers if d else [], s.learning_rate),
            "d": (parameters(d) if d else [], s.learning_rate_d),
        }
        self.optimisers = {
            name: torch.optim.Adam(weights, rate, (s.beta1, ADAM_BETA2), ADAM_EPSILON)
            for name, (weights, rate) in learned.items()
            if weights
        }
        self.stage = self.stage_of(s.size)

    def stage_of(self, side: int) -> Stage:
        """Return the stage of the curriculum whose images have `side` cells."""
        return Stage(View(**self.networks.g.structure.view), self.size, side, self.device)

    @property
    def modules(self) -> list[torch.nn.Module]:
        """The networks that are trained."""
        return [self.networks.g, *self.networks.companions().values()]

    @property
    def _parts(self) -> list[torch.nn.Module | torch.optim.Optimizer]:
        return [*self.modules, *self.optimisers.values()]

    def snapshot(self) -> Snapshot:
        """Copy all that training changes into the previous snapshot's memory, which saves
        allocating.
        """
        states = [part.state_dict() for part in self._parts]
        now, before = list(_tensors(states)), list(_tensors(self._kept))
        if len(now) == len(before):
            for kept, tensor in zip(before, now, strict=True):
                kept.copy_(tensor)
        else:  # the first snapshot, or optimisers had no state yet
            self._kept = copy.deepcopy(states)
        return self.updates, self._kept

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot, which must be the last one taken."""
        self.updates, states = snapshot
        self._kept = []  # optimisers keep its tensors as their own
        for part, state in zip(self._parts, states, strict=True):
            part.load_state_dict(state)

    def learn(self, images: Tensor, stopping: ShouldStop = never) -> Losses:
        """Run all updates that the schedule gives one batch (B, size, size, C).

        Raises TrainingDivergedError at the first loss that is NaN or too large, before it is
        trained on, and KeyboardInterrupt between two updates if `stopping` says so.
        """
        coarse = self.stage.coarse(images.to(self.device))
        last: dict[Update, float] = {}
        learned = dict.fromkeys(("vae", "g", "d"), 0)
        steps = self.settings.schedule.batch()
        asked = next(steps, None)
        while asked is not None:
            if stopping():
                raise KeyboardInterrupt
            name, learn = asked
            last[name] = self._update(name, coarse, learn)
            learned[name] += learn
            try:
                asked = steps.send(last[name])
            except StopIteration:
                break
        return Losses(last.get("vae"), last.get("g"), last.get("d"), *learned.values())

    def _update(self, name: Update, images: Tensor, learn: bool) -> float:
        """Return the loss `name` before the update; with `learn` take one step on it."""
        rng = noise.generator(self.settings.seed, Stream.NOISE + self.updates, self.device)
        self.updates += 1
        # No gradient for what a step does not change: d trains on generated images as they are.
        with torch.set_grad_enabled(learn):
            # `own` is the loss itself; `total` is minimised, which for g includes the VAE's loss.
            own, total = self._losses(name, images, rng)
        value = float(own.detach())
        if not (math.isfinite(value) and value < EXPLODED):
            raise TrainingDivergedError(f"the {name} loss is {value:g} in update {self.updates}")
        if learn:
            optimiser = self.optimisers[name]
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(total)
            optimiser.step()
        return value

    def _losses(self, name: Update, images: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        g, q, d = self.networks
        points, count = self.stage.points, len(images)
        vae = torch.zeros((), device=self.device)
        drawing = torch.is_grad_enabled() and name != "d"
        with autocast(self.device, self.mixed), torch.set_grad_enabled(drawing):
            if q is None:
                z = torch.randn((count, self.settings.z_dim), generator=rng, device=self.device)
            else:
                mean, log_variance = q(self.stage.fine(images), rng)
                eps = torch.randn(mean.shape, generator=rng, device=self.device)
                z = mean + (0.5 * log_variance).exp() * eps
            drawn = g(points, z).reshape(images.shape)
        if q is not None and name != "d":
            warm = (
                min(1.0, self.updates / self.settings.kl_warmup) if self.settings.kl_warmup else 1
            )
            sums = losses.RECONSTRUCTION[self.settings.reconstruction](images, drawn)
            # Weigh a coarse image against the divergence like a full-size one.
            weight = (self.size / self.stage.side) ** 2
            vae = losses.vae_loss(
                weight * sums, warm * losses.divergence(mean, log_variance), self.size**2
            )
        if name == "vae":
            return vae, vae
        assert d is not None
        with autocast(self.device, self.mixed):
            fake = d(self.stage.fine(drawn))
            if name == "g":
                own = losses.g_loss(fake)
                return own, own + vae
            own = losses.d_loss(d(self.stage.fine(images)), fake)
        return own, own
