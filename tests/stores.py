"""Stores made without the renderer, and folders compared."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.kernels import Arithmetic
from tilecppn.plan import Shard
from tilecppn.scene.scene import Scene
from tilecppn.storage import metadata
from tilecppn.storage.disk_storage import DiskStorage
from tilecppn.storage.store import Store

NETWORK = "weights/weights.safetensors"
ARITHMETIC = Arithmetic("llvm", "exact", "cpu", 2)


def plain_scene(
    width: int,
    height: int,
    *,
    channels: int = 3,
    dtype: str = "uint8",
    tile: int,
    shard: int,
    **output: Any,
) -> Scene:
    return Scene.of(
        cppn={"width": 2, "depth": 1, "channels": channels},
        canvas={"width": width, "height": height},
        output={"dtype": dtype, "tile": tile, "shard": shard, **output},
    )


def noise(shape: tuple[int, ...], dtype: str, seed: int = 0) -> NDArray[Any]:
    """Values that no neighbour repeats; float32 goes beyond [0, 1] on both sides."""
    random = np.random.default_rng(seed)
    if dtype == "float32":
        return random.uniform(-0.2, 1.2, shape).astype(np.float32)
    return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def noise_store(
    path: Path,
    width: int,
    height: int,
    *,
    channels: int = 3,
    dtype: str = "uint8",
    tile: int = 64,
    shard: int = 128,
    **output: Any,
) -> Store:
    """A finished store; each level is noise of its own, so that none passes for another."""
    scene = plain_scene(
        width, height, channels=channels, dtype=dtype, tile=tile, shard=shard, **output
    )
    with Store.create(path, scene, ARITHMETIC) as store:
        for level in store.plan.levels:
            shape = (channels, level.height, level.width)
            pixels = noise(shape, dtype, seed=level.index)
            for row in range(level.rows):
                for col in range(level.cols):
                    place = Shard(level.index, row, col)
                    top, left, bottom, right = store.plan.window(place)
                    store.write(place, pixels[:, top:bottom, left:right])
    return store


def edit_attribute(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change our attribute of a store, in both copies and with the right checksum."""
    group = json.loads((path / "zarr.json").read_bytes())["attributes"]
    change(group["tilecppn"])
    own = {k: v for k, v in group["tilecppn"].items() if k not in ("sha256", "checksums")}
    networks = {"weights.safetensors": (path / NETWORK).read_bytes()}
    record = metadata.seal(group["ome"], own, networks)
    DiskStorage(path).replace(metadata.all_files(record, networks))


def level_pixels(store: Store, level: int) -> NDArray[Any]:
    """All pixels (height, width, channels) of a level."""
    return np.moveaxis(store.read(level, store.plan.levels[level].window), 0, -1)


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """Every name below a folder: a file's bytes, a link's target, None for a folder.

    Locks are left out: their text names the last holder.
    """
    found: dict[str, bytes | str | None] = {}
    for root, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(root, name)
            key = path.relative_to(folder).as_posix()
            if path.is_symlink():
                found[key] = os.readlink(path)
            elif path.is_dir():
                found[key] = None
            elif name != ".lock":
                found[key] = path.read_bytes()
    return found
