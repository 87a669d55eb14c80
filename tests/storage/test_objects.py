"""The one interface of disks and buckets: the same tests over both, and what each does alone."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr

from tilecppn.addresses import BucketPath
from tilecppn.errors import StoreError
from tilecppn.plan import Level
from tilecppn.storage.disk_storage import DiskStorage
from tilecppn.storage.objects import ObjectStorage
from tilecppn.storage.places import storage_of
from tilecppn.storage.shard_file import empty_shard, encode_shard
from tilecppn.storage.zarr_format import ArraySpec, array_files

LEVEL = Level(0, 200, 130, 64, 128)
EMPTY = empty_shard(LEVEL, "00" * 8)
PIXELS = np.arange(3 * 130 * 200, dtype="uint16").reshape(3, 130, 200).astype("uint8")
SHARD = "0/c/0/0/1"
FILES = {
    "zarr.json": b'{"zarr_format": 3, "node_type": "group", "attributes": {"a": 1}}',
    **array_files([ArraySpec("0", PIXELS.shape, LEVEL, "uint8")]),
}
SHARDS = [(f"0/c/0/{row}/{col}", EMPTY) for row in range(2) for col in range(2)]
Open = Callable[[], ObjectStorage]


def data_of(row: int, col: int) -> bytes:
    part = PIXELS[:, row * 128 : row * 128 + 128, col * 128 : col * 128 + 128]
    return encode_shard(part, LEVEL)


@pytest.fixture(params=["disk", "seaweedfs", pytest.param("google", marks=pytest.mark.slow)])
def open_(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """What opens the same storage each time; nothing is there."""
    if request.param == "disk":
        return lambda: storage_of(tmp_path / "a.zarr")
    prefix: BucketPath = request.getfixturevalue("fresh_bucket")(request.param)
    return lambda: storage_of(prefix / "a.zarr")


@pytest.fixture
def made(open_: Open) -> Open:
    with open_().create(FILES, SHARDS, overwrite=False):
        pass
    return open_


def test_a_store_is_created_once(open_: Open) -> None:
    assert open_().is_free()
    with open_().create(FILES, SHARDS, overwrite=False):
        assert not open_().is_free()
        assert {name: open_().get(name) for name in FILES} == FILES
    with pytest.raises(StoreError), open_().create(FILES, SHARDS, overwrite=False):
        pass


def test_a_store_replaces_another_under_its_lock(made: Open) -> None:
    made().put_shard(SHARD, data_of(0, 1), EMPTY)
    other = {**FILES, "zarr.json": FILES["zarr.json"].replace(b"1", b"2")}
    before = made().file_id("zarr.json")
    with made().lock(), made().create(other, SHARDS, overwrite=True):
        pass
    assert made().get("zarr.json") == other["zarr.json"]
    assert made().file_id("zarr.json") not in (before, None)
    assert not made().has_shard(SHARD, EMPTY)


def test_a_shard_comes_and_goes(made: Open) -> None:
    storage = made()
    assert not storage.has_shard(SHARD, EMPTY)
    storage.put_shard(SHARD, data_of(0, 1), EMPTY)
    storage.put_shard(SHARD, data_of(0, 1), EMPTY)  # as a hedged task does
    assert storage.has_shard(SHARD, EMPTY)
    assert made().has_shard(SHARD, EMPTY)
    assert [f"0/c/0/{r}/{c}" for r, c in made().shards("0/c/0", EMPTY)] == [SHARD]
    assert storage.get(SHARD) == data_of(0, 1)
    storage.delete_shard(SHARD, EMPTY)
    assert not storage.has_shard(SHARD, EMPTY)
    assert not made().has_shard(SHARD, EMPTY)
    storage.delete_shard(SHARD, EMPTY)
    storage.put_shard(SHARD, data_of(0, 1), EMPTY)
    assert storage.has_shard(SHARD, EMPTY)
    assert [f"0/c/0/{r}/{c}" for r, c in made().shards("0/c/0", EMPTY)] == [SHARD]


def test_a_shard_of_another_process_is_found(made: Open) -> None:
    storage = made()
    assert not storage.has_shard(SHARD, EMPTY)
    made().put_shard(SHARD, data_of(0, 1), EMPTY)
    assert storage.has_shard(SHARD, EMPTY)


def test_a_file_without_a_byte_is_no_shard(made: Open) -> None:
    made().put(SHARD, b"")
    assert not made().has_shard(SHARD, EMPTY)
    assert not list(made().shards("0/c/0", EMPTY))
    made().put_shard(SHARD, data_of(0, 1), EMPTY)
    assert made().get(SHARD) == data_of(0, 1)


def test_parts_of_files_are_read(made: Open) -> None:
    data = FILES["0/zarr.json"]
    assert made().get_tail("0/zarr.json", 10) == data[-10:]
    assert made().get_tail("0/zarr.json", len(data) + 1) == data
    assert made().get_range("0/zarr.json", 5, 10) == data[5:15]
    assert made().get_range("0/zarr.json", 5, len(data)) == data[5:]
    for read in (
        made().get,
        lambda name: made().get_tail(name, 3),
        lambda name: made().get_range(name, 0, 3),
    ):
        with pytest.raises(FileNotFoundError) as caught:
            read("nothing")
        assert str(caught.value.filename).endswith("a.zarr/nothing")
    assert made().file_id("nothing") is None


def test_files_are_replaced_under_the_lock(made: Open) -> None:
    with made().lock():
        made().replace({"0/zarr.json": b"{}", "1/zarr.json": b"[]"})
    assert (made().get("0/zarr.json"), made().get("1/zarr.json")) == (b"{}", b"[]")


def test_what_is_foreign_is_named(made: Open) -> None:
    folder, file = (
        re.compile("weights|0(/c(/0(/0)?)?)?"),
        re.compile(r"(0/)?zarr\.json|weights/\.lock"),
    )
    assert made().find_foreign(folder, file) is None
    made().put_shard(SHARD, data_of(0, 1), EMPTY)
    assert made().find_foreign(folder, file) == SHARD


def test_plain_zarr_reads_it_and_what_is_missing_as_black(made: Open) -> None:
    with made().lock(), made().create(FILES, SHARDS, overwrite=True):  # with empty shards
        made().put_shard(SHARD, data_of(0, 1), EMPTY)
    found = np.asarray(zarr.open_array(made().zarr(), path="0", mode="r")[:])
    assert np.array_equal(found[:, :128, 128:], PIXELS[:, :128, 128:])
    assert not found[:, :, :128].any()


def test_an_empty_shard_is_smaller_than_any_with_a_tile() -> None:
    for dtype in ("uint8", "float32"):
        for tile in (64, 512):
            level = Level(0, 1, 1, tile, tile)
            black = encode_shard(np.zeros((1, 1, 1), dtype), level)
            assert len(black) > len(empty_shard(level, "00" * 8))


def test_files_of_an_export_come_and_go(open_: Open, tmp_path: Path) -> None:
    files = open_()
    assert (list(files.sizes()), files.names(), files.has("a.dzi")) == ([], [], False)
    with pytest.raises(FileNotFoundError):
        files.crc32c("a.dzi")
    if isinstance(files, DiskStorage):
        files.path.mkdir()
    with files.writing() as put:
        put("a.dzi", b"123456789")
        put("b/1/c.png", b"12")
    files.put("b/d.png", b"")
    assert files.get_tail("b/d.png", 8) == b""
    assert sorted(files.sizes()) == [("a.dzi", 9), ("b/1/c.png", 2), ("b/d.png", 0)]
    assert files.names() == ["a.dzi"]
    assert [files.has(name) for name in ("a.dzi", "b", "b/1/c.png", "b/2")] == [1, 0, 1, 0]
    assert files.crc32c("a.dzi") == "e3069283"  # as the standard's check value
    (tmp_path / "new").write_bytes(b"new")
    files.take("b/3/e.png", tmp_path / "new")
    (tmp_path / "new").write_bytes(b"newer")
    files.take("a.dzi", tmp_path / "new")
    assert (files.get("a.dzi"), files.get("b/3/e.png")) == (b"newer", b"new")
    files.delete("b/3/e.png")
    files.delete("b/3/e.png")
    assert not files.has("b/3/e.png")
