"""The palette's stops on the page: dragged, added, recoloured by keys, and taken away."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.serve.studio.asking import opened
from tests.serve.studio.looking import becomes, complete, looking, values

PALETTE = ["#101020", "#e0c080", "#ffffff", "#a03020", "#200810"]


def palette(page: Page) -> Any:
    return values(page)["output"]["palette"]


@pytest.mark.slow
def test_stops_lie_where_they_are_put(browser: Browser, place: Path) -> None:
    with opened(place, place / "my.toml") as client, looking(browser, client.server.url) as page:
        before = complete(page)
        page.wait_for_selector(".stop")
        change = "(palette) => window.studio.change({ output: { palette } })"
        page.evaluate(change, PALETTE)
        before = becomes(page, before)
        bar = page.locator(".gradient").bounding_box()
        assert bar is not None

        def x(place: float) -> float:
            assert bar is not None
            return bar["x"] + bar["width"] * place / 100

        stops = bar["y"] + bar["height"] + 18
        # The second is dragged beyond the third.
        page.mouse.move(x(25), stops)
        page.mouse.down()
        page.mouse.move(x(60), stops, steps=5)
        page.mouse.up()
        before = becomes(page, before)
        moved = ["#101020 0%", "#ffffff 50%", "#e0c080 60%", "#a03020 75%", "#200810 100%"]
        assert palette(page) == moved
        # By keys; it has the focus.
        page.keyboard.press("ArrowRight")
        before = becomes(page, before)
        assert palette(page)[2] == "#e0c080 61%"
        page.keyboard.press("Delete")
        before = becomes(page, before)
        assert palette(page) == [*moved[:2], *moved[3:]]
        # One more, of the colour that is there.
        page.mouse.click(x(87), bar["y"] + 10)
        before = becomes(page, before)
        assert [text.split(" ")[1] for text in palette(page)] == ["0%", "50%", "75%", "87%", "100%"]
        page.mouse.move(x(87), stops)  # and dragged off
        page.mouse.down()
        page.mouse.move(x(87), stops + 120)
        page.mouse.up()
        before = becomes(page, before)
        assert palette(page) == [*moved[:2], *moved[3:]]
        page.click("[title='Backwards']")
        before = becomes(page, before)
        assert palette(page)[1] == "#a03020 25%"
        page.click("[title='Evenly spaced']")
        becomes(page, before)
        assert palette(page) == ["#200810", "#a03020", "#ffffff", "#101020"]
