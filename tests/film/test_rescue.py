"""A film's store: plain readers, flipped bits, and the timeline given again."""

import random
import shutil
import warnings
from pathlib import Path

import pytest
import zarr

from tests.stores import NETWORK, tree
from tilecppn.errors import StoreError
from tilecppn.film.plan import ClipTask
from tilecppn.film.rescue import rescue_film
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.run.rescue import rescue_store


@pytest.fixture
def store(film_store: FilmStore, tmp_path: Path) -> FilmStore:
    """A copy of `film_store` to spoil."""
    return FilmStore(shutil.copytree(film_store.path, tmp_path / "a.zarr"))


def test_any_flipped_bit_is_named_and_mended_to_the_byte(store: FilmStore) -> None:
    before = tree(store.path)
    files = [name for name, data in before.items() if data and not name.startswith("0/c/")]
    chance = random.Random(1)
    for _ in range(30):
        name = chance.choice(files)
        data = bytearray((store.path / name).read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        (store.path / name).write_bytes(data)
        opened = FilmStore(store.path)
        assert opened.invalid_metadata() == [name]
        with opened.lock():
            pass
        assert tree(store.path) == before


def test_plain_readers_take_clips_without_a_warning(store: FilmStore) -> None:
    store = FilmStore(store.path, 4, "0123")
    store.put_clip(ClipTask(0), lambda path: path.write_bytes(b"clip"))
    assert store.invalid_metadata() == ["clips/zarr.json"]
    with store.lock():
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group = zarr.open_group(store.path, mode="r")
        assert {name for name, _ in group.members(max_depth=None)} == {"0", "clips", "weights"}


def test_the_timeline_given_again_restores_every_byte(film: Timeline, store: FilmStore) -> None:
    path, before = store.path, tree(store.path)
    for name in ("zarr.json", "weights/group.json", NETWORK, "weights/c/0", "0/zarr.json"):
        (path / name).write_bytes(b"lost")
    with pytest.raises(StoreError, match="--scene"):
        rescue_store(path)
    with pytest.raises(StoreError, match="not what this version draws"):
        rescue_film(path, film.replace(fps=5))
    rescue_film(path, film)
    assert tree(path) == before
