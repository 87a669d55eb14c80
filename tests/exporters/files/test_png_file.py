"""One PNG of a level: its pixels, its memory, and what is spared."""

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from tests.conftest import Run
from tests.decoding import by_pillow, by_vips
from tests.stores import level_pixels, noise_store, tree
from tilecppn import export
from tilecppn.errors import ExportError, Interrupted, RenderError
from tilecppn.exporters import bands
from tilecppn.exporters.bands import band_rows, banded
from tilecppn.exporters.encoding.png import encode_png
from tilecppn.exporters.files.png_file import export_png
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.plan import Shard, Window
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

Pixels = NDArray[Any]


@pytest.mark.parametrize("level", range(5))
def test_every_level_of_a_rendered_store_exports_bit_for_bit(
    small_store: Store, level: int, tmp_path: Path
) -> None:
    path = tmp_path / "out.png"
    assert export(small_store.path, path, level=level, workers=2) == [path]
    np.testing.assert_array_equal(by_pillow(path), level_pixels(small_store, level))
    np.testing.assert_array_equal(by_vips(path), level_pixels(small_store, level))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (64, 64), (201, 131)])
def test_integers_of_any_depth_export_bit_for_bit(
    size: tuple[int, int], dtype: str, channels: int, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "in.zarr", *size, channels=channels, dtype=dtype)
    export(store.path, tmp_path / "out.png")
    pixels = by_vips(tmp_path / "out.png")
    assert pixels.dtype == dtype
    np.testing.assert_array_equal(pixels, level_pixels(store, 0))
    if dtype == "uint8" or channels == 1:
        np.testing.assert_array_equal(by_pillow(tmp_path / "out.png"), pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_float32_becomes_16_bits_clipped_and_rounded(channels: int, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 70, 67, channels=channels, dtype="float32")
    export(store.path, tmp_path / "out.png")
    pixels = by_vips(tmp_path / "out.png")
    assert pixels.dtype == np.uint16
    exact = np.clip(level_pixels(store, 0).astype(np.float64), 0, 1) * 65535
    assert np.abs(pixels - exact).max() <= 0.5 + 65535 * 2.0**-23  # a product in float32


def test_the_scene_is_in_the_files_text_and_renders_the_same_picture(
    small_store: Store, tmp_path: Path
) -> None:
    export(small_store.path, tmp_path / "out.png", level=2)
    with Image.open(tmp_path / "out.png") as image:
        assert isinstance(image, PngImageFile)
        text = str(image.text["tilecppn"])
    assert text.startswith(small_store.scene.to_toml())
    assert Scene.parse(text).fingerprint == small_store.scene.fingerprint


def test_it_has_300_pixels_an_inch_and_a_pyramids_tiles_have_not(
    small_store: Store, tmp_path: Path
) -> None:
    export(small_store.path, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    vips = pyvips.Image.new_from_file(str(tmp_path / "out.png"))
    assert vips.xres * 25.4 == vips.yres * 25.4 == pytest.approx(300, abs=0.01)
    export(small_store.path, tmp_path / "out.dzi")
    with Image.open(tmp_path / "out_files" / "10" / "0_0.png") as tile:
        assert "dpi" not in tile.info


# Bands


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 2**36), st.integers(6, 12).map(lambda n: 2**n))
def test_a_band_is_the_largest_even_part_of_a_tile_within_the_budget(
    row_bytes: int, tile: int
) -> None:
    rows = band_rows(row_bytes, tile, bands.BUDGET)
    assert 1 <= rows <= tile
    assert tile % rows == 0  # no band reaches into two rows of tiles
    assert rows == 1 or rows * row_bytes <= bands.BUDGET
    assert rows == tile or 2 * rows * row_bytes > bands.BUDGET


@dataclass(frozen=True)
class Watched(Source):
    """A source that notes what is read of it."""

    windows: list[Window] = field(default_factory=list)

    def read(self, level: int, window: Window) -> Pixels:
        self.windows.append(window)
        return super().read(level, window)


@pytest.mark.parametrize(
    ("budget", "strip", "read", "rows"),
    [
        (10**9, 10**9, (64, 300), 64),
        (2 * 3 * 300 * 20, 10**9, (64, 100), 16),  # read by rows of tiles
        (2 * 3 * 300 * 20, 3 * 300 * 40, (32, 100), 16),
        (1, 1, (1, 100), 1),
    ],
)
@pytest.mark.parametrize("workers", [1, 3])
def test_a_wide_picture_comes_in_bands_within_the_budget_and_is_read_once(
    budget: int,
    strip: int,
    read: tuple[int, int],
    rows: int,
    workers: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = noise_store(tmp_path / "in.zarr", 300, 100)
    monkeypatch.setattr(bands, "BUDGET", budget)
    monkeypatch.setattr(bands, "STRIP", strip)
    monkeypatch.setattr(bands, "ACROSS", 100)
    source, picture = Watched(store), Window(0, 0, 100, 300)
    told: list[tuple[int, int]] = []
    threads = Threads(workers, lambda done, total: told.append((done, total)))
    made = list(banded(source, lambda band, pixels: (band, pixels.copy()), threads))
    assert [band for band, _ in made] == list(picture.split(rows, 300))
    assert sorted(source.windows) == sorted(picture.split(*read))
    found = np.moveaxis(np.concatenate([pixels for _, pixels in made], axis=1), 0, -1)
    np.testing.assert_array_equal(found, level_pixels(store, 0))
    assert told == [(band.bottom * 300, 30_000) for band, _ in made]
    export_png(source, tmp_path / "out.png", ExportOptions(), threads)
    np.testing.assert_array_equal(by_pillow(tmp_path / "out.png"), level_pixels(store, 0))


def test_memory_does_not_grow_with_the_height(tmp_path: Path) -> None:
    width, height = 512, 4096
    store = noise_store(tmp_path / "in.zarr", width, height, shard=512)
    export(store.path, tmp_path / "warm.png", level=3)
    tracemalloc.start()
    export(store.path, tmp_path / "out.png", workers=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    picture = width * height * 3
    assert (tmp_path / "out.png").stat().st_size > 0.9 * picture  # noise: nothing was saved there
    assert peak < picture / 3


def test_progress_counts_every_pixel(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 70, 131)
    seen: list[tuple[int, int]] = []
    export(store.path, tmp_path / "out.png", progress=lambda *counts: seen.append(counts))
    assert seen == [(70 * rows, 70 * 131) for rows in (64, 128, 131)]


# What may be there already


def test_exporting_again_replaces_our_own(finished: Store, out: Path) -> None:
    export(finished.path, out / "a.png", level=1)
    export(finished.path, out / "a.png", overwrite=True)
    np.testing.assert_array_equal(by_pillow(out / "a.png"), level_pixels(finished, 0))
    assert set(tree(out)) == {"a.png"}


def _link_to_ours(path: Path) -> None:
    path.with_name("ours.png").write_bytes(encode_png(np.zeros((4, 4, 3), np.uint8), "[view]"))
    path.symlink_to("ours.png")


KINDS: dict[str, Callable[[Path], object]] = {
    "png": lambda path: Image.new("RGB", (4, 4)).save(path),
    "png without a scene": lambda path: path.write_bytes(encode_png(np.zeros((4, 4, 3), "u1"))),
    "text": lambda path: path.write_text("tilecppn"),
    "folder": lambda path: (path / "photo.png").mkdir(parents=True),
    "empty folder": Path.mkdir,
    "empty file": Path.touch,
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "link to a file of ours": _link_to_ours,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_others_made_is_refused_and_stays(kind: str, finished: Store, out: Path) -> None:
    KINDS[kind](out / "a.png")
    before = tree(out)
    with pytest.raises(ExportError, match=r"a\.png"):
        export(finished.path, out / "a.png")
    assert tree(out) == before


# Unfinished, failing, stopped


def test_an_unfinished_store_is_refused_unless_asked(finished: Store, out: Path) -> None:
    finished.delete(Shard(0, 0, 0))
    with pytest.raises(ExportError, match="not finished"):
        export(finished.path, out / "a.png")
    assert tree(out) == {}
    export(finished.path, out / "a.png", partial=True)
    pixels = by_pillow(out / "a.png")
    assert not pixels[:, :128].any()
    np.testing.assert_array_equal(
        pixels[:, 128:], np.moveaxis(finished.read(0, Window(0, 128, 67, 130)), 0, -1)
    )


@pytest.mark.parametrize("level", [-1, 3, 10**9])
def test_a_level_that_is_not_there_is_refused(level: int, finished: Store, out: Path) -> None:
    with pytest.raises(ExportError, match="levels 0 to 2"):
        export(finished.path, out / "a.png", level=level)
    assert tree(out) == {}


@pytest.mark.parametrize("earlier", [False, True])
def test_a_failure_leaves_nothing_behind_and_an_earlier_file_whole(
    earlier: bool, finished: Store, out: Path
) -> None:
    if earlier:
        export(finished.path, out / "a.png", level=1)
    before = tree(out)
    path = finished.path / "0" / "c" / "0" / "0" / "1"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RenderError, match=r"damaged.*verify .* --repair"):
        export(finished.path, out / "a.png", overwrite=True)
    assert tree(out) == before


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.dzi"])
def test_a_damaged_shard_is_one_line_of_a_process(name: str, tmp_path: Path, tilecppn: Run) -> None:
    """Though zarr reads other tiles, thousands of them, when it finds the first that is damaged."""
    store = noise_store(tmp_path / "in.zarr", 4000, 1500, shard=512, channels=1)
    path = store.path / "0" / "c" / "0" / "1" / "1"
    data = bytearray(path.read_bytes())
    for place in range(0, len(data) - 5000, 5000):
        data[place] ^= 1
    path.write_bytes(data)
    done = tilecppn("export", "in.zarr", name)
    assert done.returncode == 1
    assert "tilecppn verify " in done.stderr
    assert " --repair" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["in.zarr"]


@pytest.mark.parametrize("looks", [0, 1, 2])
@pytest.mark.parametrize("earlier", [False, True])
def test_stopping_leaves_nothing_behind_and_an_earlier_file_whole(
    looks: int, earlier: bool, finished: Store, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if earlier:
        export(finished.path, out / "a.png", level=1)
    before = tree(out)
    monkeypatch.setattr(bands, "BUDGET", 1)  # many bands
    calm = iter(range(looks))
    threads = Threads(stopping=lambda: next(calm, None) is None)
    with pytest.raises(Interrupted):
        export_png(Source(finished), out / "a.png", ExportOptions(), threads)
    assert tree(out) == before
