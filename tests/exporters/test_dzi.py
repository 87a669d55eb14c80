"""Deep Zoom exports: every pixel of every tile, the files beside them, and what is spared."""

import errno
import io
import json
import math
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from tests.conftest import Run
from tests.signalled import signalled
from tests.stores import level_pixels, noise_store, tree
from tilecppn.errors import ExportError, Interrupted, RenderError
from tilecppn.exporters import png
from tilecppn.exporters.dzi import export_dzi
from tilecppn.exporters.export import export
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.source import Source
from tilecppn.plan import Shard
from tilecppn.storage.store import Store

NAMESPACE = "{http://schemas.microsoft.com/deepzoom/2008}"
Pixels = NDArray[Any]


class Pyramid(NamedTuple):
    """An export as its files say: attributes of the descriptor, tiles by level and (x, y)."""

    format: str
    overlap: int
    tile: int
    width: int
    height: int
    tiles: dict[int, dict[tuple[int, int], Path]]

    @property
    def top(self) -> int:
        return max(self.tiles)

    def size(self, level: int) -> tuple[int, int]:
        """(width, height) of a Deep Zoom level, by the format's own formula."""
        shrink = 2 ** (math.ceil(math.log2(max(self.width, self.height))) - level)
        return math.ceil(self.width / shrink), math.ceil(self.height / shrink)


def read_pyramid(descriptor: Path) -> Pyramid:
    image = ElementTree.parse(descriptor).getroot()
    assert image.tag == f"{NAMESPACE}Image"
    (size,) = image
    assert size.tag == f"{NAMESPACE}Size"
    assert set(image.attrib) == {"Format", "Overlap", "TileSize"}
    assert set(size.attrib) == {"Width", "Height"}
    tiles: dict[int, dict[tuple[int, int], Path]] = {}
    for folder in descriptor.with_name(f"{descriptor.stem}_files").iterdir():
        if folder.is_dir():
            level = tiles.setdefault(int(folder.name), {})
            for path in folder.iterdir():
                x, y = path.stem.split("_")
                assert path.name == f"{int(x)}_{int(y)}.{image.attrib['Format']}"
                level[int(x), int(y)] = path
    return Pyramid(
        image.attrib["Format"],
        int(image.attrib["Overlap"]),
        int(image.attrib["TileSize"]),
        int(size.attrib["Width"]),
        int(size.attrib["Height"]),
        tiles,
    )


def read_image(path: Path) -> Pixels:
    """(height, width, channels), by Pillow, or by libvips for 16-bit RGB, which Pillow lacks."""
    data = path.read_bytes()
    deep_colour = data[:4] == b"\x89PNG" and data[24:26] == b"\x10\x02"
    if deep_colour:
        image = pyvips.Image.new_from_buffer(data, "")
        deep: Pixels = image.numpy()
        return deep.reshape(image.height, image.width, image.bands)
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened).reshape(opened.height, opened.width, -1)


def assembled(pyramid: Pyramid, level: int) -> Pixels:
    """A level from its tiles; where tiles overlap, they must agree."""
    w, h = pyramid.size(level)
    t, o = pyramid.tile, pyramid.overlap
    wanted = {(x, y) for y in range(math.ceil(h / t)) for x in range(math.ceil(w / t))}
    assert set(pyramid.tiles[level]) == wanted
    canvas: Pixels | None = None
    covered = np.zeros((h, w), bool)
    for (x, y), path in pyramid.tiles[level].items():
        tile = read_image(path)
        left, right = max(0, x * t - o), min(w, (x + 1) * t + o)
        top, bottom = max(0, y * t - o), min(h, (y + 1) * t + o)
        assert tile.shape[:2] == (bottom - top, right - left)
        if canvas is None:
            canvas = np.zeros((h, w, tile.shape[2]), tile.dtype)
        there = covered[top:bottom, left:right]
        np.testing.assert_array_equal(canvas[top:bottom, left:right][there], tile[there])
        canvas[top:bottom, left:right] = tile
        there[:] = True
    assert canvas is not None
    assert covered.all()
    return canvas


def halved(pixels: Pixels) -> Pixels:
    """The mean of 2×2 pixels, an odd edge counted twice, half to even: in fractions."""
    h, w, channels = pixels.shape
    out = np.empty((math.ceil(h / 2), math.ceil(w / 2), channels), pixels.dtype)
    for i, j, c in np.ndindex(*out.shape):
        four = [
            int(pixels[min(2 * i + di, h - 1), min(2 * j + dj, w - 1), c])
            for di in (0, 1)
            for dj in (0, 1)
        ]
        out[i, j, c] = round(Fraction(sum(four), 4))  # Python's round is half to even
    return out


def assert_equals_store(descriptor: Path, store: Store, base: int = 0) -> Pyramid:
    """Each level is the store's, bit for bit; the smaller ones follow from the one before."""
    pyramid = read_pyramid(descriptor)
    level = store.plan.levels[base]
    assert (pyramid.width, pyramid.height) == (level.width, level.height)
    longer = max(level.width, level.height)
    assert sorted(pyramid.tiles) == list(range(math.ceil(math.log2(longer)) + 1))
    before: Pixels | None = None
    for number in range(pyramid.top, -1, -1):
        pixels = assembled(pyramid, number)
        index = base + pyramid.top - number
        if index < len(store.plan.levels):
            expected = level_pixels(store, index)
        else:
            assert before is not None
            expected = halved(before)
        assert pixels.dtype == expected.dtype
        np.testing.assert_array_equal(pixels, expected)
        before = pixels
    assert before is not None
    assert before.shape[:2] == (1, 1)
    return pyramid


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
    with pytest.raises(ExportError, match="overlap 33"):
        export(store.path, tmp_path / "other.dzi", overlap=33)


def test_more_regions_than_one_in_a_row_of_tiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilecppn.exporters.tiles.REGION", 128)
    store = noise_store(tmp_path / "in.zarr", 401, 131)
    export(store.path, tmp_path / "out.dzi", overlap=2, workers=2)
    assert_equals_store(tmp_path / "out.dzi", store)


def fraction_means(pixels: Pixels) -> list[list[list[Fraction]]]:
    h, w, channels = pixels.shape
    exact = [[[Fraction(float(v)) for v in pixel] for pixel in row] for row in pixels]
    return [
        [
            [
                sum(
                    exact[min(2 * i + di, h - 1)][min(2 * j + dj, w - 1)][c]
                    for di in (0, 1)
                    for dj in (0, 1)
                )
                / Fraction(4)
                for c in range(channels)
            ]
            for j in range(math.ceil(w / 2))
        ]
        for i in range(math.ceil(h / 2))
    ]


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
    means = np.array(fraction_means(level_pixels(store, len(store.plan.levels) - 1)), np.float64)
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


# What may be there already


def test_exporting_again_replaces_our_own(tmp_path: Path) -> None:
    large = noise_store(tmp_path / "large.zarr", 300, 201)
    small = noise_store(tmp_path / "small.zarr", 65, 64, channels=1)
    out = tmp_path / "out"
    export(large.path, out / "a.dzi", format="jpg")
    export(small.path, out / "a.dzi", overlap=1, overwrite=True)
    assert_equals_store(out / "a.dzi", small)
    fresh = tmp_path / "fresh"
    export(small.path, fresh / "a.dzi", overlap=1)
    assert tree(out) == tree(fresh)


@pytest.mark.parametrize("gone", [{"a_files"}, {"a.dzi"}, {"a.html"}, {"a_files", "a.html"}])
def test_what_is_left_of_an_export_of_ours_is_replaced(gone: set[str], tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 130, 67)
    out = tmp_path / "out"
    export(store.path, out / "a.dzi", format="avif", overlap=2)
    for name in gone:
        if (out / name).is_dir():
            shutil.rmtree(out / name)
        else:
            (out / name).unlink()
    export(store.path, out / "a.dzi", overwrite=True)
    fresh = tmp_path / "fresh"
    export(store.path, fresh / "a.dzi")
    assert tree(out) == tree(fresh)


def test_a_death_while_an_export_takes_the_place_of_another_costs_neither(
    tmp_path: Path, tilecppn: Run
) -> None:
    """Between the two renames of the folder of tiles."""
    noise_store(tmp_path / "in.zarr", 130, 67)
    command = ("export", "in.zarr", "out/a.dzi")
    assert tilecppn(*command).returncode == 0
    earlier = tree(tmp_path / "out")
    dying = signalled("tilecppn.exporters.output.os.rename", 2, signal.SIGKILL, *command)
    killed = subprocess.run([*dying, "--format", "jpg", "--overwrite"], cwd=tmp_path, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "a_files").exists()
    again = tilecppn(*command, "--overwrite")
    assert again.returncode == 0, again.stderr
    assert tree(tmp_path / "out") == earlier


@pytest.fixture
def finished(tmp_path: Path) -> Store:
    return noise_store(tmp_path / "in.zarr", 130, 67)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of the export out/a.dzi."""
    path = tmp_path / "out"
    path.mkdir()
    return path


def _file(path: Path) -> None:
    path.write_bytes(b"mine")


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "photo.png").write_bytes(b"photo")


def _link(target: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.symlink_to(target)

    return make


KINDS: dict[str, Callable[[Path], None]] = {
    "file": _file,
    "folder": _folder,
    "empty folder": Path.mkdir,
    "link to nothing": _link("nowhere"),
    "link to a file": _link("../in.zarr/zarr.json"),
    "link to a folder": _link("../in.zarr"),
}


@pytest.mark.parametrize("name", ["a_files", "a.dzi", "a.html"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_others_made_is_refused_and_stays(
    kind: str, name: str, finished: Store, out: Path, tmp_path: Path
) -> None:
    KINDS[kind](out / name)
    before = tree(tmp_path)
    with pytest.raises(ExportError, match=name):
        export(finished.path, out / "a.dzi")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["a_files", "a.dzi", "a.html"])
def test_a_link_to_an_export_of_ours_is_refused_and_not_followed(
    name: str, finished: Store, out: Path, tmp_path: Path
) -> None:
    export(finished.path, out / "a.dzi")
    shutil.move(out / name, tmp_path / name)
    (out / name).symlink_to(tmp_path / name)
    before = tree(tmp_path)
    with pytest.raises(ExportError, match="symbolic link"):
        export(finished.path, out / "a.dzi", overwrite=True)
    assert tree(tmp_path) == before


def test_a_foreign_file_is_refused_also_beside_an_export_of_ours(
    finished: Store, out: Path
) -> None:
    """Another export's folder does not make this name's files ours."""
    export(finished.path, out / "a.dzi")
    (out / "b.dzi").write_text("mine")
    before = tree(out)
    with pytest.raises(ExportError, match=r"b\.dzi"):
        export(finished.path, out / "b.dzi")
    assert tree(out) == before


# Unfinished stores


def test_an_unfinished_store_is_refused_unless_asked(finished: Store, out: Path) -> None:
    finished.delete(Shard(0, 0, 1))
    with pytest.raises(ExportError, match="not finished"):
        export(finished.path, out / "a.dzi")
    assert tree(out) == {}
    export(finished.path, out / "a.dzi", partial=True)
    pyramid = read_pyramid(out / "a.dzi")
    pixels = assembled(pyramid, pyramid.top)
    assert not pixels[:, 128:].any()
    np.testing.assert_array_equal(
        pixels, np.moveaxis(finished.read(0, finished.plan.levels[0].window, partial=True), 0, -1)
    )
    np.testing.assert_array_equal(assembled(pyramid, pyramid.top - 1), level_pixels(finished, 1))


def test_an_empty_store_exports_black_if_asked(finished: Store, out: Path) -> None:
    for shard in finished.plan.order():
        finished.delete(shard)
    export(finished.path, out / "a.dzi", partial=True)
    pyramid = read_pyramid(out / "a.dzi")
    for level in pyramid.tiles:
        assert not assembled(pyramid, level).any()


def test_a_damaged_store_fails_and_leaves_nothing(finished: Store, out: Path) -> None:
    path = finished.path / "0" / "c" / "0" / "0" / "0"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(RenderError, match="damaged"):
        export(finished.path, out / "a.dzi")
    assert tree(out) == {}


# Failing and stopping on the way

Encode = Callable[..., bytes]


def failing_after(count: int, error: Exception) -> Encode:
    """An encoder of PNG that raises at its call number `count`."""
    good = png.encode_planes
    calls = iter(range(count))

    def encode(pixels: Pixels, effort: int) -> bytes:
        if next(calls, None) is None:
            raise error
        return good(pixels, effort=effort)

    return encode


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("count", [0, 5])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_failure_leaves_nothing_behind_and_an_earlier_export_whole(
    finished: Store,
    out: Path,
    workers: int,
    count: int,
    earlier: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if earlier:
        export(finished.path, out / "a.dzi", overlap=1)
    before = tree(out)
    bad = failing_after(count, RuntimeError("broken"))
    monkeypatch.setattr("tilecppn.exporters.encoders.encode_planes", bad)
    with pytest.raises(RuntimeError, match="broken"):
        export(finished.path, out / "a.dzi", workers=workers, overwrite=True)
    assert tree(out) == before


def test_a_full_disk_is_a_failure_that_names_the_export(
    finished: Store, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr("tilecppn.exporters.encoders.encode_planes", failing_after(3, full))
    with pytest.raises(RenderError, match=r"a\.dzi.*No space left"):
        export(finished.path, out / "a.dzi")
    assert tree(out) == {}


def test_a_missing_viewer_is_found_before_any_work(
    finished: Store, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = []
    good = png.encode_planes

    def encode(pixels: Pixels, effort: int) -> bytes:
        encoded.append(pixels.shape)
        return good(pixels, effort=effort)

    def missing() -> tuple[Path, ...]:
        raise ExportError("the viewer is not installed")

    monkeypatch.setattr("tilecppn.exporters.encoders.encode_planes", encode)
    monkeypatch.setattr("tilecppn.exporters.export.assets", missing)
    with pytest.raises(ExportError, match="viewer"):
        export(finished.path, out / "a.dzi")
    assert tree(out) == {}
    assert encoded == []


@pytest.mark.parametrize("looks", [0, 1, 4])
@pytest.mark.parametrize("earlier", [False, True])
def test_stopping_leaves_nothing_behind_and_an_earlier_export_whole(
    finished: Store, out: Path, looks: int, earlier: bool
) -> None:
    if earlier:
        export(finished.path, out / "a.dzi", overlap=1)
    before = tree(out)
    calm = iter(range(looks))
    options = ExportOptions(tile=64, format="png")
    threads = Threads(2, stopping=lambda: next(calm, None) is None)
    with pytest.raises(Interrupted):
        export_dzi(Source(finished), out / "a.dzi", options, threads)
    assert tree(out) == before


def test_a_keyboard_interrupt_leaves_nothing_of_an_export(finished: Store, out: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="nothing is left"):
        export(finished.path, out / "a.dzi", workers=1, progress=interrupt)
    assert tree(out) == {}
