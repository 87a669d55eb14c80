"""Sheets of pictures that show the progress of a training: samples and reconstructions.

Each picture appears at the size it was trained at, magnified, and at a larger size drawn by the
network itself.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from tilecppn.cppn.seeding import inverse_normal, uniforms
from tilecppn.scene.sections import Canvas, View
from tilecppn.scene.view import Grid
from tilecppn.train.model import Networks
from tilecppn.train.networks import points_of
from tilecppn.train.noise import Stream

ENLARGE = 5  # × the size of the images
SIDE = 5  # rows and columns of samples
GAP = 2  # pixels between pictures
GREY = 0.35
_BATCH = 1 << 17  # points per chunk

Pixels = NDArray[np.float32]


def draw(networks: Networks, z: Pixels, side: int) -> Pixels:
    """Return pictures (n, side, side, C) in [0, 1] of latents z (n, Z), in the
    network's own view.
    """
    device, structure = networks.g.weights[0].device, networks.g.structure
    grid = Grid.of(View(**structure.view), Canvas(side, side))
    index = np.arange(side, dtype=np.float64)
    x, y = (np.broadcast_to(v, (side, side)) for v in grid.points(index[:, None], index[None, :]))
    points = points_of(x.ravel(), y.ravel(), device)
    latents = torch.tensor(z, device=device)
    with torch.no_grad():
        parts = [
            torch.cat([networks.g(chunk, latent[None]) for chunk in torch.split(points, _BATCH)], 1)
            for latent in latents
        ]
    return torch.cat(parts).reshape(len(z), side, side, structure.channels).cpu().numpy()


def sample_latents(seed: int, count: int, z_dim: int) -> Pixels:
    """Return latents (count, z_dim) from N(0, 1), the same in every sheet of a training."""
    u = uniforms(seed, Stream.SHEET, count * z_dim)
    return inverse_normal(u).reshape(count, z_dim).astype(np.float32)


def samples(networks: Networks, seed: int, size: int) -> Image.Image:
    """Draw random samples: at size × size on the left, the same ones enlarged on the right."""
    z = sample_latents(seed, SIDE * SIDE, networks.g.structure.z_dim)
    panels = [
        tiled(list(_magnified(draw(networks, z, size))), SIDE),
        tiled(list(draw(networks, z, size * ENLARGE)), SIDE),
    ]
    return to_image(np.concatenate(panels, axis=1))


def reconstructions(networks: Networks, images: Pixels) -> Image.Image:
    """Draw one column per image (n, size, size, C): original, reconstruction, enlarged."""
    assert networks.q is not None
    device = networks.g.weights[0].device
    size = images.shape[1]
    with torch.no_grad():
        mean, _ = networks.q(torch.tensor(images, device=device), torch.Generator(device))
    z = mean.cpu().numpy()
    rows = [
        _magnified(images),
        _magnified(draw(networks, z, size)),
        draw(networks, z, size * ENLARGE),
    ]
    return to_image(tiled([image for row in rows for image in row], len(images)))


def tiled(images: list[Pixels], columns: int) -> Pixels:
    """Arrange pictures of one shape (height, width, C) row by row on grey."""
    height, width, channels = images[0].shape
    rows = -(-len(images) // columns)
    sheet = np.full(
        (rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), GREY, np.float32
    )
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
        sheet[top : top + height, left : left + width] = image
    return sheet


def to_image(pixels: Pixels) -> Image.Image:
    """Convert (height, width, C) in [0, 1] to an 8-bit image."""
    rounded = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(rounded[..., 0] if rounded.shape[2] == 1 else rounded)


def _magnified(images: Pixels) -> Pixels:
    return images.repeat(ENLARGE, axis=1).repeat(ENLARGE, axis=2)
