"""Tracks that follow a sound."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.film.sounds import tones
from tilecppn.errors import SceneError
from tilecppn.film.animate import animate
from tilecppn.film.encoding.metadata import copy_with_metadata
from tilecppn.film.timeline.sound import loudness, released
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import Scene

TEXT = """
[cppn]
seed = 1
width = 4
depth = 2
[canvas]
width = 32
height = 32
[film]
seconds = 2
fps = 10
[film.arrays]
"view.rotation" = {{track = "{track}", low = 10.0, high = 20.0{more}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a.wav: a second of 80 Hz, then a second of 6 kHz."""
    tones(tmp_path / "a.wav", (80, 1), (6000, 1))
    return tmp_path


def rotations(folder: Path, track: str, more: str = ", release = 0") -> list[float]:
    text = TEXT.format(track=track, more=more)
    timeline = Timeline.parse(text, folder=folder)
    return [timeline.scene(k).view.rotation for k in range(timeline.frames)]


@pytest.mark.parametrize(
    ("track", "first", "second"),
    [
        ("a.wav", 20, 20),
        ("a.wav#volume", 20, 20),
        ("a.wav#bass", 20, 10),
        ("a.wav#mid", 10, 10),
        ("a.wav#treble", 10, 20),
        ("a.wav#60-100", 20, 10),
        ("a.wav#5990-6010", 10, 20),
    ],
)
def test_a_band_is_loud_where_it_sounds(
    folder: Path, track: str, first: float, second: float
) -> None:
    found = rotations(folder, track)
    if "mid" in track:  # only the edges of the tones have anything in it
        assert np.median(found) == pytest.approx(10, abs=0.5)
        return
    assert found[1:9] == pytest.approx([first] * 8, abs=0.3)
    assert found[11:19] == pytest.approx([second] * 8, abs=0.3)


def test_it_rises_at_once_and_falls_slowly(folder: Path) -> None:
    bass = np.array(rotations(folder, "a.wav#bass", ", release = 0.5")) - 10
    after = bass[11:19]
    np.testing.assert_allclose(after[1:] / after[:-1], np.exp(-0.1 / 0.5), rtol=0.01)
    treble = np.array(rotations(folder, "a.wav#treble", ", release = 0.5")) - 10
    assert treble[9] < 1
    assert treble[11] > 9


def test_released_levels_by_hand() -> None:
    levels = np.array([0.0, 1.0, 0.0, 0.0, 0.9])
    np.testing.assert_allclose(released(levels, 1), [0, 1, np.exp(-1), np.exp(-2), 0.9])
    assert released(levels, 0) is levels


def test_a_sine_has_its_amplitude_in_its_band() -> None:
    """A sine half as loud has half the level, wherever the window lies on it."""
    t = np.arange(44100 * 2) / 44100
    sine = np.sin(2 * np.pi * 1000 * t) * np.where(t < 1, 1.0, 0.5)
    levels = loudness(sine.astype(np.float32), (900, 1100), 20, 10)
    assert levels[2:9] == pytest.approx([1] * 7, abs=1e-3)
    assert levels[12:19] == pytest.approx([0.5] * 7, abs=1e-3)


def test_the_scale_moves_by_ratios_and_lists_by_number(folder: Path) -> None:
    base = Scene.of(cppn={"width": 4, "depth": 2}, canvas={"width": 8, "height": 8})
    sound = {"track": str(folder / "a.wav") + "#bass", "release": 0.3}
    timeline = Timeline.of(
        base,
        seconds=2,
        fps=10,
        arrays={
            "view.rotation": {**sound, "low": 0, "high": 1},
            "view.scale": {**sound, "low": 4.0, "high": 1.0},
            "view.center": {**sound, "low": [0, 1], "high": [2, 0]},
        },
    )
    for view in (timeline.scene(k).view for k in range(20)):
        assert view.scale == pytest.approx(4.0 * 0.25**view.rotation)
        assert view.center == pytest.approx((2 * view.rotation, 1 - view.rotation))


def test_a_timeline_needs_its_sound_only_once(folder: Path) -> None:
    timeline = Timeline.parse(TEXT.format(track="a.wav#bass", more=""), folder=folder)
    again = Timeline.parse(TEXT.format(track="a.wav#bass", more=""), folder=folder)
    assert again.fingerprint == timeline.fingerprint
    (folder / "a.wav").unlink()
    assert Timeline.parse(timeline.to_toml()).fingerprint == timeline.fingerprint


def test_a_stored_timeline_never_opens_a_sound(folder: Path) -> None:
    timeline = Timeline.parse(TEXT.format(track="a.wav", more=""), folder=folder)
    track = str(folder / "a.wav")
    with pytest.raises(SceneError, match="one a frame"):
        Timeline.parse(TEXT.format(track=track, more=""), embedded=timeline.networks)


def test_silence_stays_low_and_a_short_sound_ends(folder: Path) -> None:
    tones(folder / "silent.wav", (0, 2))
    assert rotations(folder, "silent.wav") == [10.0] * 20
    tones(folder / "short.wav", (80, 0.5))
    found = rotations(folder, "short.wav")
    assert found[2] == pytest.approx(20, abs=0.3)
    assert found[7:] == [10.0] * 13


@pytest.mark.parametrize(
    ("track", "more", "words"),
    [
        ("none.wav", "", "none.wav"),
        ("a.toml", "", "as sound"),
        ("a.wav#bas", "", "#bas"),
        ("a.wav#100-50", "", "#100-50"),
        ("a.wav#0-99999", "", "22050"),
        ("a.wav", ", release = -1", "release"),
        ("a.wav", ", gain = 1", "gain"),
    ],
)
def test_what_is_no_sound_is_refused(folder: Path, track: str, more: str, words: str) -> None:
    (folder / "a.toml").write_text("not a sound")
    with pytest.raises(SceneError) as error:
        rotations(folder, track, more)
    assert words in str(error.value)
    assert "film.arrays.view.rotation" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("low", ["[1.0]", '"a"', "nan"])
def test_ends_must_be_numbers_alike(folder: Path, low: Any) -> None:
    text = TEXT.format(track="a.wav", more="").replace("low = 10.0", f"low = {low}")
    with pytest.raises(SceneError, match="low"):
        Timeline.parse(text, folder=folder)


def test_a_film_that_names_a_sound_or_a_picture_is_refused(folder: Path) -> None:
    """Its text was edited: no path in a film is followed."""
    film = Timeline.parse(TEXT.format(track="a.wav", more=""), folder=folder)
    path = animate(film, folder / "a.gif", executor="local")
    text = TEXT.format(track=str(folder / "a.wav"), more="")
    for k, edited in enumerate((text, '[output]\npalette = "a.png"\n[film]\nseconds = 1\n')):
        copy_with_metadata(path, folder / f"{k}.gif", ".gif", edited)
        with pytest.raises(SceneError, match="names files"):
            Timeline.load(folder / f"{k}.gif")
