"""What happens to an open page: another page, a server that is killed, files of all kinds."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.serve.serving import wait_until
from tests.serve.studio.asking import Client, opened, started
from tests.serve.studio.conftest import SCENE
from tests.serve.studio.looking import becomes, complete, looking, shown, values


@pytest.mark.slow
def test_two_pages_and_a_server_that_is_killed(browser: Browser, place: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    one, two = context.new_page(), context.new_page()
    with started(place, "my.toml") as server:
        url = server.url
        for page in (one, two):
            page.goto(url)
            complete(page)
        begun = shown(one)
        for page, seed in ((one, 3), (two, 4)):
            page.bring_to_front()
            page.click(f"#thumbs .thumb[title='seed {seed}']")
            becomes(page, begun)
        assert len(Client(server).json("session.json")["steps"]) == 3
        server.process.kill()
        server.process.wait()
        one.bring_to_front()
        one.click("#thumbs .thumb[title='seed 5']")
        one.wait_for_selector("#note.bad:not([hidden])")
    with started(place) as server:
        assert server.url == url
        one.wait_for_selector("#note:has-text('is back')")
        one.click("#kinds [data-kind=symmetry]")
        one.wait_for_selector("#thumbs .thumb[title='radial 2'] img.there")
        one.click("#thumbs .thumb[title='radial 2']")
        client, labels = Client(server), ["opened my.toml", "seed 3", "seed 4", "radial 2"]
        wait_until(
            lambda: [step["label"] for step in client.json("session.json")["steps"]] == labels
        )
        assert values(one)["cppn"]["seed"] == 3
    context.close()


def drop(page: Page, name: str, data: str) -> None:
    """Drop a file onto the page."""
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


def test_what_is_dropped_is_taken_or_refused(browser: Browser, place: Path) -> None:
    with (
        opened(place, place / "my.toml") as client,
        looking(browser, client.server.url, but="status of 422") as page,
    ):
        before = complete(page)
        large = "# much\n" * 150_000  # a megabyte
        drop(page, "other.toml", large + SCENE.replace(cppn={"seed": 40}).to_toml())
        taken = becomes(page, before)
        assert values(page)["cppn"]["seed"] == 40
        for name, data, why in (
            ("wrong.png", "nothing", "no picture"),
            ("program.exe", "MZ", "drop a scene"),
            ("wrong.toml", large + "[cppn]\nsed = 1\n", 'did you mean "seed"'),
        ):
            with page.expect_response("**/import?*") as answer:
                drop(page, name, data)
            assert answer.value.status == 422
            page.wait_for_selector(f"#note.bad:not([hidden]):has-text('{why}')")
        assert shown(page) == taken
