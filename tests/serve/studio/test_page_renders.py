"""Films and renders that are begun from the page."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.serve.serving import wait_until
from tests.serve.studio.asking import opened
from tests.serve.studio.conftest import SCENE
from tests.serve.studio.looking import becomes, complete, holding, keep, looking, scene_of, shown
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import Scene


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
        page.wait_for_selector(".render.done img[src^='renders/0/']")  # as it is stored
        assert Scene.load(place / "large.dzi").canvas.width == 1200
        # What was made is opened as it was on the page.
        page.click("#rendering-close")
        before = complete(page)
        page.keyboard.press("o")
        page.fill("#search", "large.toml")
        page.keyboard.press("Enter")
        becomes(page, before)
        assert scene_of(page).replace(canvas={"width": 600, "height": 400}) == SCENE


def test_what_is_shown_is_added_to_a_film_before_it_is_a_step(
    browser: Browser, place: Path
) -> None:
    with opened(place, place / "my.toml") as client, looking(browser, client.server.url) as page:
        begun = complete(page)
        page.keyboard.press("m")
        with holding(page, "steps"):
            page.click("#thumbs .thumb[title='seed 3']")
            wait_until(lambda: shown(page) != begun)
            page.click("text=Add this picture")
        taken = becomes(page, begun)
        page.click("text=Add this picture")
        added = page.eval_on_selector_all(".knots img", "all => all.map((one) => one.src)")
        assert [src.split("/")[-1] for src in added] == [f"{taken}.png"] * 2


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
        # The second picture later, by hand and by a key, and the curve to it from a choice.
        marker = page.locator(".line .knot").nth(1)
        at, line = marker.bounding_box(), page.locator(".line").bounding_box()
        assert at is not None
        assert line is not None
        page.mouse.move(at["x"] + 15, at["y"] + 15)
        page.mouse.down()
        page.mouse.move(line["x"] + 0.75 * line["width"], at["y"] + 15, steps=4)
        page.mouse.up()
        time = page.locator("[aria-label='time of picture 2, in seconds']")
        dragged = float(time.input_value())
        assert dragged == pytest.approx(1.5, abs=0.02)
        page.keyboard.press("ArrowLeft")
        assert float(time.input_value()) == pytest.approx(dragged - 0.1)
        page.click(".segment >> nth=0")
        page.click(".curves [title=out]")
        page.wait_for_selector(".player button:enabled")
        page.click(".player button")
        page.wait_for_selector("#playing:not([hidden])")
        # Its middle is that of the picture.
        apart = page.evaluate(
            """() => {
                const frame = document.getElementById('playing');
                const { paddingTop, paddingBottom } = getComputedStyle(frame);
                const lower = (parseFloat(paddingTop) - parseFloat(paddingBottom)) / 2;
                return frame.clientHeight / 2 + lower - studio.camera.toScreen([300, 200])[1]; }"""
        )
        assert abs(apart) < 1.0
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
        page.wait_for_selector(".render.done img[src^='frames/256/']")
        assert (place / "morph.gif").exists()
        film = Timeline.load(place / "morph.toml")
        assert [knot.easing for knot in film.keyframes] == ["out", "in-out"]
        assert film.keyframes[1].time == pytest.approx(dragged - 0.1)
