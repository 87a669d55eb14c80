"""The exporter's own page of a rendered picture, opened from disk."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.serve.test_browser import beside, corner, opened, screen, show
from tilecppn import export
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene

TILE = 128


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """The page, and the picture (height, width, 3) that it should show."""
    folder = tmp_path_factory.mktemp("page")
    scene = Scene.of(
        canvas={"width": 1500, "height": 1100},
        view={"scale": 4.0},
        output={"tile": TILE, "shard": 512},
    )
    store = render(scene, folder / "a.zarr", executor="local")
    export(store.path, folder / "a.dzi")
    picture = store.read(0, store.plan.levels[0].window)
    return folder / "a.html", np.moveaxis(picture, 0, -1)


def test_pixel_for_pixel_the_page_shows_the_store(
    browser: Browser, exported: tuple[Path, np.ndarray]
) -> None:
    html, picture = exported
    with opened(browser, html.as_uri()) as page:
        show(page, 1.0, x=0.4877, y=0.5371)
        assert np.array_equal(*beside(page, picture))


@pytest.mark.parametrize("name", ["jpg", "webp", "avif"])
def test_a_lossy_page_shows_nearly_the_store(
    name: str, browser: Browser, exported: tuple[Path, np.ndarray]
) -> None:
    html, picture = exported
    export(html.with_name("a.zarr"), html.with_name(f"{name}.dzi"), format=name)
    with opened(browser, html.with_name(f"{name}.html").as_uri()) as page:
        show(page, 1.0, x=0.4877, y=0.5371)
        shown, inside = beside(page, picture)
    assert np.abs(shown.astype(int) - inside).mean() < 3


@pytest.mark.parametrize("zoom", [0.37, 0.61, 1.73])
def test_no_tile_border_shows_at_a_zoom_between(
    browser: Browser, exported: tuple[Path, np.ndarray], zoom: float
) -> None:
    """Along the tiles' borders the screen is as near to the scaled picture as elsewhere."""
    html, picture = exported
    with opened(browser, html.as_uri()) as page:
        show(page, zoom)
        row, col = corner(page)
        shot = screen(page).astype(int)
    size = (round(1500 * zoom), round(1100 * zoom))
    scaled = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    top, left = max(0, row), max(0, col)
    part = scaled[top - row :, left - col :][: shot.shape[0] - top, : shot.shape[1] - left]
    error = np.abs(shot[top:, left:][: part.shape[0], : part.shape[1]] - part).max(axis=2)
    assert error.mean() < 4.0
    columns = error.mean(axis=0)
    borders = [
        x
        for tile in range(TILE, 1500, TILE)
        if 2 <= (x := round(tile * zoom) + min(0, col)) < len(columns) - 2
    ]
    assert len(borders) > 2
    near = np.zeros(len(columns), bool)
    for x in borders:
        near[x - 1 : x + 2] = True
    # A hairline of background would be off by about the picture's own brightness.
    assert columns[near].max() < 1.5 * columns[~near].max() + 1.0 < 0.5 * picture.mean()
