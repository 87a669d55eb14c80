"""A test strip: its size on paper, and what is on it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.exporters.export import export_store
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.prints.strip import PARTS, part, strip
from tilecppn.exporters.source import Source
from tilecppn.exporters.verify import find_export_damage
from tilecppn.storage.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return noise_store(tmp_path_factory.mktemp("store") / "a.zarr", 900, 700)


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp", "avif"])
def test_the_page_has_its_size_and_the_files_say_it(
    suffix: str, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{suffix}"
    assert export(store.path, path, strip="6x5cm") == [path]
    with Image.open(path) as image:
        assert image.size == (709, 591)  # at 300 dpi
        if suffix not in ("webp", "avif"):  # which have no place of its own for it
            assert np.allclose(image.info["dpi"], 300, atol=0.1)
    assert find_export_damage(path) == {}


def test_parts_are_the_pixels_of_the_whole_at_full_size(store: Store) -> None:
    source, whole = Source(store), level_pixels(store, 0)
    page = strip(source, (709, 591))
    margin = round(300 * 5 / 25.4)
    across = (709 - 5 * margin) // 4
    top = round(591 / 2)
    for k, middle in enumerate(PARTS):
        window = part(source, middle, (across, 591 - top - margin))
        left = margin + k * (across + margin)
        found = page[top : top + window.height, left : left + window.width]
        expected = whole[window.top : window.bottom, window.left : window.right]
        assert np.array_equal(found, expected)
    assert (page[:margin] == 255).all()
    assert (page[:, :margin] == 255).all()
    small = page[margin : top - margin]  # the whole, whose noise is averaged
    ink = small[(small != 255).any(axis=2)]
    assert abs(ink.mean() - whole.mean()) < 6


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 1500), st.integers(1, 1500))
def test_a_part_lies_in_the_picture(
    store: Store, x: float, y: float, across: int, down: int
) -> None:
    window = part(Source(store), (x, y), (across, down))
    assert 0 <= window.left < window.right <= 900
    assert 0 <= window.top < window.bottom <= 700
    assert (window.width, window.height) == (min(across, 900), min(down, 700))


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    small = noise_store(tmp_path / "a.zarr", 40, 30, dtype="uint16", channels=1)
    page = strip(Source(small, bits=8), (1000, 800))
    assert page.shape == (800, 1000, 1)
    assert (page != 255).any(axis=2).sum() <= 5 * 40 * 30
    notes: list[str] = []
    for store, told in ((small, 1), (noise_store(tmp_path / "b.zarr", 900, 700), 0)):
        notes.clear()
        options = ExportOptions(strip="10x8cm")
        export_store(
            store.path, store.path.with_suffix(".png"), options, Threads(note=notes.append)
        )
        assert len(notes) == told
