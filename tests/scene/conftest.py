"""Scenes for tests of scenes: small networks, a weights file, and how a wrong scene is refused."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from tilecppn.cppn import CPPN, PRESETS
from tilecppn.cppn.seeding import MAX_SEED
from tilecppn.errors import SceneError
from tilecppn.scene.scene import Scene

NET: dict[str, Any] = {"width": 3, "depth": 1}  # small: these tests look at no pixels


def keys(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these keys."""
    return st.fixed_dictionaries({}, optional=optional)


NUMBER = st.floats(-1e6, 1e6)
# Keys by sections, of which some do not go together.
SECTIONS = keys(
    cppn=keys(
        preset=st.sampled_from(sorted(PRESETS)),
        seed=st.integers(0, MAX_SEED),
        channels=st.sampled_from([None, 1, 3]),
        z_dim=st.sampled_from([None, 2]),
        depth=st.sampled_from([1, 3]),
        activations=st.sampled_from([None, ["sin"], ["gaussian+tanh"], ["cos", "sin", "abs"]]),
    ),
    latent=keys(seed=st.integers(0, MAX_SEED), z=st.sampled_from([None, [0.5] * 8, [0.5, 1.0]])),
    canvas=keys(width=st.integers(1, 10**6), height=st.integers(1, 10**6)),
    view=keys(
        center=st.tuples(NUMBER, NUMBER).map(list),
        scale=st.floats(1e-2, 1e6),
        rotation=NUMBER,
        aspect=st.sampled_from(["preserve", "stretch"]),
        grid=st.sampled_from(["centers", "endpoints"]),
        mirror=st.sampled_from([None, "x"]),
        radial=st.sampled_from([None, 3]),
    ),
    output=keys(
        dtype=st.sampled_from(["uint8", "uint16", "float32"]),
        tolerance=st.floats(0, 100),
        palette=st.sampled_from([None, "magma", ["#000", "#fff"]]),
        color=st.sampled_from(["rgb", "hsv", "oklch"]),
        invert=st.booleans(),
        tile=st.sampled_from([64, 256]),
        shard=st.sampled_from([128, 4096]),
    ),
)


def scene_or_none(sections: dict[str, Any]) -> Scene | None:
    """The scene of these keys, with a small network; None if they do not go together."""
    try:
        return Scene.of(**{**sections, "cppn": {**NET, **sections.get("cppn", {})}})
    except SceneError:
        return None


@pytest.fixture(scope="session")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that no preset's seed gives: 3 channels, z_dim 2."""
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    CPPN.from_preset("hardmaru", seed=77, width=4, depth=2, z_dim=2).save(path)
    return path


def refusal(text: str, **options: Any) -> str:
    """The one line with which a scene's text is refused."""
    with pytest.raises(SceneError) as caught:
        Scene.parse(text, name="poster.toml", **options)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.exit_code == 2
    return message


def scene_file(folder: Path, text: str) -> Path:
    path = folder / "poster.toml"
    path.write_text(text, encoding="utf-8")
    return path
