"""The page in a real browser: a whole session, its keys and names, a phone, the frame."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route

from tests.serve.serving import wait_until
from tests.serve.studio.asking import opened
from tests.serve.studio.conftest import SCENE
from tests.serve.studio.looking import (
    THERE,
    becomes,
    complete,
    holding,
    keep,
    looking,
    scene_of,
    steps,
    values,
)
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene


@pytest.mark.slow
def test_a_whole_session(browser: Browser, place: Path) -> None:
    with opened(place, place / "my.toml") as client, looking(browser, client.server.url) as page:
        assert page.title() == "my – tilecppn studio"
        # Find: take the third seed.
        page.wait_for_selector(THERE.format(3))
        begun = complete(page)
        page.click("#thumbs .thumb:nth-child(3)")
        found = becomes(page, begun)
        assert values(page)["cppn"]["seed"] == 2
        keep(page, "seeds")
        # Breed: two mutations, and take their first child.
        page.click("#kinds [data-kind=mutations]")
        page.wait_for_selector(THERE.format(5))
        for number in (2, 5):
            page.click(f"#thumbs .thumb:nth-child({number})", modifiers=["Shift"])
        assert "2 parents" in page.inner_text("#breeding")
        page.click("#breed")
        page.wait_for_selector("#thumbs .thumb[title='child 0'] img.there")
        assert page.inner_text("#family") == "Children of 2 pictures"
        page.click("#thumbs .thumb[title='child 0']")
        bred = becomes(page, found)
        assert values(page)["cppn"]["mutations"]
        # Frame: nearer, and turned.
        page.focus("#view")
        for key in ("+", "+", "ArrowRight", "]"):
            page.keyboard.press(key)
        page.keyboard.press("f")
        framed = becomes(page, bred)
        view = values(page)["view"]
        assert view["scale"] < SCENE.view.scale
        assert view["rotation"] == pytest.approx(-15.0)
        # Colour: any palette, then its first stop.
        page.click("[title='Any palette']")
        coloured = becomes(page, framed)
        stop = page.locator(".stop input").first
        stop.evaluate(
            "field => { field.value = '#ff0000'; field.dispatchEvent(new Event('change')); }"
        )
        red = becomes(page, coloured)
        assert values(page)["output"]["palette"][0] == "#ff0000"
        keep(page, "palette")
        # Undo and redo.
        page.focus("#view")
        page.keyboard.press("z")
        assert becomes(page, red) == coloured
        page.keyboard.press("Shift+Z")
        assert becomes(page, coloured) == red
        # Save.
        page.keyboard.press("s")
        page.fill("#save-name", "found")
        page.click("#save-now")
        page.wait_for_selector("#saving", state="hidden")
        saved = Scene.load(place / "found.toml")
        assert saved.output.palette is not None
        assert saved.output.palette[0] == "#ff0000"
        # What was saved is what is on the screen, pixel for pixel.
        page.keyboard.press("1")
        complete(page)
        assert on_screen(page, saved) > 100_000
        count = steps(page)
        # Reload: all of it is there again.
        page.reload()
        assert complete(page) == red
        assert steps(page) == count == 6
        page.keyboard.press("z")
        assert becomes(page, red) == coloured
        # Render it as print, and open the result.
        page.keyboard.press("r")
        for name, value in (("Name", "printed"), ("Size", "6x4cm"), ("Pixels an inch", "100")):
            page.fill(f"#order label:has-text('{name}') input", value)
        page.wait_for_selector("#plan:has-text('236 × 157')")
        page.click("#start")
        page.wait_for_selector(".render.done")
        page.click("#rendering-close")
        page.keyboard.press("o")
        page.fill("#search", "printed.tif")
        page.keyboard.press("Enter")
        becomes(page, coloured)
        assert scene_of(page).canvas.print == "6x4cm"
        assert scene_of(page).output == Scene.load(place / "printed.tif").output
        assert values(page)["output"]["palette"] != saved.output.palette


def on_screen(page: Page, scene: Scene) -> int:
    """Compare the window, at actual pixels, with the scene; return how many pixels of it show."""
    at = page.evaluate("window.studio.camera.toScreen([0, 0])")
    page.add_style_tag(content="#bar, #note { visibility: hidden; }")
    shot = page.locator("#view").screenshot()
    window = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))
    left, top = (round(value) for value in at)
    assert [left, top] == pytest.approx(at, abs=1e-6)
    kernel = create("auto", EvaluationContext.of(scene))
    size = scene.canvas.width, scene.canvas.height
    picture = np.moveaxis(render_window(kernel, scene, Window(0, 0, size[1], size[0])), 0, -1)
    inside = picture[max(0, -top) :, max(0, -left) :]
    part = window[max(0, top) :, max(0, left) :][: inside.shape[0], : inside.shape[1]]
    inside = inside[: part.shape[0], : part.shape[1]]
    edge = slice(2, -2)  # the frame lies there
    np.testing.assert_array_equal(part[edge, edge], inside[edge, edge])
    return part.size // 3


def test_everything_has_a_key_and_a_name(browser: Browser, place: Path) -> None:
    with opened(place, place / "my.toml") as client, looking(browser, client.server.url) as page:
        before = complete(page)
        page.wait_for_selector(THERE.format(4))
        page.keyboard.press("v")
        for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        taken = becomes(page, before)
        assert values(page)["cppn"]["seed"] == 1
        page.keyboard.press("Tab")  # not to the next of an endless number
        assert page.evaluate("document.activeElement.closest('#thumbs')") is None
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Enter")
        assert page.is_visible("#breeding")
        page.keyboard.press("c")
        assert page.evaluate("document.activeElement.closest('#controls') !== null")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        assert page.is_visible("#keys")
        page.keyboard.press("Escape")
        page.keyboard.press("o")
        page.fill("#search", "my")
        page.keyboard.press("Enter")
        assert becomes(page, taken) == before
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('button, input, select, canvas')]
                .filter((e) => e.offsetParent && e.type !== 'hidden')
                .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.title
                    || e.labels?.length || e.getAttribute('aria-labelledby')))
                .map((e) => e.outerHTML.slice(0, 120))"""
        )
        assert unnamed == []
        outline = page.evaluate(
            """() => {
                document.querySelector('#pin').focus();
                return getComputedStyle(document.activeElement).outlineStyle; }"""
        )
        assert outline == "solid"


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_phone_browses_the_wall(browser: Browser, place: Path, scheme: str) -> None:
    with (
        opened(place, place / "my.toml") as client,
        looking(
            browser,
            client.server.url,
            width=390,
            height=844,
            has_touch=True,
            color_scheme=scheme,
        ) as page,
    ):
        page.wait_for_selector(THERE.format(2))
        before = complete(page)
        assert not page.is_visible("#controls")
        keep(page, f"phone-{scheme}")
        page.tap("#thumbs .thumb:nth-child(2)")
        becomes(page, before)
        page.tap("#tab-controls")
        assert page.is_visible("#controls")
        assert not page.is_visible("#wall")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide == 390


def test_a_phone_on_its_side_shows_the_wall_beside_the_picture(
    browser: Browser, place: Path
) -> None:
    with (
        opened(place, place / "my.toml") as client,
        looking(browser, client.server.url, width=844, height=390, has_touch=True) as page,
    ):
        page.wait_for_selector(THERE.format(2))
        wall, view = (page.locator(f"#{part}").bounding_box() for part in ("wall", "view"))
        assert wall is not None
        assert view is not None
        assert wall["x"] == view["x"] + view["width"]
        assert min(wall["height"], view["height"]) > 280
        touch = page.context.new_cdp_session(page)

        def fingers(kind: str, *points: tuple[int, int]) -> None:
            places = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

        for tilt, turn in ((4, 0.0), (40, 45.0)):
            page.evaluate("document.getElementById('home').click()")
            before = page.evaluate("studio.camera.zoom")
            fingers("touchStart", (180, 180), (220, 180))
            fingers("touchMove", (160, 180 - tilt), (240, 180 + tilt))
            fingers("touchEnd")
            wait_until(lambda before=before: page.evaluate("studio.camera.zoom") > 1.5 * before)  # type: ignore[misc]
            assert page.evaluate("studio.camera.turn") == pytest.approx(turn)


def test_what_arrives_late_is_not_shown(browser: Browser, place: Path) -> None:
    with opened(place, place / "my.toml") as client, looking(browser, client.server.url) as page:
        page.wait_for_selector(THERE.format(3))
        begun, before = complete(page), steps(page)
        late = page.get_attribute("#thumbs .thumb:nth-child(2)", "data-id")
        held: list[Route] = []
        page.route(f"**/scenes/{late}.json", lambda route: held.append(route))
        page.click("#thumbs .thumb:nth-child(2)")
        page.click("#thumbs .thumb:nth-child(3)")
        becomes(page, begun)
        (route,) = held
        with page.expect_response(f"**/scenes/{late}.json") as answer:
            route.continue_()
        answer.value.finished()
        page.evaluate("fetch('session.json').then((response) => response.json())")
        assert values(page)["cppn"]["seed"] == 2
        assert steps(page) == before + 1


def test_what_is_taken_soon_after_another_is_its_child(browser: Browser, place: Path) -> None:
    with opened(place, place / "my.toml") as client, looking(browser, client.server.url) as page:
        page.wait_for_selector(THERE.format(3))
        begun = complete(page)
        with holding(page, "steps"):
            for seed in (1, 2):
                page.click(f"#thumbs .thumb[title='seed {seed}']")
                wait_until(lambda seed=seed: values(page)["cppn"]["seed"] == seed)  # type: ignore[misc]
            assert line(page) == ["opened my.toml"]  # the server has named neither
        becomes(page, begun)
        assert line(page) == ["opened my.toml", "seed 1", "seed 2"]
        for _ in range(2):
            page.keyboard.press("Control+z")
        wait_until(lambda: line(page) == ["opened my.toml"])


def line(page: Page) -> Any:
    """The labels of the current step and of those that it comes from, the oldest first."""
    return page.evaluate(
        """() => {
            const { steps, at } = studio.state, labels = [];
            for (let step = steps.get(at); step; step = steps.get(step.parent)) {
                labels.unshift(step.label);
            }
            return labels; }"""
    )


def test_the_name_of_a_scene_is_saved_with_enter(browser: Browser, place: Path) -> None:
    with opened(place, place / "my.toml") as client, looking(browser, client.server.url) as page:
        page.focus("#view")
        page.keyboard.press("s")
        page.fill("#save-name", "")
        page.click("#save-cancel")
        assert not page.is_visible("#saving")
        page.keyboard.press("s")
        page.fill("#save-name", "other.toml")
        page.keyboard.press("Enter")
        page.wait_for_selector("#saving", state="hidden")
        assert Scene.load(place / "other.toml") == Scene.load(place / "my.toml")


def points(scene: Scene) -> Any:
    """The points of the plane at the first and the last pixel."""
    last = np.array([[scene.canvas.height - 1.0]]), np.array([[scene.canvas.width - 1.0]])
    ends = [scene.grid.points(np.zeros((1, 1)), np.zeros((1, 1))), scene.grid.points(*last)]
    return [[float(value[0, 0]) for value in end] for end in ends]


def test_the_line_between_two_pictures_is_dragged(browser: Browser, place: Path) -> None:
    with opened(place, place / "my.toml") as client, looking(browser, client.server.url) as page:
        page.wait_for_selector(THERE.format(2))
        begun = complete(page)
        page.click("#thumbs .thumb:nth-child(2)")
        becomes(page, begun)
        page.click("#compare")
        page.wait_for_selector("#split:focus")
        center = page.evaluate("studio.camera.center")
        box = page.locator("#view").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        assert page.evaluate("document.getElementById('view').style.cursor") == "ew-resize"
        page.mouse.down()
        page.mouse.move(x - box["width"] / 4, y, steps=4)
        page.mouse.up()
        assert float(page.input_value("#split")) == pytest.approx(0.25, abs=0.003)
        page.keyboard.press("ArrowRight")
        assert float(page.input_value("#split")) == pytest.approx(0.252, abs=0.003)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 50, y)
        page.mouse.up()
        assert float(page.input_value("#split")) == pytest.approx(0.25, abs=0.003)
        assert page.evaluate("studio.camera.center") != center  # beside the line, the picture moves


def test_a_dragged_edge_takes_on_an_aspect_ratio(browser: Browser, place: Path) -> None:
    with opened(place, place / "my.toml") as client, looking(browser, client.server.url) as page:
        before = complete(page)
        box = page.locator("#view").bounding_box()
        assert box is not None
        for left, top, right, size in (
            (600, 200, 535, (533, 400)),  # 4 : 3
            (533, 200, 398, (400, 400)),
            (400, 200, 330, (330, 400)),  # none
        ):
            ends = page.evaluate(
                "(points) => points.map((point) => studio.camera.toScreen(point))",
                [[left, top], [right, top]],
            )
            (x, y), (to, _) = ((box["x"] + x, box["y"] + y) for x, y in ends)
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(to, y, steps=4)
            assert page.inner_text("#note").startswith(f"{size[0]} × {size[1]} px")
            page.mouse.up()
            before = becomes(page, before)
            canvas = scene_of(page).canvas
            assert (canvas.width, canvas.height) == size


def test_an_error_goes_when_something_else_succeeds(browser: Browser, place: Path) -> None:
    refused = "status of 422"
    with (
        opened(place, place / "my.toml") as client,
        looking(browser, client.server.url, but=refused) as page,
    ):
        begun = complete(page)
        for act in (
            "studio.change({ output: { palette: 'seed:3' } })",
            "document.getElementById('undo').click()",
        ):
            page.evaluate("studio.change({ canvas: { width: -1 } })")
            assert page.is_visible("#note.bad")
            page.evaluate(act)
            page.wait_for_selector("#note", state="hidden", timeout=4000)
            begun = becomes(page, begun)


@pytest.mark.slow
def test_an_edge_is_dragged(browser: Browser, place: Path) -> None:
    with opened(place, place / "my.toml") as client, looking(browser, client.server.url) as page:
        before, old = complete(page), scene_of(page)
        box = page.locator("#view").bounding_box()
        assert box is not None
        middle = page.evaluate("window.studio.camera.toScreen([600, 200])")
        x, y = box["x"] + middle[0], box["y"] + middle[1]
        page.mouse.move(x, y)
        assert page.evaluate("document.getElementById('view').style.cursor") == "ew-resize"
        page.mouse.down()
        page.mouse.move(x - 80, y, steps=4)
        page.mouse.up()
        framed = becomes(page, before)
        new = scene_of(page)
        assert new.canvas.height == 400
        assert 400 < new.canvas.width < 600
        np.testing.assert_allclose(points(new)[0], points(old)[0], atol=1e-9)
        np.testing.assert_allclose(new.grid.step, old.grid.step, rtol=1e-12)
        assert page.evaluate("window.studio.camera.toScreen([600, 200])")[0] == pytest.approx(
            middle[0]
        )  # nothing has moved
        # A shape from the controls.
        page.click("summary:has-text('Canvas')")
        page.click("[title='Shape 2 : 1']")
        shaped = becomes(page, framed)
        canvas = scene_of(page).canvas
        assert canvas.width == pytest.approx(2 * canvas.height, abs=2)
        np.testing.assert_allclose(scene_of(page).grid.step, old.grid.step, rtol=1e-12)
        # Compared with what it was before.
        page.keyboard.press("x")
        page.wait_for_selector("#split:focus")
        page.keyboard.press("End")
        assert complete(page) == shaped
        page.keyboard.press("Escape")
        page.keyboard.press("x")
        page.wait_for_selector("#split", state="hidden")
