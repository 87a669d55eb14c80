"""The page in other pages, on small screens, in light and dark, and what can be taken from it."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Frame, Page

from tests.serve.serving import running, wait_until
from tests.serve.small_exports import gradient, write_export
from tests.serve.static import static_server
from tests.serve.test_browser import copied, corner, opened, pixels, screen, settle
from tests.serve.test_live_page import keep
from tilecppn import export
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.serve import serve


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_export(folder, "a", gradient(600, 800))
    (folder / "frame.html").write_text(
        '<body style="margin: 0"><iframe src="a.html" width="320" height="240" '
        'style="border: 0; display: block"></iframe><p style="height: 3000px"></p></body>'
    )
    return folder


def framed(page: Page, url: str) -> Frame:
    page.goto(f"{url}frame.html")
    frame = page.frames[1]
    frame.wait_for_function("viewer.isOpen() && viewer.world.getItemAt(0).getFullyLoaded()")
    return frame


def test_a_frame_takes_the_wheel_only_after_a_click(browser: Browser, folder: Path) -> None:
    with static_server(folder) as url:
        page = browser.new_page(viewport={"width": 500, "height": 500})
        frame = framed(page, url)
        zoom = "viewer.viewport.getZoom()"
        start = frame.evaluate(zoom)
        page.mouse.move(160, 100)
        page.mouse.wheel(0, 120)
        page.wait_for_function("scrollY > 0")
        assert frame.evaluate(zoom) == pytest.approx(start)
        page.evaluate("scrollTo(0, 0)")
        page.mouse.click(160, 100)
        page.mouse.wheel(0, -120)
        wait_until(lambda: frame.evaluate(zoom) > 1.1 * start)
        assert page.evaluate("scrollY") == 0
        page.close()


@pytest.mark.parametrize(("width", "height"), [(320, 240), (640, 480)])
def test_in_a_small_frame_the_controls_leave_the_picture_free(
    browser: Browser, folder: Path, width: int, height: int
) -> None:
    with static_server(folder) as url:
        page = browser.new_page(viewport={"width": 700, "height": 500})
        page.route(
            "**/frame.html",
            lambda route: route.fulfill(
                body=f'<iframe src="a.html" width="{width}" height="{height}"></iframe>',
                content_type="text/html",
            ),
        )
        frame = framed(page, url)
        keep(page, f"embedded-{height}")
        boxes = frame.evaluate(
            """() => {
                const item = viewer.world.getItemAt(0), size = item.getContentSize();
                const at = (x, y) => item.imageToViewerElementCoordinates(
                    new OpenSeadragon.Point(x, y));
                return {
                    top: at(0, 0).y, bottom: at(size.x, size.y).y,
                    head: document.getElementById("info").getBoundingClientRect().bottom,
                    bar: document.getElementById("bar").getBoundingClientRect().top,
                };
            }"""
        )
        assert boxes["head"] <= boxes["top"]
        assert boxes["bottom"] <= boxes["bar"]
        assert boxes["bottom"] - boxes["top"] > 0.62 * height
        assert not frame.is_visible("#map")
        frame.evaluate("viewer.viewport.zoomBy(3, null, true)")
        wait_until(lambda: frame.is_visible("#map") == (width > 400))
        page.close()


def test_light_and_dark(browser: Browser, folder: Path) -> None:
    page = browser.new_page()
    for scheme, bright in (("light", True), ("dark", False)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto((folder / "a.html").as_uri())
        settle(page)
        keep(page, scheme)
        assert bool(pixels(page.screenshot())[400, 3].mean() > 128) is bright
    page.close()


def test_what_is_on_the_screen_can_be_saved(browser: Browser, folder: Path) -> None:
    with running(serve(folder / "a.dzi")) as server, opened(browser, server.url) as page:
        top, left = corner(page)
        shot = screen(page)
        page.click("#info")
        with page.expect_download() as download:
            page.click("#save")
        assert download.value.suggested_filename == "a.png"
        saved = pixels(Path(download.value.path()).read_bytes())
        inside = np.s_[top + 1 : -top - 1, left + 1 : -left - 1]
        np.testing.assert_array_equal(saved[inside], shot[inside])
        # As where memory is short.
        page.evaluate("() => { HTMLCanvasElement.prototype.toBlob = (done) => done(null); }")
        page.click("#save")
        assert page.inner_text("#note") == "The browser could not save the image."


def test_the_embed_code_is_for_pages_that_can_be_framed(browser: Browser, folder: Path) -> None:
    with static_server(folder) as url, opened(browser, f"{url}a.html") as page:
        page.click("#info")
        assert copied(page, "#copy-embed").startswith(f'<iframe src="{url}a.html" title="a"')
    with opened(browser, (folder / "a.html").as_uri()) as page:
        page.click("#info")
        assert not page.is_visible("#copy-embed")


def test_title_scene_and_card_of_an_export(browser: Browser, tmp_path: Path) -> None:
    scene = Scene.of(canvas={"width": 300, "height": 200}, output={"tile": 64, "shard": 128})
    store = render(scene, tmp_path / "a.zarr", executor="local", workers=1)
    export(store.path, tmp_path / "a.dzi", title="Storms", show_scene=False, url="https://x.org/a/")
    text = (tmp_path / "a.html").read_text()
    assert 'property="og:image" content="https://x.org/a/a_files/card.jpg"' in text
    assert pixels((tmp_path / "a_files" / "card.jpg").read_bytes()).shape == (25, 38, 3)
    assert scene.to_toml().splitlines()[1] not in text
    with opened(browser, (tmp_path / "a.html").as_uri()) as page:
        assert page.title() == "Storms"
        page.click("#info")
        assert not page.is_visible("#copy-scene")
        assert not page.is_visible("#source")
        assert page.is_visible("#copy-view")
