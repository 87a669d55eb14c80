"""Scenes whose network is a weights file."""

from pathlib import Path

import pytest

from tests.scene.conftest import refusal, scene_file
from tilecppn.cppn import CPPN
from tilecppn.errors import InvalidRequestError, SceneError, TilecppnError, WeightsError
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import EMBEDDED, Scene


def test_weights_replace_preset_and_seed(weights_file: Path) -> None:
    text = f'[cppn]\npreset = "hardmaru-sine"\nseed = 5\nweights = "{weights_file}"\n'
    scene = Scene.parse(text)
    assert scene.cppn == CPPN.load(weights_file)
    assert scene.z.shape == (2,)


def test_weights_are_looked_for_beside_the_scene(
    tmp_path: Path, weights_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "nets").mkdir(parents=True)
    (tmp_path / "a" / "nets" / "m.safetensors").write_bytes(weights_file.read_bytes())
    path = scene_file(tmp_path / "a", '[cppn]\nweights = "nets/m.safetensors"\n')
    expected = CPPN.load(weights_file)
    assert Scene.load(path).cppn == expected
    monkeypatch.chdir(tmp_path)
    assert Scene.load("a/poster.toml").cppn == expected
    monkeypatch.chdir(tmp_path / "a")
    assert Scene.load("poster.toml").cppn == expected
    assert Scene.load("poster.toml", ["cppn.weights=nets/m.safetensors"]).cppn == expected
    with pytest.raises(WeightsError, match=r"m\.safetensors"):
        Scene.parse(path.read_text(), folder=tmp_path)


def test_a_stored_scene_follows_no_path_to_weights(weights_file: Path) -> None:
    text = f'[cppn]\nweights = "{weights_file}"\n'
    with pytest.raises(SceneError, match="its network is a weights file, which it does not hold"):
        Scene.parse(text, whole=True)
    again = Scene.parse(text, whole=True, overrides=[f"cppn.weights={weights_file}"])
    assert again.cppn == CPPN.load(weights_file)


@pytest.mark.parametrize("key", ["width = 4", "depth = 2", "z_dim = 2", 'activations = ["tanh"]'])
def test_structure_beside_weights_is_refused(weights_file: Path, key: str) -> None:
    message = refusal(f'[cppn]\nweights = "{weights_file}"\n{key}\n')
    assert f"cppn.{key.split()[0]} cannot be combined with cppn.weights" in message


def test_channels_beside_weights_must_be_the_files(weights_file: Path) -> None:
    assert Scene.parse(f'[cppn]\nweights = "{weights_file}"\nchannels = 3\n').channels == 3
    message = refusal(f'[cppn]\nweights = "{weights_file}"\nchannels = 1\n')
    assert "cppn.channels = 1: the weights file has 3 channels" in message


@pytest.mark.parametrize("name", ["missing.safetensors", ".", "a\\u0000b"])
def test_weights_that_cannot_be_read_are_refused(tmp_path: Path, name: str) -> None:
    path = scene_file(tmp_path, f'[cppn]\nweights = "{name}"\n')
    with pytest.raises(InvalidRequestError, match=r"cannot be read|without NUL") as caught:
        Scene.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "key", ["cppn.weights", "latent.z", "output.palette", "cppn.weights of a film"]
)
def test_a_file_at_an_address_is_to_be_downloaded_first(tmp_path: Path, key: str) -> None:
    section, _, name = key.split()[0].partition(".")
    named = {"weights": "m.safetensors", "z": "z.json#a", "palette": "a.jpg"}[name]
    text = f'[{section}]\n{name} = "https://example.com/{named}"\n'
    if "film" in key:
        text = f"[film]\nseconds = 1\n[[keyframe]]\ntime = 0\n[keyframe.{text[1:]}"
    path = scene_file(tmp_path, text)
    with pytest.raises(TilecppnError, match="download the file first") as caught:
        Timeline.load(path) if "film" in key else Scene.load(path)
    assert "https://example.com/" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_tilde_in_a_scene_is_the_home_folder(
    tmp_path: Path, weights_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(weights_file.parent))
    scene = Scene.load(scene_file(tmp_path, f'[cppn]\nweights = "~/{weights_file.name}"\n'))
    assert scene.cppn.to_bytes() == weights_file.read_bytes()


@pytest.mark.parametrize("named", ["/etc/passwd", "../../secret", "gone.safetensors", EMBEDDED])
def test_path_in_a_stored_scene_is_never_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights_file: Path, named: str
) -> None:
    data = weights_file.read_bytes()
    monkeypatch.chdir(tmp_path)
    (tmp_path / EMBEDDED).write_bytes(b"another file")

    def touched(self: Path) -> bytes:
        raise AssertionError(f"{self} was read")

    monkeypatch.setattr(Path, "read_bytes", touched)
    scene = Scene.parse(f'[cppn]\nweights = "{named}"\n', embedded=data)
    assert scene.cppn.to_bytes() == data


def test_damaged_embedded_weights_are_refused(weights_file: Path) -> None:
    with pytest.raises(WeightsError, match=EMBEDDED):
        Scene.parse('[cppn]\nweights = "m"\n', embedded=weights_file.read_bytes()[:-1])
