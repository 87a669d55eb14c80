"""Tiles of JPEG XL, decoded by libjxl's programs: the store's pixels, in 8 bits and sRGB."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.decoding import by_pillow
from tests.stores import level_pixels, noise_store, tree
from tilecppn import export
from tilecppn.errors import ExportError
from tilecppn.exporters.encoding import optional
from tilecppn.exporters.encoding.encoders import ENCODERS
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.repair import repair_export
from tilecppn.exporters.tiles import padded_with_zeros
from tilecppn.exporters.verify import find_export_damage
from tilecppn.inspection.info import info
from tilecppn.storage.store import Store

TILE = 64


@pytest.fixture
def installed() -> None:
    pytest.importorskip("imagecodecs")
    if shutil.which("djxl") is None:
        pytest.skip("needs libjxl's tools")


def decoded(path: Path) -> NDArray[np.uint8]:
    """(height, width, channels), by djxl."""
    png = path.with_suffix(".png")
    subprocess.run(["djxl", path, png], check=True, capture_output=True)
    pixels = by_pillow(png)
    png.unlink()
    return pixels


def tiles(folder: Path, level: int) -> NDArray[np.uint8]:
    """The picture of a Deep Zoom level, put together from its tiles."""
    paths = list((folder / str(level)).glob("*.jxl"))
    places = [tuple(map(int, path.stem.split("_"))) for path in paths]
    columns, rows = (1 + max(place[axis] for place in places) for axis in (0, 1))
    assert len(paths) == columns * rows
    return np.concatenate(
        [
            np.concatenate([decoded(folder / f"{level}/{x}_{y}.jxl") for x in range(columns)], 1)
            for y in range(rows)
        ]
    )


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (131, 67)])  # the last column is 3 pixels wide
def test_they_are_the_picture_bit_for_bit(
    size: tuple[int, int], channels: int, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "a.zarr", *size, channels=channels)
    export(store.path, tmp_path / "a.dzi", format="jxl")
    top = (max(size) - 1).bit_length()
    for level in range(len(store.plan.levels)):
        assert np.array_equal(tiles(tmp_path / "a_files", top - level), level_pixels(store, level))
    said = subprocess.check_output(["jxlinfo", tmp_path / f"a_files/{top}/0_0.jxl"], text=True)
    assert "lossless, 8-bit" in said
    assert "sRGB transfer function" in said
    assert 'Format="jxl"' in (tmp_path / "a.dzi").read_text()


@pytest.mark.usefixtures("installed")
def test_with_a_quality_they_are_smaller_and_near_it(small_store: Store, tmp_path: Path) -> None:
    sizes = []
    for quality in (None, 90, 40):
        folder = tmp_path / f"{quality}_files"
        export(small_store.path, tmp_path / f"{quality}.dzi", format="jxl", quality=quality)
        sizes.append(sum(path.stat().st_size for path in folder.rglob("*.jxl")))
    assert sizes[0] > sizes[1] > sizes[2]
    top = max(int(path.name) for path in (tmp_path / "90_files").iterdir() if path.is_dir())
    error = tiles(tmp_path / "90_files", top).astype(int) - level_pixels(small_store, 0)
    assert 0 < np.abs(error).mean() < 2.5


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("channels", [1, 3])
def test_edges_of_xyz_are_transparent(channels: int, tmp_path: Path) -> None:
    pixels = np.full((channels, 40, 30), 200, np.uint8)
    padded = padded_with_zeros(pixels, TILE, ENCODERS["jxl"].alpha)
    (tmp_path / "a.jxl").write_bytes(ENCODERS["jxl"].encode(padded, 100, 1))
    assert np.array_equal(decoded(tmp_path / "a.jxl"), np.moveaxis(padded, 0, -1))


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("layout", [None, "iiif", "xyz", "zoomify"])
def test_what_is_damaged_is_mended_to_the_byte(layout: str | None, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 131, 67)
    dest = tmp_path / ("a" if layout else "a.dzi")
    export(store.path, dest, layout=layout, format="jxl", quality=60, tile=TILE)
    before = tree(tmp_path)
    one, another = sorted(tmp_path.rglob("*.jxl"))[:2]
    one.unlink()
    another.write_bytes(another.read_bytes()[:-1])
    damage = find_export_damage(dest)
    assert damage == {one: "missing", another: "damaged"}
    repair_export(dest, damage, store.path, Threads())
    assert tree(tmp_path) == before
    assert not find_export_damage(dest)


def test_deeper_stores_get_8_bits(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    store = noise_store(tmp_path / "a.zarr", 70, 67, dtype="uint16")
    export(store.path, tmp_path / "a.dzi", format="jxl", bits=8)
    export(store.path, tmp_path / "b.dzi", format="jxl")
    assert [info(tmp_path / name)["dtype"] for name in ("a.dzi", "b.dzi")] == ["uint8", "uint8"]


@pytest.mark.parametrize(
    ("name", "output", "options", "message"),
    [
        ("a.pmtiles", {}, {}, "jxl: not for these tiles; use png or jpg or webp or avif$"),
        ("a.mbtiles", {}, {}, "jxl: not for these tiles; use png"),
        ("a.dzi", {"dtype": "uint16"}, {"bits": 16}, "only 8; leave it out, or use format png"),
        ("a.dzi", {"profile": "display-p3"}, {}, 'only sRGB, not .*"display-p3"; use format png'),
    ],
)
def test_what_they_cannot_be_is_refused(
    name: str,
    output: dict[str, Any],
    options: dict[str, Any],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(optional, "find_spec", lambda name: True)
    store = noise_store(tmp_path / "in.zarr", 70, 67, **output)
    before = tree(tmp_path)
    with pytest.raises(ExportError, match=message):
        export(store.path, tmp_path / name, format="jxl", **options)
    assert tree(tmp_path) == before


def test_without_the_package_it_is_named(
    small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    with pytest.raises(ExportError, match=r"jxl: needs pip install .*codecs.*webp or avif$"):
        export(small_store.path, tmp_path / "a.dzi", format="jxl")
    assert not list(tmp_path.iterdir())
