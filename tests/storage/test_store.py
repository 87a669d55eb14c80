"""The store as a ledger: what is in it is done, whole, and read by others alike."""

import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from ome_zarr_models.common.omero import Omero
from ome_zarr_models.v05 import Image
from ome_zarr_models.v05.coordinate_transformations import VectorScale, VectorTranslation

from tests.stores import ARITHMETIC, noise, noise_store, plain_scene, tree
from tilecppn import filesystem
from tilecppn.cppn import CPPN
from tilecppn.errors import RenderError, StoreError
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Shard, Window
from tilecppn.run.render import render
from tilecppn.scene.scene import EMBEDDED, Scene
from tilecppn.storage import locks
from tilecppn.storage.directory import is_store
from tilecppn.storage.store import Store

laws = settings(derandomize=True, deadline=None, max_examples=25)
DTYPES = ["uint8", "uint16", "float32"]


def zarr_level(path: Path, level: int) -> Any:
    """A level's array as plain zarr opens it."""
    return zarr.open_group(path, mode="r")[str(level)]


def metadata(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((path / "zarr.json").read_bytes())
    return record


# Writing and reading


@laws
@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    channels=st.sampled_from([1, 3]),
    dtype=st.sampled_from(DTYPES),
    layout=st.sampled_from([(64, 64), (64, 128), (64, 256), (128, 128), (128, 1024)]),
)
def test_what_is_written_is_read_by_us_and_by_plain_zarr(
    size: tuple[int, int], channels: int, dtype: str, layout: tuple[int, int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.zarr"
        tile, shard = layout
        noise_store(path, *size, channels=channels, dtype=dtype, tile=tile, shard=shard)
        store = Store(path)
        assert store.is_whole()
        for level in store.plan.levels:
            expected = noise((channels, level.height, level.width), dtype, seed=level.index)
            pixels = store.read(level.index, level.window)
            assert pixels.dtype == dtype
            np.testing.assert_array_equal(pixels, expected)
            array = zarr_level(path, level.index)
            assert array.dtype == dtype
            np.testing.assert_array_equal(array[:], expected)
        assert {shard: store.damage(shard) for shard in store.plan.order()} == dict.fromkeys(
            store.plan.order()
        )


@laws
@given(
    st.tuples(st.integers(0, 200), st.integers(0, 200)),
    st.tuples(st.integers(0, 130), st.integers(0, 130)),
)
def test_any_window_is_a_part_of_its_level(
    noisy: Store, columns: tuple[int, int], rows: tuple[int, int]
) -> None:
    (left, right), (top, bottom) = sorted(columns), sorted(rows)
    window = Window(top, left, bottom, right)
    whole = noise((3, 131, 201), "uint8", seed=0)
    np.testing.assert_array_equal(noisy.read(0, window), whole[:, top:bottom, left:right])


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """201 × 131 in shards of 128: two by two, the last ones cut; read only."""
    return noise_store(tmp_path_factory.mktemp("noisy") / "a.zarr", 201, 131)


@pytest.fixture
def store(noisy: Store, tmp_path: Path) -> Store:
    """A copy of `noisy` to spoil."""
    return Store(shutil.copytree(noisy.path, tmp_path / "a.zarr"))


def test_a_stored_nan_and_infinity_are_kept(tmp_path: Path) -> None:
    scene = plain_scene(3, 1, channels=1, dtype="float32", tile=64, shard=64)
    pixels = np.array([[[np.nan, np.inf, -0.0]]], np.float32)
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC) as store:
        store.write(Shard(0, 0, 0), pixels)
    back = Store(tmp_path / "a.zarr").read(0, Window(0, 0, 1, 3))
    assert back.tobytes() == pixels.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_black_is_stored_like_any_other_colour(dtype: str, tmp_path: Path) -> None:
    scene = plain_scene(201, 131, dtype=dtype, tile=64, shard=128)
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC) as store:
        for shard in store.plan.order():
            assert not store.has(shard)
            assert store.damage(shard) == "missing"
            window = store.plan.window(shard)
            store.write(shard, np.zeros((3, window.height, window.width), dtype))
            assert store.has(shard)
            assert store.damage(shard) is None
    store = Store(tmp_path / "a.zarr")
    assert store.is_whole()
    assert not store.read(0, Window(0, 0, 131, 201)).any()


def test_the_same_pixels_give_the_same_file(store: Store) -> None:
    """Also after other shards went through the same encoder."""
    before = tree(store.path)
    for col in (0, 1, 0):
        shard = Shard(0, 0, col)
        top, left, bottom, right = store.plan.window(shard)
        store.write(shard, noise((3, 131, 201), "uint8", seed=0)[:, top:bottom, left:right])
    assert tree(store.path) == before


def test_what_is_deleted_is_missing_and_may_be_deleted_again(store: Store) -> None:
    shard = Shard(0, 0, 1)
    for _ in range(2):
        store.delete(shard)
        assert not store.has(shard)
        assert store.damage(shard) == "missing"
        assert not store.is_whole()
    with pytest.raises(RenderError, match=r"c/0/0/1: missing"):
        store.read(0, Window(0, 0, 1, 201))
    assert store.read(0, Window(0, 0, 131, 128)).any()  # another shard's pixels are there
    partial = store.read(0, Window(0, 0, 128, 201), partial=True)
    assert not partial[:, :, 128:].any()
    np.testing.assert_array_equal(
        partial[:, :, :128], noise((3, 131, 201), "uint8", 0)[:, :128, :128]
    )


# Metadata


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(1, 1), (700, 501), (64, 1000)])
def test_metadata_is_valid_ome_zarr(
    size: tuple[int, int], dtype: str, channels: int, tmp_path: Path
) -> None:
    scene = plain_scene(*size, channels=channels, dtype=dtype, tile=64, shard=256)
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC) as store:
        plan = store.plan
    image = Image.from_zarr(zarr.open_group(tmp_path / "a.zarr", mode="r"))
    (multiscale,) = image.attributes.ome.multiscales
    assert [(axis.name, axis.type) for axis in multiscale.axes] == [
        ("c", "channel"),
        ("y", "space"),
        ("x", "space"),
    ]
    assert len(multiscale.datasets) == len(plan.levels)
    for k, dataset in enumerate(multiscale.datasets):
        assert dataset.path == str(k)
        scale, translation = tuple(dataset.coordinateTransformations)[:2]
        assert isinstance(scale, VectorScale)
        assert isinstance(translation, VectorTranslation)
        assert scale.scale == [1.0, 2.0**k, 2.0**k]
        assert translation.translation == [0.0, (2**k - 1) / 2, (2**k - 1) / 2]
    omero = Omero.model_validate((image.attributes.ome.model_extra or {})["omero"])
    assert len(omero.channels) == channels
    end = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    for channel in omero.channels:
        window = channel.window
        assert (window.min, window.start, window.max, window.end) == (0, 0, end, end)


def test_levels_halve_and_are_sharded_with_a_checksum_last(small_store: Store) -> None:
    assert metadata(small_store.path)["zarr_format"] == 3
    sizes = [(700, 501), (350, 251), (175, 126), (88, 63), (44, 32)]
    shards = [256, 256, 256, 128, 64]
    assert len(small_store.plan.levels) == len(sizes)
    for k, ((width, height), shard) in enumerate(zip(sizes, shards, strict=True)):
        record = metadata(small_store.path / str(k))
        assert record["shape"] == [3, height, width]
        assert record["data_type"] == "uint8"
        assert record["dimension_names"] == ["c", "y", "x"]
        assert record["fill_value"] == 0
        assert record["chunk_grid"]["configuration"]["chunk_shape"] == [3, shard, shard]
        (sharding,) = record["codecs"]
        assert sharding["name"] == "sharding_indexed"
        inner = sharding["configuration"]
        assert inner["chunk_shape"] == [3, 64, 64]
        assert [codec["name"] for codec in inner["codecs"]] == ["bytes", "zstd", "crc32c"]
        assert [codec["name"] for codec in inner["index_codecs"]] == ["bytes", "crc32c"]


def test_the_attribute_holds_scene_fingerprint_arithmetic_and_version(small_store: Store) -> None:
    from tilecppn import __version__

    attributes = metadata(small_store.path)["attributes"]["tilecppn"]
    assert Scene.parse(attributes["scene"]) == small_store.scene
    assert attributes["fingerprint"] == small_store.scene.fingerprint
    assert Arithmetic(**attributes["arithmetic"]) == small_store.arithmetic
    assert attributes["version"] == __version__


def test_a_store_has_its_network_with_it(tmp_path: Path) -> None:
    """Its scene names a weights file, which is gone, and another, which is not followed."""
    model, other = (CPPN.from_preset("hardmaru", seed=s, width=4, depth=1) for s in (1, 2))
    model.save(tmp_path / "model.safetensors")
    other.save(tmp_path / "other.safetensors")
    (tmp_path / "a.toml").write_text('[cppn]\nweights = "model.safetensors"\n')
    scene = Scene.load(tmp_path / "a.toml")
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC):
        pass
    (tmp_path / "model.safetensors").unlink()
    assert (tmp_path / "a.zarr" / EMBEDDED).read_bytes() == model.to_bytes()
    assert Store(tmp_path / "a.zarr").scene.cppn == model
    assert Store(tmp_path / "a.zarr").scene.fingerprint == scene.fingerprint

    record = metadata(tmp_path / "a.zarr")
    attributes = record["attributes"]["tilecppn"]
    assert EMBEDDED in attributes["scene"]
    attributes["scene"] = attributes["scene"].replace(EMBEDDED, str(tmp_path / "other.safetensors"))
    (tmp_path / "a.zarr" / "zarr.json").write_text(json.dumps(record))
    assert Store(tmp_path / "a.zarr").scene.cppn == model


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

    @settings(derandomize=True, deadline=None, max_examples=60)
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

    @settings(derandomize=True, deadline=None, max_examples=40)
    @given(st.integers(0, len(good) - 1) | st.integers(0, 100))
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


@pytest.mark.parametrize("spoil", [b"", b"\0" * 10_000, b"garbage"])
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


# The lock

HOLDER = """
import sys
from tilecppn.storage import locks
with locks.locked(__import__("pathlib").Path(sys.argv[1]), "it"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def held(lock: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock; killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def leftovers(path: Path) -> list[Path]:
    """What killed writers of a shard and of metadata leave."""
    found = [
        path / "0" / "c" / "0" / "0" / ".1.0123456789ab.partial",
        path / "1" / "c" / "0" / "0" / ".0.ba9876543210.partial",
    ]
    for file in found:
        file.write_bytes(b"half")
    return found


def test_one_process_at_a_time_and_its_lock_dies_with_it(store: Store) -> None:
    left = leftovers(store.path)
    with held(store.path / ".lock") as other:
        for _ in range(2):
            with (
                pytest.raises(StoreError, match=rf"a\.zarr is in use.*pid {other.pid} on"),
                store.lock(),
            ):
                raise AssertionError
        assert all(path.exists() for path in left)  # they may be the other's
        other.kill()
        other.wait()
        with store.lock():
            assert not any(path.exists() for path in left)
            again = leftovers(store.path)
        assert not any(path.exists() for path in again)


def test_a_lock_is_not_shared_within_a_process_and_is_free_after_it(store: Store) -> None:
    for _ in range(2):
        with (
            store.lock(),
            pytest.raises(StoreError, match="another process"),
            Store(store.path).lock(),
        ):
            raise AssertionError


def test_a_new_store_is_locked_when_it_appears(tmp_path: Path) -> None:
    scene = plain_scene(10, 10, tile=64, shard=64)
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC) as store:
        with pytest.raises(StoreError, match="is in use"), Store(store.path).lock():
            raise AssertionError
        left = store.path / "0" / ".zarr.json.0123456789ab.partial"
        left.write_bytes(b"half")
    assert not left.exists()
    with Store(store.path).lock():
        pass


def test_a_lock_that_is_a_link_is_not_followed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (store.path / ".lock").unlink()
    (store.path / ".lock").symlink_to(tmp_path / "victim")
    with pytest.raises((OSError, StoreError)), store.lock():
        raise AssertionError
    assert (tmp_path / "victim").read_text() == "mine"


def test_sweeping_spares_what_no_writer_of_ours_left(store: Store, tmp_path: Path) -> None:
    foreign = store.path / "download.partial"
    foreign.write_bytes(b"mine")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ".1.0123456789ab.partial").write_bytes(b"mine")
    (store.path / "link").symlink_to(outside)
    with store.lock():
        pass
    assert (outside / ".1.0123456789ab.partial").exists()
    assert foreign.exists()


# What is at a path


def test_a_store_is_recognised(store: Store) -> None:
    assert is_store(store.path)


def test_nothing_and_an_empty_folder_are_no_store(tmp_path: Path) -> None:
    assert not is_store(tmp_path / "missing")
    assert not is_store(tmp_path)


def _file(path: Path) -> None:
    path.write_bytes(b"mine")


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "photo.png").write_bytes(b"mine")


def _other_zarr(path: Path) -> None:
    group = zarr.create_group(path, attributes={"tilecppn": "no mapping"})
    group.create_array("0", shape=(4, 4), dtype="uint8")[:] = 7


def _other_json(path: Path) -> None:
    path.mkdir()
    (path / "zarr.json").write_text("[]")


def _link(path: Path) -> None:
    path.symlink_to("a.zarr")


def _link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


FOREIGN: dict[str, Callable[[Path], None]] = {
    "file": _file,
    "folder": _folder,
    "other zarr": _other_zarr,
    "other json": _other_json,
    "link": _link,
    "link to nothing": _link_to_nothing,
}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", FOREIGN)
def test_what_others_made_is_refused_and_stays(
    kind: str, overwrite: bool, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "b.zarr"
    FOREIGN[kind](path)
    before = tree(tmp_path)
    with pytest.raises(StoreError, match=r"b\.zarr"):
        is_store(path)
    with pytest.raises(StoreError, match=r"b\.zarr"):
        render(store.scene, path, executor="local", workers=1, overwrite=overwrite)
    making = Store.create(path, store.scene, ARITHMETIC, overwrite=overwrite)
    with pytest.raises(StoreError, match=r"b\.zarr"), making:
        raise AssertionError
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", ["file", "folder", "other zarr", "other json", "missing"])
def test_opening_what_is_no_store_is_refused(kind: str, tmp_path: Path) -> None:
    if kind in FOREIGN:
        FOREIGN[kind](tmp_path / "b.zarr")
    before = tree(tmp_path)
    with pytest.raises(StoreError, match=r"b\.zarr"):
        Store(tmp_path / "b.zarr")
    assert tree(tmp_path) == before


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "no scene": lambda attributes: attributes.pop("scene"),
    "scene is a number": lambda attributes: attributes.update(scene=5),
    "scene is wrong": lambda attributes: attributes.update(scene="[canvas]\nwidth = 0\n"),
    "scene is not TOML": lambda attributes: attributes.update(scene="not TOML"),
    "no arithmetic": lambda attributes: attributes.pop("arithmetic"),
    "arithmetic is a list": lambda attributes: attributes.update(arithmetic=["torch"]),
    "arithmetic is short": lambda attributes: attributes["arithmetic"].pop("device"),
    "arithmetic is long": lambda attributes: attributes["arithmetic"].update(more=1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_damaged_metadata_is_named(change: str, store: Store) -> None:
    record = metadata(store.path)
    CHANGES[change](record["attributes"]["tilecppn"])
    (store.path / "zarr.json").write_text(json.dumps(record))
    with pytest.raises(StoreError, match=r"a\.zarr: its metadata is damaged"):
        Store(store.path)


@pytest.mark.parametrize("data", [None, b"", b"garbage"])
def test_a_damaged_network_is_named(tmp_path: Path, data: bytes | None) -> None:
    net = CPPN.from_preset("hardmaru", seed=1, width=2, depth=1)
    scene = plain_scene(9, 9, tile=64, shard=64).replace(cppn=net)
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC) as store:
        (store.path / EMBEDDED).unlink()
    if data is not None:
        (store.path / EMBEDDED).write_bytes(data)
    with pytest.raises(StoreError, match=rf"a\.zarr: its metadata is damaged.*{EMBEDDED}"):
        Store(store.path)


@pytest.mark.parametrize("data", [None, b"", b"null", b"{}", b"[]", b'{"zarr_format": 3}'])
def test_damaged_metadata_of_a_level_is_an_error_with_words(
    store: Store, data: bytes | None
) -> None:
    (store.path / "1" / "zarr.json").unlink()
    if data is not None:
        (store.path / "1" / "zarr.json").write_bytes(data)
    with pytest.raises((StoreError, RenderError), match=r"a\.zarr"):
        Store(store.path).read(1, Window(0, 0, 10, 10))


# Making


def test_making_replaces_a_store_of_ours_only_when_asked(store: Store) -> None:
    scene = plain_scene(10, 10, tile=64, shard=64)
    before = tree(store.path.parent)
    with (
        pytest.raises(StoreError, match=r"a\.zarr"),
        Store.create(store.path, scene, ARITHMETIC),
    ):
        raise AssertionError
    assert tree(store.path.parent) == before
    with store.lock(), Store.create(store.path, scene, ARITHMETIC, overwrite=True) as new:
        assert new.scene == scene
        assert not any(new.has(shard) for shard in new.plan.order())
    assert [path.name for path in store.path.parent.iterdir()] == ["a.zarr"]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", ["store", "folder", "file"])
def test_making_replaces_nothing_that_came_meanwhile(
    kind: str, overwrite: bool, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a store of ours: nobody holds its lock for us."""
    path, scene = tmp_path / "b.zarr", plain_scene(10, 10, tile=64, shard=64)
    settle = filesystem.fsync_tree

    def late(folder: Path) -> None:
        settle(folder)
        if kind == "store":
            shutil.copytree(store.path, path)
        elif kind == "folder":
            (path / "photos").mkdir(parents=True)
        else:
            path.write_text("mine")

    monkeypatch.setattr("tilecppn.filesystem.fsync_tree", late)
    making = Store.create(path, scene, ARITHMETIC, overwrite=overwrite)
    with pytest.raises(StoreError, match=r"b\.zarr: "), making:
        raise AssertionError
    expected = {"store": tree(store.path), "folder": {"photos": None}, "file": {}}[kind]
    assert tree(path) == expected
    assert path.is_dir() or path.read_text() == "mine"
    assert not filesystem.leftovers(path)


def test_making_below_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.toml").touch()
    scene = plain_scene(10, 10, tile=64, shard=64)
    making = Store.create(tmp_path / "a.toml" / "b.zarr", scene, ARITHMETIC)
    with pytest.raises(StoreError, match=r"a\.toml is a file, not a folder"), making:
        raise AssertionError


def test_a_lock_sweeps_no_store_that_took_its_place(store: Store) -> None:
    """Another process may be writing there."""
    writing = store.path / "0" / ".0.0123456789ab.partial"
    with store.lock():
        store.path.rename(store.path.with_name("away.zarr"))
        shutil.copytree(store.path.with_name("away.zarr"), store.path)
        writing.touch()
    assert writing.exists()


@pytest.mark.parametrize("error", [errno.ESTALE, errno.EIO, errno.EACCES])
def test_a_disk_that_fails_is_not_taken_for_a_store_that_is_gone(
    store: Store, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker's shard is tried again, by another."""
    shard = next(iter(store.plan.order()))
    pixels = store.read(shard.level, store.plan.window(shard))
    stat, read = Path.stat, Path.read_bytes

    def failing(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "zarr.json":
            raise OSError(error, os.strerror(error), str(path))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(Path, "stat", failing)
    with pytest.raises(OSError, match=os.strerror(error)):
        store.write(shard, pixels)
    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(Path, "read_bytes", lambda path: failing(path) or read(path))
    with pytest.raises(OSError, match=os.strerror(error)):
        is_store(store.path)


@pytest.mark.parametrize("way", ["removed", "replaced", "moved"])
def test_a_store_writes_nothing_into_what_took_its_place(store: Store, way: str) -> None:
    """The inode's number may be given to the new one, and its shards have the same names."""
    shard = next(iter(store.plan.order()))
    pixels = store.read(shard.level, store.plan.window(shard))
    if way == "moved":
        store.path.rename(store.path.with_name("away.zarr"))
    else:
        shutil.rmtree(store.path)
    if way == "replaced":
        with Store.create(store.path, store.scene.replace(view={"scale": 7.0}), ARITHMETIC):
            pass
    before = tree(store.path.parent)
    with pytest.raises(StoreError, match="was moved, removed or replaced"):
        store.write(shard, pixels)
    with pytest.raises((StoreError, OSError)), store.lock():
        raise AssertionError
    assert tree(store.path.parent) == before


def test_a_store_whose_files_are_numbered_anew_is_still_itself(store: Store) -> None:
    """As network disks may do, or a copy that took its place."""
    shard = next(iter(store.plan.order()))
    pixels = store.read(shard.level, store.plan.window(shard))
    shutil.copytree(store.path, store.path.with_name("b.zarr"))
    shutil.rmtree(store.path)
    store.path.with_name("b.zarr").rename(store.path)
    before = tree(store.path)
    store.delete(shard)
    store.write(shard, pixels)
    assert tree(store.path) == before


def test_a_lock_that_lost_its_name_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its store went between opening the file and taking the lock."""
    path = tmp_path / ".lock"
    take = locks._take

    def late(descriptor: int) -> bool:
        path.unlink()
        path.touch()
        return take(descriptor)

    monkeypatch.setattr("tilecppn.storage.locks._take", late)
    with pytest.raises(StoreError, match="in use"), locks.locked(path, "it"):
        raise AssertionError


def test_making_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut later finds no empty zarr.json."""
    synced: set[Path] = set()
    sync, rename = filesystem.fsync, os.rename

    def syncing(path: Path) -> None:
        sync(path)
        synced.add(path)

    def renaming(source: Path, dest: Path) -> None:
        found = {source, *source.rglob("*")}
        assert len(found) > 4
        assert found <= synced
        rename(source, dest)
        synced.clear()

    monkeypatch.setattr("tilecppn.filesystem.fsync", syncing)
    monkeypatch.setattr(os, "rename", renaming)
    scene = plain_scene(10, 10, tile=64, shard=64)
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC):
        assert synced == {tmp_path}


def test_making_fills_an_empty_folder_and_makes_parents(tmp_path: Path) -> None:
    scene = plain_scene(10, 10, tile=64, shard=64)
    (tmp_path / "a.zarr").mkdir()
    for path in (tmp_path / "a.zarr", tmp_path / "new" / "folder" / "b.zarr"):
        with Store.create(path, scene, ARITHMETIC):
            assert Store(path).scene == scene
        assert [child.name for child in path.parent.iterdir()] == [path.name]


def test_making_sweeps_its_own_killed_predecessor_and_nothing_else(tmp_path: Path) -> None:
    scene = plain_scene(10, 10, tile=64, shard=64)
    left = tmp_path / ".a.zarr.0123456789ab.partial"
    others = [tmp_path / ".b.zarr.0123456789ab.partial", tmp_path / "a.zarr.partial"]
    for path in (left, *others):
        path.mkdir()
        (path / ".lock").touch()
        (path / "zarr.json").write_text("{}")
    cut_short = tmp_path / ".a.zarr.0123456789ac.partial"  # while it was removed
    cut_short.mkdir()
    (cut_short / "zarr.json").touch()
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC):
        pass
    assert not left.exists()
    assert not cut_short.exists()
    assert all((path / "zarr.json").exists() for path in others)


def test_making_takes_no_name_for_a_pattern(tmp_path: Path) -> None:
    other = tmp_path / ".b.zarr.0123456789ab.partial"
    other.mkdir()
    with Store.create(tmp_path / "*.zarr", plain_scene(9, 9, tile=64, shard=64), ARITHMETIC):
        pass
    assert other.exists()


def test_making_spares_what_another_process_is_just_making(tmp_path: Path) -> None:
    """Two processes begin at once: neither may delete the store that the other builds."""
    theirs = tmp_path / ".a.zarr.0123456789ab.partial"
    theirs.mkdir()
    with held(theirs / ".lock"):
        making = Store.create(
            tmp_path / "a.zarr", plain_scene(10, 10, tile=64, shard=64), ARITHMETIC
        )
        with contextlib.suppress(StoreError), making:
            pass
        assert (theirs / ".lock").exists()


# Foreign files in a store of ours


def test_a_store_holds_nothing_foreign(store: Store) -> None:
    leftovers(store.path)
    store.check_safe_to_overwrite()


@pytest.mark.parametrize(
    "name", ["notes.txt", "photos/1.png", "2019/1.png", "0/notes.txt", "0/c/0/0/notes.txt"]
)
def test_a_store_with_a_foreign_file_is_not_overwritten(store: Store, name: str) -> None:
    path = store.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"mine")
    before = tree(store.path.parent)
    with pytest.raises(StoreError, match="nothing was deleted"):
        store.check_safe_to_overwrite()
    with pytest.raises(StoreError, match="nothing was deleted"):
        render(store.scene, store.path, executor="local", workers=1, overwrite=True)
    assert tree(store.path.parent) == before


def test_a_level_that_is_a_link_is_foreign(store: Store, tmp_path: Path) -> None:
    shutil.move(store.path / "2", tmp_path / "elsewhere")
    (store.path / "2").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="holds 2,"):
        store.check_safe_to_overwrite()


# What must match on resume


def test_the_same_scene_matches(noisy: Store) -> None:
    noisy.check(plain_scene(201, 131, tile=64, shard=128))
    noisy.check_arithmetic(ARITHMETIC)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"canvas": {"width": 202}}, ["canvas.width: 201 there, 202 here"]),
        ({"cppn": {"seed": 9}}, ["cppn.seed: 0 there, 9 here"]),
        ({"latent": {"seed": 9}}, ["latent.seed: 0 there, 9 here"]),
        ({"latent": {"z": [0.5] * 8}}, ["latent.z: none there, [0.5, 0.5", "latent.seed: 0 there"]),
        ({"view": {"scale": 1.5}}, ["view.scale: 10.0 there, 1.5 here"]),
        ({"output": {"dtype": "uint16"}}, ['output.dtype: "uint8" there, "uint16" here']),
        ({"output": {"invert": True}}, ["output.invert: false there, true here"]),
        ({"output": {"tile": 128}}, ["output.tile: 64 there, 128 here"]),
        ({"output": {"shard": 256}}, ["output.shard: 128 there, 256 here"]),
        (
            {"canvas": {"width": 5, "height": 6}, "view": {"scale": 2.0, "rotation": 3.0}},
            ["canvas.height: 131 there, 6 here", "canvas.width: 201 there, 5 here", "; …"],
        ),
        (
            {"cppn": CPPN.from_preset("hardmaru", seed=1, width=2, depth=1)},
            ['cppn.preset: "hardmaru" there, none here', "; …"],
        ),
    ],
)
def test_another_scene_is_refused_saying_what_differs(
    noisy: Store, changes: dict[str, Any], says: list[str]
) -> None:
    with pytest.raises(StoreError) as caught:
        noisy.check(noisy.scene.replace(**changes))
    text = str(caught.value)
    assert all(words in text for words in [str(noisy.path), *says, "--overwrite"])
    assert "\n" not in text


def test_other_weights_in_a_file_of_the_same_name_are_refused(tmp_path: Path) -> None:
    one, two = (
        plain_scene(9, 9, tile=64, shard=64).replace(
            cppn=CPPN.from_preset("hardmaru", seed=seed, width=2, depth=1)
        )
        for seed in (1, 2)
    )
    with Store.create(tmp_path / "a.zarr", one, ARITHMETIC) as store:
        store.check(one)
        with pytest.raises(StoreError, match="weights differ"):
            store.check(two)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kernel": "reference"}, "kernel: llvm there, reference here"),
        ({"precision": "fast"}, "precision: exact there, fast here"),
        ({"device": "H100"}, "device: cpu there, H100 here"),
        ({"revision": 3}, "revision: 2 there, 3 here"),
        ({"device": "H100", "revision": 3}, "device: cpu there, H100 here; revision: 2 there, 3"),
    ],
)
def test_another_arithmetic_is_refused_saying_what_differs(
    noisy: Store, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(StoreError, match=says) as caught:
        noisy.check_arithmetic(ARITHMETIC._replace(**change))
    assert str(noisy.path) in str(caught.value)
