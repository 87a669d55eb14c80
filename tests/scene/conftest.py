"""Scenes for tests of scenes: small networks, a weights file, and how a wrong scene is refused."""

from pathlib import Path
from typing import Any

import pytest

from tilecppn.cppn import CPPN
from tilecppn.errors import SceneError
from tilecppn.scene.scene import Scene

NET: dict[str, Any] = {"width": 3, "depth": 1}  # small: these tests look at no pixels


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
