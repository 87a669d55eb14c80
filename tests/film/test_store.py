"""Film stores: readable by others, durable, and never written into by mistake."""

from pathlib import Path
from typing import Any

import pytest
import zarr

from tests.film.conftest import FRAMES, clips_in
from tests.stores import tree
from tilecppn import filesystem
from tilecppn.errors import StoreError
from tilecppn.film.animate import animate
from tilecppn.film.plan import ClipTask, FilmTask, FrameShard
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.storage.names import PARTS
from tilecppn.storage.store import Store


def test_the_store_is_ome_zarr_with_time_first(film: Timeline, film_store: FilmStore) -> None:
    group = zarr.open_group(film_store.path, mode="r")
    array: Any = group["0"]
    assert array.shape == (FRAMES, 3, 66, 97)
    assert array.metadata.dimension_names == ("t", "c", "y", "x")
    from ome_zarr_models.v05.image import ImageAttrs

    ome: Any = group.attrs["ome"]
    image = ImageAttrs.model_validate(ome)
    assert [axis.name for axis in image.multiscales[0].axes] == ["t", "c", "y", "x"]
    assert film_store.timeline.fingerprint == film.fingerprint


def test_films_and_stills_are_not_taken_for_each_other(
    film: Timeline, film_store: FilmStore, small_store: Store
) -> None:
    with pytest.raises(StoreError, match="holds a film"):
        Store(film_store.path)
    with pytest.raises(StoreError, match="holds a still"):
        FilmStore(small_store.path)
    with pytest.raises(StoreError, match="holds a still"):
        animate(film, small_store.path, executor="local")


@pytest.mark.parametrize("replaced", [False, True])
def test_a_store_writes_nothing_into_what_took_its_place(
    film: Timeline, film_store: FilmStore, tmp_path: Path, replaced: bool
) -> None:
    """Not even if that comes while a clip is being encoded."""
    path, away, clip = tmp_path / "a.zarr", tmp_path / "away.zarr", ClipTask(0)
    shard = next(film_store.plan.frame_shards(0))
    drawn = film_store.read(0, film_store.plan.window(shard))
    arithmetic = film_store.arithmetic

    def move(file: Path) -> None:
        file.write_bytes(b"clip")
        path.rename(away)
        if replaced:
            with FilmStore.create(path, film.replace(fps=5), arithmetic, None, ""):
                pass

    with FilmStore.create(path, film, arithmetic, 5, "x") as store:
        pass
    with pytest.raises(StoreError, match="was moved, removed or replaced"):
        store.put_clip(clip, move)
    assert not clips_in(away)
    before = tree(tmp_path)
    with pytest.raises(StoreError, match="was moved, removed or replaced"):
        store.write(shard, drawn)
    with pytest.raises(StoreError, match="was moved, removed or replaced"):
        store.put_clip(clip, lambda file: file.write_bytes(b"clip"))
    assert tree(tmp_path) == before


def test_a_clip_is_on_the_disk_before_its_frames_go(
    film: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[tuple[str, Path]] = []
    sync, delete = filesystem.fsync, FilmStore.delete

    def synced(path: Path) -> None:
        log.append(("sync", path))
        sync(path)

    def deleted(store: FilmStore, task: FilmTask) -> None:
        if isinstance(task, FrameShard):
            log.append(("delete", store.path))
        delete(store, task)

    monkeypatch.setattr("tilecppn.filesystem.fsync", synced)
    monkeypatch.setattr(FilmStore, "delete", deleted)
    animate(film, tmp_path / "a.mkv", clip=0, executor="local")
    first = log.index(("delete", tmp_path / ("a.mkv" + PARTS)))
    before = [path for what, path in log[:first] if what == "sync"]
    files = [path for path in before if path.name.startswith(".0.")]
    assert ["sha256" in file.name for file in files] == [True, False]
    clip = files[-1]
    after = before[before.index(clip) :]
    assert {clip.parent, clip.parent.parent} <= set(after)
    assert clip.parent.parent == tmp_path / ("a.mkv" + PARTS) / "clips"
    assert log[-1] == ("sync", tmp_path)  # the film's own name, before its clips go
