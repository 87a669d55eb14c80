"""Damaged and missing shards."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stores import noise, noise_store, tree
from tilecppn.errors import RenderError
from tilecppn.plan import Shard, Window
from tilecppn.storage.disk_storage import DiskStorage
from tilecppn.storage.store import Store

# Damage


def shard_file(store: Store, shard: Shard) -> Path:
    return store.path / str(shard.level) / "c" / "0" / str(shard.row) / str(shard.col)


def damages(store: Store, shard: Shard, spoiled: bytes) -> None:
    """The spoiled file is found, and never read as pixels."""
    shard_file(store, shard).write_bytes(spoiled)
    assert store.damage(shard) == "damaged"
    with pytest.raises(RenderError, match="damaged"):
        store.read(shard.level, store.plan.window(shard))


# A whole shard; one cut by the canvas, whose further tiles are absent; one of a single tile.
PLACES = [Shard(0, 0, 0), Shard(0, 1, 1), Shard(2, 0, 0)]


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store whose shards each example spoils anew."""
    return noise_store(tmp_path_factory.mktemp("spoiled") / "a.zarr", 201, 131)


@pytest.mark.parametrize("shard", PLACES)
@pytest.mark.parametrize("black", [False, True])
def test_any_flipped_bit_is_found(spoiled: Store, shard: Shard, black: bool) -> None:
    window = spoiled.plan.window(shard)
    shape = (3, window.height, window.width)
    spoiled.write(shard, np.zeros(shape, np.uint8) if black else noise(shape, "uint8"))
    good = shard_file(spoiled, shard).read_bytes()

    @settings(max_examples=60)
    @given(st.integers(0, 8 * len(good) - 1))
    def flipped(bit: int) -> None:
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        damages(spoiled, shard, bytes(data))

    flipped()


@pytest.mark.parametrize("shard", PLACES)
def test_any_truncation_is_found(spoiled: Store, shard: Shard) -> None:
    window = spoiled.plan.window(shard)
    spoiled.write(shard, noise((3, window.height, window.width), "uint8"))
    good = shard_file(spoiled, shard).read_bytes()

    @settings(max_examples=40)
    @given(st.integers(1, len(good) - 1) | st.integers(1, 100))
    def truncated(length: int) -> None:
        damages(spoiled, shard, good[:length])

    truncated()


def test_an_absent_tile_is_damage_though_it_reads_as_black(store: Store) -> None:
    """What another program leaves, which leaves black tiles out."""
    array = zarr.open_group(store.path, mode="r+")["0"]
    assert isinstance(array, zarr.Array)
    array[:, :64, :64] = 0
    assert Store(store.path).damage(Shard(0, 0, 0)) == "damaged"
    assert Store(store.path).damage(Shard(0, 0, 1)) is None
    array[:, :128, :128] = 0
    assert Store(store.path).damage(Shard(0, 0, 0)) == "missing"


def test_a_shard_without_a_byte_is_missing(store: Store) -> None:
    """A power cut can leave nothing of a file but its name."""
    shard_file(store, Shard(0, 0, 0)).write_bytes(b"")
    assert store.damage(Shard(0, 0, 0)) == "missing"
    assert not store.has(Shard(0, 0, 0))
    with pytest.raises(RenderError, match="missing"):
        store.read(0, Window(0, 0, 1, 1))
    assert not store.read(0, Window(0, 0, 1, 1), partial=True).any()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES, errno.ETIMEDOUT, errno.EIO])
def test_a_file_that_cannot_be_read_is_damaged_only_if_its_disk_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def failing(storage: DiskStorage, name: str, *place: int) -> bytes:
        raise OSError(number, os.strerror(number), name)

    monkeypatch.setattr(DiskStorage, "get_tail", failing)
    monkeypatch.setattr(DiskStorage, "get", failing)
    if number == errno.EIO:
        assert store.damage(Shard(0, 0, 0)) == "damaged"
        return
    for reading in (lambda: store.damage(Shard(0, 0, 0)), store.invalid_metadata):
        with pytest.raises(OSError, match=os.strerror(number)):
            reading()
    with pytest.raises(RenderError, match="cannot be read") as caught:
        store.read(0, Window(0, 0, 1, 1))
    assert "repair" not in str(caught.value)


@pytest.mark.parametrize("spoil", [b"\0" * 10_000, b"garbage"])
def test_writing_over_a_damaged_shard_mends_it(store: Store, spoil: bytes) -> None:
    shard = Shard(0, 1, 1)
    good = shard_file(store, shard).read_bytes()
    damages(store, shard, spoil)
    top, left, bottom, right = store.plan.window(shard)
    pixels = noise((3, 131, 201), "uint8", seed=0)[:, top:bottom, left:right]
    store.write(shard, pixels)
    assert store.damage(shard) is None
    assert shard_file(store, shard).read_bytes() == good
    np.testing.assert_array_equal(store.read(0, Window(top, left, bottom, right)), pixels)


def test_a_write_that_fails_leaves_the_shard_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(store.path)

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match=r"No space left on device: '.*0/c/0/0/0'"):
        store.write(Shard(0, 0, 0), np.zeros((3, 128, 128), np.uint8))
    assert tree(store.path) == before
