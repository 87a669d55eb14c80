"""The studio's page in a browser: what it shows, and when it is ready."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Request

from tests.serve.serving import wait_until
from tilecppn.scene.scene import Scene

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
    page.set_default_timeout(60_000)
    page.on("console", lambda message: said.append(f"{message.text} {message.location['url']}"))
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
    wrong = [words for words in said if but not in words]
    assert wrong == [], wrong


def failure(request: Request) -> list[str]:
    """What failed; a picture or a plan that the page itself no longer wants did not."""
    parts = ("/tiles", "/thumbs", "/renders/", "/frames/", "/plan")
    dropped = any(part in request.url for part in parts)
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
    """All values of the scene that is shown."""
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


@contextmanager
def holding(page: Page, path: str) -> Iterator[None]:
    """Hold the page's next request of a path until the block ends.

    In the page itself: a route of Playwright intercepts all requests, and one that is for a single
    request stops doing so while others are on their way.
    """
    page.evaluate(
        """(held) => {
            const { fetch } = window;
            const released = new Promise((resolve) => (window.release = resolve));
            window.fetch = async (path, options) => {
                if (path !== held) return fetch(path, options);
                window.fetch = fetch;
                await released;
                return fetch(path, options);
            }; }""",
        path,
    )
    yield
    page.evaluate("window.release()")


def steps(page: Page) -> int:
    """How many steps the history has."""
    return int(page.evaluate("window.studio.state.steps.size"))


def keep(page: Page, name: str) -> None:
    """Keep a picture of the window where somebody wants to look at it."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder, f"studio-{name}.png"))


def scene_of(page: Page) -> Scene:
    """The scene that is shown."""
    return Scene.parse(page.evaluate("window.studio.state.scene.toml"))
