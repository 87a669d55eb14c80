"""Tiles of one colour that are left out of pyramids."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pmtiles.reader import MmapSource, Reader

from tests.stores import ARITHMETIC, plain_scene
from tilecppn import export
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.repair import repair_export
from tilecppn.exporters.verify import find_export_damage
from tilecppn.pixels.downsample import mean2x2
from tilecppn.plan import Shard
from tilecppn.storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """256 × 256, black but for one tile of 64."""
    scene = plain_scene(256, 256, tile=64, shard=256)
    pixels: NDArray[np.uint8] = np.zeros((3, 256, 256), np.uint8)
    pixels[:, 64:128, 128:192] = 200
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC) as store:
        for level in store.plan.levels:
            store.write(Shard(level.index, 0, 0), pixels)
            pixels = mean2x2(pixels)
    return store


@pytest.mark.parametrize(("kind", "name"), [("dzi", "a.dzi"), ("xyz", "a"), ("iiif", "a")])
def test_only_tiles_with_something_on_them_are_there(
    kind: str, name: str, store: Store, tmp_path: Path
) -> None:
    layout = None if kind == "dzi" else kind
    dest = tmp_path / name
    export(store.path, dest, layout=layout, tile=64, skip_blanks="#000")
    folder = tmp_path / "a_files" if kind == "dzi" else dest
    place = {"dzi": "8/2_1.png", "xyz": "2/2/1.png", "iiif": "128,64,64,64/64,64/0/default.png"}
    assert (folder / place[kind]).is_file()
    other = {"dzi": "8/0_0.png", "xyz": "2/0/0.png", "iiif": "0,0,64,64/64,64/0/default.png"}
    assert not (folder / other[kind]).exists()
    assert find_export_damage(dest) == {}
    (folder / place[kind]).write_bytes(b"?")
    repair_export(dest, find_export_damage(dest), store.path, Threads(1))
    assert find_export_damage(dest) == {}


def test_pmtiles_leave_them_out_too(store: Store, tmp_path: Path) -> None:
    export(store.path, tmp_path / "a.pmtiles", tile=64, skip_blanks="#000000")
    with (tmp_path / "a.pmtiles").open("rb") as file:
        reader = Reader(MmapSource(file))
        assert reader.get(2, 2, 1)
        assert reader.get(2, 0, 0) is None
        assert reader.header()["addressed_tiles_count"] == 3


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_colour_is_that_of_any_depth(dtype: str) -> None:
    full = {"uint8": 255, "uint16": 65535, "float32": 1.0}[dtype]
    options = ExportOptions(skip_blanks="#ff0033")
    pixels = np.zeros((3, 4, 5), dtype)
    pixels[0], pixels[2] = full, np.array(full * 0x33 / 255).astype(dtype)
    assert options.is_blank(pixels)
    pixels[1, 3, 4] = full
    assert not options.is_blank(pixels)
    assert not options.is_blank(pixels[:1])
    assert ExportOptions(skip_blanks="#fff").is_blank(np.full((1, 2, 2), full, dtype))
    assert not ExportOptions().is_blank(pixels)
