"""The page of a scene and of a store in work, in a real browser."""

import os
import tomllib
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.serve.serving import running, wait_until
from tests.serve.test_browser import beside, copied, opened, screen, settle, show
from tests.stores import level_pixels
from tilecppn.pixels.preview import preview
from tilecppn.plan import Shard, Window
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.serve import serve

SCENE = Scene.of(
    cppn={"seed": 7},
    canvas={"width": 1500, "height": 1100},
    view={"center": [0.5, -0.25], "scale": 4.0, "rotation": 30.0},
    output={"tile": 128, "shard": 512},
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.toml"
    path.write_text(SCENE.to_toml())
    return path


def keep(page: Page, name: str) -> None:
    """Keep a picture of the window where somebody wants to look at it."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder, f"{name}.png"))


def copied_view(page: Page) -> str:
    if not page.is_visible("#panel"):
        page.click("#info")
    return copied(page, "#copy-view")


def test_pixel_for_pixel_the_page_shows_the_scene(browser: Browser, file: Path) -> None:
    with running(serve(file)) as server, opened(browser, server.url) as page:
        keep(page, "scene")
        show(page, 1.0, x=0.4877, y=0.5371)
        assert np.array_equal(*beside(page, preview(SCENE, 1500)))


def test_the_view_can_be_drawn_as_a_scene(browser: Browser, file: Path) -> None:
    """The scene that is copied has, in its middle, what was in the middle of the window."""
    with running(serve(file)) as server, opened(browser, server.url) as page:
        whole = tomllib.loads(copied_view(page))["view"]
        assert whole["center"] == pytest.approx([0.5, -0.25])
        assert (whole["scale"], whole["rotation"]) == pytest.approx((4.0, 30.0))
        page.click("#info")
        show(page, 2.0, x=0.6, y=0.3)
        wait_until(lambda: "scale=" in page.evaluate("location.hash"))
        page.click("#turn")
        settle(page)
        shot = screen(page)
        toml = copied_view(page)
    height, width = shot.shape[:2]
    view = tomllib.loads(toml)["view"]
    assert view["rotation"] == pytest.approx(-60.0)
    framed = SCENE.replace(view=view, canvas={"width": width, "height": height})
    # The page shows each pixel twice as large.
    off = np.abs(shot.astype(int) - preview(framed, width))[100:-100, 100:-100]
    assert off.mean() < 3.0  # a screen pixel beside


def test_a_folded_picture_has_no_views(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(SCENE.replace(view={"mirror": "x"}).to_toml())
    with running(serve(path)) as server, opened(browser, server.url) as page:
        page.click("#info")
        assert page.is_visible("#copy-link")
        assert not page.is_visible("#copy-view")


def test_a_store_in_work_is_refreshed(browser: Browser, tmp_path: Path) -> None:
    store = render(SCENE, tmp_path / "a.zarr", executor="local", workers=1)
    gone = Shard(0, 0, 1)
    for shard in (gone, *store.plan.ancestors(gone)):
        store.delete(shard)
    picture = np.moveaxis(store.read(0, Window(0, 0, 1100, 1500), partial=True), 0, -1)
    assert not picture[:500, 600:900].any()
    with running(serve(store.path)) as server, opened(browser, server.url) as page:
        page.wait_for_selector("#progress:not([hidden])")
        assert "11 of 16 shards" in page.inner_text("#progress")
        keep(page, "store in work")
        dark = screen(page).mean()
        render(SCENE, store.path, executor="local", workers=1)
        page.wait_for_selector("#progress", state="hidden")
        wait_until(lambda: page.evaluate("viewer.world.getItemCount() === 1"))
        settle(page)
        assert screen(page).mean() > 1.02 * dark
        show(page, 1.0, x=0.4877, y=0.5371)
        assert np.array_equal(*beside(page, level_pixels(store, 0)))
