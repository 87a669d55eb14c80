"""Children of networks: mutations and crossings."""

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilecppn.cppn import CPPN, PRESETS, breeding
from tilecppn.cppn.detail import Sampling
from tilecppn.errors import SceneError, WeightsError
from tilecppn.scene.scene import Scene

DETAILED = [name for name, preset in PRESETS.items() if preset.detail is not None]


def arrays(cppn: CPPN) -> list[np.ndarray[Any, Any]]:
    return [*(array for layer in cppn.layers for array in layer), *cppn.readouts]


PINNED = {
    "hardmaru": "d457b439d6d2351f",
    "flux": "0b4ebcc4c0461c2e",
    "hardmaru-residual": "d457b439d6d2351f",
    "jupiter": "8f8de4430c80c82e",
    "ink": "9fda2a9f67a3ca19",
}


@pytest.mark.parametrize("name", PINNED)
def test_a_child_never_changes(name: str) -> None:
    """Its weights' bytes: the same on every machine, and in all versions."""
    one, other = (CPPN.from_preset(name, seed=seed) for seed in (3, 4))
    child = one.crossed(other, 0.3, seed=7).mutated(5, 0.2).mutated(6, 0.05)
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays(child)))
    assert digest.hexdigest()[:16] == PINNED[name]


@pytest.mark.parametrize("name", ["hardmaru", "jupiter"])
def test_layers_mutated_one_by_one_are_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = CPPN.from_preset(name, seed=1)
    together = parent.mutated(2, 0.3)
    monkeypatch.setattr(breeding, "AT_ONCE", 1)
    assert parent.mutated(2, 0.3) == together


@pytest.mark.parametrize("name", PRESETS)
def test_a_child_keeps_the_deviations(name: str) -> None:
    parent = CPPN.from_preset(name, seed=1)
    child = parent
    for seed in range(12):
        child = child.mutated(seed, 0.5)
    for before, after in zip(arrays(parent), arrays(child), strict=True):
        assert np.square(after).mean() == pytest.approx(np.square(before).mean(), rel=1e-4)
    assert parent.structure.view == child.structure.view
    # Little of its numbers is left: √(1 - 0.5²)¹² is 0.18.
    first, last = (a[0].ravel() for a in (arrays(parent), arrays(child)))
    assert abs(np.corrcoef(first, last)[0, 1]) < 0.75


@pytest.mark.parametrize("name", DETAILED)
def test_late_layers_of_a_child_with_detail_are_orthogonal(name: str) -> None:
    child = CPPN.from_preset(name, seed=1).mutated(2, 0.4)
    child = child.crossed(CPPN.from_preset(name, seed=3), 0.4)
    detail = child.structure.detail
    assert detail is not None
    for i in range(detail.free, 20):
        weight = child.hidden_layer(i)[0].astype(np.float64) / detail.gain
        assert np.allclose(weight @ weight.T, np.eye(len(weight)), atol=1e-5)


@pytest.mark.parametrize("name", ["hardmaru", "silk", "tide"])
def test_a_little_changes_little_and_much_changes_much(name: str) -> None:
    parent = CPPN.from_preset(name, seed=1)
    z = parent.seeded_latent(0)
    x, y = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 500))

    def difference(child: CPPN) -> float:
        return float(np.abs(child(x, y, z) - parent(x, y, z)).mean())

    steps = [difference(parent.mutated(5, amount)) for amount in (0.0, 0.001, 0.03, 0.6)]
    assert steps == sorted(steps)
    assert steps[0] == 0.0
    assert steps[1] < 0.05  # of details that follow the forms
    assert steps[3] > 0.1


def test_amount_0_is_the_parent_and_1_the_other() -> None:
    one, other = (CPPN.from_preset("hardmaru", seed=seed) for seed in (3, 4))
    assert one.mutated(5, 0.0) == one
    assert one.crossed(other, 0.0) == one
    assert one.crossed(other, 1.0) == other


@given(st.integers(0, 2**63 - 1), st.floats(0.0, 1.0))
def test_a_unit_of_a_crossing_is_one_parents(seed: int, amount: float) -> None:
    one, other = (CPPN.from_preset("hardmaru", seed=s, width=8, depth=2) for s in (3, 4))
    child = one.crossed(other, amount, seed)
    for i in range(2):
        for unit in range(8):
            of = [
                all(
                    np.array_equal(c[unit], p[unit])
                    for c, p in zip(child.layers[i], n.layers[i], strict=True)
                )
                for n in (one, other)
            ]
            assert of.count(True) == 1
            if i == 1:
                source = (one, other)[of.index(True)]
                assert np.array_equal(child.layers[2][0][:, unit], source.layers[2][0][:, unit])


def test_mutating_by_the_own_seed_changes_the_network() -> None:
    parent = CPPN.from_preset("hardmaru", seed=5)
    assert parent.mutated(5, 0.5) != parent


@pytest.mark.parametrize("name", DETAILED)
def test_layers_beyond_those_held_are_the_childs_too(name: str) -> None:
    one, other = (CPPN.from_preset(name, seed=seed) for seed in (3, 4))
    child = one.crossed(other, 0.3).mutated(5, 0.1)
    again = CPPN.from_bytes(child.to_bytes())
    assert again == child
    near = [network.hidden_layer(20)[1] for network in (one, other, child, again)]
    assert np.array_equal(near[2], near[3])
    assert np.corrcoef(near[0], near[2])[0, 1] > 0.3
    assert not np.array_equal(near[0], near[2])
    deep = Sampling(2e-7 / 1024, 1e-7, (0.3, 0.1))
    assert len(child.resolve(child.seeded_latent(0), deep).layers) > 16


def test_a_network_of_fixed_depth_has_no_lineage() -> None:
    child = CPPN.from_preset("tide", seed=3, depth=6).mutated(5, 0.1)
    assert child.structure.detail is not None
    assert child.structure.detail.lineage == ()


@pytest.mark.parametrize(
    ("seed", "amount"), [(-1, 0.1), (2**63, 0.1), (1.5, 0.1), (1, -0.1), (1, 1.1), (1, np.nan)]
)
def test_what_is_out_of_range_is_refused(seed: Any, amount: float) -> None:
    parent = CPPN.from_preset("hardmaru", width=4, depth=1)
    with pytest.raises(SceneError, match=r"seed|amount"):
        parent.mutated(seed, amount)
    with pytest.raises(SceneError, match=r"seed|amount"):
        parent.crossed(parent, amount, seed)


@pytest.mark.parametrize("change", [{"width": 5}, {"depth": 3}, {"channels": 1}, {"z_dim": 2}])
def test_networks_of_other_shapes_are_not_crossed(change: dict[str, int]) -> None:
    with pytest.raises(SceneError, match="different shapes"):
        CPPN.from_preset("hardmaru").crossed(CPPN.from_preset("hardmaru", **change))  # type: ignore[arg-type]
    with pytest.raises(SceneError, match="different shapes"):
        CPPN.from_preset("hardmaru", channels=3).crossed(CPPN.from_preset("tide", channels=3))


def test_a_damaged_lineage_is_refused() -> None:
    data = CPPN.from_preset("tide", seed=3).mutated(5, 0.25).to_bytes()
    for damaged in (b"-0.5", b"null", b"9.25"):
        with pytest.raises(WeightsError):
            CPPN.from_bytes(data.replace(b"0.25, null", damaged + b", null"))


# In a scene

FAMILY = {"cross": {"seed": 4, "amount": 0.3}, "mutations": [{"seed": 5, "amount": 0.1}]}


@pytest.mark.parametrize("name", ["hardmaru", "silk", "tide"])
def test_a_scene_says_who_its_network_descends_from(name: str) -> None:
    scene = Scene.of(cppn={"preset": name, "seed": 3, **FAMILY})
    one, other = (CPPN.from_preset(name, seed=s, channels=scene.cppn.channels) for s in (3, 4))
    assert scene.cppn == one.crossed(other, 0.3, 4).mutated(5, 0.1)
    again = Scene.parse(scene.to_toml())
    assert again == scene
    assert again.fingerprint == scene.fingerprint
    assert scene.replace(cppn={"cross": None, "mutations": None}).cppn == one
    assert scene.replace(canvas={"width": 7}).cppn == scene.cppn


def test_overrides_breed_too() -> None:
    text = "cppn.mutations=[{seed = 5, amount = 0.1}]"
    assert Scene.parse("", overrides=[text]).cppn == CPPN.from_preset("hardmaru").mutated(5, 0.1)


def test_a_weights_file_is_mutated_once(tmp_path: Any) -> None:
    parent = CPPN.from_preset("hardmaru", seed=9, width=6)
    parent.save(tmp_path / "w.safetensors")
    named = {"weights": str(tmp_path / "w.safetensors")}
    scene = Scene.of(cppn={**named, "mutations": FAMILY["mutations"]})
    assert scene.cppn == parent.mutated(5, 0.1)
    assert scene.replace(canvas={"width": 9}).cppn == scene.cppn
    stored = Scene.parse(scene.to_toml(), embedded=scene.cppn.to_bytes(), whole=True)
    assert stored.fingerprint == scene.fingerprint
    further = stored.replace(cppn={"mutations": [{"seed": 6, "amount": 0.2}]})
    assert further.cppn == scene.cppn.mutated(6, 0.2)
    with pytest.raises(SceneError, match=r"cppn\.cross cannot be combined"):
        Scene.of(cppn={**named, "cross": FAMILY["cross"]})


@pytest.mark.parametrize(
    "value",
    [5, [], [5], [{"seed": 1}], [{"seed": 1, "amount": 2}], [{"seed": -1, "amount": 0.1}],
     [{"seed": 1, "amount": True}], [{"seed": 1, "amount": 0.1, "more": 1}]],
)  # fmt: skip
def test_what_is_no_list_of_mutations_is_refused(value: Any) -> None:
    with pytest.raises(SceneError, match=r"cppn\.mutations = .* must be") as caught:
        Scene.of(cppn={"mutations": value})
    assert "\n" not in str(caught.value)
