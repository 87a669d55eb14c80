"""Folders for viewers of the web: every tile where its format says, libvips being the judge."""

import io
import json
import math
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from tests.decoding import by_pillow
from tests.stores import level_pixels, noise_store, tree
from tilecppn import export
from tilecppn.errors import ExportError
from tilecppn.exporters import source
from tilecppn.exporters.encoding.encoders import ENCODERS
from tilecppn.exporters.output.atomic import CONTENTS
from tilecppn.exporters.page import assets
from tilecppn.exporters.pyramids import layouts
from tilecppn.exporters.pyramids.dzi import DeepZoom
from tilecppn.exporters.pyramids.source_page import CARD, PAGE
from tilecppn.exporters.tiles import padded_with_zeros
from tilecppn.plan import Window, ceil_div
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import FULL
from tilecppn.storage.store import Store

SIZES = [(1, 1), (64, 64), (65, 64), (1, 200), (130, 257), (513, 300), (512, 256)]
TILE = 64
ABOUT = {"tilecppn.json", "tilecppn.crc32c"}  # what the folder says of itself
BESIDE = {PAGE, CARD, *(path.name for path in assets()), *ABOUT}  # in every folder
QUALITY = {"png": None, "webp": 90, "jpg": 90}
Pixels = NDArray[Any]


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


@pytest.mark.parametrize("format", ["png", "webp", "jpg"])
def test_xyz_has_level_column_row_with_whole_tiles(
    format: str, store: Store, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert export(store.path, out, layout="xyz", tile=TILE, format=format, quality=QUALITY[format])
    expected = levels(store)
    found = {}
    for name in files(out) - BESIDE - {"tiles.json"}:
        match = re.fullmatch(rf"(\d+)/(\d+)/(\d+)\.{format}", name)
        assert match is not None
        found[tuple(map(int, match.groups()))] = by_pillow(out / name)
    assert max(z for z, _, _ in found) == len(expected) - 1
    for z, pixels in enumerate(reversed(expected)):
        height, width = pixels.shape[:2]
        rows, cols = ceil_div(height, TILE), ceil_div(width, TILE)
        assert {(x, y) for zoom, x, y in found if zoom == z} == {
            (x, y) for x in range(cols) for y in range(rows)
        }
        for x in range(cols):
            for y in range(rows):
                part = pixels[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
                tile = found[z, x, y]
                alpha = format != "jpg" and part.shape[:2] != (TILE, TILE)
                assert tile.shape == (TILE, TILE, 3 + alpha)
                if alpha:
                    opaque = np.zeros((TILE, TILE), np.uint8)
                    opaque[: part.shape[0], : part.shape[1]] = 255
                    assert np.array_equal(tile[..., 3], opaque)
                if format == "png":
                    assert np.array_equal(tile[: part.shape[0], : part.shape[1], :3], part)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("format", ["png", "jpg", "webp", "avif"])
def test_edges_of_xyz_are_transparent_where_the_format_can(
    format: str, channels: int, dtype: str
) -> None:
    pixels = np.ones((channels, 40, 30), dtype) * FULL.get(dtype, 1)
    encoder = ENCODERS[format]
    data = encoder.encode(padded_with_zeros(pixels.astype(dtype), TILE, encoder.alpha), 90, 1)
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (TILE, TILE)
        assert image.has_transparency_data == (format != "jpg")
        shown = np.asarray(image.convert("RGBA")).astype(int)
    assert shown[:36, :26].min() > 235
    assert shown[44:, :, 3 if encoder.alpha else 0].max() < 20


@pytest.mark.parametrize(("url", "tiles"), [(None, ""), ("https://a.org/b/", "https://a.org/b/")])
def test_tiles_json_says_where_on_a_map_the_picture_lies(
    url: str | None, tiles: str, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "in.zarr", 513, 300, tile=TILE)
    export(store.path, tmp_path / "out", layout="xyz", url=url, title="Storms")
    found = json.loads((tmp_path / "out" / "tiles.json").read_text(encoding="utf-8"))
    assert (found["tilejson"], found["scheme"], found["tiles"]) == (
        "3.0.0",
        "xyz",
        [f"{tiles}{{z}}/{{x}}/{{y}}.png"],
    )
    assert (found["name"], "attribution" in found) == ("Storms", False)
    assert (found["minzoom"], found["maxzoom"]) == (0, 2)
    assert (found["width"], found["height"], found["tileSize"]) == (513, 300, 256)
    west, south, east, north = found["bounds"]
    assert (west, round(north, 4)) == (-180, 85.0511)
    # Back to pixels of the largest level by the formula of the maps' tile names
    # (https://wiki.openstreetmap.org/wiki/Slippy_map_tilenames).
    world, lat = 256 << 2, math.radians(south)
    assert (east + 180) / 360 * world == pytest.approx(513)
    assert (1 - math.asinh(math.tan(lat)) / math.pi) / 2 * world == pytest.approx(300)


def viewers_levels(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Columns and rows, and both as groups count them, by the arithmetic of OpenSeadragon.

    From the smallest level on; OpenLayers' is the same with `tierSizeCalculation: "truncated"`.
    """
    found: list[tuple[int, int, int, int]] = []
    w, h, scale = width, height, 1
    while True:
        cols, rows = (math.ceil(side / scale / TILE) for side in (width, height))
        found.insert(0, (cols, rows, math.ceil(w / TILE), math.ceil(h / TILE)))
        if w <= TILE and h <= TILE:
            return found
        w, h, scale = w // 2, h // 2, scale * 2


@pytest.mark.parametrize("size", [*SIZES, (257, 130), (263, 200), (1025, 1030), (2049, 1100)])
def test_zoomify_has_the_files_that_viewers_ask_for(size: tuple[int, int]) -> None:
    width, height = size
    wanted, before = set(), 0
    for z, (cols, rows, counted, down) in enumerate(viewers_levels(width, height)):
        for x in range(cols):
            for y in range(rows):
                wanted.add(f"TileGroup{(before + y * counted + x) // 256}/{z}-{x}-{y}")
        before += counted * down
    sizes = source.sizes(width, height)
    layout = layouts.Zoomify(tuple(sizes[: layouts.Zoomify.levels(sizes, TILE)]), TILE)
    names = [
        layout.name(level, tile)
        for level, (w, h) in enumerate(layout.sizes)
        for tile in Window(0, 0, h, w).split(TILE, TILE)
    ]
    assert len(set(names)) == len(names)
    assert set(names) == wanted
    assert layout.before[-1] == before


def test_zoomify_has_the_stores_pixels(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(store.path, out, layout="zoomify", tile=TILE, format="png")
    level = store.plan.levels[0]
    properties = ElementTree.parse(out / "ImageProperties.xml").getroot().attrib
    assert properties["NUMTILES"].isdigit()
    assert (int(properties["WIDTH"]), int(properties["HEIGHT"])) == (level.width, level.height)
    names = {path.stem for path in out.glob("TileGroup*/*.png")}
    last = max(int(name.split("-")[0]) for name in names)
    for z in range(last + 1):
        pixels = levels(store)[last - z]
        for path in out.glob(f"TileGroup*/{z}-*.png"):
            x, y = map(int, path.stem.split("-")[1:])
            part = pixels[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
            assert np.array_equal(by_pillow(path), part)


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (65, 64), (512, 256), (576, 320)])
def test_where_halves_are_even_zoomify_is_that_of_libvips(
    size: tuple[int, int], tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "in.zarr", *size, tile=TILE)
    export(store.path, tmp_path / "out", layout="zoomify", tile=TILE, format="png")
    theirs = by_libvips(tmp_path / "theirs", *size, "zoomify")
    assert files(tmp_path / "out") - BESIDE == theirs - {"vips-properties.xml"}
    own, other = (
        ElementTree.parse(tmp_path / folder / "ImageProperties.xml").getroot()
        for folder in ("out", "theirs")
    )
    assert (own.tag, own.attrib) == (other.tag, other.attrib)


@pytest.mark.parametrize(("layout", "suffix"), [("xyz", "png"), ("zoomify", "jpg")])
def test_tiles_are_those_that_viewers_expect(layout: str, suffix: str, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 600, 300)
    export(store.path, tmp_path / "out", layout=layout)
    tiles = [p for p in (tmp_path / "out").rglob("*/*") if p.is_file()]
    assert {path.suffix for path in tiles} == {f".{suffix}"}
    assert max(by_pillow(path).shape[:2] for path in tiles) == (256, 256)


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
    promised = {"info.json", "manifest.json", *BESIDE, "full/max/0/default.png"}
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
                assert np.array_equal(by_pillow(out / name), part), (k, name)
    for size, pixels in zip(info["sizes"], reversed(expected), strict=True):
        name = f"full/{size['width']},{size['height']}/0/default.png"
        promised.add(name)
        assert np.array_equal(by_pillow(out / name), pixels)
    assert np.array_equal(by_pillow(out / "full/max/0/default.png"), expected[0])
    assert files(out) == promised
    theirs = by_libvips(tmp_path / "theirs", level.width, level.height, "iiif3")
    assert theirs - {"vips-properties.xml"} <= promised


def test_iiif_with_an_address_has_a_manifest_for_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layouts, "WHOLE", 100)
    store = noise_store(tmp_path / "in.zarr", 300, 201, tile=TILE)
    url = "https://example.com/a"
    export(store.path, tmp_path / "out", layout="iiif", url=url, format="webp")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text(encoding="utf-8"))
    assert (manifest["id"], manifest["type"]) == (f"{url}/manifest.json", "Manifest")
    (canvas,) = manifest["items"]
    assert (canvas["width"], canvas["height"]) == (300, 201)
    ((annotation,),) = (page["items"] for page in canvas["items"])
    assert (annotation["motivation"], annotation["target"]) == ("painting", canvas["id"])
    body = annotation["body"]
    assert body["service"] == [{"id": url, "type": "ImageService3", "profile": "level0"}]
    assert (body["format"], body["width"], body["height"]) == ("image/webp", 75, 51)
    assert (tmp_path / "out" / body["id"].removeprefix(f"{url}/")).is_file()


@pytest.mark.parametrize(("layout", "name"), [("xyz", "tiles.json"), ("iiif", "manifest.json")])
def test_folders_say_whose_they_are(layout: str, name: str, tmp_path: Path) -> None:
    about = {"title": "Storms", "artist": "A <B>", "licence": "CC0", "description": "Of June"}
    scene = Scene.of(canvas={"width": 70, "height": 50}, about=about, output={"tile": 64})
    store = render(scene, tmp_path / "in.zarr", executor="local")
    export(store.path, tmp_path / "out", layout=layout, url="https://example.com/a")
    said = json.loads((tmp_path / "out" / name).read_text(encoding="utf-8"))
    if layout == "xyz":
        found = said["name"], said["description"], said["attribution"]
        assert found == ("Storms", "Of June", "A &lt;B&gt; CC0")
    else:
        statement = said["requiredStatement"]["value"]
        found = said["label"], said["summary"], statement
        assert found == tuple({"none": [text]} for text in ("Storms", "Of June", "A <B> CC0"))


def test_iiif_says_how_large_the_whole_of_a_giant_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layouts, "WHOLE", 100)
    store = noise_store(tmp_path / "in.zarr", 300, 201, tile=TILE)
    export(store.path, tmp_path / "out", layout="iiif")
    info = json.loads((tmp_path / "out/info.json").read_text(encoding="utf-8"))
    assert (info["maxWidth"], info["maxHeight"]) == (75, 51)
    assert info["sizes"] == [{"width": 38, "height": 26}, {"width": 75, "height": 51}]
    assert by_pillow(tmp_path / "out/full/max/0/default.png").shape == (51, 75, 3)
    assert info["id"] == "."  # for pages in the folder
    assert not (tmp_path / "out/manifest.json").exists()


@pytest.mark.parametrize("layout", layouts.FOLDERS)
def test_a_folder_of_ours_is_replaced_and_another_spared(layout: str, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 130, 100, tile=TILE)
    out = tmp_path / "out"
    out.mkdir()  # empty: nothing is lost
    export(store.path, out, layout=layout, format="webp", tile=32, level=1)
    before = files(out)
    assert any(name.endswith(".webp") for name in before)
    export(store.path, out, layout=layout, overwrite=True)
    assert not files(out) & before - BESIDE - {"info.json", "tiles.json", "ImageProperties.xml"}
    (out / "tilecppn.json").unlink()
    kept = tree(out)
    with pytest.raises(ExportError, match="not made by tilecppn"):
        export(store.path, out, layout=layout)
    assert tree(out) == kept


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
