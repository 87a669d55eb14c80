"""A page that reads its tiles out of a store, over HTTP ranges."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.serve.static import static_server
from tests.serve.test_browser import beside, corner, opened, screen, show
from tests.stores import level_pixels
from tilecppn import export
from tilecppn.errors import ExportError
from tilecppn.pixels.quantise import to_uint8
from tilecppn.plan import Shard
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.serve.server import find
from tilecppn.serve.store_picture import StorePicture

SCENES: dict[str, dict[str, Any]] = {
    "colour": {},
    "grey, 16 bits": {"cppn": {"channels": 1}, "output": {"dtype": "uint16"}},
    "float32": {"output": {"dtype": "float32"}},
}


@pytest.mark.parametrize("name", SCENES)
def test_pixel_for_pixel_the_page_shows_the_store(
    name: str, browser: Browser, tmp_path: Path
) -> None:
    values = SCENES[name]
    output = {"tile": 128, "shard": 512, **values.get("output", {})}
    scene = Scene.of(**{**values, "canvas": {"width": 1300, "height": 900}, "output": output})
    store = render(scene, tmp_path / "stores" / "a #1.zarr", executor="local", workers=1)
    (tmp_path / "site").mkdir()
    export(store.path, tmp_path / "site" / "a.html", layout="store")
    with static_server(tmp_path) as url, opened(browser, f"{url}site/a.html") as page:
        show(page, 1.0, x=0.6123, y=0.7371)
        shown, inside = beside(page, to_uint8(level_pixels(store, 0)))
        assert np.abs(shown.astype(int) - inside).max() <= (1 if name == "float32" else 0)
        show(page, 0.25)  # from smaller levels, which are the store's, too
        top, left = corner(page)
        small = screen(page).astype(int)[top : top + 225, left : left + 325]
        assert np.abs(small - to_uint8(level_pixels(store, 2))).mean() < 3


def test_missing_shards_and_a_page_on_a_disk_are_told(browser: Browser, tmp_path: Path) -> None:
    scene = Scene.of(canvas={"width": 600, "height": 400}, output={"tile": 64, "shard": 256})
    store = render(scene, tmp_path / "a.zarr", executor="local", workers=1)
    export(store.path, tmp_path / "a.html", layout="store")
    for level in store.plan.levels:
        store.delete(Shard(level.index, 0, 0))
    with static_server(tmp_path) as url:
        page = browser.new_page()
        page.goto(f"{url}a.html")
        page.wait_for_selector("#note:not([hidden])")
        assert "missing" in page.inner_text("#note")
        page.close()
    page = browser.new_page()
    page.goto((tmp_path / "a.html").as_uri())
    assert "only from a server: tilecppn view a.html" in page.inner_text("#note")
    page.close()


def test_view_shows_the_store_of_a_page(tmp_path: Path) -> None:
    scene = Scene.of(canvas={"width": 100, "height": 80}, output={"tile": 64})
    (tmp_path / "site").mkdir()
    store = render(scene, tmp_path / "a #1.zarr", executor="local", workers=1)
    (page,) = export(store.path, tmp_path / "site" / "b.html", layout="store")
    found = find(page)
    assert isinstance(found, StorePicture)
    assert (found.store.scene.fingerprint, found.title) == (scene.fingerprint, "b")
    store.path.rename(tmp_path / "elsewhere.zarr")
    with pytest.raises(ExportError, match=r"b\.html: shows the store .*a #1\.zarr, which is not"):
        find(page)


def test_what_is_refused(tmp_path: Path) -> None:
    scene = Scene.of(canvas={"width": 100, "height": 100})
    store = render(scene, tmp_path / "a.zarr", executor="local", workers=1)
    for name in ("a", "a.dzi"):
        with pytest.raises(ExportError, match=r"ends in \.html"):
            export(store.path, tmp_path / name, layout="store")
    export(store.path, tmp_path / "a.html", layout="store")
    with pytest.raises(ExportError, match="overwrite"):
        export(store.path, tmp_path / "a.html", layout="store")
    export(store.path, tmp_path / "a.html", layout="store", overwrite=True, title="New")
    assert "<title>New</title>" in (tmp_path / "a.html").read_text()
