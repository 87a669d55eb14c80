"""The page in a folder of tiles, opened from disk: each layout shows the store's pixels."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.serve.test_browser import corner, opened, screen, show
from tests.stores import noise_store
from tilecppn.exporters.export import export
from tilecppn.plan import Window

HEIGHT, WIDTH = 700, 1025  # whose width viewers halve in two ways


@pytest.mark.parametrize("layout", ["iiif", "xyz", "zoomify"])
def test_pixel_for_pixel_the_page_shows_the_store(
    layout: str, browser: Browser, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "a.zarr", WIDTH, HEIGHT)
    export(store.path, tmp_path / "a #1", layout=layout, format="png")
    page_url = (tmp_path / "a #1" / "index.html").as_uri()
    with opened(browser, page_url) as page:  # fails if a tile is missing
        show(page, 1.0, x=0.9, y=0.9)
        row, col = corner(page)
        top, left = max(row, 0), max(col, 0)
        whole = np.moveaxis(store.read(0, Window(0, 0, HEIGHT, WIDTH)), 0, -1)
        shown, inside = screen(page)[top:, left:], whole[top - row :, left - col :]
        rows, cols = (min(shown.shape[axis], inside.shape[axis]) for axis in (0, 1))
        assert cols == WIDTH + col  # the last column is on the screen
        assert rows * cols > 100_000
        assert np.array_equal(shown[:rows, :cols], inside[:rows, :cols])
        show(page, 0.25)  # from smaller levels
        assert page.evaluate("viewer.world.getItemAt(0).getFullyLoaded()")
