"""Deep Zoom exports: every pixel of every tile, the files beside them, and what is spared."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from tests.exporters.pyramids.deep_zoom import (
    Pyramid,
    assembled,
    assert_equals_store,
    read_image,
    read_pyramid,
)
from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.plan import Shard
from tilecppn.storage.store import Store

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one pixel": ({"width": 1, "height": 1}, {}),
    "a column": ({"width": 1, "height": 700}, {}),
    "a row": ({"width": 700, "height": 1}, {"overlap": 1}),
    "a tile and one column": ({"width": 65, "height": 64}, {}),
    "exactly one tile": ({"width": 64, "height": 64}, {}),
    "exactly one tile, overlap": ({"width": 64, "height": 64}, {"tile": 64, "overlap": 16}),
    "exactly four tiles": ({"width": 128, "height": 128}, {"overlap": 2}),
    "smaller tile": ({"width": 130, "height": 67}, {"tile": 48}),
    "larger tile": ({"width": 300, "height": 201}, {"tile": 256, "overlap": 1}),
    "tile that divides nothing": ({"width": 201, "height": 130}, {"tile": 17, "overlap": 3}),
    "overlap 1": ({"width": 193, "height": 129}, {"overlap": 1}),
    "overlap 2": ({"width": 193, "height": 129}, {"overlap": 2}),
    "overlap 16": ({"width": 193, "height": 129}, {"tile": 64, "overlap": 16}),
    "overlap of half a tile": ({"width": 193, "height": 129}, {"tile": 64, "overlap": 32}),
    "level 1": ({"width": 257, "height": 131}, {"level": 1, "overlap": 1}),
    "last level": ({"width": 257, "height": 131}, {"level": 3}),
    "grey": ({"width": 150, "height": 101, "channels": 1}, {"overlap": 1}),
    "uint16": ({"width": 150, "height": 101, "dtype": "uint16"}, {"overlap": 1}),
    "uint16 grey": ({"width": 150, "height": 101, "dtype": "uint16", "channels": 1}, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_every_tile_equals_the_store(name: str, tmp_path: Path) -> None:
    canvas, options = CASES[name]
    store = noise_store(tmp_path / "in.zarr", **canvas)
    export(store.path, tmp_path / "out.dzi", workers=2, **options)
    pyramid = assert_equals_store(tmp_path / "out.dzi", store, options.get("level", 0))
    assert pyramid.tile == options.get("tile", store.plan.tile)
    assert pyramid.overlap == options.get("overlap", 0)
    assert pyramid.format == "png"


@pytest.mark.parametrize("overlap", [0, 1])
def test_a_rendered_picture_equals_its_store(
    small_store: Store, overlap: int, tmp_path: Path
) -> None:
    export(small_store.path, tmp_path / "out.dzi", overlap=overlap, workers=2)
    assert_equals_store(tmp_path / "out.dzi", small_store)


def test_half_of_the_stores_own_tile_may_overlap(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 130, 67, tile=64)
    export(store.path, tmp_path / "out.dzi", overlap=32)
    assert assert_equals_store(tmp_path / "out.dzi", store).overlap == 32


def test_more_regions_than_one_in_a_row_of_tiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilecppn.exporters.tiles.REGION", 128)
    store = noise_store(tmp_path / "in.zarr", 401, 131)
    export(store.path, tmp_path / "out.dzi", overlap=2, workers=2)
    assert_equals_store(tmp_path / "out.dzi", store)


@pytest.mark.parametrize("channels", [1, 3])
def test_float32_becomes_16_bits_clipped_and_rounded(channels: int, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 70, 67, channels=channels, dtype="float32")
    export(store.path, tmp_path / "out.dzi")
    pyramid = read_pyramid(tmp_path / "out.dzi")
    for index in range(len(store.plan.levels)):
        pixels = assembled(pyramid, pyramid.top - index)
        assert pixels.dtype == np.uint16
        exact = np.clip(level_pixels(store, index).astype(np.float64), 0, 1) * 65535
        assert np.abs(pixels - exact).max() <= 0.5 + 65535 * 2.0**-23  # a product in float32
    # The means are taken of the values, before they are cut to 16 bits.
    last = level_pixels(store, len(store.plan.levels) - 1).astype(np.float64)
    even = np.pad(last, ((0, last.shape[0] % 2), (0, last.shape[1] % 2), (0, 0)), "edge")
    means = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    pixels = assembled(pyramid, pyramid.top - len(store.plan.levels))
    assert np.abs(pixels - np.clip(means, 0, 1) * 65535).max() <= 0.51


@pytest.mark.parametrize(
    ("width", "height", "tile", "overlap"),
    [
        (1, 1, 64, 0),
        (1, 700, 64, 2),
        (65, 64, 64, 1),
        (64, 64, 64, 16),
        (130, 67, 48, 2),
        (129, 130, 64, 16),
        (700, 501, 64, 0),
    ],
)
def test_files_and_descriptor_are_those_of_libvips(
    width: int, height: int, tile: int, overlap: int, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "in.zarr", width, height)
    export(store.path, tmp_path / "ours.dzi", tile=tile, overlap=overlap)
    pixels = np.ascontiguousarray(level_pixels(store, 0))
    image = pyvips.Image.new_from_memory(pixels.tobytes(), width, height, 3, "uchar")
    image = image.copy(interpretation="srgb")
    image.dzsave(
        str(tmp_path / "vips"), tile_size=tile, overlap=overlap, suffix=".png", depth="onepixel"
    )
    ours, vips = (read_pyramid(tmp_path / name) for name in ("ours.dzi", "vips.dzi"))
    assert ours[:5] == vips[:5]

    def sizes(pyramid: Pyramid) -> dict[str, tuple[int, int]]:
        found = {}
        for level, tiles in pyramid.tiles.items():
            for (x, y), path in tiles.items():
                with Image.open(path) as opened:
                    found[f"{level}/{x}_{y}"] = opened.size
        return found

    assert sizes(ours) == sizes(vips)
    np.testing.assert_array_equal(assembled(ours, ours.top), assembled(vips, vips.top))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_tiles_are_close_to_the_store(channels: int, dtype: str, tmp_path: Path) -> None:
    """A smooth picture, so that what JPEG leaves out is little."""
    store = noise_store(tmp_path / "in.zarr", 150, 101, channels=channels, dtype=dtype)
    for level in store.plan.levels:
        y, x = np.mgrid[0 : level.height, 0 : level.width] * 2**level.index
        smooth = np.stack([x / 150, y / 101, (x + y) / 251][:channels])
        full = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
        for row in range(level.rows):
            for col in range(level.cols):
                top, left, bottom, right = store.plan.window(Shard(level.index, row, col))
                part = (smooth * full)[:, top:bottom, left:right].astype(dtype)
                store.write(Shard(level.index, row, col), part)
    export(store.path, tmp_path / "out.dzi", format="jpg", quality=95, overlap=1)
    pyramid = read_pyramid(tmp_path / "out.dzi")
    assert pyramid.format == "jpg"
    for path in (path for tiles in pyramid.tiles.values() for path in tiles.values()):
        with Image.open(path) as opened:
            assert (opened.format, opened.mode) == ("JPEG", {1: "L", 3: "RGB"}[channels])
    t, o = pyramid.tile, pyramid.overlap
    full = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    for index in range(len(store.plan.levels)):
        expected = level_pixels(store, index).astype(np.float64) / full * 255
        h, w, _ = expected.shape
        for (x, y), path in pyramid.tiles[pyramid.top - index].items():
            left, right = max(0, x * t - o), min(w, (x + 1) * t + o)
            top, bottom = max(0, y * t - o), min(h, (y + 1) * t + o)
            difference = np.abs(read_image(path) - expected[top:bottom, left:right])
            assert difference.max() <= 6
            assert difference.mean() <= 1.5


def test_a_lower_quality_makes_smaller_tiles(small_store: Store, tmp_path: Path) -> None:
    replace: dict[str, Any] = {"overwrite": True}
    sizes = []
    for quality in (30, None, 100):
        export(small_store.path, tmp_path / "out.dzi", format="jpg", quality=quality, **replace)
        tiles = (tmp_path / "out_files").rglob("*.jpg")
        sizes.append(sum(path.stat().st_size for path in tiles))
    assert sizes == sorted(set(sizes))


def test_progress_ends_at_all_pixels_of_all_levels(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 130, 67)
    seen: list[tuple[int, int]] = []
    export(store.path, tmp_path / "out.dzi", progress=lambda *counts: seen.append(counts))
    sizes = [(130, 67), (65, 34), (33, 17), (17, 9), (9, 5), (5, 3), (3, 2), (2, 1), (1, 1)]
    total = sum(w * h for w, h in sizes)
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_the_page_and_its_parts_lie_beside_the_tiles(small_store: Store, tmp_path: Path) -> None:
    written = export(small_store.path, tmp_path / "my poster.dzi")
    files = tmp_path / "my poster_files"
    assert written == [tmp_path / "my poster.dzi", tmp_path / "my poster.html", files]
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in written}
    text = (tmp_path / "my poster.html").read_text("utf-8")
    assert "my%20poster_files/openseadragon.min.js" in text
    assert (files / "openseadragon.min.js").stat().st_size > 100_000
    assert any("LICENSE" in path.name for path in files.iterdir())
    manifest = json.loads((files / "tilecppn.json").read_bytes())
    assert manifest["kind"] == "dzi"
    assert manifest["fingerprint"] == small_store.scene.fingerprint
    assert manifest["scene"] == small_store.scene.to_toml()


@pytest.mark.parametrize("name", ["a.b.dzi", "ü #1 %.dzi", "-x.dzi"])
def test_names_keep_all_but_their_suffix(name: str, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 1, 1)
    out = tmp_path / "new" / "folder"
    export(store.path, out / name)
    stem = name.removesuffix(".dzi")
    assert {path.name for path in out.iterdir()} == {name, f"{stem}.html", f"{stem}_files"}
