"""A plain script that draws a gigapixel: torch in chunks, tiles and pyramid by Pillow."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.rivals import Net
from tilecppn import Scene

CHUNK = 16384  # points; the fastest on the machines tried
Image.MAX_IMAGE_PIXELS = None


@torch.inference_mode()
def draw(scene: Scene, threads: int) -> Image.Image:
    """Evaluate the network at every pixel of the canvas, in float32."""
    torch.set_num_threads(threads)
    width, height, cppn = scene.canvas.width, scene.canvas.height, scene.cppn
    net = Net(cppn, "float32").eval()
    step = 2 * scene.view.scale / min(width, height)
    x = (torch.arange(width) + 0.5 - width / 2) * step
    z = torch.tensor(np.asarray(scene.z), dtype=torch.float32) * cppn.structure.latent_scale
    rows = max(1, CHUNK // width)
    out = np.empty((height, width, scene.channels), np.uint8)
    for top in range(0, height, rows):
        y = (torch.arange(top, min(top + rows, height)) + 0.5 - height / 2) * step
        grid_y, grid_x = (grid.reshape(-1, 1) for grid in torch.meshgrid(y, x, indexing="ij"))
        r = torch.sqrt(grid_x**2 + grid_y**2)
        points = torch.cat([grid_x, grid_y, r, z.expand(len(r), -1)], dim=1)
        parts = [net(part) for part in torch.split(points, CHUNK)]
        pixels = (torch.cat(parts) * 255).round().to(torch.uint8)
        out[top : top + len(y)] = pixels.reshape(len(y), width, -1).numpy()
    return Image.fromarray(out)


def save(image: Image.Image, folder: Path, side: int, threads: int) -> None:
    """Write the Deep Zoom tiles of all levels as PNG."""
    level = (max(image.size) - 1).bit_length()
    with ThreadPoolExecutor(threads) as pool:
        while True:
            tiles = folder / str(level)
            tiles.mkdir(parents=True)

            def write(place: tuple[int, int], image: Image.Image = image, to: Path = tiles) -> None:
                x, y = place
                box = (x, y, min(x + side, image.width), min(y + side, image.height))
                image.crop(box).save(to / f"{x // side}_{y // side}.png")

            places = [
                (x, y) for y in range(0, image.height, side) for x in range(0, image.width, side)
            ]
            list(pool.map(write, places))
            if max(image.size) == 1:
                return
            image, level = image.reduce(2), level - 1
