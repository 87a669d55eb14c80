"""Folders for viewers of the web: every tile where its format says, libvips being the judge."""

import json
import math
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from tests.stores import level_pixels, noise_store, tree
from tilecppn.errors import ExportError
from tilecppn.exporters import layouts
from tilecppn.exporters.dzi import DeepZoom
from tilecppn.exporters.export import export
from tilecppn.exporters.output import CONTENTS
from tilecppn.plan import Window, ceil_div
from tilecppn.storage.store import Store

SIZES = [(1, 1), (64, 64), (65, 64), (1, 200), (130, 257), (513, 300), (512, 256)]
TILE = 64
ABOUT = {"tilecppn.json", "tilecppn.crc32c"}  # what the folder says of itself
Pixels = NDArray[Any]


def read(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image).reshape(image.height, image.width, -1)


def files(folder: Path) -> set[str]:
    return {name for name, data in tree(folder).items() if data is not None}


def by_libvips(folder: Path, width: int, height: int, layout: str) -> set[str]:
    """The files that libvips makes of a picture of this size."""
    data = np.zeros((height, width, 3), np.uint8)
    image = pyvips.Image.new_from_memory(data.tobytes(), width, height, 3, "uchar")
    image.dzsave(str(folder), layout=layout, tile_size=TILE, overlap=0, suffix=".png")
    return files(folder)


@pytest.fixture(params=SIZES, ids=str)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return noise_store(tmp_path / "in.zarr", *request.param, tile=TILE)


def levels(store: Store) -> list[Pixels]:
    """The store's levels, whose last one tile holds."""
    return [level_pixels(store, k) for k in range(len(store.plan.levels))]


def test_xyz_has_level_column_row_with_whole_tiles(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert export(store.path, out, layout="xyz") == [out]
    expected = levels(store)
    found = {}
    for name in files(out) - ABOUT:
        match = re.fullmatch(r"(\d+)/(\d+)/(\d+)\.png", name)
        assert match is not None
        found[tuple(map(int, match.groups()))] = read(out / name)
    assert max(z for z, _, _ in found) == len(expected) - 1
    for z, pixels in enumerate(reversed(expected)):
        height, width = pixels.shape[:2]
        rows, cols = ceil_div(height, TILE), ceil_div(width, TILE)
        whole = np.pad(
            pixels, ((0, rows * TILE - height), (0, cols * TILE - width), (0, 0)), "edge"
        )
        assert {(x, y) for zoom, x, y in found if zoom == z} == {
            (x, y) for x in range(cols) for y in range(rows)
        }
        for x in range(cols):
            for y in range(rows):
                part = whole[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
                assert np.array_equal(found[z, x, y], part)


def test_zoomify_has_libvips_names_and_the_stores_pixels(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(store.path, out, layout="zoomify")
    level = store.plan.levels[0]
    theirs = by_libvips(tmp_path / "theirs", level.width, level.height, "zoomify")
    assert files(out) - ABOUT == theirs - {"vips-properties.xml"}
    own, other = (
        ElementTree.parse(folder / "ImageProperties.xml").getroot()
        for folder in (out, tmp_path / "theirs")
    )
    assert (own.tag, own.attrib) == (other.tag, other.attrib)
    for z, pixels in enumerate(reversed(levels(store))):
        for path in out.glob(f"TileGroup*/{z}-*.png"):
            x, y = map(int, path.stem.split("-")[1:])
            part = pixels[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
            assert np.array_equal(read(path), part)


def test_zoomifys_groups_hold_256_tiles_from_the_smallest_level_on() -> None:
    sizes = ((64 * 40, 64 * 20), (64 * 20, 64 * 10), (640, 320), (320, 160), (160, 80), (80, 40),
             (40, 20))  # fmt: skip
    layout = layouts.Zoomify(sizes, 64)
    names = [
        layout.name(level, tile)
        for level in reversed(range(len(sizes)))
        for tile in Window(0, 0, *reversed(sizes[level])).split(64, 64)
    ]
    groups = [int(name.partition("/")[0].removeprefix("TileGroup")) for name in names]
    assert groups == [number // 256 for number in range(len(names))]
    assert layout.before[-1] == len(names)


def test_iiif_has_every_tile_and_whole_picture_that_its_info_promises(
    store: Store, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(store.path, out, layout="iiif", url="https://example.com/pictures/a/")
    info = json.loads((out / "info.json").read_text(encoding="utf-8"))
    level = store.plan.levels[0]
    assert info["@context"] == "http://iiif.io/api/image/3/context.json"
    assert info["id"] == "https://example.com/pictures/a"
    assert (info["type"], info["profile"]) == ("ImageService3", "level0")
    assert info["protocol"] == "http://iiif.io/api/image"
    assert (info["width"], info["height"]) == (level.width, level.height)
    assert info["preferredFormats"] == info["extraFormats"] == ["png"]
    assert "maxWidth" not in info
    promised = {"info.json", *ABOUT, "full/max/0/default.png"}
    (tiles,) = info["tiles"]
    expected = levels(store)
    assert tiles["scaleFactors"] == [2**k for k in range(len(expected))]
    for k, (scale, pixels) in enumerate(zip(tiles["scaleFactors"], expected, strict=True)):
        step = tiles["width"] * scale
        for left in range(0, level.width, step):
            for top in range(0, level.height, step):
                w, h = min(step, level.width - left), min(step, level.height - top)
                size = f"{math.ceil(w / scale)},{math.ceil(h / scale)}"
                name = f"{left},{top},{w},{h}/{size}/0/default.png"
                promised.add(name)
                x, y = left // scale, top // scale
                part = pixels[y : y + TILE, x : x + TILE]
                assert np.array_equal(read(out / name), part), (k, name)
    for size, pixels in zip(info["sizes"], reversed(expected), strict=True):
        name = f"full/{size['width']},{size['height']}/0/default.png"
        promised.add(name)
        assert np.array_equal(read(out / name), pixels)
    assert np.array_equal(read(out / "full/max/0/default.png"), expected[0])
    assert files(out) == promised
    theirs = by_libvips(tmp_path / "theirs", level.width, level.height, "iiif3")
    assert theirs - {"vips-properties.xml"} <= promised


def test_iiif_says_how_large_the_whole_of_a_giant_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layouts, "WHOLE", 100)
    store = noise_store(tmp_path / "in.zarr", 300, 201, tile=TILE)
    export(store.path, tmp_path / "out", layout="iiif")
    info = json.loads((tmp_path / "out/info.json").read_text(encoding="utf-8"))
    assert (info["maxWidth"], info["maxHeight"]) == (75, 51)
    assert info["sizes"] == [{"width": 38, "height": 26}, {"width": 75, "height": 51}]
    assert read(tmp_path / "out/full/max/0/default.png").shape == (51, 75, 3)
    assert info["id"] == "http://localhost:8000/out"


@pytest.mark.parametrize("layout", layouts.FOLDERS)
def test_a_folder_of_ours_is_replaced_and_another_spared(layout: str, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 130, 100, tile=TILE)
    out = tmp_path / "out"
    out.mkdir()  # empty: nothing is lost
    export(store.path, out, layout=layout, format="jpg", tile=32, level=1)
    before = files(out)
    assert any(name.endswith(".jpg") for name in before)
    export(store.path, out, layout=layout, overwrite=True)
    assert not files(out) & before - ABOUT - {"info.json", "ImageProperties.xml"}
    (out / "tilecppn.json").unlink()
    kept = tree(out)
    with pytest.raises(ExportError, match="not made by tilecppn"):
        export(store.path, out, layout=layout)
    assert tree(out) == kept
    shutil.rmtree(out)
    out.write_text("mine")
    with pytest.raises(ExportError, match="not made by tilecppn"):
        export(store.path, out, layout=layout)


def test_every_layout_has_words_for_what_its_folder_holds() -> None:
    assert {DeepZoom.kind, *layouts.FOLDERS} < set(CONTENTS)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"layout": "xyz"}, {"layout": "iiif"}, "a_files: .* holds tiles for XYZ"),
        ({"layout": "zoomify"}, {}, "a_files: .* holds tiles for Zoomify"),
        ({}, {"layout": "xyz"}, "a_files: .* holds tiles for Deep Zoom"),
    ],
)
def test_one_layout_does_not_replace_another(
    first: dict[str, Any], second: dict[str, Any], words: str, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "in.zarr", 130, 100, tile=TILE)
    out = {True: tmp_path / "a_files", False: tmp_path / "a.dzi"}
    export(store.path, out["layout" in first], **first)
    before = tree(tmp_path)
    with pytest.raises(ExportError, match=words):
        export(store.path, out["layout" in second], **second)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "another version"),
        ('{"kind": "cube"}', "another version"),
        ("[1]", "not made by tilecppn"),
        ("mine", "not made by tilecppn"),
    ],
)
def test_a_folder_of_no_known_kind_is_refused(text: str, words: str, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 70, 70, tile=TILE)
    for name, layout in (("out", "xyz"), ("a_files", None)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "tilecppn.json").write_text(text)
        with pytest.raises(ExportError, match=words):
            export(store.path, folder if layout else tmp_path / "a.dzi", layout=layout)
        assert (folder / "tilecppn.json").read_text() == text


def test_what_a_layout_does_not_have_is_refused(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 70, 70, tile=TILE)
    with pytest.raises(ExportError, match=r'unknown layout "iif".*iiif'):
        export(store.path, tmp_path / "out", layout="iif")
    with pytest.raises(ExportError, match="overlap 1: only Deep Zoom"):
        export(store.path, tmp_path / "out", layout="xyz", overlap=1)
    assert not (tmp_path / "out").exists()
