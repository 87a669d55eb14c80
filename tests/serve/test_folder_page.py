"""The page in a folder of tiles, from disk or served: each layout shows the store's pixels."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.serve.serving import ask, running
from tests.serve.test_browser import beside, corner, opened, show
from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.serve.server import serve

HEIGHT, WIDTH = 700, 1025  # whose width viewers halve in two ways


@pytest.mark.parametrize(("layout", "served"), [("iiif", True), ("xyz", False), ("zoomify", False)])
def test_pixel_for_pixel_the_page_shows_the_store(
    layout: str, served: bool, browser: Browser, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "a.zarr", WIDTH, HEIGHT)
    export(store.path, tmp_path / "a #1", layout=layout, format="png")
    with contextlib.ExitStack() as stack:
        page_url = (tmp_path / "a #1" / "index.html").as_uri()
        if served:
            page_url = stack.enter_context(running(serve(tmp_path / "a #1"))).url
        page = stack.enter_context(opened(browser, page_url))  # fails if a tile is missing
        show(page, 1.0, x=0.9, y=0.9)
        shown, inside = beside(page, level_pixels(store, 0))
        assert shown.shape[1] == WIDTH + corner(page)[1]  # the last column is on the screen
        assert np.array_equal(shown, inside)
        show(page, 0.25)  # from smaller levels
        assert page.evaluate("viewer.world.getItemAt(0).getFullyLoaded()")


@pytest.mark.parametrize("cors", [False, True])
def test_a_folder_is_served_and_nothing_beside_it(cors: bool, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    export(noise_store(tmp_path / "a.zarr", 300, 200).path, folder, layout="iiif")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    with running(serve(folder, cors=cors)) as server:
        found, body = ask(server, "/info.json")
        assert (found.status, body) == (200, (folder / "info.json").read_bytes())
        policy = found.headers["Cross-Origin-Resource-Policy"]
        allowed = found.headers["Access-Control-Allow-Origin"]
        assert (policy, allowed) == (("cross-origin", "*") if cors else ("same-origin", None))
        assert b"300" in ask(server, "/picture.dzi")[1]
        tile, drawn = ask(server, "/picture_files/9/0_0.png")
        assert tile.status == 200
        assert drawn.startswith(b"\x89PNG")
        for path in ("/../secret.txt", "/link.txt", "/%2e%2e/secret.txt", "/no", "//info.json"):
            assert ask(server, path)[0].status == 404


def test_a_browser_that_does_not_show_jpeg_xl_is_told(browser: Browser, tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    store = noise_store(tmp_path / "a.zarr", 300, 200)
    for layout in ("iiif", "xyz"):
        export(store.path, tmp_path / layout, layout=layout, format="jxl")
        page = browser.new_page()
        page.goto((tmp_path / layout / "index.html").as_uri())
        page.wait_for_selector("#note:visible")
        assert "This browser does not show JPEG XL" in page.inner_text("#note")
        page.close()
