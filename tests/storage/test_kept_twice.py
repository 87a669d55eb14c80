"""What identifies a store is kept twice: any damaged file is found, and mended to the byte."""

import json
import random
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from tests.stores import (
    ARITHMETIC,
    NETWORK,
    noise_store,
    tree,
)
from tilecppn.errors import StoreError
from tilecppn.integrity.stores import find_damage
from tilecppn.storage import metadata
from tilecppn.storage.disk_storage import DiskStorage
from tilecppn.storage.store import Store


def small_files(store: Store) -> list[str]:
    """All files of a store but its shards and its lock."""
    return [name for name, data in tree(store.path).items() if data and "/c/0/" not in name]


@pytest.mark.parametrize("seeds", [range(20), pytest.param(range(20, 260), marks=pytest.mark.slow)])
def test_any_flipped_bit_is_named_and_mended_to_the_byte(seeds: range, store: Store) -> None:
    before = tree(store.path)
    files = small_files(store)
    for seed in seeds:
        chance = random.Random(seed)
        name = chance.choice(files)
        data = bytearray((store.path / name).read_bytes())
        bit = chance.randrange(8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
        (store.path / name).write_bytes(data)
        opened = Store(store.path)
        assert opened.invalid_metadata() == [name], bit
        with opened.lock():
            pass
        assert tree(store.path) == before, (name, bit)


@pytest.mark.parametrize("damage", [None, b"", b"?", b"[]", b"{}", b"null"])
def test_any_lost_file_is_named_and_mended_to_the_byte(damage: bytes | None, store: Store) -> None:
    before = tree(store.path)
    for name in small_files(store):
        (store.path / name).unlink()
        if damage is not None:
            (store.path / name).write_bytes(damage)
        opened = Store(store.path)
        assert opened.invalid_metadata() == [name]
        assert not find_damage(opened, opened.plan.order(), unread={str(Path(name).parent)})
        with opened.lock():
            pass
        assert tree(store.path) == before


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "arithmetic": lambda record: record["tilecppn"]["arithmetic"].update(precision="exacT"),
    "channel window": lambda record: record["ome"]["omero"]["channels"][0]["window"].update(max=7),
    "version": lambda record: record["ome"].update(version="0.4"),
    "a key": lambda record: record.update(oMe=record.pop("ome")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_all_that_tilecppn_wrote_is_judged(change: str, store: Store) -> None:
    before = tree(store.path)
    record = json.loads((store.path / "zarr.json").read_bytes())
    CHANGES[change](record["attributes"])
    (store.path / "zarr.json").write_text(json.dumps(record))
    opened = Store(store.path)
    assert opened.invalid_metadata() == ["zarr.json"]
    assert opened.arithmetic == ARITHMETIC
    with opened.lock():
        pass
    assert tree(store.path) == before


def test_attributes_of_others_are_left_alone(store: Store) -> None:
    zarr.open_group(store.path, mode="r+").attrs["author"] = {"name": "me"}
    before = tree(store.path)
    assert Store(store.path).invalid_metadata() == []
    with Store(store.path).lock():
        pass
    assert tree(store.path) == before
    text = (store.path / "zarr.json").read_text()
    (store.path / "zarr.json").write_text(text.replace('"zarr_format": 3', '"zarr_format": 2'))
    with Store(store.path).lock():
        pass
    assert zarr.open_group(store.path, mode="r").attrs["author"] == {"name": "me"}


def test_a_copy_that_is_damaged_too_ends_what_it_holds(store: Store) -> None:
    """The shards are still there for a rescue; nothing is taken for another program's."""
    for name in ("zarr.json", "weights/group.json"):
        text = (store.path / name).read_text()
        (store.path / name).write_text(text.replace("exact", "exacT"))
    with pytest.raises(StoreError, match="--scene"):
        Store(store.path)


# Plain readers


def test_plain_readers_take_all_of_it_without_a_warning(store: Store) -> None:
    with store.lock():
        pass  # which leaves the file of the lock
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group = zarr.open_group(store.path, mode="r")
        members = dict(group.members(max_depth=None))
    assert sorted(members) == [*(str(level.index) for level in store.plan.levels), "weights"]
    weights = members["weights"]
    assert isinstance(weights, zarr.Array)
    assert np.asarray(weights[:]).tobytes() == store.scene.cppn.to_bytes()


# Strangers


@pytest.mark.parametrize("place", ["0", "0/c/0/1", "weights", "weights/c"])
def test_nothing_is_written_through_a_link(place: str, store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    shutil.move(store.path / place, outside)
    (store.path / place).symlink_to(outside)
    for file in outside.rglob("*"):
        if file.is_file() and file.suffix != ".safetensors":
            file.write_bytes(b"damaged")
    before = tree(tmp_path)
    with pytest.raises(StoreError, match="symbolic link"), Store(store.path).lock():
        raise AssertionError
    assert tree(tmp_path) == before


def test_a_network_outside_of_the_store_is_not_read(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 70, 70)
    (tmp_path / "secret.safetensors").write_bytes((store.path / NETWORK).read_bytes())

    group = json.loads((store.path / "zarr.json").read_bytes())["attributes"]
    networks = {"../secret.safetensors": b"secret"}
    record = metadata.seal(group["ome"], group["tilecppn"], networks)
    DiskStorage(store.path).replace({"zarr.json": json.dumps(record).encode()})
    with pytest.raises(StoreError, match="is no name of a weights file"):
        Store(store.path)


def test_an_endless_file_is_not_read(store: Store) -> None:
    for name in (NETWORK, "weights/c/0"):
        (store.path / name).unlink()
        (store.path / name).symlink_to("/dev/zero")
    with pytest.raises(StoreError, match="both missing or damaged"):
        Store(store.path)
