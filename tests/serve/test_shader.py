"""The page of a scene draws with the viewer's GPU while tiles are on their way."""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route

from tests.serve.serving import ask, running, wait_until
from tests.serve.small_exports import Pixels
from tests.serve.test_browser import screen, settle
from tests.serve.test_live_page import copied_view, keep
from tests.shaders.conftest import Measured
from tilecppn.kernels import EvaluationContext
from tilecppn.kernels.reference import ReferenceKernel
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.serve import serve
from tilecppn.serve.server import Server
from tilecppn.serve.views import contrast_scale

WIDTH, HEIGHT = 360, 280
# Software is taken for a GPU, and for one that is fast enough for every pixel.
AS_GPU = """WebGL2RenderingContext.prototype.getParameter = () => "Some GPU";
let made = null;
Object.defineProperty(window, "pictureOf", {
    set(call) {
        made = (...given) => call(...given).then((picture) =>
            Object.assign(picture, { speed: 1e9, measure() {} }));
    },
    get: () => made,
});"""
SCENE = Scene.of(
    cppn={"preset": "silk", "seed": 4},
    canvas={"width": 4000, "height": 3000},
    view={"rotation": 20.0, "center": [0.3, 0.1]},
)
MOVE = """([turn, zoom, x, y]) => {
    viewer.viewport.setRotation(turn, true);
    viewer.viewport.zoomTo(zoom, null, true);
    viewer.viewport.panTo(new OpenSeadragon.Point(x, y), true);
}"""


@pytest.fixture
def page(gpu_browser: Browser) -> Iterator[Page]:
    context = gpu_browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def wanted(scene: Scene, page: Page, *, own: bool = False) -> Pixels:
    """What the window shows, drawn by the oracle in the contrast of `view`, and with the local
    fineness of a page.

    own: of a view beyond the canvas, which measures how fine the place is in its own centre.
    """
    view = tomllib.loads(copied_view(page))["view"]
    page.keyboard.press("i")  # closes the panel again
    window = scene.replace(
        view={**view, "grid": "centers"},
        canvas={"width": WIDTH, "height": HEIGHT},
        output={"tolerance": 0.0},
    )
    contrast = contrast_scale(scene, view["scale"] / (HEIGHT / 2))
    measured = window.view.center if own else scene.view.center
    context = replace(EvaluationContext.of(window), scale=contrast, measured=measured)
    kernel = ReferenceKernel(context)
    if context.network.local is not None:
        kernel.fineness = Measured(window, context, "WebGL2")
    return np.moveaxis(render_window(kernel, window, Window(0, 0, HEIGHT, WIDTH)), 0, -1)


def off(found: Pixels, picture: Pixels) -> float:
    """The mean difference in the middle, where nothing lies over the picture."""
    middle = np.s_[80:200, 100:260]
    return float(np.abs(found[middle].astype(int) - picture[middle]).mean())


def is_shown(page: Page) -> bool:
    """Whether the shader lies over the tiles."""
    return bool(page.evaluate("document.querySelector('#shader')?.style.visibility === 'visible'"))


def begin(page: Page, server: Server) -> list[Route]:
    """Open the page and make a first move; tiles that are asked for from then on wait."""
    page.add_init_script(AS_GPU)
    page.goto(server.url)
    settle(page)
    page.evaluate("viewer.imageLoader.timeout = 1e7")  # a busy machine may take long over the rest
    routes: list[Route] = []
    page.route("**/*_files/**/*.png*", lambda route: routes.append(route))
    page.keyboard.press("+")
    return routes


def test_the_shader_is_there_until_the_tiles_are(page: Page, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(SCENE.to_toml())
    with running(serve(tmp_path / "a.toml")) as server:
        routes = begin(page, server)
        page.evaluate(MOVE, [100, 9, 0.62, 0.31])
        picture = wanted(SCENE, page)
        wait_until(lambda: is_shown(page) and off(screen(page), picture) < 0.1)
        keep(page, "shader")
        page.evaluate(MOVE, [0, 9, -0.01, -0.02])  # beyond the picture's corner
        wait_until(lambda: is_shown(page) and int(np.ptp(screen(page)[80:190, 100:200])) < 24)
        page.evaluate(MOVE, [100, 9, 0.62, 0.31])
        for route in routes:
            route.continue_()
        page.unroute("**/*_files/**/*.png*")
        wait_until(lambda: not is_shown(page))
        settle(page)
        assert 0.1 < off(screen(page), wanted(SCENE, page)) < 1.5  # a level has pixels of its own


@pytest.mark.slow
def test_beyond_the_canvas_it_has_the_contrast_of_the_tiles(page: Page, tmp_path: Path) -> None:
    scene = Scene.of(
        cppn={"preset": "jupiter", "seed": 3, "width": 9}, canvas={"width": 900, "height": 700}
    )
    (tmp_path / "a.toml").write_text(scene.to_toml())
    with running(serve(tmp_path / "a.toml")) as server:
        begin(page, server)
        page.evaluate(MOVE, [30, 400, 0.412, 0.363])
        # The view takes the place of the canvas after a while, without its tiles.
        pictures = [wanted(scene, page, own=own) for own in (False, True)]

        def close() -> bool:
            shot = screen(page)
            return min(off(shot, picture) for picture in pictures) < 0.1

        wait_until(lambda: is_shown(page) and close())
        keep(page, "shader beyond")


def test_software_is_no_help(page: Page, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(SCENE.to_toml())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with running(serve(tmp_path / "a.toml")) as server:
        page.goto(server.url)
        settle(page)
        page.keyboard.press("+")
        settle(page)
        assert not [url for url in asked if "shader.json" in url]
        assert page.locator("#shader").count() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"about": {"share_scene": False}},
        {"cppn": {"width": 200}},
        {"output": {"profile": "display-p3"}},
    ],
)
def test_what_no_shader_can_draw_has_none(change: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(SCENE.replace(**change).to_toml())
    with running(serve(tmp_path / "a.toml")) as server:
        assert b"shader.json" not in ask(server, "/")[1]
        assert ask(server, "/shader.json")[0].status == 404
