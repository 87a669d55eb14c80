"""The page in a real browser, opened from disk: what is on the screen, pixel for pixel."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request

from tests.serve.contrast import faint
from tests.serve.serving import running, wait_until
from tests.serve.small_exports import SCENE, Pixels, gradient, noise, write_export
from tilecppn.serve import serve

WIDTH, HEIGHT = 701, 500  # of the window; odd in sum, where turning by 90 degrees is hardest
NAME = "žluť #1 & “50 %” 'a'"
FLAT = (90, 140, 200)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages by the name of their picture, of 1500 x 1100 pixels each."""
    folder = tmp_path_factory.mktemp("exports")
    flat = np.empty((1100, 1500, 3), np.uint8)
    flat[:] = FLAT
    return {
        "flat": write_export(folder, "flat", flat),
        "gradient": write_export(folder, NAME, gradient(1100, 1500)),
        "noise": write_export(folder, "noise", noise(1100, 1500)),
        "overlapping": write_export(folder, "overlapping", noise(1100, 1500), overlap=1),
    }


@contextmanager
def opened(
    browser: Browser, url: str, *, ratio: float = 1.0, moving: bool = False
) -> Iterator[Page]:
    """The page at `url`, drawn; fails if it says anything or asks for anything elsewhere.

    `ratio` is screen pixels a CSS pixel; only with `moving` do changes of the view take time.
    """
    said: list[str] = []
    asked: list[str] = []
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        device_scale_factor=ratio,
        reduced_motion="no-preference" if moving else "reduce",
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.extend(failure(request)))
    page.on("request", lambda request: asked.append(request.url))
    try:
        page.goto(url, wait_until="domcontentloaded")
        settle(page)
        yield page
    finally:
        context.close()
    assert said == []
    origin = url[: url.index("/", len("file://"))]
    assert [url for url in asked if not url.startswith((origin, "data:"))] == []


def failure(request: Request) -> list[str]:
    """What failed; a tile that the page itself no longer wants did not."""
    dropped = "/picture_files/" in request.url and request.failure == "net::ERR_ABORTED"
    return [] if dropped else [f"failed: {request.url}: {request.failure}"]


def settle(page: Page) -> None:
    """Wait until nothing moves or loads any more, and the last frame is on the screen.

    Fails when no tile has come for a minute.
    """
    page.evaluate(
        """async () => {
            let end;
            const alive = () => { end = performance.now() + 60000; };
            alive();
            viewer.addHandler("tile-loaded", alive);
            const still = () => [viewer, viewer.navigator].every((one) =>
                one.isOpen() && one.world.getItemAt(0).getFullyLoaded()
                && !one.world.needsDraw() && !one.isAnimating());
            for (let quiet = 0; quiet < 6;) {
                await new Promise(requestAnimationFrame);
                quiet = still() ? quiet + 1 : 0;
                if (performance.now() > end) throw new Error("the page does not come to rest");
            }
            viewer.removeHandler("tile-loaded", alive);
        }"""
    )


def show(page: Page, zoom: float, *, x: float = 0.5, y: float = 0.5) -> None:
    """Look at a place: `zoom` is screen pixels a picture pixel, x and y parts of the picture."""
    page.evaluate(
        """([zoom, x, y]) => {
            const item = viewer.world.getItemAt(0);
            const size = item.getContentSize();
            const ratio = OpenSeadragon.pixelDensityRatio;
            viewer.viewport.zoomTo(item.imageToViewportZoom(zoom / ratio), null, true);
            viewer.viewport.panTo(item.imageToViewportCoordinates(x * size.x, y * size.y), true);
        }""",
        [zoom, x, y],
    )
    settle(page)


def screen(page: Page) -> Pixels:
    """What the window shows of the picture, without the controls over it."""
    style = page.add_style_tag(content="#head, #bar, #map, #note { visibility: hidden; }")
    shot = page.screenshot()
    style.evaluate("element => element.remove()")
    return pixels(shot)


def pixels(shot: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))


def corner(page: Page) -> tuple[int, int]:
    """The screen pixel (row, column) on which the picture's first pixel begins."""
    at = page.evaluate(
        """() => {
            const at = viewer.world.getItemAt(0).imageToViewerElementCoordinates(
                new OpenSeadragon.Point(0, 0));
            return [at.y, at.x].map((v) => Math.round(v * OpenSeadragon.pixelDensityRatio));
        }"""
    )
    return at[0], at[1]


def beside(page: Page, picture: Pixels) -> tuple[Pixels, Pixels]:
    """What the window shows of the picture, at one screen pixel a pixel, and that part of it."""
    row, col = corner(page)
    shown = screen(page)[max(row, 0) :, max(col, 0) :]
    inside = picture[max(-row, 0) :, max(-col, 0) :]
    height, width = map(min, zip(shown.shape[:2], inside.shape[:2], strict=True))
    assert height * width > 50_000
    return shown[:height, :width], inside[:height, :width]


def copied(page: Page, button: str) -> str:
    """What a button copies."""
    page.evaluate(
        "window.copied = ''; navigator.clipboard.writeText = (text) => { window.copied = text;"
        " return Promise.resolve(); }"
    )
    page.click(button)
    wait_until(lambda: page.evaluate("Boolean(window.copied)"))
    return str(page.evaluate("window.copied"))


def state(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        """() => {
            const centre = viewer.viewport.getCenter();
            return { zoom: viewer.viewport.getZoom(), x: centre.x, y: centre.y,
                     turn: viewer.viewport.getRotation(), flip: viewer.viewport.getFlip(),
                     full: Boolean(document.fullscreenElement), hash: location.hash };
        }"""
    )
    return found


@pytest.mark.parametrize(
    ("picture", "ratio"), [("noise", 1.0), ("noise", 2.0), ("overlapping", 1.0)]
)
def test_one_to_one_is_exact(
    browser: Browser, exports: dict[str, Path], picture: str, ratio: float
) -> None:
    with opened(browser, exports[picture].as_uri(), ratio=ratio) as page:
        show(page, 1, x=0.6123, y=0.7371)
        shown, inside = beside(page, noise(1100, 1500))
    assert shown.size > 3 * 400 * 600
    np.testing.assert_array_equal(shown, inside)


def test_large_pixels_are_squares(browser: Browser, exports: dict[str, Path]) -> None:
    with opened(browser, exports["noise"].as_uri()) as page:
        show(page, 8, x=256 / 1500, y=512 / 1100)  # where four tiles meet
        top, left = corner(page)
        shown = screen(page)
    rows = (np.arange(HEIGHT) - top) // 8
    columns = (np.arange(WIDTH) - left) // 8
    np.testing.assert_array_equal(shown, noise(1100, 1500)[np.ix_(rows, columns)])


@pytest.mark.parametrize("ratio", [1.0, pytest.param(1.5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("drawn_by", ["browser", "gpu_browser"])
def test_no_hairlines(
    drawn_by: str, exports: dict[str, Path], ratio: float, request: pytest.FixtureRequest
) -> None:
    with opened(request.getfixturevalue(drawn_by), exports["flat"].as_uri(), ratio=ratio) as page:
        for turn, flip in ((0, False), (90, False), (180, True), (270, True)):
            page.evaluate(
                """([turn, flip]) => {
                    viewer.viewport.setRotation(turn, true);
                    viewer.viewport.setFlip(flip);
                }""",
                [turn, flip],
            )
            for zoom in (0.71 * ratio, 1.37, 3.3331):
                show(page, zoom, x=0.4871, y=0.5129)
                shown = screen(page)
                # Where the picture's own edges are in sight, up to them.
                flat = (shown == FLAT).all(axis=2)
                rows, columns = (np.flatnonzero(flat.any(axis)) for axis in (1, 0))
                inner = flat[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
                assert inner.size > 0.6 * flat.size
                assert inner.all(), f"zoom {zoom}, turn {turn}: {np.argwhere(~inner)[:5]}"


def test_smooth_stays_smooth(browser: Browser, exports: dict[str, Path]) -> None:
    with opened(browser, exports["gradient"].as_uri()) as page:
        for zoom in (0.83, 0.9007, 1.37, 2.61):
            show(page, zoom)
            shown = screen(page)
            top, left = corner(page)
            rows = np.clip((np.arange(HEIGHT) + 0.5 - top) / zoom, 0, 1099).astype(int)
            columns = np.clip((np.arange(WIDTH) + 0.5 - left) / zoom, 0, 1499).astype(int)
            expected = gradient(1100, 1500)[np.ix_(rows, columns)]
            off = np.abs(shown.astype(int) - expected)
            assert off.max() <= 2, f"zoom {zoom}"


def test_whole_picture_and_navigator(browser: Browser, exports: dict[str, Path]) -> None:
    picture = Image.fromarray(gradient(1100, 1500))
    with opened(browser, exports["gradient"].as_uri()) as page:
        assert page.title() == NAME
        top, left = corner(page)
        shown = screen(page)[top : HEIGHT - top, left : WIDTH - left]
        assert shown.shape[0] > HEIGHT - 150
        expected = np.asarray(picture.resize((shown.shape[1], shown.shape[0])))
        assert np.abs(shown.astype(int) - expected).max() <= 3

        found = page.locator("#map canvas").first
        # Without the frame of the part in sight, which lies over the picture.
        page.add_style_tag(content="#map .displayregion, #head, #bar { visibility: hidden; }")
        small = pixels(found.screenshot())
        expected = np.asarray(picture.resize((small.shape[1], small.shape[0])))
        off = np.abs(small.astype(int) - expected)[7:-7, 7:-7]  # within its round corners
        assert off.max() <= 6


def test_navigator_frames_the_view(browser: Browser, exports: dict[str, Path]) -> None:
    with opened(browser, exports["gradient"].as_uri() + "#zoom=4&x=0.25&y=0.75") as page:
        frame = page.locator("#map .displayregion").bounding_box()
        around = page.locator("#map").bounding_box()
        assert frame is not None
        assert around is not None
        centre = (frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
        assert centre[0] == pytest.approx(around["x"] + 0.25 * around["width"], abs=2)
        assert centre[1] == pytest.approx(around["y"] + 0.75 * around["height"], abs=2)
        assert frame["width"] < 0.5 * around["width"]
        page.mouse.click(around["x"] + 0.7 * around["width"], around["y"] + 0.3 * around["height"])
        settle(page)
        assert state(page)["x"] == pytest.approx(0.7, abs=0.02)


def test_buttons(browser: Browser, exports: dict[str, Path]) -> None:
    with opened(browser, exports["gradient"].as_uri(), moving=True) as page:
        start = state(page)
        page.click("#in")
        settle(page)
        assert state(page)["zoom"] == pytest.approx(2 * start["zoom"])
        page.click("#scale")
        settle(page)
        assert page.inner_text("#scale") == "100 %"
        page.click("#turn")
        page.click("#flip")
        settle(page)
        assert (state(page)["turn"] % 360, state(page)["flip"]) == (90, True)
        page.click("#turn")  # the other way in a mirror, so clockwise to the eye
        page.click("#flip")
        page.click("#home")
        settle(page)
        end = state(page)
        assert (end["turn"] % 360, end["flip"]) == (0, False)
        assert [end[key] for key in "xy"] == pytest.approx([start[key] for key in "xy"], abs=1e-4)
        page.click("#full")
        page.wait_for_function("document.fullscreenElement")
        settle(page)
        page.wait_for_selector("body.idle")  # the controls leave
        page.mouse.move(300, 300)
        page.wait_for_selector("body:not(.idle)")
        page.click("#full")
        page.wait_for_function("!document.fullscreenElement")
        settle(page)
        assert state(page)["zoom"] == pytest.approx(start["zoom"])


def test_a_zoom_loads_the_level_that_it_leads_to_from_its_first_moment(
    browser: Browser, exports: dict[str, Path]
) -> None:
    with opened(browser, exports["gradient"].as_uri(), moving=True) as page:
        finest = page.evaluate("viewer.world.getItemAt(0).source.maxLevel")
        show(page, 0.4)  # no level's pixels are drawn at less than half of the screen's
        levels = page.evaluate(
            """([...zooms]) => zooms.map((zoom) => {
                const levels = [], item = viewer.world.getItemAt(0);
                const look = ({ level }) => levels.push(level);
                viewer.addHandler("update-level", look);
                viewer.viewport.zoomTo(item.imageToViewportZoom(zoom));
                viewer.world.update(true);  // before anything has moved
                viewer.removeHandler("update-level", look);
                return Math.max(...levels);
            })""",
            [0.4, 0.48, 0.52, 0.3],
        )
    assert levels == [finest - 1, finest - 1, finest, finest - 1]


def test_keys(browser: Browser, exports: dict[str, Path]) -> None:
    with opened(browser, exports["gradient"].as_uri()) as page:
        start = state(page)

        def press(key: str) -> dict[str, Any]:
            page.keyboard.press(key)
            settle(page)
            return state(page)

        zoomed = press("+")
        assert zoomed["zoom"] > start["zoom"]
        assert press("1")["zoom"] > zoomed["zoom"]
        assert press("ArrowRight")["x"] > start["x"]
        assert press("ArrowDown")["y"] > start["y"]
        assert press("0")["zoom"] == pytest.approx(start["zoom"])
        assert press("m")["flip"]
        assert not press("m")["flip"]
        assert press("r")["turn"] % 360 == 90
        assert press("Shift+R")["turn"] % 360 == 0
        assert press("f")["full"]
        assert not press("f")["full"]
        press("?")
        assert page.is_visible("#keys")
        assert press("m")["flip"] is False  # not while they are read
        press("Escape")
        assert not page.is_visible("#keys")
        press("i")
        assert page.is_visible("#panel")
        press("Escape")
        assert not page.is_visible("#panel")
        assert press("=")["zoom"] > start["zoom"]  # the picture has the focus again


def test_address_keeps_the_view(browser: Browser, exports: dict[str, Path]) -> None:
    uri = exports["gradient"].as_uri()
    with opened(browser, uri) as page:
        assert state(page)["hash"] == ""
        show(page, 1.5, x=0.3, y=0.6)
        page.click("#flip")
        page.wait_for_function("location.hash.includes('flip')")
        kept = state(page)
        assert "x=0.3" in kept["hash"]
        assert "y=0.6" in kept["hash"]
        page.reload()
        settle(page)
        again = state(page)
        for key in ("zoom", "x", "y", "flip", "turn", "hash"):
            assert again[key] == pytest.approx(kept[key]), key
        page.evaluate("location.hash = '#zoom=nonsense&x=&y=1e999&rotate=-'")
        page.wait_for_timeout(100)
        settle(page)
        assert state(page)["x"] == pytest.approx(0.5)
        page.keyboard.press("0")
        page.wait_for_function("location.hash === ''")


def test_panel_and_copied_scene(browser: Browser, exports: dict[str, Path]) -> None:
    with opened(browser, exports["gradient"].as_uri()) as page:
        page.click("#info")
        panel = page.inner_text("#panel")
        for word in ("1,500 × 1,100 px", "1.65 megapixels", "hardmaru", "Seed"):
            assert word in panel
        page.click("summary")
        assert page.text_content("#scene") == SCENE
        assert copied(page, "#copy-scene") == SCENE
        assert page.inner_text("#note") == "Scene copied"


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_what_is_written_stands_out(
    browser: Browser, exports: dict[str, Path], scheme: Literal["dark", "light"]
) -> None:
    with opened(browser, exports["gradient"].as_uri()) as page:
        page.emulate_media(color_scheme=scheme)
        page.click("#info")
        page.click("summary")
        assert faint(page) == []
        page.keyboard.press("?")
        assert page.is_visible("#keys")
        assert faint(page) == []


def test_controls_stay_in_the_window(browser: Browser, exports: dict[str, Path]) -> None:
    with opened(browser, exports["gradient"].as_uri()) as page:
        page.click("#info")
        for width, height in ((320, 480), (640, 360), (1920, 1080)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function(f"viewer.container.clientWidth === {width}")
            settle(page)
            for control in ("#info", "#panel", "#bar", "#map", "#full"):
                box = page.locator(control).bounding_box()
                assert box is not None, control
                assert box["x"] >= 0, control
                assert box["y"] >= 0, control
                assert box["x"] + box["width"] <= width, control
                assert box["y"] + box["height"] <= height, control
            assert page.evaluate("scrollX + scrollY") == 0
            # The whole picture is still in sight.
            assert corner(page)[0] >= 0
            assert corner(page)[1] >= 0


def test_missing_tiles_folder_is_told(
    browser: Browser, exports: dict[str, Path], tmp_path: Path
) -> None:
    alone = tmp_path / "alone.html"
    alone.write_bytes(exports["flat"].read_bytes())
    page = browser.new_page()
    page.goto(alone.as_uri())
    assert "keep “flat_files” beside this page" in page.inner_text("#note")
    page.close()


def test_served(browser: Browser, exports: dict[str, Path]) -> None:
    with running(serve(exports["noise"])) as server, opened(browser, server.url) as page:
        show(page, 8, x=0.5, y=0.5)
        assert page.inner_text("#scale") == "800 %"
