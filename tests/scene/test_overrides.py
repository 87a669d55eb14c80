"""Overrides: `--set section.key=value`."""

from pathlib import Path

import pytest

from tests.scene.conftest import refusal, scene_file
from tilecppn.errors import SceneError
from tilecppn.scene.scene import Scene


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("canvas.width=4096", "canvas", "width", 4096),
        (" canvas.width = 4096 ", "canvas", "width", 4096),
        ("canvas.width=0x10", "canvas", "width", 16),
        ("view.scale=2.5", "view", "scale", 2.5),
        ("view.scale=1e3", "view", "scale", 1000.0),
        ("view.center=[1.0, -2]", "view", "center", (1.0, -2.0)),
        ("latent.z=[0,0,0,0,0,0,0,1]", "latent", "z", (0.0,) * 7 + (1.0,)),
        ("view.aspect=stretch", "view", "aspect", "stretch"),
        ('view.aspect="stretch"', "view", "aspect", "stretch"),
        ("view.aspect='stretch'", "view", "aspect", "stretch"),
        ("output.invert=true", "output", "invert", True),
        ("cppn.preset=hardmaru-sine", "source", "preset", "hardmaru-sine"),
        ('cppn.activations=["sin", "cos"]', "source", "activations", ("sin", "cos")),
        ("output.dtype=uint16", "output", "dtype", "uint16"),
    ],
)
def test_override_sets_one_value(override: str, section: str, key: str, value: object) -> None:
    scene = Scene.parse("[canvas]\nwidth = 7\n", overrides=[override])
    assert getattr(getattr(scene, section), key) == value
    assert (scene.canvas.width == 7) == (section != "canvas")


def test_last_override_of_a_key_stands() -> None:
    scene = Scene.parse("", overrides=["canvas.width=1", "canvas.height=9", "canvas.width=2"])
    assert (scene.canvas.width, scene.canvas.height) == (2, 9)


def test_override_of_a_file(tmp_path: Path) -> None:
    path = scene_file(tmp_path, "[canvas]\nwidth = 7\n")
    assert Scene.load(path, ["canvas.width=8"]).canvas.width == 8


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("canvas.width", "must be section.key=value"),
        ("width=4096", "must be section.key=value"),
        ("=4096", "must be section.key=value"),
        ("", "must be section.key=value"),
        ("canvas=5", "must be section.key=value"),
        ("canvas.widht=4096", 'did you mean "width"?'),
        ("canvass.width=4096", 'did you mean "canvas"?'),
        ("canvas.=4096", "unknown key"),
        (".width=4096", "unknown key"),
        ("canvas.width.pixels=4096", "unknown key"),
        ("canvas.width=", "canvas.width"),
        ("canvas.width=wide", 'canvas.width = "wide"'),
        ("canvas.width=4096px", 'canvas.width = "4096px"'),
        ("canvas.width=0", "canvas.width = 0"),
        ("view.scale=nan", "view.scale"),
        ("output.invert=True", "true or false"),
        ("view.center=[1.0", "view.center"),
        ("canvas.width=" + "9" * 5000, "canvas.width"),
        ("latent.z=" + "[" * 100_000, "latent.z"),
    ],
    ids=lambda text: text[:30],
)
def test_bad_override_is_refused(override: str, words: str) -> None:
    message = refusal("", overrides=[override])
    assert words in message


@pytest.mark.parametrize("key", ["view.mirror", "output.palette", "cppn.width", "latent.z"])
def test_an_override_with_none_takes_a_key_out(key: str) -> None:
    section, name = key.split(".")
    given = {"mirror": '"x"', "palette": '"magma"', "width": "9", "z": str([0.5] * 8)}[name]
    assert Scene.parse(f"[{section}]\n{name} = {given}\n", overrides=[f"{key}=none"]) == Scene.of()
    assert Scene.parse("", overrides=[f"{key}=none"]) == Scene.of()


def test_none_is_still_a_value_where_it_is_one() -> None:
    text = '[output]\ndither = "noise"\n'
    assert Scene.parse(text, overrides=["output.dither=none"]) == Scene.of()
    with pytest.raises(SceneError, match=r"canvas\.width"):
        Scene.parse("", overrides=["canvas.width=none"])


def test_a_wrong_value_is_blamed_on_what_set_it() -> None:
    """On its override, or on the file."""
    assert refusal("", overrides=["canvas.width=0"]).startswith("canvas.width=0: ")
    text = "[view]\nradial = 3\n"
    assert refusal(text, overrides=["view.mirror=x"]).startswith("view.mirror=x: ")
    message = refusal("[canvas]\nheight = 0\n", overrides=["canvas.width=9"])
    assert message.startswith("poster.toml: ")
