"""The store: what is written is read back, and what must match on resume."""

import copy
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tilecppn as tc
from tests.storage.helpers import DTYPES, LAWS, zarr_level
from tests.stores import ARITHMETIC, edit_attribute, noise, noise_store, plain_scene, tree
from tilecppn.addresses import BucketPath, as_path
from tilecppn.cppn import CPPN
from tilecppn.errors import InvalidRequestError, RenderError, StoreError
from tilecppn.plan import Shard, Window
from tilecppn.storage.store import Store

# Writing and reading


@LAWS
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


@LAWS
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
    assert all(words in text for words in [str(noisy.path), *says, "overwrite=True"])
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


def test_a_store_of_an_older_version_says_which_goes_on_with_it(store: Store) -> None:
    edit_attribute(store.path, lambda own: own.update(version="0.0.9"))
    with pytest.raises(StoreError, match=r"revision: 2 there.*pip install tilecppn==0\.0\.9"):
        Store(store.path).check_arithmetic(ARITHMETIC._replace(revision=3))


@pytest.mark.parametrize(
    ("level", "window"),
    [
        (-1, Window(0, 0, 1, 1)),
        (99, Window(0, 0, 1, 1)),
        (0, Window(0, 0, 1, 100_000)),
        (0, Window(0, 0, 100_000, 1)),
        (0, Window(-1, 0, 1, 1)),
        (0, Window(5, 0, 1, 1)),
    ],
)
def test_what_the_store_does_not_have_is_no_damage(
    noisy: Store, level: int, window: Window
) -> None:
    with pytest.raises(InvalidRequestError, match=r"levels are 0 to|not within level 0 of"):
        noisy.read(level, window)


def test_functions_that_take_its_path_take_the_store(noisy: Store, tmp_path: Path) -> None:
    assert tc.export(noisy, tmp_path / "a.png") == [tmp_path / "a.png"]
    assert tc.info(noisy) == tc.info(noisy.path)
    assert tc.verify(noisy).sound
    assert tc.Scene.load(noisy) == noisy.scene
    np.testing.assert_array_equal(tc.preview(noisy, 20), tc.preview(noisy.scene, 20))
    bucket = copy.copy(noisy)
    bucket.path = as_path("s3://bucket/a.zarr")
    assert as_path(bucket) == bucket.path
    assert isinstance(as_path(bucket), BucketPath)
