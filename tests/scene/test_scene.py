"""The scene file: what stands where it says nothing, what it refuses, and what identifies it."""

import hashlib
import json
import math
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilecppn.cppn import ACTIVATIONS, CPPN, PRESETS
from tilecppn.cppn.seeding import MAX_SEED
from tilecppn.errors import InvalidRequestError, SceneError, WeightsError
from tilecppn.scene import sections
from tilecppn.scene.scene import EMBEDDED, Scene
from tilecppn.scene.sections import MAX_SIDE

LAWS = settings(deadline=None, derandomize=True, max_examples=60)

NET: dict[str, Any] = {"width": 3, "depth": 1}  # small: these tests look at no pixels
DEFAULT_FINGERPRINT = "3fa53f430416afd93ee26018c8b07c49887479cd8950b39bd3409f1a0fd9e130"


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


# Defaults


def test_empty_file_is_the_contracts_scene() -> None:
    scene = Scene.parse("")
    assert asdict(scene.latent) == {"seed": 0, "z": None}
    assert asdict(scene.canvas) == {"width": 1024, "height": 1024}
    view = {
        "center": (0.0, 0.0),
        "scale": 10.0,
        "rotation": 0.0,
        "aspect": "preserve",
        "grid": "centers",
    }
    output = {"dtype": "uint8", "tolerance": 0.1, "invert": False, "tile": 512, "shard": 4096}
    assert view.items() <= asdict(scene.view).items()
    assert output.items() <= asdict(scene.output).items()
    assert (scene.source.preset, scene.source.seed, scene.channels) == ("hardmaru", 0, 3)
    assert scene.cppn == CPPN.from_preset("hardmaru", seed=0, channels=3)
    assert np.array_equal(scene.z, scene.cppn.seeded_latent(0))
    assert scene == Scene.of()


def test_seed_of_the_latent_and_of_the_network_are_two() -> None:
    scene = Scene.parse("[cppn]\nseed = 3\n[latent]\nseed = 4")
    assert scene.cppn == CPPN.from_preset("hardmaru", seed=3)
    assert np.array_equal(scene.z, scene.cppn.seeded_latent(4))


def test_latent_by_values_stands_for_its_seed() -> None:
    scene = Scene.parse("[cppn]\nz_dim = 2\n[latent]\nseed = 9\nz = [0.5, -3]")
    assert scene.z.tolist() == [0.5, -3.0]
    assert scene.z.dtype == np.float64


def test_every_key_reaches_its_place() -> None:
    scene = Scene.parse(
        """
        [cppn]
        preset = "hardmaru-sine"
        seed = 9223372036854775807
        channels = 1
        width = 5
        z_dim = 3
        activations = ["sin", "gaussian"]
        [latent]
        z = [1, 2, 3]
        [canvas]
        width = 2147483647
        height = 7
        [view]
        center = [1, -2.5]
        scale = 3
        rotation = -30
        aspect = "stretch"
        grid = "endpoints"
        [output]
        dtype = "uint16"
        tolerance = 0
        invert = true
        tile = 64
        shard = 256
        """
    )
    assert scene.cppn == CPPN.from_preset(
        "hardmaru-sine",
        seed=MAX_SEED,
        channels=1,
        width=5,
        z_dim=3,
        activations=("sin", "gaussian"),
    )
    assert (scene.canvas.width, scene.canvas.height) == (MAX_SIDE, 7)
    assert scene.view == sections.View((1.0, -2.5), 3.0, -30.0, "stretch", "endpoints")
    assert all(type(v) is float for v in (*scene.view.center, scene.view.scale))
    output = scene.output
    assert (output.dtype, output.tolerance, output.invert) == ("uint16", 0.0, True)
    assert (output.tile, output.shard, output.itemsize) == (64, 256, 2)


def test_scene_and_its_sections_are_frozen() -> None:
    scene = Scene.of(cppn=NET)
    with pytest.raises(FrozenInstanceError):
        scene.canvas = sections.Canvas(1, 1)  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        scene.canvas.width = 1  # type: ignore[misc]


# What is refused

HUGE = "1" + "0" * 400
INTEGERS: dict[str, tuple[int, int]] = {
    "cppn.seed": (0, MAX_SEED),
    "cppn.width": (1, 4096),
    "cppn.depth": (1, 1024),
    "cppn.z_dim": (0, 4096),
    "latent.seed": (0, MAX_SEED),
    "canvas.width": (1, MAX_SIDE),
    "canvas.height": (1, MAX_SIDE),
}
NUMBERS = ["view.scale", "view.rotation", "output.tolerance"]
WORDS = ["cppn.preset", "view.aspect", "view.grid", "output.dtype"]
NO_INTEGER = [
    "1.0",
    "1.5",
    "true",
    '"7"',
    "[7]",
    "nan",
    "inf",
    "2020-01-01",
    "{}",
    HUGE,
    "-" + HUGE,
]
NO_NUMBER = ["nan", "-nan", "inf", "-inf", "true", '"1"', "[1.0]", "{}", "12:00:00", HUGE]
NO_WORD = ["1", "true", '""', '"no such word"', "[]", "nan", '["preserve"]']

BAD_VALUES: list[tuple[str, str, str]] = [
    *((key, value, "an integer from") for key in INTEGERS for value in NO_INTEGER),
    *((key, str(low - 1), f"from {low} to {high}") for key, (low, high) in INTEGERS.items()),
    *((key, str(high + 1), f"from {low} to {high}") for key, (low, high) in INTEGERS.items()),
    *((key, value, "number") for key in NUMBERS for value in NO_NUMBER),
    *((key, value, "one of") for key in WORDS for value in NO_WORD),
    ("canvas.width", "0", "an integer from 1"),
    ("canvas.height", "-1024", "an integer from 1"),
    ("canvas.width", "2147483648", "to 2147483647"),
    ("cppn.channels", "2", "one of 1, 3"),
    ("cppn.channels", "0", "one of 1, 3"),
    ("cppn.channels", "true", "one of 1, 3"),
    ("cppn.channels", "3.0", "one of 1, 3"),
    ("cppn.channels", '"rgb"', "one of 1, 3"),
    ("cppn.activations", "[]", "a list of names"),
    ("cppn.activations", '"tanh"', "a list of names"),
    ("cppn.activations", '["tanh", "tan"]', '"tanh"'),
    ("cppn.activations", "[1]", "a list of names"),
    ("cppn.activations", '[["tanh"]]', "a list of names"),
    ("cppn.weights", "3", "a text"),
    ("cppn.weights", '""', "a text"),
    ("cppn.weights", "false", "a text"),
    ("latent.z", "1.0", "a list of finite numbers"),
    ("latent.z", "[nan]", "a list of finite numbers"),
    ("latent.z", "[0, 0, 0, 0, 0, 0, 0, inf]", "a list of finite numbers"),
    ("latent.z", '["0"]', "a list of finite numbers"),
    ("latent.z", "[true]", "a list of finite numbers"),
    ("latent.z", f"[{HUGE}]", "a list of finite numbers"),
    ("view.center", "0.0", "a list of 2 numbers"),
    ("view.center", "[0.0]", "a list of 2 numbers"),
    ("view.center", "[0.0, 0.0, 0.0]", "a list of 2 numbers"),
    ("view.center", "[0.0, nan]", "a list of 2 numbers"),
    ("view.center", "[inf, 0.0]", "a list of 2 numbers"),
    ("view.center", '["0", "0"]', "a list of 2 numbers"),
    ("view.scale", "0", "above 0"),
    ("view.scale", "-10.0", "above 0"),
    ("view.aspect", '"Preserve"', '"preserve", "stretch"'),
    ("view.grid", '"center"', '"centers", "endpoints"'),
    ("output.tolerance", "-0.1", "0 or more"),
    ("output.dtype", '"uint32"', '"uint8", "uint16", "float32"'),
    ("output.dtype", "8", '"uint8", "uint16", "float32"'),
    ("output.invert", "1", "true or false"),
    ("output.invert", '"true"', "true or false"),
    ("output.tile", "500", "a power of two from 64 to 4096"),
    ("output.tile", "32", "a power of two from 64 to 4096"),
    ("output.tile", "8192", "a power of two from 64 to 4096"),
    ("output.tile", "0", "a power of two from 64 to 4096"),
    ("output.tile", "-64", "a power of two from 64 to 4096"),
    ("output.tile", "512.0", "a power of two from 64 to 4096"),
    ("output.tile", "true", "a power of two from 64 to 4096"),
    ("output.shard", "1000", "a power of two"),
    ("output.shard", "4096.0", "a power of two"),
    ("output.shard", "256", "a power-of-two multiple of output.tile = 512"),
]


@pytest.mark.parametrize(("key", "value", "allowed"), BAD_VALUES)
def test_bad_value_is_refused_with_file_key_value_and_what_is_allowed(
    key: str, value: str, allowed: str
) -> None:
    section, name = key.split(".")
    message = refusal(f"[{section}]\n{name} = {value}\n")
    assert message.startswith("poster.toml: ")
    assert key in message
    assert allowed in message
    shown = value.strip("\"'{}-")[:40]
    assert shown.lower() in message.lower().replace("infinity", "inf")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[canvass]\n", 'unknown key "canvass"; did you mean "canvas"?'),
        ("[zzz]\n", 'unknown key "zzz"; known: cppn, latent, canvas, view, output'),
        ("width = 5\n", 'unknown key "width"'),
        ("canvas = 5\n", "canvas must be a section: [canvas]"),
        ('view = "far"\n', "view must be a section: [view]"),
        ("[[canvas]]\nwidth = 5\n", "canvas must be a section: [canvas]"),
        ("[canvas]\nwidht = 5\n", 'unknown key "canvas.widht"; did you mean "width"?'),
        ("[cppn]\nactivation = []\n", 'unknown key "cppn.activation"; did you mean "activations"?'),
        ("[view]\ncentre = [0.0, 0.0]\n", 'unknown key "view.centre"; did you mean "center"?'),
        ("[output]\nzzz = 1\n", 'unknown key "output.zzz"; known: '),
        ("[view.center]\nx = 1\n", "view.center"),
        ('[cppn]\npreset = "hardmary"\n', '"hardmaru"'),
        ("[latent]\nz = [0.0]\n", "latent.z has 1 values: must have 8"),
        ("[cppn]\nz_dim = 0\n[latent]\nz = [0.0]\n", "must have 0"),
        (
            '[cppn]\nactivations = ["tanh"]\ndepth = 2\n',
            "depth = 2, but activations names 1 layers",
        ),
    ],
)
def test_bad_structure_is_refused_with_the_nearest_right_key(text: str, words: str) -> None:
    message = refusal(text)
    assert message.startswith("poster.toml: ")
    assert words in message


@pytest.mark.parametrize(
    "text",
    [
        "width",
        "[canvas",
        "[canvas]\nwidth = ",
        "[canvas]\nwidth = 1\nwidth = 2\n",
        "{}",
        "\x00",
        "<html>",
        "[canvas]\nwidth = " + "9" * 5000,
        "a = " + "[" * 100_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_what_is_not_toml_is_refused(text: str) -> None:
    assert refusal(text).startswith("poster.toml: ")


def test_what_is_not_toml_is_refused_with_the_line() -> None:
    message = refusal("[canvas]\nwidth = 5\nheight ? 6\n")
    assert "not TOML" in message
    assert "line 3" in message


def test_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "poster.toml"
    path.write_bytes("# café\n[canvas]\nwidth = 5\n".encode("latin-1"))
    with pytest.raises(SceneError) as caught:
        Scene.load(path)
    assert str(caught.value) == f"{path}: not a text file; a scene is a TOML file"


def test_missing_file_and_folder_are_refused_by_name(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "none" / "a.toml"):
        with pytest.raises(SceneError) as caught:
            Scene.load(path)
        assert str(caught.value).startswith(f"{path}: cannot be read: ")


def test_every_error_of_a_file_begins_with_its_path(tmp_path: Path) -> None:
    for text in ("[", "[canvas]\nwidht = 1", "[canvas]\nwidth = 0", "[view]\nscale = 1e-300"):
        path = scene_file(tmp_path, text)
        with pytest.raises(SceneError) as caught:
            Scene.load(str(path))
        assert str(caught.value).startswith(f"{path}: ")


def test_long_values_are_shown_short() -> None:
    assert len(refusal('[cppn]\npreset = "' + "x" * 10_000 + '"')) < 300
    assert len(refusal("[view]\ncenter = [" + "1.0, " * 10_000 + "]")) < 300


def test_view_too_small_for_float64_is_refused() -> None:
    message = refusal("[view]\nscale = 1e-12\ncenter = [1000.0, 0.0]\n")
    assert "view.scale = 1e-12" in message
    assert "larger scale" in message


# --set


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


# Weights files


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


@pytest.mark.parametrize("key", ["width = 4", "depth = 2", "z_dim = 2", 'activations = ["tanh"]'])
def test_structure_beside_weights_is_refused(weights_file: Path, key: str) -> None:
    message = refusal(f'[cppn]\nweights = "{weights_file}"\n{key}\n')
    assert f"cppn.{key.split()[0]}: not together with cppn.weights" in message


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


# TOML and back


def sections_of_a_scene() -> st.SearchStrategy[dict[str, dict[str, Any]]]:
    """Valid sections, each key there or not."""
    names = st.sampled_from(sorted(ACTIVATIONS))
    number = st.floats(-1e6, 1e6)
    seeds = st.integers(0, MAX_SEED)
    network = st.fixed_dictionaries(
        {"width": st.integers(1, 6)},
        optional={
            "preset": st.sampled_from(sorted(PRESETS)),
            "seed": seeds,
            "channels": st.sampled_from([1, 3]),
            "z_dim": st.integers(0, 5),
        },
    )
    shape: st.SearchStrategy[dict[str, Any]] = st.one_of(
        st.just({}),
        st.fixed_dictionaries({"depth": st.integers(1, 4)}),
        st.fixed_dictionaries({"activations": st.lists(names, min_size=1, max_size=4)}),
    )
    tile = st.sampled_from([64, 128, 256, 512])
    return st.fixed_dictionaries(
        {
            "cppn": st.builds(lambda a, b: {**a, **b}, network, shape),
            "latent": st.fixed_dictionaries({}, optional={"seed": seeds}),
            "canvas": st.fixed_dictionaries(
                {}, optional={"width": st.integers(1, 10**6), "height": st.integers(1, 10**6)}
            ),
            "view": st.fixed_dictionaries(
                {},
                optional={
                    "center": st.tuples(number, number).map(list),
                    "scale": st.floats(1e-2, 1e6),
                    "rotation": number,
                    "aspect": st.sampled_from(["preserve", "stretch"]),
                    "grid": st.sampled_from(["centers", "endpoints"]),
                },
            ),
            "output": st.builds(
                lambda a, tile, times: {**a, "tile": tile, "shard": tile * times},
                st.fixed_dictionaries(
                    {},
                    optional={
                        "dtype": st.sampled_from(["uint8", "uint16", "float32"]),
                        "tolerance": st.floats(0, 100),
                        "invert": st.booleans(),
                    },
                ),
                tile,
                st.sampled_from([1, 2, 16]),
            ),
        }
    )


SCENES = sections_of_a_scene().map(lambda values: Scene.of(**values))


@LAWS
@given(SCENES)
def test_toml_reads_back_as_the_same_scene(scene: Scene) -> None:
    again = Scene.parse(scene.to_toml())
    assert again == scene
    assert again.fingerprint == scene.fingerprint
    assert again.to_toml() == scene.to_toml()


@LAWS
@given(SCENES, st.data())
def test_latent_values_read_back_exactly(scene: Scene, data: st.DataObject) -> None:
    n = scene.cppn.structure.z_dim
    values = data.draw(st.lists(st.floats(-1e300, 1e300), min_size=n, max_size=n))
    given = scene.replace(latent={"z": values})
    again = Scene.parse(given.to_toml())
    assert again.z.tolist() == values
    assert again.fingerprint == given.fingerprint


def test_toml_of_a_scene_with_weights_names_them_as_a_store_keeps_them(weights_file: Path) -> None:
    scene = Scene.parse(f'[cppn]\nweights = "{weights_file}"\n')
    text = scene.to_toml()
    assert str(weights_file) not in text
    assert f'weights = "{EMBEDDED}"' in text
    again = Scene.parse(text, embedded=weights_file.read_bytes())
    assert again.cppn == scene.cppn
    assert again.fingerprint == scene.fingerprint
    assert again.to_toml() == text


# replace


def test_replace_changes_the_keys_of_a_mapping_and_no_others() -> None:
    scene = Scene.of(cppn=NET, canvas={"width": 5, "height": 6}, view={"scale": 2.0})
    changed = scene.replace(canvas={"width": 9}, output={"invert": True}, latent={"seed": 3})
    assert (changed.canvas.width, changed.canvas.height) == (9, 6)
    assert changed.view == scene.view
    assert changed.output.invert
    assert changed.cppn == scene.cppn
    assert np.array_equal(changed.z, scene.cppn.seeded_latent(3))
    assert (scene.canvas.width, scene.latent.seed) == (5, 0)  # the old one is as it was


def test_replace_takes_whole_sections() -> None:
    scene = Scene.of(cppn=NET, canvas={"width": 5, "height": 6})
    changed = scene.replace(
        canvas=sections.Canvas(height=7),
        view=sections.View(scale=3.0),
        cppn=sections.CPPN(seed=8, width=2),
    )
    assert changed.canvas == sections.Canvas(1024, 7)
    assert changed.view.scale == 3.0
    assert changed.cppn == CPPN.from_preset("hardmaru", seed=8, width=2)


def test_replace_makes_the_network_anew() -> None:
    scene = Scene.of(cppn=NET)
    changed = scene.replace(cppn={"seed": 5})
    assert changed.cppn == CPPN.from_preset("hardmaru", seed=5, **NET)
    assert changed == Scene.of(cppn={**NET, "seed": 5})


def test_replace_takes_a_network() -> None:
    net = CPPN.from_preset("hardmaru", seed=9, width=2, depth=1, channels=1)
    scene = Scene.of(cppn=NET).replace(cppn=net, canvas={"width": 4096})
    assert scene.cppn is net
    assert (scene.channels, scene.canvas.width) == (1, 4096)
    assert scene.source.weights == EMBEDDED
    again = Scene.parse(scene.to_toml(), embedded=net.to_bytes())
    assert again == scene
    assert again.fingerprint == scene.fingerprint


def test_replace_keeps_the_network_of_a_weights_file(weights_file: Path) -> None:
    scene = Scene.parse(f'[cppn]\nweights = "{weights_file.name}"\n', folder=weights_file.parent)
    changed = scene.replace(canvas={"width": 9})
    assert changed.cppn == scene.cppn
    assert changed.source == scene.source


def test_replace_takes_another_weights_file(
    weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = CPPN.from_preset("hardmaru", seed=1, width=2, depth=1, z_dim=1)
    other.save(tmp_path / "other.safetensors")
    monkeypatch.chdir(tmp_path)
    scene = Scene.parse(f'[cppn]\nweights = "{weights_file}"\n')
    for base in (scene, Scene.of()):
        assert base.replace(cppn=sections.CPPN(weights="other.safetensors")).cppn == other
    assert scene.replace(cppn={"weights": "other.safetensors"}).cppn == other


def test_replace_reads_the_file_that_is_named_whatever_the_one_before_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that was given as such has the name that a store gives it."""
    one, other = (CPPN.from_preset("hardmaru", seed=seed, width=2, depth=1) for seed in (1, 2))
    other.save(tmp_path / EMBEDDED)
    monkeypatch.chdir(tmp_path)
    scene = Scene.of().replace(cppn=one)
    assert scene.replace(cppn={"weights": EMBEDDED}).cppn == other
    assert scene.replace(cppn=sections.CPPN(weights=EMBEDDED, channels=3)).cppn == other
    assert scene.replace(cppn={"channels": 3}).cppn == one
    assert scene.replace(cppn=scene.source).cppn == one


@pytest.mark.parametrize("change", [{"width": 9}, {"depth": 3}, {"z_dim": 1}, {"channels": 1}])
def test_replace_does_not_swallow_what_a_weights_file_forbids(
    weights_file: Path, change: dict[str, Any]
) -> None:
    scene = Scene.parse(f'[cppn]\nweights = "{weights_file}"\n')
    with pytest.raises(SceneError, match=f"cppn.{next(iter(change))}"):
        scene.replace(cppn=change)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"canvas": {"widht": 5}}, 'did you mean "width"?'),
        ({"canvas": {"width": 0}}, "canvas.width = 0"),
        ({"canvas": 5}, "canvas takes a section or a mapping"),
        ({"canvas": None}, "canvas takes a section or a mapping"),
        ({"canvas": sections.View()}, "canvas takes a section or a mapping"),
        ({"canvass": {}}, 'did you mean "canvas"?'),
        ({"source": sections.CPPN()}, "source"),
        ({"latent": {"z": [1.0]}}, "latent.z has 1 values"),
        ({"view": {"scale": math.nan}}, "view.scale = NaN"),
        ({"view": {"scale": 1e-300}}, "larger scale"),
        ({"cppn": {"preset": "nothing"}}, "cppn.preset"),
        ({"output": {"tile": 4096, "shard": 512}}, "output.shard = 512"),
    ],
)
def test_bad_replacement_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SceneError) as caught:
        Scene.of(cppn=NET).replace(**changes)
    assert words in str(caught.value)


@pytest.mark.parametrize("latent", [{"seed": 3}, {"z": [0.5] * 8}])
def test_the_latent_of_a_frozen_scene_is_read_only(latent: dict[str, Any]) -> None:
    scene = Scene.of(cppn=NET, latent=latent)
    fingerprint = scene.fingerprint
    with pytest.raises(ValueError, match="read-only"):
        scene.z[0] = 7.0
    assert Scene.of(cppn=NET, latent=latent).fingerprint == fingerprint


def test_values_of_numpy_are_taken() -> None:
    scene = Scene.of(
        cppn=NET, canvas={"width": np.int64(7)}, latent={"z": np.arange(8, dtype=np.float32)}
    )
    assert type(scene.canvas.width) is int
    assert scene.latent.z == tuple(map(float, range(8)))


@pytest.mark.parametrize("values", [{"canvas": {"widht": 1}}, {"canvass": {}}, {"canvas": 5}])
def test_scene_of_wrong_sections_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SceneError, match="scene: "):
        Scene.of(**values)


# Fingerprint


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


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_fingerprint_changes_with_what_changes_pixels(change: dict[str, dict[str, Any]]) -> None:
    assert changed(change).fingerprint != changed({}).fingerprint


def test_no_two_changes_have_the_same_fingerprint() -> None:
    assert len({changed(change).fingerprint for change in CHANGES}) == len(CHANGES)


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


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf[canvas]\nwidth = 7\n")
    assert Scene.load(tmp_path / "a.toml").canvas.width == 7


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
