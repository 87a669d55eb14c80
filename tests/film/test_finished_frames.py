"""Films of frames that are there already, in a store or a folder."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.stores import tree
from tilecppn.errors import InvalidRequestError, RenderError, StoreError
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.folder_checksums import LIST
from tilecppn.film.animate import animate, animate_to
from tilecppn.film.encoding.base import FilmOptions
from tilecppn.film.finished_frames import FinishedFrames, FrameFolder, finished_frames
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.excerpt import excerpt
from tilecppn.film.timeline.moves import moving
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.plan import Window
from tilecppn.run.events import Event, FramesNotTaken
from tilecppn.run.options import RunOptions
from tilecppn.scene.scene import Scene
from tilecppn.storage.names import PARTS

WHOLE = Window(0, 0, 66, 97)


@pytest.fixture(scope="module")
def folder(film: Timeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frames of `film`; read only."""
    return animate(film, tmp_path_factory.mktemp("folder") / "frames", executor="local")


def encoded(film: Timeline, path: Path, frames: Path) -> tuple[int, list[str]]:
    """Make a film of finished frames; return how many pixels were drawn, and what was told."""
    told: list[Event] = []
    run = RunOptions("local", listeners=[told.append])
    outcome = animate_to(film, path, FilmOptions(), run, frames)
    return outcome.pixels, [event.reason for event in told if isinstance(event, FramesNotTaken)]


@pytest.mark.parametrize(
    ("format", "dtype", "channels"),
    [("png", "uint8", 3), ("png", "uint16", 1), ("tif", "uint8", 1), ("tif", "uint16", 3)],
)
def test_a_folder_has_the_pixels_of_the_store(
    scene: Scene, tmp_path: Path, dtype: str, channels: int, format: str
) -> None:
    still = scene.replace(cppn={"channels": channels}, output={"dtype": dtype})
    film = moving(still, morph=[1, 2], seconds=0.2, fps=10)
    store = FilmStore(animate(film, tmp_path / "a.zarr", executor="local"))
    path = animate(film, tmp_path / "a", executor="local", format=format)
    found = FrameFolder(path)
    part = Window(5, 7, 66, 90)
    for frame in (1, 0):
        for window in (WHOLE, part):
            assert np.array_equal(found.read(frame, window), store.read(frame, window))
    assert found.read(0, WHOLE).dtype == store.dtype


@pytest.mark.parametrize("name", ["film.mkv", "frames"])
def test_a_folder_is_encoded_as_its_store_is(
    film: Timeline, film_store: FilmStore, folder: Path, tmp_path: Path, name: str
) -> None:
    assert encoded(film, tmp_path / "a" / name, film_store.path) == (0, [])
    assert encoded(film, tmp_path / "b" / name, folder) == (0, [])
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_frames_of_a_store_that_is_replaced_are_not_read(film: Timeline, tmp_path: Path) -> None:
    path, other = tmp_path / "a.zarr", moving(film.base, morph=[7, 8], seconds=0.2, fps=10)
    animate(excerpt(film, "0f", "2f"), path, executor="local")
    found = finished_frames(path, excerpt(film, "0f", "2f"))
    assert isinstance(found, FinishedFrames)
    reader = found.open()
    before = reader.read(0, WHOLE)
    path.rename(tmp_path / "old.zarr")
    animate(other, path, executor="local")
    assert not np.array_equal(FilmStore(path).read(0, WHOLE), before)
    with pytest.raises(RenderError, match="replaced while it was read"):
        reader.read(0, WHOLE)
    with pytest.raises(StoreError, match="replaced by another film"):
        found.open()


@pytest.mark.parametrize("kind", ["store", "folder"])
def test_a_part_of_a_film_takes_its_frames(
    film: Timeline, film_store: FilmStore, folder: Path, tmp_path: Path, kind: str
) -> None:
    frames = folder if kind == "folder" else film_store.path
    part = excerpt(film, "4f", "9f")
    assert encoded(part, tmp_path / "part", frames) == (0, [])
    assert [file.name for file in sorted((tmp_path / "part").glob("*.png"))] == [
        f"frame-{k:05d}.png" for k in range(4, 9)
    ]
    smaller = excerpt(film, "6f", "8f")
    assert encoded(smaller, tmp_path / "a.mkv", tmp_path / "part") == (0, [])
    drawn, told = encoded(excerpt(film, "3f", "8f"), tmp_path / "b.mkv", tmp_path / "part")
    assert drawn == 5 * WHOLE.pixels
    assert "has only frames 4 to 8 of the film" in told[0]


def test_frames_of_another_film_are_drawn_and_it_is_said(
    film: Timeline, film_store: FilmStore, folder: Path, tmp_path: Path
) -> None:
    fast = film.replace(fps=5)
    for name, frames in (("a.mkv", folder), ("b.zarr", film_store.path)):
        drawn, told = encoded(fast, tmp_path / name, frames)
        assert drawn == fast.frames * WHOLE.pixels
        assert "film.fps: 10 there, 5 here" in told[0]
    drawn, told = encoded(film, tmp_path / "c.zarr", folder)
    assert drawn == film.frames * WHOLE.pixels
    assert told[0].startswith(f"{folder}: does not say which kernel drew it")


def test_a_changed_frame_is_not_taken(film: Timeline, tmp_path: Path) -> None:
    frames = animate(film, tmp_path / "frames", executor="local")
    file = frames / "frame-00003.png"
    data = bytearray(file.read_bytes())
    data[-30] ^= 1
    file.write_bytes(data)  # of the same length, so only its checksum tells
    with pytest.raises(RenderError, match=r"frame-00003\.png: was changed or damaged"):
        animate(film, tmp_path / "a.mkv", executor="local", frames=frames)
    Image.new("RGB", (97, 66)).save(file)
    drawn, told = encoded(film, tmp_path / "b.mkv", frames)
    assert drawn == film.frames * WHOLE.pixels
    assert "was changed since it was made" in told[0]


def test_frames_of_another_arithmetic_are_encoded_but_not_mixed(
    film: Timeline, tmp_path: Path
) -> None:
    short = excerpt(film, "0f", "2f")
    path = animate(short, tmp_path / "a.zarr", executor="local", kernel="reference")
    drawn = FilmStore(path)
    assert encoded(short, tmp_path / "a", path) == (0, [])
    for k in range(2):
        assert np.array_equal(FrameFolder(tmp_path / "a").read(k, WHOLE), drawn.read(k, WHOLE))
    count, told = encoded(short, tmp_path / "b.zarr", path)
    assert count == 2 * WHOLE.pixels
    assert "another arithmetic" in told[0]
    drawn.delete(next(drawn.plan.frame_shards(1)))
    with pytest.raises(InvalidRequestError, match="unfinished, and was drawn by another"):
        animate(short, tmp_path / "c.mkv", executor="local", frames=path)
    assert not (tmp_path / f"c.mkv{PARTS}").exists()


def test_a_folder_with_fewer_bits_or_checksums_is_not_taken(scene: Scene, tmp_path: Path) -> None:
    film = moving(scene.replace(output={"dtype": "float32"}), morph=[1, 2], seconds=0.2, fps=10)
    path = animate(film, tmp_path / "a", executor="local")
    assert finished_frames(path, film) == "has 16 bits of values that have 32"
    path = animate(film, tmp_path / "b", executor="local", format="tif")
    assert isinstance(finished_frames(path, film), FinishedFrames)
    made = provenance.read_manifest(path)
    assert made is not None
    names = (path / LIST).read_text().splitlines(keepends=True)
    (path / LIST).write_text("".join(names[1:]))
    provenance.write_manifest(path, made)
    assert finished_frames(path, film) == "has no checksums of its frames"
