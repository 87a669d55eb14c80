"""What a scene refuses: wrong values, unknown keys, files that are none."""

import pickle
from dataclasses import fields
from pathlib import Path

import pytest

from tests.scene.conftest import refusal, scene_file
from tilecppn.cppn.seeding import MAX_SEED
from tilecppn.errors import InvalidRequestError, SceneError, WeightsError
from tilecppn.film.timeline.keyframes import Film, Keyframe
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import MAX_SIDE, SECTIONS
from tilecppn.scene.validation import Section
from tilecppn.train.settings import FitSettings, Settings

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
WORDS = ["cppn.preset", "view.aspect", "view.grid", "output.dtype", "output.precision"]
WORDS += ["output.profile", "output.dither", "output.color", "output.shrink"]
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
    ("cppn.channels", "2", "one of 1, 3"),
    ("cppn.channels", "0", "one of 1, 3"),
    ("cppn.channels", "4", "without alpha"),
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
        ('[cppn]\npreset = "hardmary"\n', 'did you mean "hardmaru"? It must be one of'),
        ('[cppn]\nactivations = ["sin", "tahn"]\n', 'did you mean "tanh"? It must be a list'),
        ("[latent]\nz = [0.0]\n", "latent.z has 1 values: must have 8"),
        ("[cppn]\nz_dim = 0\n[latent]\nz = [0.0]\n", "must have 0"),
        (f"[latent]\nz = [1e300{', 0' * 7}]\n", "latent.z = [1e+300, 0.0, 0.0"),
        (f"[latent]\nz = [1e300{', 0' * 7}]\n", "must be from -1e+30 to 1e+30"),
        ("[view]\nscale = 1e300\n", "beyond 1e+30 at view.center = [0.0, 0.0]; use a smaller"),
        ("[view]\nscale = 1e-12\ncenter = [1000.0, 0.0]\n", "use a larger scale"),
        ('[output]\npalette = "magmma"\n', 'output.palette = "magmma": '),
        ('[output]\npalette = "magmma"\n', 'did you mean "magma"?'),
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
        why = "a folder that tilecppn did not make" if path == tmp_path else "cannot be read: "
        assert str(caught.value).startswith(f"{path}: {why}")


def test_every_error_of_a_file_begins_with_its_path(tmp_path: Path) -> None:
    for text in ("[", "[canvas]\nwidht = 1", "[canvas]\nwidth = 0", "[view]\nscale = 1e-300"):
        path = scene_file(tmp_path, text)
        with pytest.raises(SceneError) as caught:
            Scene.load(str(path))
        assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[cppn]\nweights = "no.safetensors"', 'cppn.weights = "no.safetensors": '),
        ('[latent]\nz = "no.json#cat"', 'latent.z = "no.json#cat": '),
        ('[output]\npalette = "no.jpg"', 'output.palette = "no.jpg": '),
        ("[cppn]\ngain = 3", "cppn.gain = 3: preset hardmaru has no detail"),
        ('[cppn]\ndepth = 3\nactivations = ["tanh"]', "cppn.depth = 3, but activations names 1"),
        ('[cppn]\nz_dim = 3\ninputs = ["x", "y"]', "cppn.z_dim = 3: inputs without"),
        ("[cppn]\nchannels = 2", "cppn.channels = 2: must be"),
    ],
)
def test_what_a_scene_names_and_cannot_have_is_refused_by_file_key_and_value(
    tmp_path: Path, text: str, says: str
) -> None:
    path = scene_file(tmp_path, text)
    with pytest.raises(InvalidRequestError) as caught:
        Scene.load(path)
    assert str(caught.value).startswith(f"{path}: {says}")
    assert "[Errno" not in str(caught.value)


def test_the_option_at_fault_is_named_for_a_weights_file(tmp_path: Path) -> None:
    path = scene_file(tmp_path, "")
    with pytest.raises(WeightsError) as caught:
        Scene.load(path, ["cppn.weights=no.safetensors"])
    assert str(caught.value).startswith("cppn.weights=no.safetensors: cppn.weights = ")


def test_long_values_are_shown_short() -> None:
    assert len(refusal('[cppn]\npreset = "' + "x" * 10_000 + '"')) < 400
    assert len(refusal("[view]\ncenter = [" + "1.0, " * 10_000 + "]")) < 300


def test_an_error_says_key_value_and_what_is_allowed_to_programs_too() -> None:
    with pytest.raises(SceneError) as caught:
        Scene.parse("[canvas]\nwidth = 0\n", name="poster.toml")
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.key, error.value) == ("canvas.width", 0)
    assert error.allowed.startswith("an integer from 1")
    assert str(error) == str(caught.value)
    with pytest.raises(SceneError) as caught:
        Scene.of(view={"radial": 3, "repeat": "x"})
    assert caught.value.keys == ("view.radial", "view.repeat")


@pytest.mark.parametrize("section", [*SECTIONS.values(), Film, Keyframe, Settings, FitSettings])
def test_defaults_need_no_check(section: type[Section]) -> None:
    for field in fields(section):
        if field.default is None:
            continue
        kept = field.metadata["check"].parse(field.default)
        assert (type(kept), kept) == (type(field.default), field.default)
