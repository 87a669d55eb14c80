"""What surely cannot fit on the disk is refused, and nothing else is."""

import re
from pathlib import Path

import pytest

from tests.stores import tree
from tilecppn.errors import PlanError
from tilecppn.film.animate import animate
from tilecppn.film.disk_estimate import check_film_fits
from tilecppn.film.encoding.base import DiskFootprint
from tilecppn.film.store import FilmStore, film_plan
from tilecppn.film.timeline.moves import moving
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import Scene
from tilecppn.storage.objects import FreeSpace


def give(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Let every disk have so many bytes free."""
    where = "tilecppn.film.disk_estimate.free_disk"
    monkeypatch.setattr(where, lambda path: FreeSpace(path.parent, free))


def bytes_of(path: Path) -> int:
    files = path.rglob("0/c/**/*") if path.suffix == ".zarr" else path.glob("frame-*")
    return sum(file.stat().st_size for file in files if file.is_file())


@pytest.mark.parametrize("name", ["a.zarr", "a", "a.gif"])
def test_a_film_that_cannot_fit_is_refused_with_one_that_would(
    name: str, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, 50_000)
    with pytest.raises(PlanError, match="a smaller canvas, or a larger disk") as caught:
        animate(moving(scene, zoom=2.0, seconds=100, fps=10), tmp_path / name)
    message = str(caught.value)
    assert "1,000 frames need" in message
    assert "50.0 kB free at" in message
    assert "\n" not in message
    assert tree(tmp_path) == {}
    found = re.search(r"a film of about (\d+) frames", message)
    assert found is not None
    seconds = int(0.95 * int(found[1])) / 10
    animate(moving(scene, zoom=2.0, seconds=seconds, fps=10), tmp_path / name, executor="local")


def test_a_video_needs_room_for_the_frames_of_a_clip(
    film: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = film.replace(seconds=100.0)
    give(monkeypatch, 50_000)
    with pytest.raises(PlanError, match=r"500 frames need .* clips \(clip\) of about \d+ frames"):
        animate(long, tmp_path / "a.mkv", clip=50.0, executor="local")
    give(monkeypatch, 10)
    with pytest.raises(PlanError, match=r"5 frames need .*, 10 B free at .*: use a smaller canvas"):
        animate(long, tmp_path / "a.mkv", clip=0.5, executor="local")
    assert tree(tmp_path) == {}
    give(monkeypatch, 50_000)
    animate(film, tmp_path / "a.mkv", clip=0.5, executor="local")


def would_fit(
    film: Timeline,
    name: str,
    format: str | None,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Render a film; then once more, with as much room as it took."""
    made = animate(film, folder / "there" / name, format=format, executor="local")
    give(monkeypatch, bytes_of(made))
    animate(film, folder / "again" / name, format=format, executor="local")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(("name", "format"), [("a.zarr", None), ("a", "png"), ("a", "tif")])
def test_a_film_that_would_fit_is_not_refused(
    name: str,
    format: str | None,
    dtype: str,
    scene: Scene,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large = scene.replace(
        canvas={"width": 300, "height": 200}, output={"dtype": dtype, "tile": 256, "shard": 256}
    )
    film = moving(large, morph=[1, 2], seconds=0.3, fps=10)
    would_fit(film, name, format, tmp_path, monkeypatch)


def test_nor_is_one_whose_frames_are_not_alike(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = scene.replace(canvas={"width": 300, "height": 200}, output={"tile": 256, "shard": 256})
    film = moving(large, zoom=1e3, samples=2, seconds=0.5, fps=10)
    would_fit(film, "a.zarr", None, tmp_path, monkeypatch)


def test_a_film_that_is_begun_goes_on_whatever_is_free(
    film: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FilmStore(animate(film, tmp_path / "a.zarr", executor="local"))
    store.delete(next(store.plan.frame_shards(3)))
    give(monkeypatch, 1)
    animate(film, store.path, executor="local")
    assert all(store.has(shard) for shard in store.plan.order())


def test_a_kernel_that_is_elsewhere_refuses_nothing(
    film: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, 1)
    monkeypatch.setattr("tilecppn.machine.has_cuda", lambda: False)
    plan = film_plan(film, None)
    with pytest.raises(PlanError):
        check_film_fits(film, plan, DiskFootprint(plan.frames), tmp_path / "a.zarr", "auto")
    fast = moving(film.base.replace(output={"precision": "fast"}), morph=[1, 2], seconds=1, fps=10)
    check_film_fits(fast, plan, DiskFootprint(plan.frames), tmp_path / "a.zarr", "auto")


def test_room_for_one_frame_is_said_in_the_singular(
    film: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, 50_000)
    with pytest.raises(PlanError) as caught:
        animate(film.replace(seconds=100.0), tmp_path / "a.zarr")
    frames = re.search(r"a film of about (\d+) frame", str(caught.value))
    assert frames is not None
    give(monkeypatch, int(50_000 / int(frames[1]) * 1.5))
    with pytest.raises(PlanError, match="a film of about 1 frame, a smaller canvas"):
        animate(film.replace(seconds=100.0), tmp_path / "a.zarr")
