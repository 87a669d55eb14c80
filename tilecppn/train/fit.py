"""Fit a CPPN to one image: (x, y, r) → its colour, with Adam on random pixels.

The first layer is a sine of random frequencies, without which fine detail is not learned (Tancik et
al., Fourier Features, 2020; Sitzmann et al., SIREN, 2020); the frequencies are trained too. The
network is an ordinary CPPN without a latent. On its plane the nearer edge of the image lies at ±1
and its pixels lie as with `grid = "centers"`, so a scene of the image's size reproduces its pixels,
and a larger one interpolates.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from tilecppn import filesystem
from tilecppn.cancellation import ShouldStop, never
from tilecppn.cppn import CPPN, Distribution, Structure
from tilecppn.cppn.seeding import uniforms
from tilecppn.cppn.structure import shapes
from tilecppn.errors import Interrupted, TrainingDivergedError
from tilecppn.formatting import counted
from tilecppn.scene.sections import Canvas, View
from tilecppn.scene.view import Grid
from tilecppn.train.checks import check_picture
from tilecppn.train.device import autocast
from tilecppn.train.networks import Generator
from tilecppn.train.noise import Stream, generator
from tilecppn.train.settings import FitSettings

WARM_UP = 50  # steps over which the learning rate rises to its full value
LAST_RATE = 0.02  # as a share of the learning rate, at the end
CHECKS = 12  # evaluations of the whole image, the last at the end
EVALUATED = 1 << 14  # pixels per chunk of such an evaluation
ADAM_BETAS = (0.9, 0.99)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Progress:
    """The state of a fit. `psnr` in dB of 8-bit pixels; `share` of the time or steps."""

    share: float
    steps: int
    seconds: float
    psnr: float
    drawn: Pixels


@dataclass(frozen=True)
class Fit:
    """The result of a fit: the model file, and its PSNR in dB."""

    model: Path
    psnr: float
    steps: int
    seconds: float


def fit_image(
    image: Image.Image,
    output: Path,
    settings: FitSettings,
    *,
    max_minutes: float = 5.0,
    max_steps: int | None = None,
    psnr: float | None = None,
    device: torch.device,
    mixed: bool = False,
    listeners: Sequence[Callable[[Progress], None]] = (),
    stopping: ShouldStop = never,
) -> Fit:
    """Fit a CPPN to `image` ("L" or "RGB") and write the model file `output`.

    Ends after max_minutes or max_steps, or once the image is reproduced with `psnr` dB. The
    learning rate falls towards whichever of the first two comes first. Raises DataError if the
    image is too small or too large, TrainingDivergedError, and Interrupted on Ctrl-C, after writing
    what has been learned.
    """
    check_picture(image)
    pixels = np.asarray(image).reshape(image.height, image.width, -1)
    picture = _Picture(pixels, device)
    model = Generator(fresh(settings, pixels)).to(device)
    optimiser = torch.optim.Adam(model.parameters(), settings.learning_rate, ADAM_BETAS)
    batches = _batches(picture.count, settings)
    began = time.monotonic()
    steps = checked = 0
    progress = None
    try:
        while True:
            seconds = time.monotonic() - began
            share = max(seconds / (60 * max_minutes), steps / max_steps if max_steps else 0.0)
            if stopping():
                raise KeyboardInterrupt
            if share >= 1 or share * CHECKS >= checked + 1:
                checked = int(share * CHECKS)
                drawn = picture.draw(model, stopping)
                progress = Progress(min(share, 1.0), steps, seconds, psnr_of(pixels, drawn), drawn)
                filesystem.write_atomic(output, model.cppn().to_bytes())
                for listener in listeners:
                    listener(progress)
                if share >= 1 or (psnr is not None and progress.psnr >= psnr):
                    return Fit(output, progress.psnr, steps, seconds)
            rate = min(1.0, (steps + 1) / WARM_UP) * _cosine(share)
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * rate
            points, colours = picture.at(next(batches).to(device))
            with autocast(device, mixed):
                error = (model(points, _NO_LATENT.to(device))[0] - colours).square().mean()
            if not math.isfinite(float(error.detach())):
                kept = f"; {output} has {progress.psnr:.2f} dB" if progress else ""
                raise TrainingDivergedError(
                    f"the error is NaN in step {steps}{kept}; try a smaller rate"
                )
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(error)
            optimiser.step()
            steps += 1
    except KeyboardInterrupt as error:
        if not steps:
            raise Interrupted("stopped; nothing was written") from error
        filesystem.write_atomic(output, model.cppn().to_bytes())
        learned = counted(steps, "step")
        raise Interrupted(f"stopped; {output} has what was learned in {learned}") from error


_NO_LATENT = torch.empty(1, 0)


def _batches(count: int, settings: FitSettings) -> Iterator[Tensor]:
    """Yield batches of the indices of `count` pixels without end, in random order."""
    rng = generator(settings.seed, Stream.FIT, torch.device("cpu"))
    batch = min(settings.batch, count)
    while True:
        order = torch.randperm(count, generator=rng)
        for start in range(0, count - batch + 1, batch):
            yield order[start : start + batch]


def fresh(settings: FitSettings, pixels: Pixels) -> CPPN:
    """Return the network before training.

    The first layer's sines have random frequencies and phases; other weights are uniform within
    ±sqrt(6 / inputs), as in SIREN.
    """
    height, width, channels = pixels.shape
    structure = Structure(
        preset="fit",
        activations=settings.activations,
        output="sigmoid",
        channels=channels,
        z_dim=0,
        latent_scale=1.0,
        latent=Distribution("normal", 0.0, 1.0),
        view={"scale": 1.0},
    )
    top = settings.frequency * min(width, height) / 2  # radians a unit of the plane
    layers = []
    for i, (rows, columns) in enumerate(shapes(structure, settings.width)):
        first = i == 0 and settings.activations[0] in ("sin", "cos")
        bound = top if first else math.sqrt(6 / columns)
        u = 2 * uniforms(settings.seed, i, rows * columns + rows) - 1
        weight = (bound * u[:-rows]).reshape(rows, columns)
        if first:
            weight[:, 2] = 0.0  # no rings to begin with
        layers.append((weight, u[-rows:] * (math.pi if first else 0.1)))
    return CPPN(structure, layers)


class _Picture:
    """The image and its grid of points on the plane."""

    def __init__(self, pixels: Pixels, device: torch.device) -> None:
        self.height, self.width, channels = pixels.shape
        self.count = self.height * self.width
        self.pixels = pixels
        self.device = device
        self.colours = torch.tensor(pixels.reshape(self.count, channels), device=device)
        self.grid = Grid.of(View(scale=1.0), Canvas(self.width, self.height))

    def at(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return points (P, 3) and colours (P, C) in [0, 1] of pixels by row-major index."""
        rows = torch.div(index, self.width, rounding_mode="floor")
        x, y = self.grid.points(rows.double(), (index - rows * self.width).double())
        points = torch.stack([x, y, (x * x + y * y).sqrt()], dim=1).float()
        return points, self.colours[index].float() / 255

    def draw(self, model: Generator, stopping: ShouldStop) -> Pixels:
        """Return the whole image as the model reproduces it, in 8 bits. Raises
        KeyboardInterrupt.
        """
        parts = []
        with torch.no_grad():
            for index in torch.split(torch.arange(self.count, device=self.device), EVALUATED):
                if stopping():  # a large picture takes many seconds
                    raise KeyboardInterrupt
                parts.append(model(self.at(index)[0], _NO_LATENT.to(self.device))[0])
        drawn = (torch.cat(parts) * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
        return np.asarray(drawn.reshape(self.pixels.shape))


def psnr_of(a: Pixels, b: Pixels) -> float:
    """Return the peak signal-to-noise ratio of two 8-bit images of the same shape, in dB."""
    error = np.square(a.astype(np.float64) - b.astype(np.float64)).mean()
    return float(10 * np.log10(255**2 / error)) if error else math.inf


def _cosine(share: float) -> float:
    """Return the learning rate's factor: 1 at the start, LAST_RATE at the end."""
    return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
