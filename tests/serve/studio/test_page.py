"""A whole session in a real browser: find, breed, frame, colour, undo, save, reload."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request

from tests.serve.serving import running, wait_until
from tests.serve.studio.asking import Client, opened
from tests.serve.studio.conftest import SCENE
from tilecppn.kernels import EvaluationContext, create
from tilecppn.pixels.window import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.serve.studio import studio

COMPLETE = "#view[data-complete='{}']"
THERE = "#thumbs .thumb:nth-child({}) img.there"


@contextmanager
def looking(
    browser: Browser,
    url: str,
    *,
    width: int = 1280,
    height: int = 800,
    but: str = "\n",
    **options: Any,
) -> Iterator[Page]:
    """The page at `url`, drawn; fails if it says anything or asks for anything elsewhere.

    but: what may be said.
    """
    said: list[str] = []
    context = browser.new_context(
        viewport={"width": width, "height": height}, reduced_motion="reduce", **options
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.extend(failure(request)))
    page.on(
        "request", lambda request: said.extend([] if request.url.startswith(url) else [request.url])
    )
    try:
        page.goto(url)
        complete(page)
        yield page
    finally:
        context.close()
    assert [words for words in said if but not in words] == []


def failure(request: Request) -> list[str]:
    """What failed; a picture that the page itself no longer wants did not."""
    dropped = any(part in request.url for part in ("/tiles/", "/glimpses/", "/thumbs/"))
    return [] if dropped and request.failure == "net::ERR_ABORTED" else [f"failed: {request.url}"]


def shown(page: Page) -> str:
    """The name of the scene that is shown."""
    return str(page.evaluate("window.studio.state.scene?.id ?? ''"))


def complete(page: Page) -> str:
    """Wait until all of the scene that is shown is on the screen; its name."""
    wait_until(
        lambda: shown(page) != "" and page.query_selector(COMPLETE.format(shown(page))) is not None
    )
    return shown(page)


def values(page: Page) -> Any:
    return page.evaluate("window.studio.state.scene.values")


def becomes(page: Page, before: str) -> str:
    """Wait until another scene than `before` is shown and a step of the history."""
    wait_until(
        lambda: page.evaluate(
            "(before) => { const { scene, steps, at } = window.studio.state;"
            " return scene.id !== before && steps.get(at).id === scene.id; }",
            before,
        )
    )
    return complete(page)


def steps(page: Page) -> int:
    return int(page.evaluate("window.studio.state.steps.size"))


def keep(page: Page, name: str) -> None:
    """Keep a picture of the window where somebody wants to look at it."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder, f"studio-{name}.png"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "my.toml").write_text(SCENE.to_toml())
    return tmp_path


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


@pytest.mark.slow
def test_two_pages_and_a_server_that_is_started_again(browser: Browser, place: Path) -> None:
    with running(studio(place / "my.toml", folder=place)) as server:
        url = server.url
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        one, two = context.new_page(), context.new_page()
        for page in (one, two):
            page.goto(url)
            complete(page)
        begun = shown(one)
        for page, seed in ((one, 3), (two, 4)):
            page.bring_to_front()
            page.click(f"#thumbs .thumb[title='seed {seed}']")
            becomes(page, begun)
        assert len(Client(server).json("session.json")["steps"]) == 3
    one.bring_to_front()
    one.click("#thumbs .thumb[title='seed 5']")
    one.wait_for_selector("#note.bad:not([hidden])")
    with running(studio(folder=place)) as server:
        assert server.url == url
        one.wait_for_selector("#note:has-text('is back')")
        one.click("#kinds [data-kind=symmetry]")
        one.wait_for_selector("#thumbs .thumb[title='radial 2'] img.there")
        one.click("#thumbs .thumb[title='radial 2']")
        wait_until(lambda: values(one)["view"]["radial"] == 2)
        assert values(one)["cppn"]["seed"] == 3
    context.close()


def test_what_is_dropped_is_taken_or_refused(browser: Browser, place: Path) -> None:
    with (
        opened(place, place / "my.toml") as client,
        looking(browser, client.server.url, but="status of 422") as page,
    ):
        before = complete(page)

        def drop(name: str, data: str) -> None:
            page.evaluate(
                """([name, data]) => {
                    const carried = new DataTransfer();
                    carried.items.add(new File([data], name));
                    for (const kind of ['dragenter', 'dragover', 'drop']) {
                        document.getElementById('view').dispatchEvent(new DragEvent(kind,
                            { dataTransfer: carried, bubbles: true, cancelable: true }));
                    }
                }""",
                [name, data],
            )

        drop("other.toml", SCENE.replace(cppn={"seed": 40}).to_toml())
        taken = becomes(page, before)
        assert values(page)["cppn"]["seed"] == 40
        with page.expect_response("**/import?*") as answer:
            drop("wrong.png", "nothing")
        assert answer.value.status == 422
        page.wait_for_selector("#note.bad:not([hidden])")
        assert "no picture" in page.inner_text("#note")
        assert shown(page) == taken


def points(scene: Scene) -> Any:
    """The points of the plane at the first and the last pixel."""
    last = np.array([[scene.canvas.height - 1.0]]), np.array([[scene.canvas.width - 1.0]])
    ends = [scene.grid.points(np.zeros((1, 1)), np.zeros((1, 1))), scene.grid.points(*last)]
    return [[float(value[0, 0]) for value in end] for end in ends]


def scene_of(page: Page) -> Scene:
    return Scene.parse(page.evaluate("window.studio.state.scene.toml"))


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


@pytest.mark.slow
def test_a_picture_is_rendered_from_the_page(browser: Browser, place: Path) -> None:
    with opened(place, place / "my.toml") as client, looking(browser, client.server.url) as page:
        page.keyboard.press("r")
        page.click("[data-purpose=page]")
        page.fill("#order input >> nth=0", "large")
        page.fill("#order input >> nth=1", "1200")
        page.wait_for_selector("#plan:has-text('1200 × 800')")
        assert "tilecppn render large.toml -o large.zarr" in page.inner_text("#lines")
        keep(page, "render")
        page.click("#start")
        page.wait_for_selector(".render.done")
        assert "large.html" in page.inner_text("#renders")
        assert Scene.load(place / "large.dzi").canvas.width == 1200
        # What was made is opened as it was on the page.
        page.click("#rendering-close")
        before = complete(page)
        page.keyboard.press("o")
        page.fill("#search", "large.toml")
        page.keyboard.press("Enter")
        becomes(page, before)
        assert scene_of(page).replace(canvas={"width": 600, "height": 400}) == SCENE


@pytest.mark.slow
def test_a_film_is_played_and_rendered(browser: Browser, place: Path) -> None:
    with opened(place, place / "my.toml") as client, looking(browser, client.server.url) as page:
        begun = complete(page)
        page.click("#kinds [data-kind=latents]")
        page.keyboard.press("m")
        page.click("text=Add this picture")
        page.click("#thumbs .thumb[title='latent 3']")
        becomes(page, begun)
        page.click("text=Add this picture")
        page.fill("[aria-label=seconds]", "2")
        page.fill("[aria-label='frames a second']", "6")
        page.wait_for_selector(".player button:enabled")
        page.click(".player button")
        page.wait_for_selector("#playing:not([hidden])")
        keep(page, "film")
        first = page.get_attribute("#playing", "src")
        wait_until(lambda: page.get_attribute("#playing", "src") != first)
        page.focus("#view")
        page.keyboard.press("Escape")
        assert not page.is_visible("#playing")
        page.fill("[aria-label=name]", "morph")
        page.select_option("[aria-label=format]", "gif")
        page.click("text=Save and render")
        page.keyboard.press("Escape")
        page.keyboard.press("r")
        page.wait_for_selector(".render.done")
        assert (place / "morph.gif").exists()
        assert (place / "morph.toml").exists()
