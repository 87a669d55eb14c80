"""What other programs see in GIF, WebP and animated PNG."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.film.conftest import FRAMES, pixels
from tilecppn.errors import ExportError
from tilecppn.film.animate import animate
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.keyframes import Keyframe
from tilecppn.film.timeline.moves import moving
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import Scene

Pixels = NDArray[Any]


def durations(path: Path) -> list[int]:
    with Image.open(path) as image:
        found = []
        for k in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(k)
            image.load()
            found.append(int(image.info["duration"]))
        return found


def test_gif(film: Timeline, frames: Pixels, tmp_path: Path) -> None:
    animate(film, tmp_path / "a.gif", executor="local")
    with Image.open(tmp_path / "a.gif") as image:
        assert image.size == (97, 66)
        assert image.info["loop"] == 0
        assert image.n_frames == FRAMES  # type: ignore[attr-defined]
        for k in range(FRAMES):
            image.seek(k)
            assert image.info["duration"] == 100
            error = np.abs(np.asarray(image.convert("RGB")).astype(int) - frames[k]).mean()
            assert error < 12


def test_a_gif_has_the_colours_of_each_frame(tmp_path: Path) -> None:
    """One palette for all ten frames, each of other hues, is off by 0.5 to 2.1."""
    scene = Scene.of(
        cppn={"seed": 3, "width": 8, "depth": 2, "channels": 1},
        canvas={"width": 96, "height": 64},
        output={"tile": 64, "shard": 64},
    )
    ends = (["#000000", "#ff0000", "#00ff00"], ["#ffff00", "#00ffff", "#0000ff"])
    keyframes = [Keyframe(0.9 * k, output={"palette": palette}) for k, palette in enumerate(ends)]
    film = Timeline.of(scene, keyframes, seconds=1, fps=10)
    store = FilmStore(animate(film, tmp_path / "a.zarr", executor="local"))
    animate(film, tmp_path / "a.gif", executor="local")
    with Image.open(tmp_path / "a.gif") as image:
        for k, frame in enumerate(pixels(store)):
            image.seek(k)
            error = np.abs(np.asarray(image.convert("RGB")).astype(int) - frame).mean()
            assert error < 0.5


def test_gif_durations_are_hundredths_and_add_up(scene: Scene, tmp_path: Path) -> None:
    film = moving(scene, zoom=5.0, seconds=1, fps=30)
    animate(film, tmp_path / "a.gif", executor="local")
    found = durations(tmp_path / "a.gif")
    assert set(found) == {30, 40}
    assert sum(found) == 1000


def test_a_frame_that_is_held_is_one_long_frame_of_a_gif(scene: Scene, tmp_path: Path) -> None:
    film = Timeline.of(
        scene,
        [
            Keyframe(0, view={"scale": 2.0}),
            Keyframe(0.2, view={"scale": 1.0}, easing="hold"),
            Keyframe(0.8, view={"scale": 0.5}),
        ],
        seconds=1.2,
        fps=10,
    )
    animate(film, tmp_path / "a.gif", executor="local")
    found = durations(tmp_path / "a.gif")
    assert found == [100, 100, 600, 400]


def test_webp(film: Timeline, frames: Pixels, tmp_path: Path) -> None:
    animate(film, tmp_path / "a.webp", executor="local")
    assert durations(tmp_path / "a.webp") == [100] * FRAMES
    with Image.open(tmp_path / "a.webp") as image:
        assert image.info["loop"] == 0
        image.seek(7)
        error = np.abs(np.asarray(image.convert("RGB")).astype(int) - frames[7]).mean()
        assert error < 5


def test_apng(film: Timeline, frames: Pixels, tmp_path: Path) -> None:
    animate(film, tmp_path / "a.png", executor="local")
    assert durations(tmp_path / "a.png") == [100] * FRAMES
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["loop"] == 0
        for k in range(FRAMES):
            image.seek(k)
            assert np.array_equal(np.asarray(image.convert("RGB")), frames[k])


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_a_film_whose_frames_are_all_alike(scene: Scene, tmp_path: Path, suffix: str) -> None:
    still = Timeline.of(scene, fps=10, seconds=0.3, arrays={"view.rotation": [0.0] * 3})
    animate(still, tmp_path / f"a{suffix}", executor="local")
    animate(still, tmp_path / "a", executor="local")
    with (
        Image.open(tmp_path / f"a{suffix}") as image,
        Image.open(tmp_path / "a" / "frame-00000.png") as frame,
    ):
        error = np.abs(np.asarray(image.convert("RGB")).astype(int) - np.asarray(frame)).mean()
    assert error < 12


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
@pytest.mark.parametrize(("plays", "said"), [(None, 0), (0, 0), (1, 1), (3, 3)])
def test_plays(scene: Scene, tmp_path: Path, suffix: str, plays: int | None, said: int) -> None:
    film = moving(scene, zoom=5.0, seconds=0.2, fps=10)
    path = animate(film, tmp_path / f"a{suffix}", plays=plays, executor="local")
    with Image.open(path) as image:
        found = image.info.get("loop")
    if suffix == ".gif" and said:  # repeats after the first time; without the block it plays once
        assert found == (None if said == 1 else said - 1)
    else:
        assert found == said


@pytest.mark.parametrize(("suffix", "fastest"), [(".gif", 50), (".webp", 90), (".png", 90)])
def test_none_is_faster_than_browsers_show(
    scene: Scene, tmp_path: Path, suffix: str, fastest: int
) -> None:
    film = moving(scene, zoom=2.0, seconds=0.1, fps=fastest)
    path = animate(film, tmp_path / f"a{suffix}", executor="local")
    assert min(durations(path)) >= (20 if suffix == ".gif" else 11)
    with pytest.raises(ExportError, match=f"{fastest} at most"):
        animate(film.replace(fps=fastest + 1), tmp_path / f"b{suffix}")
