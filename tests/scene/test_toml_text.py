"""Scenes by strangers: what would take for ever, or all memory, is refused before it is parsed."""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilecppn.errors import InvalidRequestError, SceneError
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene import toml_text
from tilecppn.scene.parsing import is_timeline
from tilecppn.scene.scene import Scene

HOSTILE = {
    "hexadecimal digits": "[canvas]\nwidth = 0x" + "f" * 200_000,
    "decimal digits": "[canvas]\nwidth = " + "9" * 200_000,
    "long key": "[canvas]\n" + "w" * 200_000 + " = 1",
    "dotted key": ".".join(["a"] * 50_000) + " = 1",
    "dotted key with spaces": " . ".join(["a"] * 50_000) + " = 1",
    "dotted key of strings": ".".join(['"a.b"'] * 50_000) + " = 1",
    "dotted key of literals": ".".join(["'\"'"] * 50_000) + " = 1",
    "dotted section": "[" + ".".join(["a"] * 50_000) + "]",
    "nested arrays": "[canvas]\nwidth = " + "[" * 100_000,
    "nested tables": "[canvas]\nwidth = " + "{a = " * 100_000,
    "digits after a string of several lines": 'a = ["""\n""", 0x' + "f" * 200_000 + ', "b"]',
    "digits after a literal of several lines": "a = ['''\n# ''', 0x" + "f" * 200_000 + "]",
    "sections": "".join(f"\n[a{i}]" for i in range(200_000)),
    "length": "#" * (toml_text.MAX_BYTES + 1),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_too_large_is_refused_before_it_is_parsed(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not kind.startswith("nested"):
        monkeypatch.setattr(tomllib, "loads", lambda text: pytest.fail("was parsed"))
    path = tmp_path / "a.toml"
    path.write_text(HOSTILE[kind])
    with pytest.raises(SceneError, match=r"a\.toml"):
        Scene.load(path)
    with pytest.raises(SceneError, match=r"a\.toml"):
        Timeline.load(path)
    assert not is_timeline(HOSTILE[kind])


def test_the_longest_number_that_is_parsed_can_be_shown() -> None:
    with pytest.raises(SceneError, match=r"canvas\.width = .*: must be an integer"):
        Scene.parse("[canvas]\nwidth = 0x" + "f" * (toml_text.MAX_WORD - 2))


def test_strings_may_have_dots_and_length() -> None:
    text = 'a = "' + "x." * 5000 + '"\nb = [' + "1.5, " * 5000 + "]\n"
    assert toml_text.loads(text) == tomllib.loads(text)


def test_comments_may_have_anything() -> None:
    text = f"# {'-' * 5000} \"\n[a] # {'.'.join('a' * 500)}\nb = '# c' # {'9' * 5000}\n"
    assert toml_text.loads(text) == {"a": {"b": "# c"}}


@pytest.mark.parametrize("start", ['"', '"""', "\\"])
def test_escaped_quotes_without_an_end_take_no_longer_than_others(start: str) -> None:
    quotes = start.replace("\\", '"""')
    with pytest.raises(ValueError, match=r"line 1|end of document"):
        toml_text.loads("a = " + start + f"\\{quotes}" * 200_000)


@given(st.text(alphabet="ab.=[]{}\"'\\\n #,1_-", max_size=60))
def test_all_else_is_parsed_as_tomllib_does(text: str) -> None:
    try:
        expected = tomllib.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            toml_text.loads(text)
    else:
        assert toml_text.loads(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '[cppn]\nweights = "/dev/zero"',
        '[latent]\nz = "endless.json#a"',
        '[latent]\nz = "endless.npz#a"',
        '[output]\npalette = "/dev/zero"',
    ],
)
def test_an_endless_file_is_not_read(text: str, tmp_path: Path) -> None:
    for name in ("endless.json", "endless.npz"):
        (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(InvalidRequestError, match=r"/dev/zero|endless"):
        Scene.parse(text, folder=tmp_path)


def test_an_endless_scene_is_not_read() -> None:
    with pytest.raises(SceneError, match="/dev/zero: not a regular file; a scene is a TOML file"):
        Scene.load("/dev/zero")


def test_a_scene_larger_than_any_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.toml").open("wb") as file:
        file.truncate(toml_text.MAX_BYTES + 1)
    with pytest.raises(SceneError, match=r"large.toml: larger than 4,194,304 bytes; a scene is a"):
        Scene.load(tmp_path / "large.toml")


@pytest.mark.parametrize("load", [Scene.load, Timeline.load])
def test_a_pipe_is_refused_since_it_would_be_empty_when_read_again(
    load: Callable[[Path], object], tmp_path: Path
) -> None:
    pipe = tmp_path / "scene.toml"
    os.mkfifo(pipe)
    with pytest.raises(SceneError, match=r"scene.toml: not a regular file; a \w+ is a TOML file"):
        load(pipe)
