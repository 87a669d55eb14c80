"""Whatever is written in the studio stands out from what lies behind it, in both themes."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.serve.contrast import faint
from tests.serve.studio.asking import opened
from tests.serve.studio.looking import THERE, keep, looking

SECTIONS = "document.querySelectorAll('#controls details').forEach((part) => (part.open = true))"
NOTE = "(bad) => window.studio.note('A note', bad)"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_all_panels_can_be_read(browser: Browser, place: Path, scheme: str) -> None:
    with (
        opened(place, place / "my.toml") as client,
        looking(browser, client.server.url, color_scheme=scheme) as page,
    ):
        page.wait_for_selector(THERE.format(3))
        page.wait_for_selector("#controls details")
        page.evaluate(SECTIONS)
        page.click("#thumbs .thumb:nth-child(2)", modifiers=["Shift"])
        for bad in (False, True):
            page.evaluate(NOTE, bad)
            assert page.is_visible("#note")
            assert faint(page) == []
        keep(page, f"contrast-{scheme}")
        for kind in ("mutations", "presets"):
            page.click(f"#kinds [data-kind={kind}]")
            page.wait_for_selector(THERE.format(3))
            assert faint(page) == [], kind
        for panel in ("history", "time"):
            page.click(f"#tab-{panel}")
            assert page.is_visible(f"#{panel}")
            assert faint(page) == [], panel
            keep(page, f"{panel}-{scheme}")
        page.focus("#view")
        for key, dialog in (("?", "keys"), ("o", "opening"), ("s", "saving"), ("r", "rendering")):
            page.keyboard.press(key)
            page.wait_for_selector(f"#{dialog}[open]")
            assert faint(page) == [], dialog
            if key == "r":
                for purpose in ("print", "page", "film", "image"):
                    page.click(f"#purposes [data-purpose={purpose}]")
                    page.wait_for_selector("#lines code")
                    assert faint(page) == [], purpose
                    keep(page, f"render-{purpose}-{scheme}")
            page.keyboard.press("Escape")
            page.wait_for_selector(f"#{dialog}", state="hidden")
            page.focus("#view")
