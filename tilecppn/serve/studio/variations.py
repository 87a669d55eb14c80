"""Variations of a scene, one row per kind; each is an endless or a short list."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.latents import slerp
from tilecppn.cppn.presets import PRESETS
from tilecppn.cppn.seeding import MAX_SEED, inverse_normal, uniforms
from tilecppn.errors import InvalidRequestError
from tilecppn.scene.parsing import Given
from tilecppn.scene.scene import Scene
from tilecppn.scene.validation import SeededAmount
from tilecppn.serve.studio.scenes import plain, values_at

MOST: Final = 200  # most per request
NEARBY: Final = 2**61  # the stream of random steps of the latent
TRAITS: Final = 2**61 + 2**20  # the stream that decides which traits a child inherits
FOLDS: Final = ("mirror", "radial", "repeat")
PLACE: Final = ("center", "scale", "rotation")
COLOURING: Final = ("palette", "color", "shadow", "shade", "glow", "invert")


class Variation(NamedTuple):
    """A variation: its label, and its changes to the scene, section → key → value."""

    label: str
    changes: Given


def variations(scene: Scene, kind: str, start: int, count: int, amount: float) -> list[Variation]:
    """Return `count` variations of a kind from number `start` on, fewer at the end of a short list.

    amount: strength of mutations and distance of nearby latents, from 0 to 1. Raises
    InvalidRequestError for an unknown kind, or one that the scene does not support.
    """
    if kind not in KINDS:
        raise InvalidRequestError(f"there are no variations {kind[:40]}")
    if not (0 <= start <= MAX_SEED - MOST and 0 <= count <= MOST and 0.0 <= amount <= 1.0):
        raise InvalidRequestError("these variations are out of range")
    return list(itertools.islice(KINDS[kind](scene, start, amount), count))


def children(parents: Sequence[Scene], start: int, count: int) -> list[Variation]:
    """Return children of two or more scenes, as changes of the first.

    Each takes some units of another parent's network, if both have the same structure and come from
    seeds, and each other trait from one of the two parents. Raises InvalidRequestError.
    """
    if not 2 <= len(parents) <= 16:
        raise InvalidRequestError("a child has 2 to 16 parents")
    if not (0 <= start <= MAX_SEED - MOST and 0 <= count <= MOST):
        raise InvalidRequestError("these variations are out of range")
    first, others = parents[0], parents[1:]
    return [
        _child(first, others[number % len(others)], number)
        for number in range(start, start + count)
    ]


def _child(one: Scene, other: Scene, number: int) -> Variation:
    draw = uniforms(number, TRAITS, 64)
    alike = one.cppn.structure.preset == other.cppn.structure.preset
    changes: dict[str, dict[str, Any]] = {"cppn": _child_network(one, other, number, draw)}
    if alike and len(one.z) == len(other.z) and one.z.tolist() != other.z.tolist():
        changes["latent"] = {"z": slerp(one.z, other.z, float(draw[2])).tolist()}
    if draw[3] < 0.5 and one.cppn.channels == other.cppn.channels:
        changes["output"] = values_at(other.output, COLOURING)
    folds = FOLDS if draw[4] < 0.5 else ()
    place = PLACE if draw[5] < 0.35 and alike else ()
    if folds or place:
        changes["view"] = values_at(other.view, (*folds, *place))
    return Variation(f"child {number}", changes)


def _child_network(
    one: Scene, other: Scene, number: int, draw: NDArray[np.float64]
) -> dict[str, Any]:
    """Return some of the mutations of each parent, and a small one of the child's own."""
    own, theirs = one.source.mutations or (), other.source.mutations or ()
    steps = [step for step, chance in zip(own, draw[8:], strict=False) if chance < 0.75]
    if not same_shape(one, other):
        theirs = ()
    new = (step for step in theirs if step not in own)
    steps += [step for step, chance in zip(new, draw[:7:-1], strict=False) if chance < 0.6]
    cppn: dict[str, Any] = {"mutations": [*plain(steps), {"seed": number, "amount": 0.05}]}
    if same_shape(one, other) and one.source.seed != other.source.seed:
        cppn["cross"] = {"seed": other.source.seed, "amount": round(0.15 + 0.7 * float(draw[0]), 2)}
    return cppn


def same_shape(one: Scene, other: Scene) -> bool:
    """Return whether both networks come from seeds and have the same structure."""
    if one.source.weights is not None or other.source.weights is not None:
        return False
    free = ("seed", "cross", "mutations")
    same = (
        {key: value for key, value in scene.source.values().items() if key not in free}
        for scene in (one, other)
    )
    return next(same) == next(same)


# ---- kinds ---------------------------------------------------------------------------------------


def _seeds(scene: Scene, start: int, amount: float) -> Iterator[Variation]:
    _check_seeded(scene, "seeds")
    for seed in itertools.count(start):
        yield Variation(f"seed {seed}", {"cppn": {"seed": seed, "mutations": None, "cross": None}})


def _latents(scene: Scene, start: int, amount: float) -> Iterator[Variation]:
    _check_latent(scene)
    for seed in itertools.count(start):
        yield Variation(f"latent {seed}", {"latent": {"seed": seed, "z": None}})


def _nearby(scene: Scene, start: int, amount: float) -> Iterator[Variation]:
    """Yield latents at `amount` times the latent's own standard deviation from the current one."""
    _check_latent(scene)
    own = scene.cppn.structure.latent
    spread = own.b if own.kind == "normal" else (own.b - own.a) / math.sqrt(12.0)
    for number in itertools.count(start):
        steps = inverse_normal(uniforms(number, NEARBY, len(scene.z)))
        z = [float(v) for v in scene.z + amount * spread * steps]
        yield Variation(f"step {number}", {"latent": {"z": z}})


def _mutations(scene: Scene, start: int, amount: float) -> Iterator[Variation]:
    old = plain(scene.source.mutations or ())
    for seed in itertools.count(start):
        step = plain(SeededAmount(seed, amount))
        yield Variation(f"mutation {seed}", {"cppn": {"mutations": [*old, step]}})


def _palettes(scene: Scene, start: int, amount: float) -> Iterator[Variation]:
    if scene.cppn.channels == 3 and scene.source.weights is not None:
        raise InvalidRequestError("palettes: this scene's weights file has colours of its own")
    for seed in itertools.count(start):
        yield Variation(f"palette {seed}", _coloured(scene, f"seed:{seed}"))


def _coloured(scene: Scene, palette: str) -> dict[str, dict[str, Any]]:
    """Return changes to another palette; a network of three channels gets one channel for it."""
    changes: dict[str, dict[str, Any]] = {
        "output": {
            "palette": palette,
            "color": None,
            **dict.fromkeys(("shadow", "shade", "glow")),
        }
    }
    if scene.cppn.channels == 3:
        changes["cppn"] = {"channels": 1}
    return changes


def _presets(scene: Scene, start: int, amount: float) -> Iterator[Variation]:
    _check_seeded(scene, "presets")
    own = ("width", "depth", "z_dim", "activations", "inputs", "residual", "gain", "decay")
    cleared = dict.fromkeys((*own, "contrast", "channels", "cross", "mutations"))
    for name in itertools.islice(PRESETS, start, None):
        changes: dict[str, dict[str, Any]] = {
            "cppn": {"preset": name, **cleared},
            "latent": {"z": None},
            "output": dict.fromkeys(("palette", "shadow", "shade", "glow", "color")),
            "view": dict.fromkeys((*PLACE, "aspect", "grid", "swap")),
        }
        yield Variation(name, changes)


def _symmetries(scene: Scene, start: int, amount: float) -> Iterator[Variation]:
    none = dict.fromkeys(FOLDS)
    rows: list[tuple[str, dict[str, Any]]] = [
        ("none", {}),
        *((f"mirror {axes}", {"mirror": axes}) for axes in ("x", "y", "xy")),
        *(
            (f"radial {count}", {"radial": count})
            for count in (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24)
        ),
        *((f"repeat {axes}", {"repeat": axes}) for axes in ("x", "y", "xy")),
        ("mirror xy, repeat xy", {"mirror": "xy", "repeat": "xy"}),
    ]
    for label, keys in rows[start:]:
        yield Variation(label, {"view": {**none, **keys}})


def _check_seeded(scene: Scene, kind: str) -> None:
    if scene.source.weights is not None:
        raise InvalidRequestError(
            f"{kind}: this scene's network comes from a weights file; try latents or mutations"
        )


def _check_latent(scene: Scene) -> None:
    if not len(scene.z):
        raise InvalidRequestError("this network has no latent (cppn.z_dim = 0)")


KINDS: Final[dict[str, Callable[[Scene, int, float], Iterator[Variation]]]] = {
    "seeds": _seeds,
    "latents": _latents,
    "nearby": _nearby,
    "mutations": _mutations,
    "palettes": _palettes,
    "presets": _presets,
    "symmetry": _symmetries,
}
