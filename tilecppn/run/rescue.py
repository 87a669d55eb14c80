"""Rescues a store whose scene or weights are damaged in all their copies."""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import InvalidRequestError, StoreError
from tilecppn.filesystem import NOT_A_FILE
from tilecppn.kernels import KERNELS, Arithmetic, EvaluationContext, create
from tilecppn.pixels.renderer import Renderer
from tilecppn.plan import Level, Plan, Shard, Window
from tilecppn.scene.parsing import parse_toml
from tilecppn.scene.scene import Scene
from tilecppn.storage.base_store import not_a_store
from tilecppn.storage.metadata import COPY, MAX_METADATA, attributes
from tilecppn.storage.names import DESCRIPTION
from tilecppn.storage.places import storage_of
from tilecppn.storage.shard_file import ShardFile, ShardFileError, has_right_checksums
from tilecppn.storage.store import Store, shard_name

DRAWN = 3  # shards that are redrawn at most, to prove that a scene is the store's
LOOKED_AT = 1000  # shards whose sizes are compared; the largest prove most when redrawn
_KERNEL = re.compile(rb'"kernel":\s*"(\w+)"')
T = TypeVar("T")


def rescue_store(path: Path, scene: Scene | None = None) -> None:
    """Rewrite the metadata and weights of the store at `path`, so that it can be opened.

    scene: its scene; None to use the one left in the store, if its network was made from a seed.
    Raises StoreError, and changes nothing, unless the scene has the recorded fingerprint, or some
    stored shards equal those drawn from it.
    """
    record = attributes(path) or {}
    scene = scene or _scene_left(path, record)
    arithmetic = recorded_arithmetic(record, scene.fingerprint)
    if arithmetic is not None:  # the scene given may have another layout
        scene = Scene.parse(record["scene"], embedded=scene.cppn.to_bytes())
    else:
        plan = Plan.of(scene.canvas, scene.output, scene.channels)
        shards = (task for task in plan.order() if isinstance(task, Shard) and task.level == 0)
        files = [(shard, shard_name(shard)) for shard in islice(shards, LOOKED_AT)]
        size = storage_of(path).size
        files.sort(key=lambda pair: size(pair[1]) or 0, reverse=True)
        kernel = create(kernel_left(path), EvaluationContext.of(scene))
        renderer = Renderer(kernel, scene)

        def draw(shard: Shard) -> NDArray[Any]:
            return renderer.render(plan.window(shard))

        check_drawn(path, files, plan.levels[0], draw)
        arithmetic = kernel.arithmetic
    Store.rewrite(path, scene, arithmetic)


def recorded_arithmetic(record: Mapping[str, Any], fingerprint: str) -> Arithmetic | None:
    """Return the arithmetic in a store's attribute, if it has this fingerprint; else None."""
    try:
        return Arithmetic(**record["arithmetic"]) if record["fingerprint"] == fingerprint else None
    except (KeyError, TypeError):
        return None


def kernel_left(path: Path) -> str:
    """Return the name of the kernel in a store's damaged metadata, or "auto"."""
    for name in (DESCRIPTION, COPY):
        try:
            found = _KERNEL.search(storage_of(path).get(name, MAX_METADATA))
        except NOT_A_FILE:
            continue
        if found is not None and found[1].decode() in KERNELS:
            return found[1].decode()
    return "auto"


def check_drawn(
    path: Path, files: Iterable[tuple[T, str]], level: Level, draw: Callable[[T], NDArray[Any]]
) -> None:
    """Raise StoreError unless the first intact shards of a level equal redrawn ones.

    files: shards and the names of their files, which may be missing. draw: returns a shard's
    pixels.
    """
    drawn, equal, storage = 0, True, storage_of(path)
    for shard, name in files:
        try:
            data = storage.get(name)
        except NOT_A_FILE:
            data = b""
        if has_right_checksums(data, level):
            pixels = draw(shard)
            file = ShardFile(storage, name, level, len(pixels), pixels.dtype, b"")
            equal = _holds(file, pixels)
            drawn += 1
        if drawn == DRAWN or not equal:
            break
    if not (drawn and equal):
        raise StoreError(
            f"{path}: its shards are not what this version draws from the scene; give the scene "
            "that it was begun with, or render it anew"
        )


def _holds(file: ShardFile, pixels: NDArray[Any]) -> bool:
    """Return whether a shard holds these pixels, however they are compressed."""
    stored = np.empty_like(pixels)
    try:
        file.read(Window(0, 0, *pixels.shape[1:]), stored)
    except ShardFileError:
        return False
    return np.array_equal(stored, pixels)


def require_scene(path: Path) -> NoReturn:
    """Raise StoreError, asking for the store's scene, or saying that there is no store."""
    left = (DESCRIPTION, COPY, f"0/{DESCRIPTION}")
    if all(storage_of(path).size(name) is None for name in left):
        raise StoreError(not_a_store(path, reading=True))
    raise StoreError(
        f"{path}: its scene or weights are damaged, and so are their copies; give the scene: "
        f"tilecppn verify {path} --repair --scene SCENE"
    )


def _scene_left(path: Path, record: Mapping[str, Any]) -> Scene:
    """Return the scene in a store's attribute. Raises StoreError if it needs a weights file."""
    try:
        text = str(record["scene"])
        if "weights" not in parse_toml(text, str(path)).get("cppn", {}):
            scene = Scene.parse(text, name=str(path))
            if scene.fingerprint == record["fingerprint"]:
                return scene
    except (KeyError, InvalidRequestError):
        pass
    require_scene(path)
