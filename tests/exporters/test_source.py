"""A store as exporters read it: fewer bits, another size."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tests.decoding import by_vips
from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.errors import RenderError
from tilecppn.exporters.export import export_store
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.repair import repair_export
from tilecppn.exporters.source import Source
from tilecppn.exporters.verify import find_export_damage
from tilecppn.plan import Window
from tilecppn.storage.store import Store


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.dzi", "a.pmtiles", "a.jpg"])
def test_two_pictures_are_never_mixed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is replaced between two reads."""
    path, other = tmp_path / "a.zarr", tmp_path / "b.zarr"
    store = noise_store(path, 300, 200)
    noise_store(other, 301, 200)
    read, reads = Store.read, 0

    def replaced(self: Store, *arguments: Any, **named: Any) -> Any:
        nonlocal reads
        reads += 1
        if reads == 2:
            path.rename(tmp_path / "old.zarr")
            other.rename(path)
        return read(self, *arguments, **named)

    monkeypatch.setattr(Store, "read", replaced)
    with pytest.raises(RenderError, match="replaced while it was read"):
        export(store.path, tmp_path / "out" / name)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_8_bits_of_a_store_with_more(dtype: str, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 201, 131, dtype=dtype)
    exact = level_pixels(store, 0).astype(float)
    exact = np.clip(exact, 0, 1) * 255 if dtype == "float32" else exact / 257
    for suffix in ("png", "tif"):
        export(store.path, tmp_path / f"a.{suffix}", bits=8)
        found = by_vips(tmp_path / f"a.{suffix}")
        assert found.dtype == np.uint8
        assert np.abs(found - exact).max() <= 1.0
        assert abs((found - exact).mean()) < 0.02
    export(store.path, tmp_path / "a.dzi", bits=8, tile=64)
    tile = by_vips(tmp_path / "a_files" / "8" / "1_1.png")
    assert np.array_equal(tile, by_vips(tmp_path / "a.png")[64:128, 64:128])  # no seams


def test_16_bits_of_floats(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 90, 70, dtype="float32")
    export(store.path, tmp_path / "a.tif", bits=16)
    assert tifffile.imread(tmp_path / "a.tif").dtype == np.uint16


@pytest.mark.parametrize("kind", ["a.dzi", "a.pmtiles", "iiif", "xyz", "zoomify"])
def test_tiles_of_a_store_of_16_bits_have_16(kind: str, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 128, 128, dtype="uint16")
    layout = None if "." in kind else kind
    options = {"tile": 64, "format": "png", "layout": layout}
    export(store.path, tmp_path / "plain" / kind, **options)  # type: ignore[arg-type]
    export(store.path, tmp_path / kind, bits=16, **options)  # type: ignore[arg-type]
    pictures = [
        part[: part.index(b"IEND")]
        for path in sorted([tmp_path / kind, *tmp_path.glob(f"{kind.removesuffix('.dzi')}*/**/*")])
        if path.is_file()
        for part in path.read_bytes().split(b"\x89PNG")[1:]
    ]
    assert len(pictures) >= 5
    assert {picture[20] for picture in pictures} == {16}  # of IHDR


def test_a_smaller_picture_is_made_of_the_right_level(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 400, 300)  # each level is noise of its own
    source = Source(store, longest=150)
    assert source.sizes[:2] == [(150, 112), (75, 56)]
    level = level_pixels(store, 1).transpose(2, 0, 1)  # 200 × 150
    found = source.read(0, Window(0, 0, 112, 150))
    mean, spread = found.mean(), found.std()
    assert abs(mean - level.mean()) < 3
    assert 20 < spread < level.std()
    export(store.path, tmp_path / "a.png", max_size=150)
    assert np.array_equal(by_vips(tmp_path / "a.png").transpose(2, 0, 1), found)
    same = Source(store, longest=200)
    assert np.array_equal(same.read(0, Window(0, 0, 150, 200)), level)
    assert Source(store, longest=1000).sizes == Source(store).sizes  # never larger
    notes: list[str] = []
    for k, size in enumerate((400, 401)):
        options = ExportOptions(max_size=size)
        export_store(store.path, tmp_path / f"b{k}.png", options, Threads(note=notes.append))
        assert len(notes) == k
    assert "stays 400 × 300" in notes[0]


@pytest.mark.parametrize("kind", ["a.dzi", "a.tif", "a.szi", "iiif"])
def test_pyramids_are_smaller_too_and_can_be_mended(kind: str, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 300, 200, dtype="uint16")
    layout = None if "." in kind else kind
    dest = tmp_path / kind
    export(store.path, dest, max_size=130, bits=8, layout=layout)
    assert find_export_damage(dest) == {}
    victim = (
        next(p for p in sorted(tmp_path.rglob("*.png")) if "a.zarr" not in p.parts)
        if (kind in ("a.dzi", "iiif"))
        else dest
    )
    before = victim.read_bytes()
    victim.write_bytes(before[:-9] + b"123456789")
    if victim is dest:
        return  # says nothing of itself any more
    repair_export(dest, find_export_damage(dest), store.path, Threads(1))
    assert victim.read_bytes() == before
