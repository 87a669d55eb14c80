"""`tilecppn.verify`, as a Python program calls it."""

import random
import shutil
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

import tilecppn as tc
from tests.stores import tree
from tilecppn.errors import ExportError, Interrupted, InvalidRequestError, StoreError
from tilecppn.run.events import TaskDone
from tilecppn.storage.store import Store

Steps = list[tuple[str, int, int, str]]


@pytest.fixture
def copied(small_store: Store, tmp_path: Path) -> Path:
    """A finished store to spoil."""
    return Path(shutil.copytree(small_store.path, tmp_path / "small.zarr"))


def spoil(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[random.Random(1).randrange(len(data))] ^= 1
    file.write_bytes(data)


def test_a_store_is_reported_and_repaired(copied: Path) -> None:
    sound = tc.verify(copied)
    assert sound.sound
    assert not sound.repaired
    before = tree(copied)
    spoil(copied / "0/c/0/0/0")
    found = tc.verify(str(copied), workers=2)
    assert (found.path, found.sound, found.repaired) == (copied, False, False)
    assert found.damage == {(0, 0, 0): "damaged"}
    assert found.record == {
        "store": str(copied),
        "invalid_metadata": [],
        "damaged": [[0, 0, 0]],
        "missing": [],
    }
    assert repr(found) == f"StoreReport({found.record!r})"
    with pytest.raises(FrozenInstanceError):
        found.path = Path()  # type: ignore[misc]
    done: list[Any] = []
    repaired = tc.verify(copied, repair=True, listeners=[done.append])
    assert repaired.repaired
    assert repaired.record["rendered"] == sum(isinstance(event, TaskDone) for event in done) > 0
    assert tree(copied) == before


def test_an_export_is_reported_and_repaired(copied: Path, tmp_path: Path) -> None:
    tc.export(copied, tmp_path / "e.dzi")
    before = tree(tmp_path)
    tile = next((tmp_path / "e_files").rglob("*.png"))
    spoil(tile)
    found = tc.verify(tmp_path / "e.dzi")
    assert found.damage == {tile: "damaged"}
    assert repr(found) == f"ExportReport({found.record!r})"
    repaired = tc.verify(tmp_path / "e.dzi", repair=True, store=copied)
    assert repaired.repaired
    assert repaired.record["repaired"] == 1
    assert tree(tmp_path) == before


def test_progress_tells_each_stage_up_to_its_end(copied: Path, tmp_path: Path) -> None:
    steps: Steps = []
    tc.verify(copied, progress=lambda *step: steps.append(step))
    assert {(what, unit) for what, _, _, unit in steps} == {("verify", "Mpixel")}
    assert steps[-1][1] == steps[-1][2] == Store(copied).plan.pixels
    tc.export(copied, tmp_path / "e", layout="xyz")
    next((tmp_path / "e").rglob("*.png")).unlink()
    steps.clear()
    tc.verify(tmp_path / "e", repair=True, store=copied, progress=lambda *step: steps.append(step))
    stages = list(dict.fromkeys((what, unit) for what, _, _, unit in steps))
    assert stages == [("verify", "MB"), ("repair", "Mpixel"), ("verify again", "MB")]
    assert steps[-1][1] == steps[-1][2] > 0


def test_a_lost_scene_is_given_as_a_value(copied: Path) -> None:
    scene, before = Store(copied).scene, tree(copied)
    for name in ("zarr.json", "weights/group.json"):
        (copied / name).write_bytes(b"{")
    with pytest.raises(StoreError):
        tc.verify(copied)
    rescued = tc.verify(copied, repair=True, scene=scene)
    assert rescued.sound
    assert rescued.record["rescued"]
    assert tree(copied) == before


def test_the_scene_of_a_film_is_not_that_of_a_still(copied: Path) -> None:
    film = tc.Timeline.of(Store(copied).scene, [tc.Keyframe(0, latent={"seed": 2})], seconds=0.1)
    with pytest.raises(StoreError, match="holds a still, not a film"):
        tc.verify(copied, repair=True, scene=film)


@pytest.mark.parametrize(
    "options",
    [
        {"scene": "a.toml"},
        {"store": "a.zarr"},
        {"repair": True, "store": "a.zarr"},
        {"workers": 0},
    ],
)
def test_what_does_not_fit_a_store_is_refused(options: dict[str, Any], copied: Path) -> None:
    before = tree(copied)
    with pytest.raises(InvalidRequestError):
        tc.verify(copied, **options)
    assert tree(copied) == before


def test_a_damaged_export_needs_its_store_and_nothing_else(copied: Path, tmp_path: Path) -> None:
    (file,) = tc.export(copied, tmp_path / "e.png")
    assert tc.verify(file, repair=True).sound
    spoil(file)
    with pytest.raises(InvalidRequestError, match=r"1 file to repair: .* --store STORE"):
        tc.verify(file, repair=True)
    with pytest.raises(InvalidRequestError):
        tc.verify(file, repair=True, store=copied, scene=Store(copied).scene)
    with pytest.raises(ExportError):
        tc.verify(tmp_path / "none.dzi")


def test_a_check_can_be_stopped(copied: Path) -> None:
    with pytest.raises(Interrupted):
        tc.verify(copied, stopping=lambda: True)


def test_a_damaged_film_is_to_be_drawn_again(tmp_path: Path) -> None:
    scene = tc.Scene.of(canvas={"width": 40, "height": 30})
    film = tc.Timeline.of(scene, arrays={"view.scale": [1.0, 2.0]}, seconds=1, fps=2)
    for name in ("frames", "a.mkv"):
        path = tc.animate(film, tmp_path / name, executor="local")
        assert tc.verify(path).sound
        assert tc.verify(path, repair=True).sound
        what, file = str(path), path
        if path.is_dir():
            what, file = f"the folder {path}", path / "frame-00001.png"
        file.write_bytes(file.read_bytes()[:-20] + bytes(20))
        says = f"1 file to repair: delete {what}, and run the tilecppn animate that made it"
        assert tc.verify(path).lines()[-1] == f"{path}: {says}"
        for store in (None, "a.zarr"):
            with pytest.raises(InvalidRequestError, match=f"{says}$"):
                tc.verify(path, repair=True, store=store)


@pytest.mark.parametrize("lost", ["frame-00000.png", "tilecppn.json"])
def test_frames_are_known_as_a_films_whatever_is_lost(lost: str, tmp_path: Path) -> None:
    scene = tc.Scene.of(canvas={"width": 40, "height": 30})
    film = tc.Timeline.of(scene, arrays={"view.scale": [1.0, 2.0]}, seconds=1, fps=2)
    frames = tc.animate(film, tmp_path / "frames", executor="local")
    (frames / lost).unlink()
    found = tc.verify(frames)
    assert found.damage == {frames / lost: "missing"}
    assert f"delete the folder {frames}" in found.lines()[-1]
