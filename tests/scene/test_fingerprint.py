"""The fingerprint: what identifies a picture."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.scene.conftest import NET
from tilecppn.cppn import CPPN
from tilecppn.scene.scene import Scene

DEFAULT_FINGERPRINT = "3fa53f430416afd93ee26018c8b07c49887479cd8950b39bd3409f1a0fd9e130"


def test_fingerprint_of_the_default_scene_never_changes() -> None:
    """Stores of all versions are resumed by it."""
    assert Scene.of().fingerprint == DEFAULT_FINGERPRINT


def test_fingerprint_is_sha_256_of_the_canonical_scene_and_the_weights() -> None:
    scene = Scene.of(cppn=NET, canvas={"height": 7}, view={"rotation": 5}, output={"tile": 64})
    record = {
        "z": [v.hex() for v in scene.z.tolist()],
        "canvas": {"height": 7},
        "view": {"rotation": 5.0},
        "output": {},
    }
    text = json.dumps(record, sort_keys=True).encode()
    assert scene.fingerprint == hashlib.sha256(text + scene.cppn.to_bytes()).hexdigest()


def test_fingerprint_ignores_the_layout() -> None:
    one = Scene.of(cppn=NET)
    other = one.replace(output={"tile": 64, "shard": 256})
    assert one != other
    assert one.fingerprint == other.fingerprint


BASE: dict[str, dict[str, Any]] = {
    "cppn": {**NET, "z_dim": 2},
    "latent": {"z": [0.25, 0.5]},
    "canvas": {"width": 5, "height": 6},
}
CHANGES: list[dict[str, dict[str, Any]]] = [
    {"cppn": {"seed": 1}},
    {"cppn": {"preset": "hardmaru-softplus"}},
    {"cppn": {"preset": "hardmaru-sine"}},
    {"cppn": {"channels": 1}},
    {"cppn": {"width": 4}},
    {"cppn": {"depth": 2}},
    {"cppn": {"z_dim": 3}, "latent": {"z": [0.25, 0.5, 0.0]}},
    {"cppn": {"depth": None, "activations": ["sin"]}},
    {"latent": {"z": [0.25, math.nextafter(0.5, 1.0)]}},
    {"latent": {"z": [0.5, 0.25]}},
    {"latent": {"z": None}},
    {"latent": {"z": None, "seed": 1}},
    {"canvas": {"width": 6, "height": 5}},
    {"canvas": {"width": 6}},
    {"canvas": {"height": 7}},
    {"view": {"center": [0.0, 1.0]}},
    {"view": {"center": [1.0, 0.0]}},
    {"view": {"scale": math.nextafter(10.0, 11.0)}},
    {"view": {"rotation": 1e-9}},
    {"view": {"aspect": "stretch"}},
    {"view": {"grid": "endpoints"}},
    {"output": {"dtype": "uint16"}},
    {"output": {"dtype": "float32"}},
    {"output": {"tolerance": 0.0}},
    {"output": {"invert": True}},
]


def changed(change: dict[str, dict[str, Any]]) -> Scene:
    names = set(BASE) | set(change)
    return Scene.of(**{name: {**BASE.get(name, {}), **change.get(name, {})} for name in names})


def test_each_change_of_pixels_has_a_fingerprint_of_its_own() -> None:
    assert len({changed(change).fingerprint for change in [{}, *CHANGES]}) == 1 + len(CHANGES)


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("part", [0, 1])
def test_fingerprint_changes_with_one_bit_of_a_weight(layer: int, part: int) -> None:
    scene = changed({})
    layers = [[w.copy(), b.copy()] for w, b in scene.cppn.layers]
    flat = layers[layer][part].reshape(-1)
    flat.view(np.uint32)[-1] ^= 1
    net = CPPN(scene.cppn.structure, [(w, b) for w, b in layers])
    assert scene.replace(cppn=net).fingerprint != scene.fingerprint
    same = CPPN(scene.cppn.structure, scene.cppn.layers)
    assert scene.replace(cppn=same).fingerprint == scene.fingerprint


def test_fingerprint_sees_the_latent_and_not_where_it_comes_from() -> None:
    by_seed = Scene.of(cppn=NET, latent={"seed": 7})
    by_value = by_seed.replace(latent={"z": by_seed.z.tolist()})
    assert by_seed != by_value
    assert by_seed.fingerprint == by_value.fingerprint


def test_fingerprint_sees_the_network_and_not_where_it_comes_from(tmp_path: Path) -> None:
    seeded = Scene.of(cppn={**NET, "seed": 7})
    seeded.cppn.save(tmp_path / "a.safetensors")
    loaded = Scene.parse('[cppn]\nweights = "a.safetensors"\n', folder=tmp_path)
    assert loaded.fingerprint == seeded.fingerprint
