"""The page: it needs nothing but itself, nothing breaks out of it, and it can be used."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.shaders.conftest import Live, check_close, oracle, until, write_page
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene

ROOT = Path(__file__).parents[2]
SMALL = {"preset": "ember", "width": 6, "depth": 2}
HOSTILE = "</script><img src=https://example.com/x onerror=alert(1)>\"'&{{script}}\u2028" * 300

PLACE = """(() => {
    const [u, v] = Controls.prototype.offset.call({ picture, canvas: picture.canvas }, 100, -50);
    return [picture.view.u + u, picture.view.v + v];
})()"""  # of the pixel (300, 100) of a window of 400 × 300


def small(**sections: object) -> Scene:
    return Scene.of(**({"cppn": SMALL, "canvas": {"width": 48, "height": 32}} | sections))  # type: ignore[arg-type]


def rest(live: Live) -> None:
    until(live.page, "picture.complete === picture.changed")


def test_the_posters_page_is_small(tmp_path: Path) -> None:
    scene = Scene.load(ROOT / "examples" / "poster.toml")
    assert write_page(tmp_path / "poster.html", scene).stat().st_size < 120_000


def test_types_of_scripts_are_left_out() -> None:
    from tilecppn.shaders.page import shader_parts

    assert "/**" not in shader_parts(small())["script"]


def test_hostile_texts_cannot_break_out(live: Live, tmp_path: Path) -> None:
    from tilecppn.shaders.page import live_page

    path = tmp_path / "a.html"
    allowed = HOSTILE.replace("\u2028", "")[:4000]
    scene = small(about={"description": allowed, "artist": allowed[:200]})
    path.write_text(live_page(scene, HOSTILE), encoding="utf-8")
    live.page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    live.start(path)
    assert live.page.title().startswith("</script><img")
    assert live.page.locator("#panel p").first.text_content() == allowed
    assert live.page.locator("img").count() == 1
    assert live.foreign == []


def test_the_page_shows_the_scene_where_it_may(live: Live, tmp_path: Path) -> None:
    live.start(write_page(tmp_path / "a.html", small()))
    assert live.page.locator("#scene").text_content() == small().to_toml()
    assert "<pre" not in write_page(tmp_path / "b.html", small(), show_scene=False).read_text()


def test_without_a_gpu_the_page_is_a_still(live: Live, tmp_path: Path) -> None:
    live.page.add_init_script(
        "Object.defineProperty(navigator, 'gpu', { value: undefined });"
        "HTMLCanvasElement.prototype.getContext = () => null;"
    )
    live.start(write_page(tmp_path / "a.html", small()))
    assert live.page.locator("#notice").text_content() == (
        "Neither WebGPU nor WebGL2 works here: this is a still of the picture."
    )
    size = live.page.evaluate("[still.naturalWidth, still.naturalHeight]")
    assert size[0] / size[1] == pytest.approx(1.5, rel=0.01)
    assert not live.page.locator("#bar").is_visible()
    assert live.foreign == []


def test_webgl2_is_taken_where_webgpu_is_not(live: Live, tmp_path: Path) -> None:
    live.page.add_init_script("Object.defineProperty(navigator, 'gpu', { value: undefined })")
    live.start(write_page(tmp_path / "a.html", small()))
    assert live.page.evaluate("picture.gpu.name") == "WebGL2"


def test_it_draws_in_a_sandboxed_frame(gpu_browser: Browser, tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", small())
    frame = '<iframe sandbox="allow-scripts" src="a.html" width="200" height="150"></iframe>'
    (tmp_path / "b.html").write_text(frame)
    page = gpu_browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((tmp_path / "b.html").as_uri())
    (inner,) = page.main_frame.child_frames
    until(inner, "picture && picture.complete === picture.changed")
    assert said == []
    page.close()


def test_what_is_on_the_screen_at_rest_has_every_pixel(live: Live, tmp_path: Path) -> None:
    scene = small(canvas={"width": 64, "height": 48})
    live.start(write_page(tmp_path / "a.html", scene))
    rest(live)
    pixels = live.page.evaluate("Array.from(picture.context.getImageData(0, 0, 64, 48).data)")
    check_close(np.array(pixels, np.uint8).reshape(48, 64, 4)[:, :, :3], oracle(scene))


def test_a_saved_png_is_the_picture_at_its_size(live: Live, tmp_path: Path) -> None:
    scene = small(canvas={"width": 1100, "height": 300})
    live.start(write_page(tmp_path / "a.html", scene))
    live.page.keyboard.press("s")
    live.page.fill("#pixels", "1100")
    with live.page.expect_download() as download:
        live.page.click("#start")
    assert download.value.suggested_filename == "test.png"
    data = Path(download.value.path()).read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (1100, 300)
        check_close(np.asarray(image), oracle(scene))


@pytest.mark.slow
def test_a_saved_png_may_have_16384_pixels_a_side(live: Live, tmp_path: Path) -> None:
    side = 16384
    scene = small(cppn={"width": 2, "depth": 1}, canvas={"width": side, "height": side})
    live.start(write_page(tmp_path / "a.html", scene))
    live.page.keyboard.press("s")
    live.page.fill("#pixels", str(side))
    with live.page.expect_download(timeout=3_600_000) as download:
        live.page.click("#start")
    with Path(download.value.path()).open("rb") as file:
        assert file.read(24)[16:] == side.to_bytes(4, "big") * 2
        file.seek(33)
        unpacked, length, length_of_row, rows = zlib.decompressobj(), 0, 3 * side + 1, {}
        left = b""
        while (head := file.read(8))[4:] == b"IDAT":
            left += unpacked.decompress(file.read(int.from_bytes(head[:4], "big")))
            file.read(4)
            while len(left) >= length_of_row:
                if length in (0, 5000, side - 1):
                    row = np.frombuffer(left, np.uint8, length_of_row - 1, 1).reshape(side, 3)
                    rows[length] = np.cumsum(row, axis=0, dtype=np.uint8)  # filter 1
                left, length = left[length_of_row:], length + 1
    assert (length, left) == (side, b"")
    exact = scene.replace(output={"tolerance": 0.0, "dtype": "uint8"})
    kernel = create("reference", EvaluationContext.of(exact))
    for number, row in rows.items():
        wanted = render_window(kernel, exact, Window(number, 0, number + 1, side))[:, 0].T
        check_close(row[None], wanted[None])


def test_keys_wheel_and_mouse_move_the_view(live: Live, tmp_path: Path) -> None:
    live.start(write_page(tmp_path / "a.html", small()))
    live.page.set_viewport_size({"width": 400, "height": 300})

    def view() -> Any:
        return live.page.evaluate("({ ...picture.view })")

    at_home = view()
    live.page.keyboard.press("+")
    assert view()["zoom"] == pytest.approx(1.5)
    live.page.keyboard.press("ArrowRight")
    assert view()["u"] > at_home["u"]
    live.page.keyboard.press("r")
    assert view()["turn"] == pytest.approx(np.pi / 12)
    live.page.keyboard.press("0")
    assert view() == at_home
    # What lies under the pointer stays there.
    live.page.mouse.move(300, 100)
    before = live.page.evaluate(PLACE)
    live.page.mouse.wheel(0, -200)
    until(live.page, "picture.view.zoom > 1.2")
    after = live.page.evaluate(PLACE)
    assert after == pytest.approx(before, rel=1e-9)


@pytest.mark.parametrize("latent", [{"seed": 1}, {"z": [0.5, 1.0, -0.25, 0.0, 0.1, 0.2, 0.3, 0.4]}])
def test_the_view_as_a_scene_draws_what_is_on_the_screen(
    latent: dict[str, Any], live: Live, tmp_path: Path
) -> None:
    scene = small(latent=latent, view={"rotation": 30.0, "center": [0.5, -1.0]})
    live.start(write_page(tmp_path / "a.html", scene))
    live.page.evaluate("Object.assign(picture.view, { u: 0.25, v: 1, zoom: 4, turn: -1 })")
    live.page.evaluate("picture.z[0] = 1")
    text = live.page.evaluate("viewScene($('scene').textContent, picture)")
    found = Scene.parse(text)
    assert found.view.rotation == pytest.approx(30.0 - 180.0 / np.pi + 360.0)
    check_close(live.draw(48, 32), oracle(found))


def test_a_folded_picture_has_no_views_that_are_scenes(live: Live, tmp_path: Path) -> None:
    live.start(write_page(tmp_path / "a.html", small(view={"mirror": "x"})))
    live.page.set_viewport_size({"width": 600, "height": 500})
    live.page.keyboard.press("i")
    live.page.click("#copy")
    assert "no scene" in (live.page.locator("#notice").text_content() or "")


def test_two_fingers_zoom_turn_and_move(gpu_browser: Browser, tmp_path: Path) -> None:
    context = gpu_browser.new_context(viewport={"width": 400, "height": 300}, has_touch=True)
    live = Live(context.new_page())
    live.start(write_page(tmp_path / "a.html", small()))
    touch = context.new_cdp_session(live.page)

    def fingers(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    fingers("touchStart", (180, 130), (220, 130))
    fingers("touchMove", (200, 90), (200, 170))  # twice as far apart, a quarter turn
    fingers("touchEnd")
    until(live.page, "picture.view.zoom > 1.5")
    zoom, turn = live.page.evaluate("[picture.view.zoom, picture.view.turn]")
    assert zoom == pytest.approx(2.0, rel=0.05)
    assert turn == pytest.approx(-np.pi / 2, rel=0.05)
    context.close()


def test_a_zoom_ends_with_a_notice(live: Live, tmp_path: Path) -> None:
    live.start(write_page(tmp_path / "a.html", small()))
    for _ in range(32):
        live.page.keyboard.press("+")
    assert live.page.evaluate("picture.view.zoom") == 1e5
    assert "100,000 : 1" in (live.page.locator("#notice").text_content() or "")


def test_a_walk_moves_the_latent_until_it_is_stopped(live: Live, tmp_path: Path) -> None:
    live.start(write_page(tmp_path / "a.html", small()))
    live.page.keyboard.press(" ")
    assert live.page.get_attribute("#walk", "aria-pressed") == "true"
    until(live.page, "picture.z[0] !== picture.config.z[0]")
    live.page.keyboard.press(" ")
    rest(live)
    z = live.page.evaluate("picture.z")
    live.page.keyboard.press("n")
    assert live.page.evaluate("picture.z") != z


def test_a_lost_device_is_asked_for_again(live: Live, tmp_path: Path) -> None:
    live.start(write_page(tmp_path / "a.html", small()), "WebGL2")
    rest(live)
    live.page.evaluate("window.old = picture.gpu; picture.gpu.lose()")
    until(live.page, "picture.gpu !== old && picture.complete === picture.changed")
    check_close(live.draw(48, 32), oracle(small()))
