"""What a page shows, read back from the screen: where graphics are software, and where none are."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.shaders.conftest import FLAGS, WAIT, Live, check_close, oracle, until, write_page
from tilecppn.scene.scene import Scene

WIDTH, HEIGHT = 480, 360
MIDDLE = np.s_[70:190, 140:340]  # where neither title, notice nor buttons are
STILL = ""


def scene() -> Scene:
    return Scene.of(
        cppn={"preset": "ember", "width": 6, "depth": 2},
        canvas={"width": WIDTH, "height": HEIGHT},
    )


def shown(page: Page) -> NDArray[np.uint8]:
    """The middle of the screen (rows, columns, 3)."""
    image = Image.open(io.BytesIO(page.screenshot(timeout=1000 * WAIT)))
    return np.asarray(image.convert("RGB"))[MIDDLE]


def check_still(found: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> None:
    """The still is half as large, and a WebP."""
    assert np.abs(found.astype(int) - wanted).mean() < 6.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "gpu"),
    [
        ("--disable-gpu", "WebGL2"),
        ("--disable-gpu --enable-unsafe-webgpu", "WebGL2"),
        ("--disable-gpu --enable-unsafe-webgpu --disable-webgl --disable-webgl2", "WebGPU"),
        (FLAGS, "WebGL2"),
        (f"{FLAGS} --disable-features=WebGPUService --disable-webgpu", "WebGL2"),
        ("--disable-gpu --disable-3d-apis", STILL),
        ("--disable-gpu --disable-software-rasterizer", STILL),
    ],
)
def test_each_browser_shows_the_picture(
    flags: str, gpu: str, launch: Callable[[str], Browser], tmp_path: Path
) -> None:
    browser = launch(flags)
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.set_default_timeout(1000 * WAIT)
    page.goto(write_page(tmp_path / "a.html", scene()).as_uri())
    page.evaluate("loaded")
    until(page, "!picture || picture.complete === picture.changed")
    assert page.evaluate("picture ? picture.gpu.name : ''") == gpu
    (check_close if gpu else check_still)(shown(page), oracle(scene())[MIDDLE])
    browser.close()


def test_the_still_is_seen_until_something_is_drawn(live: Live, tmp_path: Path) -> None:
    live.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    live.page.add_init_script(
        "window.frames_of = requestAnimationFrame; requestAnimationFrame = () => 0"
    )
    live.start(write_page(tmp_path / "a.html", scene()))
    check_still(shown(live.page), oracle(scene())[MIDDLE])
    live.page.evaluate(
        "requestAnimationFrame = frames_of; picture.running = null; picture.change()"
    )
    until(live.page, "picture.complete === picture.changed")
    check_close(shown(live.page), oracle(scene())[MIDDLE])


@pytest.mark.parametrize("gpu", ["", "WebGPU"])
def test_what_draws_nothing_is_not_taken(gpu: str, live: Live, tmp_path: Path) -> None:
    live.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    without = "" if gpu else "Object.defineProperty(navigator, 'gpu', { value: undefined });"
    live.page.add_init_script(
        f"{without} WebGL2RenderingContext.prototype.drawArrays = () => {{}};"
    )
    live.start(write_page(tmp_path / "a.html", scene()))
    assert live.page.evaluate("failures") == ["WebGL2: draws nothing"]
    assert live.page.evaluate("picture ? picture.gpu.name : ''") == gpu
    assert live.page.evaluate("$('notice').hidden") == bool(gpu)
    if not gpu:
        check_still(shown(live.page), oracle(scene())[MIDDLE])
    assert live.foreign == []
